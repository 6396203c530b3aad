package memstore

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// Redemption returns one.
func (s *Store) Redemption(_ context.Context, of id.ID) (*voucher.Redemption, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, known := s.redemptions[of]
	if !known {
		return nil, fault.ErrRedemptionNotFound
	}
	return copied(r), nil
}

// ListRedemptions returns a page, newest first.
func (s *Store) ListRedemptions(_ context.Context, f store.RedemptionFilter, p store.Page) ([]voucher.Redemption, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return pageOf(s.redemptions, p, func(r *voucher.Redemption) bool {
		return (f.Customer == "" || r.Customer == f.Customer) &&
			(f.Voucher.IsZero() || r.VoucherID == f.Voucher) &&
			(f.Campaign.IsZero() || r.CampaignID == f.Campaign)
	})
}

// Balances returns the balance of each wallet asked for.
func (s *Store) Balances(_ context.Context, wallets []store.WalletRef) ([]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	balances := make([]int64, len(wallets))
	for i, ref := range wallets {
		if w, known := s.wallets[ref]; known {
			balances[i] = w.balance.Minor
		}
	}
	return balances, nil
}

// Wallet returns all balances of a customer, by currency.
func (s *Store) Wallet(_ context.Context, customer string) ([]ledger.Balance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var balances []ledger.Balance
	for ref, w := range s.wallets {
		if ref.Customer == customer {
			balances = append(balances, w.balance)
		}
	}
	slices.SortFunc(balances, func(a, b ledger.Balance) int { return cmp.Compare(a.Currency, b.Currency) })
	return balances, nil
}

// Transactions returns a page of one wallet's ledger entries, newest first: by Seq, descending.
func (s *Store) Transactions(_ context.Context, ref store.WalletRef, p store.Page) ([]ledger.Transfer, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []ledger.Transfer
	if w, known := s.wallets[ref]; known {
		list = slices.Clone(w.entries)
		slices.Reverse(list)
	}
	return cut(list, p, func(t ledger.Transfer) id.ID { return t.ID })
}

// pageOf is a page of copies of what is kept, newest first: by id, descending.
func pageOf[T any](kept map[id.ID]*T, p store.Page, keep func(*T) bool) ([]T, bool, error) {
	var ids []id.ID
	for of, object := range kept {
		if keep(object) {
			ids = append(ids, of)
		}
	}
	slices.SortFunc(ids, func(a, b id.ID) int { return bytes.Compare(b[:], a[:]) })
	ids, more, err := cut(ids, p, func(of id.ID) id.ID { return of })
	if err != nil {
		return nil, false, err
	}
	objects := make([]T, 0, len(ids))
	for _, of := range ids {
		objects = append(objects, *kept[of])
	}
	return objects, more, nil
}

// cut cuts a page out of a whole list, and says whether there is more in the page's direction.
func cut[T any](list []T, p store.Page, idOf func(T) id.ID) (part []T, more bool, err error) {
	if p.Limit < 1 || p.Limit > store.PageLimitMax {
		return nil, false, fault.ErrInvalidRequest.Says("A page has 1 to 100 objects.").On("limit")
	}
	if !p.After.IsZero() && !p.Before.IsZero() {
		return nil, false, fault.ErrInvalidCursor
	}
	at := func(cursor id.ID) int {
		return slices.IndexFunc(list, func(object T) bool { return idOf(object) == cursor })
	}
	switch {
	case !p.After.IsZero():
		i := at(p.After)
		if i < 0 {
			return nil, false, fault.ErrInvalidCursor
		}
		list = list[i+1:]
	case !p.Before.IsZero():
		i := at(p.Before)
		if i < 0 {
			return nil, false, fault.ErrInvalidCursor
		}
		nearest := max(0, i-p.Limit)
		return list[nearest:i], nearest > 0, nil
	}
	n := min(p.Limit, len(list))
	return list[:n], len(list) > n, nil
}
