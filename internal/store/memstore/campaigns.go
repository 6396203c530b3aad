package memstore

import (
	"context"
	"slices"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// Create makes a campaign, vouchers, or both, all or nothing.
func (s *Store) Create(_ context.Context, want store.Creation) (store.Creation, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.Creation{}, false, errClosed
	}
	if first, known := s.creations[want.Key]; known {
		if first.Fingerprint != want.Fingerprint {
			return store.Creation{}, false, fault.ErrKeyReused
		}
		return clone(first), true, nil
	}
	now := s.now()
	made := clone(want)
	made.By = access.By{}
	if c := made.Campaign; c != nil {
		c.GivenMinor, c.Redeemed, c.Version, c.CreatedAt, c.UpdatedAt = 0, 0, 1, now, now
		c.Window = window(c.Window)
	}
	codes := map[string]bool{}
	for i := range made.Vouchers {
		v := &made.Vouchers[i]
		v.Redeemed, v.Ranked, v.Version, v.CreatedAt, v.UpdatedAt = 0, 0, 1, now, now
		c, known := s.campaigns[v.CampaignID]
		if made.Campaign == nil {
			made.Campaign = copied(c)
		}
		if !known && (want.Campaign == nil || v.CampaignID != want.Campaign.ID) {
			return store.Creation{}, false, fault.ErrCampaignNotFound
		}
		if s.codes[v.Key] != nil || codes[v.Key] {
			return store.Creation{}, false, fault.ErrCodeTaken
		}
		codes[v.Key] = true
	}
	events, err := store.CreationEvents(made, want.Campaign != nil, want.By, now)
	if err != nil {
		return store.Creation{}, false, err
	}
	s.record(events)
	if want.Campaign != nil {
		s.campaigns[want.Campaign.ID] = copied(made.Campaign)
	}
	for _, v := range made.Vouchers {
		s.vouchers[v.ID] = &v
		s.codes[v.Key] = &v
	}
	if want.Key != "" {
		s.creations[want.Key] = clone(made)
	}
	return made, false, nil
}

// Campaign returns one.
func (s *Store) Campaign(_ context.Context, of id.ID) (*voucher.Campaign, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, known := s.campaigns[of]
	if !known {
		return nil, time.Time{}, fault.ErrCampaignNotFound
	}
	return copied(c), s.now(), nil
}

// ListCampaigns returns a page, newest first.
func (s *Store) ListCampaigns(_ context.Context, p store.Page) (cs []voucher.Campaign, more bool, now time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cs, more, err = pageOf(s.campaigns, p, func(*voucher.Campaign) bool { return true })
	return cs, more, s.now(), err
}

// AmendCampaign changes one and returns it changed.
func (s *Store) AmendCampaign(_ context.Context, of id.ID, p voucher.CampaignPatch, by access.By) (*voucher.Campaign, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	c, known := s.campaigns[of]
	if !known {
		return nil, fault.ErrCampaignNotFound
	}
	amended, err := c.Amend(p, s.now())
	if err != nil {
		return nil, err
	}
	amended.Window = window(amended.Window)
	events, err := store.CampaignEvents(c, &amended, by)
	if err != nil {
		return nil, err
	}
	s.record(events)
	*c = amended
	return copied(c), nil
}

// AmendVoucher changes one and returns it changed, with its campaign.
func (s *Store) AmendVoucher(_ context.Context, of id.ID, p voucher.Patch, by access.By) (store.Listing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.Listing{}, errClosed
	}
	v, known := s.vouchers[of]
	if !known {
		return store.Listing{}, fault.ErrVoucherNotFound
	}
	amended, err := v.Amend(p, s.now())
	if err != nil {
		return store.Listing{}, err
	}
	events, err := store.VoucherEvents(v, &amended, by)
	if err != nil {
		return store.Listing{}, err
	}
	s.record(events)
	*v = amended
	return s.listing(v), nil
}

// window is w as every store keeps it.
func window(w voucher.Window) voucher.Window {
	return voucher.Window{Start: micro(w.Start), End: micro(w.End)}
}

// clone is a creation that shares nothing with c.
func clone(c store.Creation) store.Creation {
	c.Campaign = copied(c.Campaign)
	c.Vouchers = slices.Clone(c.Vouchers)
	return c
}
