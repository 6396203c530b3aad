package pgstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"scrip/internal/store"
)

func bySealNumber(after store.Place) []any { return []any{after.Seq} }

func tellSeal(row pgx.CollectableRow) (store.Record, error) {
	s, err := scanWholeSeal(row)
	return (*store.SealRecord)(&s), err
}

// exportUnsealed tells what waits to be sealed, also what is not there any more: the audit of the source tells of that.
func exportUnsealed(ctx context.Context, tx pgx.Tx, after store.Place, yield func(store.Record) error) error {
	r := &sealRows{ctx: ctx, tx: tx}
	err := store.TellUnsealed(after, func(at store.TransferRef, limit int, yield func(store.TransferRef)) error {
		err := r.eachRow(func(q *queued) error {
			refs, err := store.ParseRefs(q.refs)
			for _, ref := range refs {
				yield(ref)
			}
			return err
		})
		if err != nil {
			return err
		}
		return r.each(`SELECT t.customer, t.currency, t.seq FROM transfer t
			WHERE (t.customer, t.currency, t.seq) > ($1, $2, $3) AND (NOT t.queued OR t.queued IS NULL AND EXISTS (SELECT FROM sealing s
				WHERE NOT s.backfilled AND (t.customer, t.currency, t.seq) > (s.customer, s.currency, s.seq)))
			ORDER BY t.customer, t.currency, t.seq LIMIT $4`, yield, at.Customer, string(at.Currency), at.Seq, limit)
	}, yield)
	if err != nil {
		return fmt.Errorf("tell the %s: %w", store.UnsealedKind, err)
	}
	return nil
}

func queueSealRecords(b *pgx.Batch, rows []*store.SealRecord) error {
	seals := make([]*store.Seal, len(rows))
	for i, r := range rows {
		seals[i] = (*store.Seal)(r)
	}
	queueSeals(b, onceOnly, seals...)
	return nil
}

// queueUnsealedRecords has transfers wait to be sealed which were told before.
func queueUnsealedRecords(b *pgx.Batch, rows []*store.UnsealedRecord) error {
	refs := make([]store.TransferRef, len(rows))
	for i, r := range rows {
		refs[i] = store.TransferRef(*r)
	}
	customers, currencies, seqs := refColumns(refs)
	b.Queue(`UPDATE transfer t SET queued = false FROM unnest($1::text[], $2::text[], $3::bigint[]) u(customer, currency, seq)
		WHERE t.customer = u.customer AND t.currency = u.currency AND t.seq = u.seq AND t.queued`, customers, currencies, seqs)
	return nil
}
