package sqlitestore

import (
	"context"
	"slices"
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// listing of T: how a list is read.
type list[T any] struct {
	columns string
	from    string          // FROM …, without WHERE
	where   string          // the filter, may be empty
	bind    func(q *stmt)   // binds the filter's arguments
	order   string          // the unique column by which the list is ordered
	next    func(q *stmt) T // reads a row
}

// page reads one page: newest first, whichever way the cursor points.
func (l *list[T]) page(r *reader, limit int, after, before func(q *stmt)) ([]T, bool, error) {
	if limit < 1 || limit > store.PageLimitMax {
		return nil, false, fault.ErrInvalidRequest.Says("A limit is 1 to 100.").On("limit")
	}
	if after != nil && before != nil {
		return nil, false, fault.ErrInvalidCursor
	}
	where, direction, cursor := l.where, " DESC", after
	switch {
	case after != nil:
		where = and(where, l.order+" < ?")
	case before != nil:
		where, direction, cursor = and(where, l.order+" > ?"), " ASC", before
	}
	q := r.stmt("SELECT " + l.columns + l.from + whereClause(where) + " ORDER BY " + l.order + direction + " LIMIT ?")
	l.bind(q)
	if cursor != nil {
		cursor(q)
	}
	q.int(int64(limit) + 1)
	items := make([]T, 0, limit+1)
	if err := q.each(func() { items = append(items, l.next(q)) }); err != nil {
		return nil, false, err
	}
	more := len(items) > limit
	items = items[:min(len(items), limit)]
	if before != nil {
		slices.Reverse(items)
	}
	return items, more, nil
}

// has reports whether an object is in the list, so that it may serve as a cursor.
func (l *list[T]) has(r *reader, cursor id.ID) error {
	q := r.stmt("SELECT 1 " + l.from + whereClause(and(l.where, l.order+" = ?")))
	l.bind(q)
	found, err := one(q.id(cursor))
	if err == nil && found == 0 {
		return fault.ErrInvalidCursor
	}
	return err
}

// byID reads a page of a list that is ordered by id.
func (l *list[T]) byID(r *reader, p store.Page) ([]T, bool, error) {
	var after, before func(q *stmt)
	if !p.After.IsZero() {
		after = func(q *stmt) { q.id(p.After) }
	}
	if !p.Before.IsZero() {
		before = func(q *stmt) { q.id(p.Before) }
	}
	for _, cursor := range []id.ID{p.After, p.Before} {
		if cursor.IsZero() {
			continue
		}
		if err := l.has(r, cursor); err != nil {
			return nil, false, err
		}
	}
	return l.page(r, p.Limit, after, before)
}

func and(a, b string) string {
	if a == "" {
		return b
	}
	return a + " AND " + b
}

func whereClause(w string) string {
	if w == "" {
		return ""
	}
	return " WHERE " + w
}

// ListRedemptions returns a page, newest first.
func (s *Store) ListRedemptions(ctx context.Context, f store.RedemptionFilter, p store.Page) (rs []voucher.Redemption, more bool, err error) {
	l := list[voucher.Redemption]{
		columns: redemptionColumns, from: redemptionFrom, order: "r.id",
		bind: func(*stmt) {},
		next: func(q *stmt) voucher.Redemption { return *q.nextRedemption() },
	}
	customerNo := int64(0)
	switch {
	case f.Customer != "":
		l.where = "r.id IN (SELECT id FROM transfer WHERE customer_no = ? AND kind = 1)"
		l.bind = func(q *stmt) { q.int(customerNo) }
	case !f.Voucher.IsZero():
		l.where = "r.voucher_no = (SELECT no FROM voucher WHERE id = ?)"
		l.bind = func(q *stmt) { q.id(f.Voucher) }
	case !f.Campaign.IsZero():
		l.where = "r.voucher_no IN (SELECT v2.no FROM voucher v2 JOIN campaign c2 ON c2.no = v2.campaign_no WHERE c2.id = ?)"
		l.bind = func(q *stmt) { q.id(f.Campaign) }
	}
	err = s.readLong(ctx, func(r *reader) error {
		return r.snapshot(func() (err error) {
			if f.Customer != "" {
				if customerNo, err = r.customerNo(f.Customer); err != nil {
					return err
				}
			}
			rs, more, err = l.byID(r, p)
			return err
		})
	})
	return rs, more, err
}

// ListVouchers returns a page, newest first.
func (s *Store) ListVouchers(ctx context.Context, f store.VoucherFilter, p store.Page) (ls []store.Listing, more bool, now time.Time, err error) {
	l := list[store.Listing]{
		columns: voucherColumns + "," + campaignColumns, order: "v.id",
		from: "FROM voucher v CROSS JOIN campaign c ON c.no = v.campaign_no",
		bind: func(*stmt) {},
		next: func(q *stmt) store.Listing { return q.nextListing() },
	}
	switch {
	case !f.Campaign.IsZero():
		l.where = "v.campaign_no = (SELECT no FROM campaign WHERE id = ?)"
		l.bind = func(q *stmt) { q.id(f.Campaign) }
	case f.Key != "":
		l.where = "v.code_key = ?"
		l.bind = func(q *stmt) { q.text(f.Key) }
	}
	err = s.readLong(ctx, func(r *reader) error {
		return r.snapshot(func() (err error) {
			ls, more, err = l.byID(r, p)
			return err
		})
	})
	return ls, more, s.now(), err
}

// Campaign returns one.
func (s *Store) Campaign(ctx context.Context, campaign id.ID) (c *voucher.Campaign, now time.Time, err error) {
	err = s.read(ctx, func(r *reader) error {
		q := r.stmt("SELECT" + campaignColumns + "FROM campaign c WHERE c.id = ?").id(campaign)
		found, err := q.row()
		if err != nil {
			return err
		}
		if !found {
			return fault.ErrCampaignNotFound
		}
		_, c = q.nextCampaign()
		return q.done()
	})
	return c, s.now(), err
}

// ListCampaigns returns a page, newest first.
func (s *Store) ListCampaigns(ctx context.Context, p store.Page) (cs []voucher.Campaign, more bool, now time.Time, err error) {
	l := list[voucher.Campaign]{
		columns: campaignColumns, from: "FROM campaign c", order: "c.id",
		bind: func(*stmt) {},
		next: func(q *stmt) voucher.Campaign {
			_, c := q.nextCampaign()
			return *c
		},
	}
	err = s.readLong(ctx, func(r *reader) error {
		return r.snapshot(func() (err error) {
			cs, more, err = l.byID(r, p)
			return err
		})
	})
	return cs, more, s.now(), err
}

// Transactions returns a page of one wallet's ledger entries, newest first.
func (s *Store) Transactions(ctx context.Context, w store.WalletRef, p store.Page) (ts []ledger.Transfer, more bool, err error) {
	err = s.readLong(ctx, func(r *reader) error {
		return r.snapshot(func() error {
			customerNo, err := r.customerNo(w.Customer)
			if err != nil {
				return err
			}
			after, err := r.entryCursor(customerNo, w, p.After)
			if err != nil {
				return err
			}
			before, err := r.entryCursor(customerNo, w, p.Before)
			if err != nil {
				return err
			}
			l := list[ledger.Transfer]{
				columns: transferColumns, from: transferFrom, order: "t.seq",
				where: "t.customer_no = ? AND t.currency = ?",
				bind:  func(q *stmt) { q.int(customerNo).text(string(w.Currency)) },
				next:  func(q *stmt) ledger.Transfer { return q.nextTransfer(w.Customer, w.Currency) },
			}
			ts, more, err = l.page(r, p.Limit, after, before)
			return err
		})
	})
	return ts, more, err
}

// entryCursor finds where in a wallet a ledger entry stands. What caused the entry knows.
func (r *reader) entryCursor(customerNo int64, w store.WalletRef, cursor id.ID) (func(q *stmt), error) {
	if cursor.IsZero() {
		return nil, nil //nolint:nilnil // no cursor was asked for
	}
	seq, err := one(r.stmt(`SELECT seq FROM redemption WHERE id = ?1 UNION ALL SELECT seq FROM rollback WHERE id = ?1
		UNION ALL SELECT iif(customer_no = ?2, seq, to_seq) FROM post WHERE id = ?1`).id(cursor).int(customerNo))
	if err != nil {
		return nil, err
	}
	found, err := one(r.stmt("SELECT 1 FROM transfer WHERE customer_no = ? AND currency = ? AND seq = ? AND id = ?").
		int(customerNo).text(string(w.Currency)).int(seq).id(cursor))
	if err != nil {
		return nil, err
	}
	if found == 0 {
		return nil, fault.ErrInvalidCursor
	}
	return func(q *stmt) { q.int(seq) }, nil
}
