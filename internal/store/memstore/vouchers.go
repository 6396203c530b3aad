package memstore

import (
	"context"
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// Lookup finds vouchers by the keys of their codes.
func (s *Store) Lookup(_ context.Context, keys []string) ([]store.Listing, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	listings := make([]store.Listing, 0, len(keys))
	for _, key := range keys {
		listings = append(listings, s.listing(s.codes[key]))
	}
	return listings, s.now(), nil
}

// Claims returns what a customer holds of a voucher and of its campaign, and the first receipt.
func (s *Store) Claims(_ context.Context, customer string, v *voucher.Voucher) (voucher.Claims, *voucher.Redemption, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	claims, receipt := s.claims(customer, v.ID, v.CampaignID)
	return claims, copied(receipt), nil
}

// Winners calls yield with the customer of each redemption of a voucher, without the mutex.
func (s *Store) Winners(_ context.Context, of id.ID, yield func(customer string) bool) (voucher.Fact, error) {
	s.mu.Lock()
	l := s.listing(s.vouchers[of])
	if l.Voucher == nil {
		s.mu.Unlock()
		return voucher.Fact{}, fault.ErrVoucherNotFound
	}
	fact := voucher.FactOf(l.Campaign, l.Voucher, s.now())
	customers := make([]string, 0, len(s.won[of]))
	for _, r := range s.won[of] {
		customers = append(customers, r.Customer)
	}
	s.mu.Unlock()
	for _, customer := range customers {
		if !yield(customer) {
			break
		}
	}
	return fact, nil
}

// Voucher returns one with its campaign.
func (s *Store) Voucher(_ context.Context, of id.ID) (store.Listing, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, known := s.vouchers[of]
	if !known {
		return store.Listing{}, time.Time{}, fault.ErrVoucherNotFound
	}
	return s.listing(v), s.now(), nil
}

// ListVouchers returns a page, newest first.
func (s *Store) ListVouchers(_ context.Context, f store.VoucherFilter, p store.Page) (ls []store.Listing, more bool, now time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	vs, more, err := pageOf(s.vouchers, p, func(v *voucher.Voucher) bool {
		return (f.Campaign.IsZero() || v.CampaignID == f.Campaign) && (f.Key == "" || v.Key == f.Key)
	})
	ls = make([]store.Listing, 0, len(vs))
	for _, v := range vs {
		ls = append(ls, s.listing(&v))
	}
	return ls, more, s.now(), err
}

// claims is what a customer holds of a voucher and of its campaign, net of rollbacks, and the first
// receipt of the voucher that stands.
func (s *Store) claims(customer string, of, campaign id.ID) (claims voucher.Claims, receipt *voucher.Redemption) {
	for _, r := range s.held[holder{of: of, customer: customer}] {
		if r.RolledBackAt.IsZero() {
			claims.OnVoucher++
			if receipt == nil {
				receipt = r
			}
		}
	}
	for _, r := range s.held[holder{of: campaign, customer: customer}] {
		if r.RolledBackAt.IsZero() {
			claims.OnCampaign++
		}
	}
	return claims, receipt
}

// listing is a copy of a voucher with its campaign, empty for no voucher.
func (s *Store) listing(v *voucher.Voucher) store.Listing {
	if v == nil {
		return store.Listing{}
	}
	return store.Listing{Campaign: copied(s.campaigns[v.CampaignID]), Voucher: copied(v)}
}
