package pgstore

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// Reads name what they look for by keys of an index, in one array for all that was asked (planByKeys says why
// that stays fast). What comes back in any order is put in its place here.

// reading bounds a read. The server ends a statement that takes too long; this ends the wait for a server
// that says nothing at all.
func (s *Store) reading(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.cfg.StatementTimeout)
}

// collect reads all rows of a query: none where it looks for a text that can't be in the database.
func collect[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], query string, args ...any) ([]T, error) {
	for _, a := range args {
		if text, ok := a.(string); ok && !storable(text) {
			return nil, nil
		}
	}
	bounded, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.Query(bounded, query, args...)
	if err != nil {
		return nil, unavailable(ctx, err)
	}
	found, err := pgx.CollectRows(rows, scan)
	return found, unavailable(ctx, err)
}

// collectAt is collect with the moment for which what was read holds: it is not later than the snapshot that was read,
// and what is said held then may have changed since.
func collectAt[T any](ctx context.Context, s *Store, scan pgx.RowToFunc[T], query string, args ...any) ([]T, time.Time, error) {
	for _, a := range args {
		if text, ok := a.(string); ok && !storable(text) {
			return nil, s.asked(), nil
		}
	}
	bounded, cancel := s.reading(ctx)
	defer cancel()
	asked := s.asked()
	var began time.Time
	var found []T
	b := &pgx.Batch{}
	// One pipeline is one transaction, and now() is when it began: before the next statement's snapshot.
	b.Queue("SELECT now()").QueryRow(func(row pgx.Row) error { return row.Scan((*instant)(&began)) })
	b.Queue(query, args...).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, scan)
		return err
	})
	if err := unavailable(ctx, s.readers.SendBatch(bounded, b).Close()); err != nil {
		return nil, time.Time{}, err
	}
	return found, s.moment(asked, began), nil
}

// oneAt is one with the moment of collectAt.
func oneAt[T any](ctx context.Context, s *Store, missing *fault.Error, scan pgx.RowToFunc[T], query string, args ...any) (T, time.Time, error) {
	found, now, err := collectAt(ctx, s, scan, query, args...)
	if err == nil && len(found) == 0 {
		err = missing
	}
	if err != nil {
		return *new(T), time.Time{}, err
	}
	return found[0], now, nil
}

// one reads the one row of a query; without a row it is missing.
func one[T any](ctx context.Context, s *Store, missing *fault.Error, scan pgx.RowToFunc[T], query string, args ...any) (T, error) {
	found, err := collect(ctx, s, scan, query, args...)
	if err == nil && len(found) == 0 {
		err = missing
	}
	if err != nil {
		return *new(T), err
	}
	return found[0], nil
}

// storables are those texts that can be in the database: looking for another fails, for all that ask with it.
func storables(all []string) texts {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return !storable(s) })
}

// Redemption returns one as it is now.
func (s *Store) Redemption(ctx context.Context, redemption id.ID) (*voucher.Redemption, error) {
	r, err := one(ctx, s, fault.ErrRedemptionNotFound, scanRedemption,
		"SELECT"+redemptionColumns+redemptionFrom+"WHERE r.id = $1", [16]byte(redemption))
	if err != nil {
		return nil, fmt.Errorf("read redemption %s: %w", redemption.Format(id.Redemption), err)
	}
	return &r, nil
}

// Balances returns the balance of each wallet asked for, in order, by one query over all their customers.
func (s *Store) Balances(ctx context.Context, wallets []store.WalletRef) ([]int64, error) {
	customers := make(texts, 0, len(wallets))
	for _, w := range wallets {
		customers = append(customers, w.Customer)
	}
	type held struct {
		store.WalletRef
		minor int64
	}
	rows, err := collect(ctx, s, func(row pgx.CollectableRow) (h held, err error) {
		err = row.Scan(&h.Customer, (*string)(&h.Currency), &h.minor)
		return h, err
	}, "SELECT w.customer, w.currency, w.balance FROM wallet w WHERE w.customer = ANY($1)", storables(customers))
	if err != nil {
		return nil, fmt.Errorf("read %d balances: %w", len(wallets), err)
	}
	balances := make(map[store.WalletRef]int64, len(rows))
	for _, h := range rows {
		balances[h.WalletRef] = h.minor
	}
	out := make([]int64, len(wallets))
	for i, w := range wallets {
		out[i] = balances[w]
	}
	return out, nil
}

