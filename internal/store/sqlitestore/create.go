package sqlitestore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// administrators own the Idempotency-Keys of what is not a customer's.
const administrators = 0

// refused carries a refusal out of a transaction that it ends.
type refused struct{ fault *fault.Error }

func (r refused) Error() string { return r.fault.Error() }

// refusalOf unwraps a refusal, so that the caller gets the fault and not the transaction's end. Where the disk
// is full or fails, it is fault.ErrStoreUnavailable: the same request may succeed later.
func refusalOf(err error) error {
	if r, ok := errors.AsType[refused](err); ok {
		return r.fault
	}
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultFull, sqlite.ResultIOErr, sqlite.ResultBusy, sqlite.ResultReadOnly, sqlite.ResultCantOpen:
		return fault.ErrStoreUnavailable.With(err)
	default:
		return err
	}
}

// Create makes a campaign, vouchers, or both, as one unit.
func (s *Store) Create(_ context.Context, c store.Creation) (made store.Creation, replayed bool, err error) {
	err = s.write(func(w *writer) error {
		if c.Key != "" {
			var out store.Outcome
			used, err := w.replayedKey(administrators, c.Key, kindCreate, c.Fingerprint, &out)
			if err != nil {
				return err
			}
			if out.Refusal != nil {
				return refused{out.Refusal}
			}
			if used != nil {
				replayed = true
				return json.Unmarshal([]byte(used.snapshot), &made)
			}
		}
		if made, err = w.create(c); err != nil {
			return err
		}
		return w.recorded(store.CreationEvents(made, c.Campaign != nil, c.By, w.now))
	})
	if err != nil {
		return store.Creation{}, false, refusalOf(err)
	}
	return made, replayed, nil
}

func (w *writer) create(c store.Creation) (store.Creation, error) {
	made := store.Creation{Key: c.Key, Fingerprint: c.Fingerprint}
	if c.Campaign != nil {
		created, err := w.insertCampaign(*c.Campaign)
		if err != nil {
			return made, err
		}
		made.Campaign = &created
	}
	for _, v := range c.Vouchers {
		campaignNo, campaign, err := w.campaignByID(v.CampaignID)
		if err != nil {
			return made, err
		}
		if made.Campaign == nil {
			made.Campaign = campaign
		}
		if v, err = w.insertVoucher(v, campaignNo); err != nil {
			return made, err
		}
		made.Vouchers = append(made.Vouchers, v)
	}
	if c.Key == "" {
		return made, nil
	}
	snapshot, err := json.Marshal(made)
	if err != nil {
		return made, err
	}
	return made, w.writeKey(administrators, c.Key, kindCreate, id.New(w.now), c.Fingerprint, string(snapshot))
}

func (w *writer) insertCampaign(c voucher.Campaign) (voucher.Campaign, error) {
	c.GivenMinor, c.Redeemed, c.Version, c.CreatedAt, c.UpdatedAt = 0, 0, 1, w.now, w.now
	err := w.addCampaign.id(c.ID).text(c.Name).text(string(c.Currency)).
		int(int64(c.Effect.Kind)).int(c.Effect.AmountMinor).int(c.Effect.PercentBP).int(c.Effect.MaxMinor).
		bound(c.Window.Start).bound(c.Window.End).
		int(c.Budget.AmountMinor).int(c.Budget.Count).int(c.Budget.PerCustomer).bool(c.Disabled).
		int(w.now.UnixMicro()).int(w.now.UnixMicro()).exec()
	return c, err
}

func (w *writer) insertVoucher(v voucher.Voucher, campaignNo int64) (voucher.Voucher, error) {
	v.Redeemed, v.Ranked, v.Version, v.CreatedAt, v.UpdatedAt = 0, 0, 1, w.now, w.now
	err := w.addVoucher.id(v.ID).int(campaignNo).text(v.Code).text(v.Key).int(v.Limit).int(v.PerCustomer).
		text(v.Customer).bool(v.Disabled).int(w.now.UnixMicro()).int(w.now.UnixMicro()).exec()
	if sqlite.ErrCode(err) == sqlite.ResultConstraintUnique {
		return v, refused{fault.ErrCodeTaken}
	}
	return v, err
}

func (w *writer) campaignByID(campaign id.ID) (int64, *voucher.Campaign, error) {
	q := &w.findCampaign
	found, err := q.id(campaign).row()
	if err != nil {
		return 0, nil, err
	}
	if !found {
		return 0, nil, refused{fault.ErrCampaignNotFound}
	}
	no, c := q.nextCampaign()
	return no, c, q.done()
}

// AmendCampaign changes one by voucher.Campaign.Amend.
func (s *Store) AmendCampaign(_ context.Context, campaign id.ID, p voucher.CampaignPatch, by access.By) (*voucher.Campaign, error) {
	var changed voucher.Campaign
	err := s.write(func(w *writer) error {
		no, _, err := w.campaignByID(campaign)
		if err != nil {
			return err
		}
		h, err := w.campaignByNo(no)
		if err != nil {
			return err
		}
		if changed, err = h.c.Amend(p, w.now); err != nil {
			return refused{fault.From(err)}
		}
		before := h.c
		h.c = changed
		b := changed.Budget
		err = w.amendCampaign.text(changed.Name).bound(changed.Window.Start).bound(changed.Window.End).
			int(b.AmountMinor).int(b.Count).int(b.PerCustomer).bool(changed.Disabled).
			int(changed.Version).int(w.now.UnixMicro()).int(no).execOne(w.conn)
		if err != nil {
			return fmt.Errorf("amend campaign %s: %w", campaign.Format(id.Campaign), err)
		}
		return w.recorded(store.CampaignEvents(&before, &changed, by))
	})
	if err != nil {
		return nil, refusalOf(err)
	}
	return &changed, nil
}

// AmendVoucher changes one by voucher.Voucher.Amend.
func (s *Store) AmendVoucher(_ context.Context, v id.ID, p voucher.Patch, by access.By) (l store.Listing, err error) {
	err = s.write(func(w *writer) error {
		h, err := w.voucherOf(v)
		if err != nil {
			return err
		}
		if h == nil {
			return refused{fault.ErrVoucherNotFound}
		}
		changed, err := h.v.Amend(p, w.now)
		if err != nil {
			return refused{fault.From(err)}
		}
		before := h.v
		h.v = changed
		campaign := h.campaign.c
		l = store.Listing{Campaign: &campaign, Voucher: &changed}
		err = w.amendVoucher.int(changed.Limit).int(changed.PerCustomer).text(changed.Customer).bool(changed.Disabled).
			int(changed.Version).int(w.now.UnixMicro()).int(h.no).execOne(w.conn)
		if err != nil {
			return fmt.Errorf("amend voucher %s: %w", v.Format(id.Voucher), err)
		}
		return w.recorded(store.VoucherEvents(&before, &changed, by))
	})
	if err != nil {
		return store.Listing{}, refusalOf(err)
	}
	return l, nil
}
