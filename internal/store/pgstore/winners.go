package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// winnersWaitMax bounds the reading of a voucher's winners, which may be millions.
const winnersWaitMax = time.Minute

// Winners calls yield with the customer of each redemption of the voucher.
//
// Every batch that took the voucher's lock before Winners did is in what it reads: it waits for them (await).
// A batch that takes the lock later, and so may be missing, reads its clock later than the fact's time, and
// finds the voucher closed as the fact says it: by the counter or the terms, which the snapshot shows
// together with their winners, or by the clock, which only goes on. The locks are held for one round trip,
// not while the winners are read, so that no crowd waits for them.
func (s *Store) Winners(ctx context.Context, v id.ID, yield func(customer string) bool) (voucher.Fact, error) {
	bounded, cancel := context.WithTimeout(ctx, winnersWaitMax)
	defer cancel()
	f, err := s.winners(bounded, v, yield)
	if err != nil {
		return voucher.Fact{}, fmt.Errorf("read the winners of voucher %s: %w", v.Format(id.Voucher), unavailable(ctx, err))
	}
	return f, nil
}

func (s *Store) winners(ctx context.Context, v id.ID, yield func(customer string) bool) (f voucher.Fact, err error) {
	asked := s.asked()
	held, err := s.await(ctx, v)
	if err != nil {
		return f, fmt.Errorf("wait for its batches: %w", err)
	}
	now := s.moment(asked, held)
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, s.readers, snapshot, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = 0"); err != nil { // it ends with ctx
			return err
		}
		found, err := listingOf(ctx, tx, v)
		if err != nil {
			return err
		}
		f = voucher.FactOf(found.Campaign, found.Voucher, now)
		return eachWinner(ctx, tx, v, yield)
	})
	return f, err
}

// await waits until no batch holds the voucher, and returns the database's clock as it was then. It takes
// the locks in their order, and shares them with others that wait.
func (s *Store) await(ctx context.Context, v id.ID) (held time.Time, err error) {
	b := &pgx.Batch{}
	b.Queue("BEGIN READ WRITE") // what locks a row is no reading to PostgreSQL
	b.Queue("SELECT 1 FROM campaign c WHERE c.id = (SELECT campaign_id FROM voucher WHERE id = $1) FOR SHARE", [16]byte(v))
	b.Queue("SELECT 1 FROM voucher v WHERE v.id = $1 FOR SHARE", [16]byte(v))
	b.Queue(clockQuery).QueryRow(func(row pgx.Row) error { return row.Scan((*instant)(&held)) })
	b.Queue("COMMIT")
	return held, s.readers.SendBatch(ctx, b).Close()
}

// listingOf reads a voucher with its campaign, within a transaction.
func listingOf(ctx context.Context, tx pgx.Tx, v id.ID) (store.Listing, error) {
	rows, err := tx.Query(ctx, listingByID, [16]byte(v))
	if err != nil {
		return store.Listing{}, err
	}
	l, err := pgx.CollectExactlyOneRow(rows, scanListing)
	if errors.Is(err, pgx.ErrNoRows) {
		return store.Listing{}, fault.ErrVoucherNotFound
	}
	return l, err
}

func eachWinner(ctx context.Context, tx pgx.Tx, v id.ID, yield func(customer string) bool) error {
	rows, err := tx.Query(ctx, "SELECT r.customer FROM redemption r WHERE r.voucher_id = $1", [16]byte(v))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var customer string
		if err := rows.Scan(&customer); err != nil {
			return err
		}
		if !yield(customer) {
			return nil
		}
	}
	return rows.Err()
}
