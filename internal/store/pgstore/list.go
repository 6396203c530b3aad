package pgstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// list of T: how a list is read. A list of what one object owns goes along the index of its owner's id and
// its own.
type list[T any] struct {
	columns string
	from    string           // FROM …, without WHERE
	where   string           // a filter that leaves little, may be empty
	owner   string           // the column before order in the index, may be empty: only what has the last of args there
	args    []any            // of the filter and the owner, from $1
	order   string           // the unique column by which the list is ordered
	scan    pgx.RowToFunc[T] // reads a row
}

// cursors are the ends of a page, as values of the list's order: nil where there is none.
type cursors struct{ after, before any }

// query is the query of one page, one row longer than the page: newest first, or oldest first behind a
// cursor that looks back.
func (l *list[T]) query(limit int, c cursors) (query string, args []any) {
	args = slices.Clone(l.args)
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	direction, beyond := " DESC", ""
	switch {
	case c.after != nil:
		beyond = " < (" + l.keyed(arg(c.after)) + ")"
	case c.before != nil:
		direction, beyond = " ASC", " > ("+l.keyed(arg(c.before))+")"
	}
	where, order := l.where, l.order+direction
	if l.owner != "" {
		// As a range, and with the owner in the order, so that only the owner's index serves. Of an equation the
		// planner knows that it leaves the order alone, and would take the index of all ids where it hopes
		// to meet the owner's soon: it may go through the whole table.
		where, order = and(where, l.owner+" BETWEEN "+l.ownerArg()+" AND "+l.ownerArg()), l.owner+direction+", "+order
	}
	if beyond != "" {
		where = and(where, "("+l.key()+")"+beyond)
	}
	return "SELECT" + l.columns + l.from + whereClause(where) + " ORDER BY " + order + " LIMIT " + arg(limit+1), args
}

// key is what the list goes along: the owner, if it has one, and the order.
func (l *list[T]) key() string {
	if l.owner == "" {
		return l.order
	}
	return l.owner + ", " + l.order
}

// keyed is a value of key.
func (l *list[T]) keyed(at string) string {
	if l.owner == "" {
		return at
	}
	return l.ownerArg() + ", " + at
}

func (l *list[T]) ownerArg() string { return "$" + strconv.Itoa(len(l.args)) }

// page reads one page: newest first, whichever way the cursor points. now is the moment for which it holds.
func (l *list[T]) page(ctx context.Context, s *Store, limit int, c cursors) (items []T, more bool, now time.Time, err error) {
	query, args := l.query(limit, c)
	items, now, err = collectAt(ctx, s, l.scan, query, args...)
	if err != nil {
		return nil, false, now, err
	}
	more = len(items) > limit
	items = items[:min(len(items), limit)]
	if c.before != nil {
		slices.Reverse(items)
	}
	return items, more, now, nil
}

// sound refuses a page that can't be.
func sound(p store.Page) error {
	if p.Limit < 1 || p.Limit > store.PageLimitMax {
		return fault.ErrInvalidRequest.Says("A limit is 1 to 100.").On("limit")
	}
	if !p.After.IsZero() && !p.Before.IsZero() {
		return fault.ErrInvalidCursor
	}
	return nil
}

// byID reads a page of a list that is ordered by id.
func (l *list[T]) byID(ctx context.Context, s *Store, p store.Page) (items []T, more bool, now time.Time, err error) {
	if err := sound(p); err != nil {
		return nil, false, now, err
	}
	after, err := l.cursor(ctx, s, p.After)
	if err != nil {
		return nil, false, now, err
	}
	before, err := l.cursor(ctx, s, p.Before)
	if err != nil {
		return nil, false, now, err
	}
	return l.page(ctx, s, p.Limit, cursors{after, before})
}

