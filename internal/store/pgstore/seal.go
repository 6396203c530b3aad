package pgstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/fault"
	"scrip/internal/store"
)

// sealLock is the first half of the key of the advisory lock under which one process seals: the bytes "SEAL". The other
// half stands for the schema, of which a database may have several with a deployment each.
const sealLock = 0x5345414c

// sealSettings hold for a sealer's transaction: a cold disk may take its time, and nobody waits for it.
const sealSettings = `SELECT set_config(name, value, true) FROM (VALUES
	('statement_timeout', '60s'), ('idle_in_transaction_session_timeout', '60s')) AS s (name, value)`

// Seal seals what has waited longest. It reads on a connection of the readers, under a lock that keeps other sealers
// out, and only what came of it is written by one of the writers, so that batches are not kept waiting. Should
// two be at it all the same, the number of the seal is taken for one of them.
func (s *Store) Seal(ctx context.Context, o store.Sealing) (made *store.Seal, more bool, err error) {
	if s.writers == nil {
		return nil, false, errReadOnly
	}
	reading := pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadOnly} // each statement sees what is there by then
	err = pgx.BeginTxFunc(ctx, s.readers, reading, func(tx pgx.Tx) error {
		made, more, err = s.sealUnder(ctx, tx, o)
		return err
	})
	switch {
	case sqlState(err) == codeUniqueViolation: // another sealer was faster
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("seal: %w", unavailable(ctx, err))
	default:
		return made, more, nil
	}
}

// sealUnder seals, if it gets the lock, which ends with tx.
func (s *Store) sealUnder(ctx context.Context, tx pgx.Tx, o store.Sealing) (*store.Seal, bool, error) {
	if _, err := tx.Exec(ctx, sealSettings); err != nil {
		return nil, false, err
	}
	var ours bool
	if err := tx.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1, hashtext(current_schema()))", int32(sealLock)).Scan(&ours); err != nil || !ours {
		return nil, false, err
	}
	newest, now, err := s.newestSeal(ctx, tx)
	if err != nil {
		return nil, false, err
	}
	p, err := pick(ctx, tx, &s.recent, o.Max)
	if err != nil || p.empty() {
		return nil, false, err
	}
	if newest != nil && !p.more && now.Sub(newest.At) < o.Apart {
		return nil, false, nil
	}
	var made *store.Seal
	if len(p.transfers) > 0 {
		made = store.NewSeal(newest, p.transfers, now)
	}
	if err := s.writeSeal(ctx, made, p); err != nil {
		return nil, false, err
	}
	s.recent.sealed(p.rows)
	if made != nil {
		made = made.Head()
	}
	return made, p.more, nil
}

// newestSeal is the newest seal, nil for none, and the store's time.
func (s *Store) newestSeal(ctx context.Context, tx pgx.Tx) (*store.Seal, time.Time, error) {
	var now instant
	if err := tx.QueryRow(ctx, clockQuery).Scan(&now); err != nil {
		return nil, time.Time{}, err
	}
	newest, err := oneSeal(ctx, tx, "SELECT"+sealColumns+"FROM seal s ORDER BY s.number DESC LIMIT 1")
	if errors.Is(err, fault.ErrSealNotFound) {
		newest, err = nil, nil
	}
	return newest, s.now(time.Time(now)), err
}

// writeSeal writes a seal, if there is one, and takes what was picked from what waits.
func (s *Store) writeSeal(ctx context.Context, made *store.Seal, p *picked) error {
	return s.tx(ctx, func(tx pgx.Tx) error {
		b := &pgx.Batch{}
		if made != nil {
			queueSeals(b, "", made)
		}
		p.take(b)
		return tx.SendBatch(ctx, b).Close()
	})
}

const sealColumns = " s.number, s.previous, s.count, s.total, s.root, s.members_hash, s.at, s.hash "

