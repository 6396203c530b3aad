package pgstore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
)

// picked is what a seal is made of, and what must be done so that it waits no longer.
type picked struct {
	transfers []*ledger.Transfer
	more      bool // there is another seal's worth, or there may be

	rows      []queued            // of unsealed
	garbled   []queued            // those that can't be read
	lost      []store.TransferRef // what they name and is not there
	unqueued  []store.TransferRef // what nobody named
	backfill  *store.TransferRef  // the last transfer from before there were seals
	completed bool                // there are no more such transfers
}

// queued is a row of unsealed.
type queued struct {
	at   time.Time
	id   id.ID
	n    int
	refs []byte
}

func (p *picked) empty() bool {
	return len(p.transfers) == 0 && len(p.rows) == 0 && len(p.garbled) == 0 && !p.completed
}

// pick finds what a seal of at most max transfers is made of: at first what was written before there were seals, and
// only then all else.
func pick(ctx context.Context, tx pgx.Tx, known *recent, most int) (*picked, error) {
	p := &picked{}
	var backfilled bool
	var at store.TransferRef
	err := tx.QueryRow(ctx, "SELECT backfilled, customer, currency, seq FROM sealing").
		Scan(&backfilled, &at.Customer, (*string)(&at.Currency), &at.Seq)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // it is turned off
		return p, nil
	case err != nil:
		return nil, err
	case !backfilled:
		err := p.old(ctx, tx, at, most)
		return p, err
	}
	if err := p.unnamed(ctx, tx, most); err != nil {
		return nil, err
	}
	err = p.named(ctx, tx, known, most-len(p.transfers))
	return p, err
}

// old picks what was written before there were seals, behind a place.
func (p *picked) old(ctx context.Context, tx pgx.Tx, at store.TransferRef, most int) error {
	ts, err := transfersBy(ctx, tx, "SELECT"+transferColumns+transferFrom+`
		WHERE (t.customer, t.currency, t.seq) > ($1, $2, $3) AND t.queued IS NULL ORDER BY t.customer, t.currency, t.seq LIMIT $4`,
		at.Customer, string(at.Currency), at.Seq, most)
	if n := len(ts); n > 0 {
		last := store.RefOf(&ts[n-1])
		p.backfill = &last
	}
	p.transfers = store.AppendPointers(nil, ts)
	p.completed, p.more = len(ts) < most, true
	return err
}

// unnamed picks what an older server wrote, or a person by hand.
func (p *picked) unnamed(ctx context.Context, tx pgx.Tx, most int) error {
	ts, err := transfersBy(ctx, tx, "SELECT"+transferColumns+transferFrom+`
		WHERE NOT t.queued ORDER BY t.customer, t.currency, t.seq LIMIT $1`, most+1)
	if len(ts) > most {
		ts, p.more = ts[:most], true
	}
	p.transfers = store.AppendPointers(nil, ts)
	for i := range ts {
		p.unqueued = append(p.unqueued, store.RefOf(&ts[i]))
	}
	return err
}

// named picks what servers named as unsealed, in the order of writing. What is known is not read.
func (p *picked) named(ctx context.Context, tx pgx.Tx, known *recent, most int) error {
	rows, err := tx.Query(ctx, `SELECT at, id, n, refs FROM (SELECT at, id, n, refs, sum(n) OVER (ORDER BY at, id) AS upto
			FROM (SELECT at, id, n, refs FROM unsealed WHERE NOT lost ORDER BY at, id LIMIT $2) first) counted
		WHERE upto - n <= $1 ORDER BY at, id`, most, most+1)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (q queued, err error) {
		err = row.Scan((*instant)(&q.at), (*uid)(&q.id), &q.n, &q.refs)
		return q, err
	})
	if err != nil {
		return err
	}
	var refs []store.TransferRef
	var ours []*ledger.Transfer
	for _, q := range found {
		if sum := len(refs) + len(ours) + q.n; sum > most && sum-q.n+len(p.transfers) > 0 {
			p.more = true
			break
		}
		named, err := store.ParseRefs(q.refs)
		if err != nil {
			p.garbled = append(p.garbled, q)
			continue
		}
		p.rows = append(p.rows, q)
		if ts := known.named(q.id, named); ts != nil {
			ours = store.AppendPointers(ours, ts)
		} else {
			refs = append(refs, named...)
		}
	}
	p.transfers = append(p.transfers, ours...)
	if len(refs) == 0 {
		return nil
	}
	ts, err := transfersOf(ctx, tx, refs)
	if err != nil {
		return err
	}
	p.lost = missingOf(refs, ts)
	p.transfers = store.AppendPointers(p.transfers, ts)
	return nil
}

