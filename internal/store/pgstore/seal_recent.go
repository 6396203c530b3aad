package pgstore

import (
	"slices"
	"sync"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
)

// recentMax bounds the transfers that are remembered for the sealer, some ten megabytes.
const recentMax = 1 << 16

// recent remembers what this process committed lately, so that its sealer need not read it back. It only saves work: what
// it does not have, such as what other servers wrote, is read from the database; and what another server sealed is
// forgotten when there is no more room. What is altered in the database before it is sealed is sealed as it was
// committed, and so shows.
type recent struct {
	mu   sync.Mutex
	rows map[id.ID][]ledger.Transfer // by the id of the row of unsealed that names them
	ids  []id.ID                     // of rows, the oldest first; some may be gone
	held int
}

// add remembers a row's transfers, once they are committed.
func (r *recent) add(row id.ID, ts []ledger.Transfer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.held+len(ts) > recentMax && len(r.ids) > 0 {
		r.forget(r.ids[0])
		r.ids = r.ids[1:]
	}
	if r.held+len(ts) > recentMax {
		return
	}
	if r.rows == nil {
		r.rows = make(map[id.ID][]ledger.Transfer)
	}
	r.rows[row] = ts
	r.ids = append(r.ids, row)
	r.held += len(ts)
}

// named returns the transfers of a row if they are remembered and are those that the row names. The caller must not
// change them.
func (r *recent) named(row id.ID, refs []store.TransferRef) []ledger.Transfer {
	r.mu.Lock()
	ts := r.rows[row]
	r.mu.Unlock()
	if !slices.EqualFunc(ts, refs, func(t ledger.Transfer, ref store.TransferRef) bool { return store.RefOf(&t) == ref }) {
		return nil
	}
	return ts
}

// sealed forgets rows that are gone.
func (r *recent) sealed(rows []queued) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range rows {
		r.forget(rows[i].id)
	}
	r.ids = slices.DeleteFunc(r.ids, func(row id.ID) bool { return r.rows[row] == nil })
}

func (r *recent) forget(row id.ID) {
	r.held -= len(r.rows[row])
	delete(r.rows, row)
}
