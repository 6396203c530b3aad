package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"scrip/internal/fault"
	"scrip/internal/metrics"
	"scrip/internal/redemption"
	"scrip/internal/store"
)

// pingWait bounds the wait for the store's answer, so that readiness never hangs with it.
const pingWait = time.Second

var errSilent = errors.New("the store has not answered for " + pingWait.String())

// readiness is whether the server takes requests.
type readiness struct {
	metrics *metrics.Metrics
	store   interface {
		Ping(ctx context.Context) error
	}
	commits interface{ Failing() error }
	log     *slog.Logger
	open    atomic.Bool

	mu     sync.Mutex
	asking *question // under way, nil for none
	sick   time.Time // since when probes hear that the store is at fault; zero while they do not
}

// question is one ping. All who wait for it share its answer.
type question struct {
	done chan struct{} // closed once err is there
	err  error
}

func newReadiness(m *metrics.Metrics, s store.Store, r *redemption.Service, log *slog.Logger) *readiness {
	return &readiness{metrics: m, store: s, commits: r, log: log}
}

func (r *readiness) set(open bool) {
	r.open.Store(open)
	r.metrics.SetReady(open)
}

// check returns nil while the server takes requests, its store answers, and the last commit did not fail.
func (r *readiness) check() error {
	if !r.open.Load() {
		return fault.ErrShuttingDown
	}
	err := r.commits.Failing()
	if err == nil {
		err = r.ping()
	}
	r.note(err)
	if err != nil {
		return fault.ErrStoreUnavailable.With(err)
	}
	return nil
}

// note tells the log of a change: probes come every second or so, for as long as the store is away.
func (r *readiness) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil && r.sick.IsZero():
		r.sick = wallClock()
		r.log.Warn("not ready: requests should go elsewhere", "err", err)
	case err == nil && !r.sick.IsZero():
		r.log.Info("ready again", "after", wallClock().Sub(r.sick).Round(time.Millisecond))
		r.sick = time.Time{}
	}
}

// ping asks the store, or joins whoever does: a store that hangs holds one goroutine, not one per probe.
func (r *readiness) ping() error {
	r.mu.Lock()
	q := r.asking
	if q == nil {
		q = &question{done: make(chan struct{})}
		r.asking = q
		go r.ask(q)
	}
	r.mu.Unlock()
	patience := time.NewTimer(pingWait)
	defer patience.Stop()
	select {
	case <-q.done:
		return q.err
	case <-patience.C:
		return errSilent
	}
}

func (r *readiness) ask(q *question) {
	ctx, cancel := context.WithTimeout(context.Background(), pingWait) // of no request
	defer cancel()
	q.err = r.store.Ping(ctx)
	r.mu.Lock()
	r.asking = nil
	r.mu.Unlock()
	close(q.done)
}

// degraded names what is away and only makes the server faster.
func (r *readiness) degraded() []string {
	if r.metrics.RedisDown() {
		return []string{"redis"}
	}
	return nil
}