// queueSeals queues the statement that adds seals.
func queueSeals(b *pgx.Batch, otherwise string, seals ...*store.Seal) {
	type r = *store.Seal
	bytes := func(of func(r) []byte) [][]byte {
		column := make([][]byte, len(seals))
		for i, s := range seals {
			column[i] = of(s)
		}
		return column
	}
	b.Queue(`INSERT INTO seal (number, previous, count, total, root, members_hash, at, hash, members)
		SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[], $7::timestamptz[], $8::bytea[], $9::bytea[])`+otherwise,
		col[bigints](seals, func(s r) int64 { return s.Number }), bytes(func(s r) []byte { return s.Previous[:] }),
		col[bigints](seals, func(s r) int64 { return s.Count }), col[bigints](seals, func(s r) int64 { return s.Total }),
		bytes(func(s r) []byte { return s.Root[:] }), bytes(func(s r) []byte { return s.MembersHash[:] }),
		col[instants](seals, func(s r) time.Time { return s.At }), bytes(func(s r) []byte { return s.Hash[:] }),
		bytes(func(s r) []byte { return s.Members }))
}

func sealTargets(s *store.Seal) []any {
	return []any{
		&s.Number, (*hashBytes)(&s.Previous), &s.Count, &s.Total, (*hashBytes)(&s.Root),
		(*hashBytes)(&s.MembersHash), (*instant)(&s.At), (*hashBytes)(&s.Hash),
	}
}

func scanSeal(row pgx.CollectableRow) (s store.Seal, err error) {
	err = row.Scan(sealTargets(&s)...)
	return s, err
}

func scanWholeSeal(row pgx.CollectableRow) (s store.Seal, err error) {
	err = row.Scan(append(sealTargets(&s), &s.Members)...)
	return s, err
}

// hashBytes receives a hash. What is not as long as one is none, which shows as a hash that is not right.
type hashBytes store.SealHash

// ScanBytes implements pgtype.BytesScanner.
func (h *hashBytes) ScanBytes(v []byte) error {
	*h = hashBytes{}
	if len(v) == len(h) {
		copy(h[:], v)
	}
	return nil
}

// querier is a transaction or a pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// oneSeal is the seal that a query finds, or fault.ErrSealNotFound.
func oneSeal(ctx context.Context, q querier, query string, args ...any) (*store.Seal, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	s, err := pgx.CollectExactlyOneRow(rows, scanSeal)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.ErrSealNotFound
	}
	if err != nil {
		return nil, err
	}
	return &s, nil
}

// LatestSeal returns the newest seal.
func (s *Store) LatestSeal(ctx context.Context) (*store.Seal, error) {
	found, err := oneSeal(ctx, s.readers, "SELECT"+sealColumns+"FROM seal s ORDER BY s.number DESC LIMIT 1")
	return found, unavailable(ctx, err)
}

// SealAt returns the seal of a number.
func (s *Store) SealAt(ctx context.Context, number int64) (*store.Seal, error) {
	found, err := oneSeal(ctx, s.readers, "SELECT"+sealColumns+"FROM seal s WHERE s.number = $1", number)
	return found, unavailable(ctx, err)
}

// ListSeals returns a page, newest first.
func (s *Store) ListSeals(ctx context.Context, p store.SealPage) ([]store.Seal, bool, error) {
	query, from := "WHERE $1 = 0 OR s.number < $1 ORDER BY s.number DESC LIMIT $2", p.After
	if p.Before != 0 {
		query, from = "WHERE s.number > $1 ORDER BY s.number LIMIT $2", p.Before
	}
	rows, err := s.readers.Query(ctx, "SELECT"+sealColumns+"FROM seal s "+query, from, p.Limit+1)
	if err != nil {
		return nil, false, unavailable(ctx, err)
	}
	seals, err := pgx.CollectRows(rows, scanSeal)
	if err != nil {
		return nil, false, unavailable(ctx, err)
	}
	more := len(seals) > p.Limit
	seals = seals[:min(len(seals), p.Limit)]
	if p.Before != 0 {
		slices.Reverse(seals)
	}
	return seals, more, nil
}

// Unsealed tells what waits to be sealed.
func (s *Store) Unsealed(ctx context.Context) (b store.Backlog, err error) {
	err = s.readers.QueryRow(ctx, `SELECT
			(SELECT coalesce(sum(n), 0) FROM unsealed WHERE NOT lost) + (SELECT count(*) FROM transfer WHERE NOT queued),
			least((SELECT min(at) FROM unsealed WHERE NOT lost), (SELECT min(at) FROM transfer WHERE NOT queued)),
			EXISTS (SELECT FROM sealing WHERE NOT backfilled)`).Scan(&b.Waiting, (*instant)(&b.Since), &b.Backfilling)
	return b, unavailable(ctx, err)
}