// cursor is where an object stands in a list that is ordered by id: nil for no object. It must be in the
// list; as nothing ever leaves a list, it may be looked for before the page is read.
func (l *list[T]) cursor(ctx context.Context, s *Store, object id.ID) (any, error) {
	if object.IsZero() {
		return nil, nil //nolint:nilnil // no cursor was asked for
	}
	at := [16]byte(object)
	where := and(l.where, l.order+" = $"+strconv.Itoa(len(l.args)+1))
	if l.owner != "" {
		where = and(where, l.owner+" = "+l.ownerArg())
	}
	query := "SELECT 1" + l.from + whereClause(where)
	_, err := one(ctx, s, fault.ErrInvalidCursor, pgx.RowTo[int], query, append(slices.Clone(l.args), at)...)
	return at, err
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

// redemptionsOfCustomer reads them all before they are ordered: OFFSET 0 keeps the planner from going through
// the redemptions of everybody in their order instead.
const redemptionsOfCustomer = ` FROM (SELECT * FROM redemption WHERE customer = $1 OFFSET 0) r JOIN voucher v ON v.id = r.voucher_id `

// redemptionList is the list of what a filter leaves.
//
// Each list goes along one index and reads a page, however long it is, but a customer's: their redemptions
// lie together in the primary key and in no order, so that all of them are read and sorted for each page.
// That is nothing for a person, and milliseconds for each thousand of a customer who is none; an index for
// it would cost each redemption a page of a tree as wide as all customers.
func redemptionList(f store.RedemptionFilter) list[voucher.Redemption] {
	l := list[voucher.Redemption]{columns: redemptionColumns, from: redemptionFrom, order: "r.id", scan: scanRedemption}
	switch {
	case f.Customer != "":
		l.from, l.args = redemptionsOfCustomer, []any{f.Customer}
	case !f.Voucher.IsZero():
		l.owner, l.args = "r.voucher_id", []any{[16]byte(f.Voucher)}
	case !f.Campaign.IsZero():
		l.owner, l.args = "r.campaign_id", []any{[16]byte(f.Campaign)}
	}
	return l
}

// ListRedemptions returns a page, newest first.
func (s *Store) ListRedemptions(ctx context.Context, f store.RedemptionFilter, p store.Page) ([]voucher.Redemption, bool, error) {
	l := redemptionList(f)
	rs, more, _, err := l.byID(ctx, s, p)
	if err != nil {
		return nil, false, fmt.Errorf("list redemptions: %w", err)
	}
	return rs, more, nil
}

func voucherList(f store.VoucherFilter) list[store.Listing] {
	l := list[store.Listing]{columns: listingColumns, from: listingFrom, order: "v.id", scan: scanListing}
	switch {
	case !f.Campaign.IsZero():
		l.owner, l.args = "v.campaign_id", []any{[16]byte(f.Campaign)}
	case f.Key != "":
		l.where, l.args = "v.code_key = $1", []any{f.Key}
	}
	return l
}

// ListVouchers returns a page, newest first.
func (s *Store) ListVouchers(ctx context.Context, f store.VoucherFilter, p store.Page) (ls []store.Listing, more bool, now time.Time, err error) {
	l := voucherList(f)
	ls, more, now, err = l.byID(ctx, s, p)
	if err != nil {
		return nil, false, now, fmt.Errorf("list vouchers: %w", err)
	}
	return ls, more, now, nil
}

func campaignList() list[voucher.Campaign] {
	return list[voucher.Campaign]{columns: campaignColumns, from: " FROM campaign c ", order: "c.id", scan: scanCampaign}
}

// ListCampaigns returns a page, newest first.
func (s *Store) ListCampaigns(ctx context.Context, p store.Page) (cs []voucher.Campaign, more bool, now time.Time, err error) {
	l := campaignList()
	cs, more, now, err = l.byID(ctx, s, p)
	if err != nil {
		return nil, false, now, fmt.Errorf("list campaigns: %w", err)
	}
	return cs, more, now, nil
}

func transferList(w store.WalletRef) list[ledger.Transfer] {
	return list[ledger.Transfer]{
		columns: transferColumns, from: transferFrom, order: "t.seq", scan: scanTransfer,
		where: "t.customer = $1 AND t.currency = $2", args: []any{w.Customer, string(w.Currency)},
	}
}

// Transactions returns a page of one wallet's ledger entries, newest first.
func (s *Store) Transactions(ctx context.Context, w store.WalletRef, p store.Page) ([]ledger.Transfer, bool, error) {
	ts, more, err := s.transactions(ctx, w, p)
	if err != nil {
		return nil, false, fmt.Errorf("list a wallet's transactions: %w", err)
	}
	return ts, more, nil
}

func (s *Store) transactions(ctx context.Context, w store.WalletRef, p store.Page) ([]ledger.Transfer, bool, error) {
	if err := sound(p); err != nil {
		return nil, false, err
	}
	after, err := s.entryCursor(ctx, w, p.After)
	if err != nil {
		return nil, false, err
	}
	before, err := s.entryCursor(ctx, w, p.Before)
	if err != nil {
		return nil, false, err
	}
	l := transferList(w)
	ts, more, _, err := l.page(ctx, s, p.Limit, cursors{after, before})
	return ts, more, err
}

// entryQuery finds the number of a ledger entry by its id: what caused the entry knows it.
const entryQuery = `SELECT t.seq FROM (
		SELECT r.seq FROM redemption r WHERE r.customer = $1 AND r.id = $3
		UNION ALL SELECT b.seq FROM rollback b WHERE b.customer = $1 AND b.id = $3
		UNION ALL SELECT p.seq FROM post p WHERE p.customer = $1 AND p.id = $3
		UNION ALL SELECT p.to_seq FROM post p WHERE p.to_customer = $1 AND p.id = $3 AND p.to_customer <> ''
	) cause JOIN transfer t ON t.customer = $1 AND t.currency = $2 AND t.seq = cause.seq
	WHERE t.id = $3`

// entryCursor is where a ledger entry stands in a wallet: nil for no entry.
func (s *Store) entryCursor(ctx context.Context, w store.WalletRef, entry id.ID) (any, error) {
	if entry.IsZero() {
		return nil, nil //nolint:nilnil // no cursor was asked for
	}
	return one(ctx, s, fault.ErrInvalidCursor, pgx.RowTo[int64], entryQuery, w.Customer, string(w.Currency), [16]byte(entry))
}