// Wallet returns all balances of a customer, by currency.
func (s *Store) Wallet(ctx context.Context, customer string) ([]ledger.Balance, error) {
	bs, err := collect(ctx, s, func(row pgx.CollectableRow) (b ledger.Balance, err error) {
		err = row.Scan((*string)(&b.Currency), &b.Minor, &b.Seq)
		return b, err
	}, "SELECT w.currency, w.balance, w.seq FROM wallet w WHERE w.customer = $1 ORDER BY w.currency", customer)
	if err != nil {
		return nil, fmt.Errorf("read a wallet: %w", err)
	}
	return bs, nil
}

// Lookup finds vouchers by the keys of their codes, all at one moment.
func (s *Store) Lookup(ctx context.Context, keys []string) ([]store.Listing, time.Time, error) {
	found, now, err := collectAt(ctx, s, scanListing, "SELECT"+listingColumns+listingFrom+"WHERE v.code_key = ANY($1)", storables(keys))
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("look %d codes up: %w", len(keys), err)
	}
	byKey := make(map[string]store.Listing, len(found))
	for _, l := range found {
		byKey[l.Voucher.Key] = l
	}
	ls := make([]store.Listing, len(keys))
	for i, key := range keys {
		ls[i] = byKey[key]
	}
	return ls, now, nil
}

// asked is the store's clock as a read begins: what it said last, or its own clock if it has one.
func (s *Store) asked() time.Time {
	if s.cfg.Clock != nil {
		return s.now(time.Time{})
	}
	return time.UnixMicro(s.latest.Load()).UTC()
}

// moment is the time of a read that began at asked; database is what the database's clock said before the
// read's snapshot was taken. Unlike now it is never pushed past the snapshot by what happened meanwhile, and
// like now it binds what now says afterwards.
func (s *Store) moment(asked, database time.Time) time.Time {
	if s.cfg.Clock != nil || database.Before(asked) {
		return asked
	}
	s.now(database)
	return database
}

// Voucher returns one with its campaign.
func (s *Store) Voucher(ctx context.Context, v id.ID) (store.Listing, time.Time, error) {
	l, now, err := oneAt(ctx, s, fault.ErrVoucherNotFound, scanListing, listingByID, [16]byte(v))
	if err != nil {
		return store.Listing{}, time.Time{}, fmt.Errorf("read voucher %s: %w", v.Format(id.Voucher), err)
	}
	return l, now, nil
}

const listingByID = "SELECT" + listingColumns + listingFrom + "WHERE v.id = $1"

// Campaign returns one.
func (s *Store) Campaign(ctx context.Context, campaign id.ID) (*voucher.Campaign, time.Time, error) {
	c, now, err := oneAt(ctx, s, fault.ErrCampaignNotFound, scanCampaign, campaignByID, [16]byte(campaign))
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read campaign %s: %w", campaign.Format(id.Campaign), err)
	}
	return &c, now, nil
}

const campaignByID = "SELECT" + campaignColumns + "FROM campaign c WHERE c.id = $1"

// claimsQuery reads one row of what a customer holds of a campaign: the first standing redemption of the
// voucher, or any other if there is none, and beside it how many there are. A customer's rows lie together
// in the primary key; IS NOT DISTINCT FROM keeps the planner, before it has statistics, from going through
// all of the campaign instead.
const claimsQuery = "SELECT count(*) FILTER (WHERE r.voucher_id = $2) OVER (), count(*) OVER ()," + redemptionColumns +
	redemptionFrom + `WHERE r.customer = $1 AND r.slot > 0 AND r.campaign_id IS NOT DISTINCT FROM $3
	ORDER BY r.voucher_id <> $2, r.rank LIMIT 1`

// Claims returns what a customer holds of a voucher and of its campaign.
func (s *Store) Claims(ctx context.Context, customer string, v *voucher.Voucher) (voucher.Claims, *voucher.Redemption, error) {
	type held struct {
		claims voucher.Claims
		first  voucher.Redemption
	}
	rows, err := collect(ctx, s, func(row pgx.CollectableRow) (h held, err error) {
		err = row.Scan(append([]any{&h.claims.OnVoucher, &h.claims.OnCampaign}, redemptionTargets(&h.first)...)...)
		completeOrder(&h.first)
		return h, err
	}, claimsQuery, customer, [16]byte(v.ID), [16]byte(v.CampaignID))
	if err != nil {
		return voucher.Claims{}, nil, fmt.Errorf("read a customer's claims: %w", err)
	}
	switch {
	case len(rows) == 0:
		return voucher.Claims{}, nil, nil
	case rows[0].claims.OnVoucher == 0:
		return rows[0].claims, nil, nil
	default:
		return rows[0].claims, &rows[0].first, nil
	}
}
