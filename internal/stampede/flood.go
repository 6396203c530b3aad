package stampede

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"scrip/internal/id"
)

// verdict is what became of a customer's request.
type verdict uint8

const (
	unasked verdict = iota
	unknown         // asked, and no final answer was to be had
	won
	refused
)

// asked is one customer's request and its first answer. Only the worker that asks writes it, and only
// later phases read it.
type asked struct {
	receipt id.ID
	rank    int64
	verdict verdict
}

// phase is what a run is doing.
type phase int32

const (
	asking phase = iota
	askingAgain
	checkingWallets
)

// flood is one run.
type flood struct {
	cfg    Config
	to     []*address // of the replicas
	before standing
	name   string
	asked  []asked

	latency histogram // from the first try to the final answer, of whatever is asked while asking
	phase   atomic.Int32
	done    atomic.Int64 // customers done with in this phase
	next    atomic.Int64 // the first customer whom no worker took yet, in this phase

	requests atomic.Int64 // every try
	answered atomic.Int64 // final answers while asking
	winners  atomic.Int64
	failures atomic.Int64 // lost connections, lost answers and failures of the server
	busy     atomic.Int64 // answers that said to come again

	mu       sync.Mutex // guards what follows
	refusals map[string]int64
	wrong    findings

	began, ended time.Time // of asking
	repeats      repeats
	complete     bool // the check came to its end
}

// repeats counts asks after the first answer.
type repeats struct {
	asked    atomic.Int64
	replayed atomic.Int64 // under the first key: the first answer again
	already  atomic.Int64 // without a key: already redeemed
	refused  atomic.Int64 // a loser's
}

func newFlood(cfg Config, to []*address, before standing) *flood {
	return &flood{
		cfg: cfg, to: to, before: before, name: newRun(),
		asked: make([]asked, cfg.Customers), refusals: map[string]int64{},
	}
}

// run asks for every customer, and then again where that is wanted.
func (f *flood) run(ctx context.Context) {
	f.began = time.Now()
	f.each(ctx, asking, func(ctx context.Context, w *worker, customer int) {
		w.askFirst(ctx, customer)
		for r := 1; r <= f.cfg.Repeat && f.asked[customer].verdict > unknown; r++ {
			if during(customer, r) {
				w.askAgain(ctx, customer, r)
			}
		}
	})
	f.ended = time.Now()
	if f.cfg.Repeat == 0 {
		return
	}
	f.each(ctx, askingAgain, func(ctx context.Context, w *worker, customer int) {
		for r := 1; r <= f.cfg.Repeat && f.asked[customer].verdict > unknown; r++ {
			if !during(customer, r) {
				w.askAgain(ctx, customer, r)
			}
		}
	})
}

// during reports whether a customer's repeat comes while the others still ask, or after them: half and
// half, and of one customer in turn.
func during(customer, repeat int) bool { return (customer+repeat)%2 == 0 }

// each lets the workers take the customers in order, until all are done with or ctx ends.
func (f *flood) each(ctx context.Context, p phase, do func(context.Context, *worker, int)) {
	f.done.Store(0)
	f.next.Store(0)
	f.phase.Store(int32(p))
	var workers sync.WaitGroup
	for range min(f.cfg.Concurrency, f.cfg.Customers) {
		workers.Go(func() {
			w := newWorker(f)
			defer w.close()
			for ctx.Err() == nil {
				customer := int(f.next.Add(1)) - 1
				if customer >= f.cfg.Customers {
					return
				}
				do(ctx, w, customer)
				f.done.Add(1)
			}
		})
	}
	workers.Wait()
}
