package pgstore

import (
	"context"
	"encoding/hex"

	"github.com/jackc/pgx/v5"

	"scrip/internal/ledger"
	"scrip/internal/store"
)

// seals checks the chain of seals and all that it holds. Where sealing is turned off and nothing was ever sealed, there
// is nothing to check.
func (a *auditor) seals(ctx context.Context) error {
	var off bool
	err := a.each(ctx, "SELECT NOT EXISTS (SELECT FROM sealing) AND NOT EXISTS (SELECT FROM seal)", []any{&off}, func() {})
	if err != nil || off {
		return err
	}
	a.seen.Seals, err = store.CheckSeals(&sealRows{ctx: ctx, tx: a.tx, report: a.report}, func(check, object, detail string) { a.report(check, object, "%s", detail) })
	return err
}

// sealRows reads in the audit's transaction.
type sealRows struct {
	ctx    context.Context //nolint:containedctx // of the audit, which is one call
	tx     pgx.Tx
	report func(check, object, format string, args ...any)
}

// Seals implements store.SealRows.
func (r *sealRows) Seals(after int64, limit int) ([]store.Seal, error) {
	rows, err := r.tx.Query(r.ctx, "SELECT"+sealColumns+", s.members FROM seal s WHERE s.number > $1 ORDER BY s.number LIMIT $2", after, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanWholeSeal)
}

// Transfers implements store.SealRows.
func (r *sealRows) Transfers(refs []store.TransferRef) ([]ledger.Transfer, error) {
	return transfersOf(r.ctx, r.tx, refs)
}

// EachTransfer implements store.SealRows.
func (r *sealRows) EachTransfer(yield func(store.TransferRef)) error {
	return r.each("SELECT customer, currency, seq FROM transfer", yield)
}

// EachWaiting implements store.SealRows: what was named as unsealed, what nobody named, and what was written before
// there were seals and is not sealed yet.
func (r *sealRows) EachWaiting(yield func(ref store.TransferRef, there bool)) error {
	err := r.eachNamed(yield)
	if err != nil {
		return err
	}
	return r.each(`SELECT t.customer, t.currency, t.seq FROM transfer t WHERE NOT t.queued
		UNION ALL SELECT t.customer, t.currency, t.seq FROM transfer t, sealing s
			WHERE NOT s.backfilled AND t.queued IS NULL AND (t.customer, t.currency, t.seq) > (s.customer, s.currency, s.seq)`,
		func(ref store.TransferRef) { yield(ref, true) })
}

// namedAtOnce bounds the rows of unsealed that are in memory at once; each names a batch.
const namedAtOnce = 64

func (r *sealRows) eachNamed(yield func(ref store.TransferRef, there bool)) error {
	return r.eachRow(func(q *queued) error { return r.named(q, yield) })
}

// eachRow calls do with what each row of unsealed names.
func (r *sealRows) eachRow(do func(q *queued) error) error {
	var after queued
	for {
		rows, err := r.tx.Query(r.ctx, `SELECT at, id, refs FROM unsealed WHERE (at, id) > ($1, $2) ORDER BY at, id LIMIT $3`,
			after.at, [16]byte(after.id), namedAtOnce)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (q queued, err error) {
			err = row.Scan((*instant)(&q.at), (*uid)(&q.id), &q.refs)
			return q, err
		})
		if err != nil || len(found) == 0 {
			return err
		}
		for _, after = range found {
			if err := do(&after); err != nil {
				return err
			}
		}
	}
}

func (r *sealRows) named(q *queued, yield func(ref store.TransferRef, there bool)) error {
	refs, err := store.ParseRefs(q.refs)
	if err != nil {
		r.report(store.CheckWaiting, "row "+hex.EncodeToString(q.id[:])+" of unsealed", "it can't be read: it was altered")
		return nil
	}
	there, err := transfersOf(r.ctx, r.tx, refs)
	if err != nil {
		return err
	}
	missing := map[store.TransferRef]bool{}
	for _, ref := range missingOf(refs, there) {
		missing[ref] = true
	}
	for _, ref := range refs {
		yield(ref, !missing[ref])
	}
	return nil
}

func (r *sealRows) each(query string, yield func(store.TransferRef), args ...any) error {
	rows, err := r.tx.Query(r.ctx, query, args...)
	if err != nil {
		return err
	}
	var ref store.TransferRef
	_, err = pgx.ForEachRow(rows, []any{&ref.Customer, (*string)(&ref.Currency), &ref.Seq}, func() error {
		yield(ref)
		return nil
	})
	return err
}
