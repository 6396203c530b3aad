package pgstore

import (
	"testing"
	"time"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
)

// What is remembered for the sealer is bounded, also where other servers do all of the sealing: the oldest goes.
func TestRecentIsBounded(t *testing.T) {
	t.Parallel()
	var r recent
	refs := func(ts []ledger.Transfer) (refs []store.TransferRef) {
		for i := range ts {
			refs = append(refs, store.RefOf(&ts[i]))
		}
		return refs
	}
	batch := func(n int) (id.ID, []ledger.Transfer) {
		row, ts := id.New(time.Now()), make([]ledger.Transfer, n)
		for i := range ts {
			ts[i] = ledger.Transfer{Customer: row.Format(id.Transaction), Seq: int64(i + 1)}
		}
		r.add(row, ts)
		return row, ts
	}
	first, firsts := batch(recentMax / 2)
	second, seconds := batch(recentMax / 2)
	if r.named(first, refs(firsts)) == nil || r.named(second, refs(seconds)) == nil || r.held != recentMax {
		t.Fatalf("%d are remembered, not all", r.held)
	}
	if r.named(first, refs(seconds)) != nil || r.named(first, refs(firsts[1:])) != nil || r.named(id.New(time.Now()), nil) != nil {
		t.Error("what a row does not name is taken for it")
	}
	third, thirds := batch(1)
	if r.named(first, refs(firsts)) != nil || r.named(second, refs(seconds)) == nil || r.named(third, refs(thirds)) == nil || r.held != recentMax/2+1 {
		t.Errorf("%d are remembered, and the oldest should be gone", r.held)
	}
	r.sealed([]queued{{id: second}, {id: first}})
	if r.held != 1 || len(r.rows) != 1 || len(r.ids) != 1 {
		t.Errorf("after sealing %d, %d and %d are remembered", r.held, len(r.rows), len(r.ids))
	}
	batch(recentMax + 1)
	if r.held != 0 || len(r.rows) != 0 || len(r.ids) != 0 {
		t.Errorf("of more than fits, %d, %d and %d are remembered", r.held, len(r.rows), len(r.ids))
	}
}