// missingOf are those of refs that are not there.
func missingOf(refs []store.TransferRef, there []ledger.Transfer) (missing []store.TransferRef) {
	if len(refs) == len(there) {
		return nil
	}
	found := make(map[store.TransferRef]bool, len(there))
	for i := range there {
		found[store.RefOf(&there[i])] = true
	}
	for _, r := range refs {
		if !found[r] {
			missing = append(missing, r)
		}
	}
	return missing
}

// take queues the statements that take what was picked from what waits. What is not there, and what can't be read,
// waits for ever, for somebody who verifies to find.
func (p *picked) take(b *pgx.Batch) {
	for _, part := range []struct {
		rows  []queued
		query string
	}{
		{p.rows, "DELETE FROM unsealed q USING unnest($1::timestamptz[], $2::uuid[]) u(at, id) WHERE q.at = u.at AND q.id = u.id"},
		{p.garbled, "UPDATE unsealed q SET lost = true FROM unnest($1::timestamptz[], $2::uuid[]) u(at, id) WHERE q.at = u.at AND q.id = u.id"},
	} {
		if len(part.rows) > 0 {
			ats := col[instants](part.rows, func(q queued) time.Time { return q.at })
			b.Queue(part.query, ats, col[uids](part.rows, func(q queued) id.ID { return q.id }))
		}
	}
	if len(p.lost) > 0 {
		b.Queue("INSERT INTO unsealed (n, refs, lost) VALUES ($1, $2, true)", len(p.lost), store.AppendRefs(nil, p.lost...))
	}
	if len(p.unqueued) > 0 {
		customers, currencies, seqs := refColumns(p.unqueued)
		b.Queue(`UPDATE transfer t SET queued = true FROM unnest($1::text[], $2::text[], $3::bigint[]) u(customer, currency, seq)
			WHERE t.customer = u.customer AND t.currency = u.currency AND t.seq = u.seq`, customers, currencies, seqs)
	}
	if p.backfill != nil {
		b.Queue("UPDATE sealing SET customer = $1, currency = $2, seq = $3", p.backfill.Customer, string(p.backfill.Currency), p.backfill.Seq)
	}
	if p.completed {
		b.Queue("UPDATE sealing SET backfilled = true")
	}
}

func refColumns(refs []store.TransferRef) (customers, currencies texts, seqs bigints) {
	type r = store.TransferRef
	return col[texts](refs, func(t r) string { return t.Customer }), col[texts](refs, func(t r) string { return string(t.Currency) }),
		col[bigints](refs, func(t r) int64 { return t.Seq })
}

// transfersOf are those of refs that are there.
func transfersOf(ctx context.Context, tx pgx.Tx, refs []store.TransferRef) ([]ledger.Transfer, error) {
	customers, currencies, seqs := refColumns(refs)
	return transfersBy(ctx, tx, "SELECT"+transferColumns+`FROM unnest($1::text[], $2::text[], $3::bigint[]) u(customer, currency, seq)
		JOIN transfer t ON t.customer = u.customer AND t.currency = u.currency AND t.seq = u.seq`, customers, currencies, seqs)
}

func transfersBy(ctx context.Context, tx pgx.Tx, query string, args ...any) ([]ledger.Transfer, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanTransfer)
}
