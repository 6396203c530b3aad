package sqlitestore

import (
	"scrip/internal/money"
	"scrip/internal/store"
)

func (e *exporter) seals(after store.Place) error {
	q := e.stmt("SELECT" + sealColumns + ", members FROM seal WHERE number > ? ORDER BY number").int(after.Seq)
	return e.each(q, func() store.Record {
		s := q.nextSeal()
		s.Members = q.nextBytes()
		return (*store.SealRecord)(s)
	})
}

// unsealed tells what waits to be sealed, also what is not there any more: the audit of the source tells of that.
func (e *exporter) unsealed(after store.Place) error {
	return store.TellUnsealed(after, func(at store.TransferRef, limit int, yield func(store.TransferRef)) error {
		if err := e.namedUnsealed(yield); err != nil {
			return err
		}
		q := e.stmt("SELECT u.ref, t.currency, t.seq FROM customer u CROSS JOIN transfer t ON t.customer_no = u.no" +
			" WHERE" + behindPlace + "AND (t.queued = 0 OR t.queued IS NULL AND EXISTS (SELECT 1 FROM sealing s" +
			" WHERE s.backfilled = 0 AND (u.ref, t.currency, t.seq) > (s.customer, s.currency, s.seq))) ORDER BY u.ref, t.currency, t.seq LIMIT ?").
			place(at).int(int64(limit))
		return q.each(func() {
			yield(store.TransferRef{Customer: q.nextText(), Currency: money.Currency(q.nextText()), Seq: q.nextInt()})
		})
	}, e.yield)
}

func (e *exporter) namedUnsealed(yield func(store.TransferRef)) error {
	q := e.stmt("SELECT refs FROM unsealed ORDER BY no")
	var unreadable error
	err := q.each(func() {
		refs, err := store.ParseRefs(q.nextBytes())
		if err != nil {
			unreadable = err
		}
		for _, r := range refs {
			yield(r)
		}
	})
	if err == nil {
		err = unreadable
	}
	return err
}

// addUnsealed has a transfer wait to be sealed which was told before.
func (i *importer) addUnsealed(r *store.UnsealedRecord) error {
	return i.r.stmt(`UPDATE transfer SET queued = 0
		WHERE customer_no = (SELECT no FROM customer WHERE ref = ?) AND currency = ? AND seq = ? AND queued = 1`).
		text(r.Customer).text(string(r.Currency)).int(r.Seq).exec()
}
