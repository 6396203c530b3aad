package sqlitestore

import (
	"slices"
	"sync"

	"scrip/internal/ledger"
	"scrip/internal/store"
)

// recentMax bounds the transfers that are remembered for the sealer, some ten megabytes.
const recentMax = 1 << 16

// recent remembers what was committed and is not sealed yet, so that the sealer need not read it back, which costs
// more than all else that it does. It only saves work: what it does not have is read from the file. And what is altered
// in the file before it is sealed is sealed as it was committed, and so shows.
type recent struct {
	mu   sync.Mutex
	rows map[int64][]ledger.Transfer // by the number of the row of unsealed that names them
	held int
}

// add remembers a row's transfers, once they are committed, where there is room.
func (r *recent) add(no int64, ts []ledger.Transfer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(no) // numbers are given again
	if r.held+len(ts) > recentMax {
		return
	}
	if r.rows == nil {
		r.rows = make(map[int64][]ledger.Transfer)
	}
	r.rows[no] = ts
	r.held += len(ts)
}

// named returns the transfers of a row if they are remembered and are those that the row names. The caller must not
// change them.
func (r *recent) named(no int64, refs []store.TransferRef) []ledger.Transfer {
	r.mu.Lock()
	ts := r.rows[no]
	r.mu.Unlock()
	if !slices.EqualFunc(ts, refs, func(t ledger.Transfer, ref store.TransferRef) bool { return store.RefOf(&t) == ref }) {
		return nil
	}
	return ts
}

// sealed forgets rows that are gone.
func (r *recent) sealed(rows []int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, no := range rows {
		r.forget(no)
	}
}

func (r *recent) forget(no int64) {
	r.held -= len(r.rows[no])
	delete(r.rows, no)
}
