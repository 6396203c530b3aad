package sqlitestore

import (
	"fmt"

	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/store"
)

// seals checks the chain of seals and all that it holds.
func (a *auditor) seals() (err error) {
	a.seen.Seals, err = store.CheckSeals(&sealRows{a, sides{}}, func(check, object, detail string) { a.report(check, object, "%s", detail) })
	return err
}

// sealRows reads in the audit's snapshot.
type sealRows struct {
	*auditor

	known sides
}

// Seals implements store.SealRows.
func (r *sealRows) Seals(after int64, limit int) (seals []store.Seal, err error) {
	q := r.stmt("SELECT" + sealColumns + ", members FROM seal WHERE number > ? ORDER BY number LIMIT ?").int(after).int(int64(limit))
	err = q.each(func() {
		s := q.nextSeal()
		s.Members = q.nextBytes()
		seals = append(seals, *s)
	})
	return seals, err
}

// Transfers implements store.SealRows.
func (r *sealRows) Transfers(refs []store.TransferRef) (ts []ledger.Transfer, _ error) {
	for _, ref := range refs {
		t, there, err := r.transfer(ref, r.known)
		if err != nil {
			return nil, err
		}
		if there {
			ts = append(ts, t)
		}
	}
	return ts, nil
}

// EachTransfer implements store.SealRows. A transfer of nobody is named by the number that stands there.
func (r *sealRows) EachTransfer(yield func(store.TransferRef)) error {
	var named int64
	q := r.stmt("SELECT u.ref, t.currency, t.seq FROM customer u CROSS JOIN transfer t ON t.customer_no = u.no")
	err := q.each(func() {
		named++
		yield(store.TransferRef{Customer: q.nextText(), Currency: money.Currency(q.nextText()), Seq: q.nextInt()})
	})
	if err != nil {
		return err
	}
	for no, name := range r.late {
		q := r.stmt("SELECT currency, seq FROM transfer WHERE customer_no = ?").int(no)
		if err := q.each(func() {
			named++
			yield(store.TransferRef{Customer: name, Currency: money.Currency(q.nextText()), Seq: q.nextInt()})
		}); err != nil {
			return err
		}
	}
	there, err := count(r.stmt("SELECT count(*) FROM transfer"))
	if err != nil || there == named {
		return err
	}
	q = r.stmt("SELECT customer_no, currency, seq FROM transfer WHERE customer_no NOT IN (SELECT no FROM customer)")
	return q.each(func() {
		no, currency, seq := q.nextInt(), money.Currency(q.nextText()), q.nextInt()
		if _, late := r.late[no]; !late {
			yield(store.TransferRef{Customer: fmt.Sprintf("customer number %d", no), Currency: currency, Seq: seq})
		}
	})
}

// EachWaiting implements store.SealRows: what was named as unsealed, and what was written before there were seals and is
// not sealed yet.
func (r *sealRows) EachWaiting(yield func(ref store.TransferRef, there bool)) error {
	q := r.stmt("SELECT no, refs FROM unsealed ORDER BY no")
	for {
		found, err := q.row()
		if err != nil || !found {
			if err != nil {
				return err
			}
			break
		}
		no := q.nextInt()
		refs, err := store.ParseRefs(q.nextBytes())
		if err != nil {
			r.report(store.CheckWaiting, fmt.Sprintf("row %d of unsealed", no), "it can't be read: it was altered")
			continue
		}
		for _, ref := range refs {
			_, there, err := r.transfer(ref, r.known)
			if err != nil {
				return err
			}
			yield(ref, there)
		}
	}
	copied := r.stmt("SELECT u.ref, t.currency, t.seq FROM transfer t JOIN customer u ON u.no = t.customer_no WHERE t.queued = 0")
	if err := copied.each(func() {
		yield(store.TransferRef{Customer: copied.nextText(), Currency: money.Currency(copied.nextText()), Seq: copied.nextInt()}, true)
	}); err != nil {
		return err
	}
	backfilled, err := count(r.stmt("SELECT backfilled FROM sealing"))
	if err != nil || backfilled != 0 {
		return err
	}
	var at store.TransferRef
	q = r.stmt("SELECT customer, currency, seq FROM sealing")
	if err := q.each(func() {
		at = store.TransferRef{Customer: q.nextText(), Currency: money.Currency(q.nextText()), Seq: q.nextInt()}
	}); err != nil {
		return err
	}
	old := r.stmt("SELECT u.ref, t.currency, t.seq FROM customer u CROSS JOIN transfer t ON t.customer_no = u.no WHERE" + behindPlace + "AND t.queued IS NULL").place(at)
	return old.each(func() {
		yield(store.TransferRef{Customer: old.nextText(), Currency: money.Currency(old.nextText()), Seq: old.nextInt()}, true)
	})
}
