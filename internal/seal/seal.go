// Package seal runs the sealer beside the server, and reads its seals for those who hold the operator to them.
//
// It promises that what was committed is sealed within an interval while the store answers, that it never stands in
// the way of a commit, and that the log tells the newest seal once a minute and at the end: whoever keeps the log
// elsewhere has a publication. On every failure it waits longer, up to a minute, and tries again; what waits is
// not lost. Every replica runs one, and the store lets one of them at a time seal. It must not know HTTP.
package seal

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"scrip/internal/fault"
	"scrip/internal/store"
)

// The words of the store, so that whoever shows seals need not see it.
type (
	// Seal commits to transfers, and to all seals before it.
	Seal = store.Seal
	// Page asks for a part of the list of seals.
	Page = store.SealPage
)

// PageLimitMax bounds a page.
const PageLimitMax = store.PageLimitMax

const (
	// MaxDefault bounds the transfers in one seal: reading and hashing them takes about a tenth of a second.
	MaxDefault = 10_000

	backoffMax  = time.Minute      // between two attempts that fail
	publishEach = time.Minute      // between two lines in the log
	lookEach    = 10 * time.Second // between two looks at what waits, while there is more than a seal holds: they may count millions
	lastMax     = 2 * time.Second  // for the last seal, as the server ends: the next server makes it just as well
)

// Config is how to seal.
type Config struct {
	// Interval is how often it is sealed; zero: never, and the service only reads.
	Interval time.Duration
	// Max bounds the transfers in one seal; zero is MaxDefault.
	Max int
	// Log is told of seals and failures; nil is slog.Default.
	Log *slog.Logger
	// Now tells how long things take and wait; nil is time.Now.
	Now func() time.Time
}

// Service seals until it is closed. Its methods are safe for concurrent use.
type Service struct {
	cfg   Config
	store store.Sealer

	state atomic.Pointer[State]
	stop  context.CancelFunc
	ctx   context.Context //nolint:containedctx // it ends with Close

	mu          sync.Mutex // held by whoever seals: Run, and then Close
	closed      bool
	published   int64 // the number of the seal that the log was told last
	publishedAt time.Time
	looked      time.Time     // when what waits was looked at last
	failing     time.Duration // the wait after the last attempt, if that failed
}

// State is what is known of the seals, as of the last round; where that is a long one, of ten seconds ago.
type State struct {
	Newest  *Seal // nil while there is none
	Waiting int64 // transfers that are not sealed
	// Since is when the one was written that has waited longest, by the store's clock; zero for none.
	Since       time.Time
	Backfilling bool  // what was written before there were seals is not sealed yet
	Made        int64 // seals that this process made
	Failed      int64 // rounds that failed
}

// New returns a service over a store. Run must be called for it to seal.
func New(cfg Config, s store.Sealer) *Service {
	if cfg.Max == 0 {
		cfg.Max = MaxDefault
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	ctx, stop := context.WithCancel(context.Background()) //nolint:forbidigo // it lives until Close
	sv := &Service{cfg: cfg, store: s, ctx: ctx, stop: stop}
	sv.state.Store(&State{})
	return sv
}

// State is what is known of the seals; nothing where it does not run.
func (s *Service) State() State { return *s.state.Load() }

// Run seals until Close. It returns nil.
func (s *Service) Run() error {
	if s.cfg.Interval == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.publishedAt = s.cfg.Now()
	for s.ctx.Err() == nil {
		wait := s.cfg.Interval
		if err := s.round(s.ctx, s.cfg.Interval/2); err != nil {
			wait = s.failed(err)
		} else {
			s.failing = 0
		}
		if s.cfg.Now().Sub(s.publishedAt) >= publishEach {
			s.publish()
		}
		sleep(s.ctx, wait)
	}
	return nil
}

// Close ends Run, seals what waits once more, and tells the log the newest seal. It may be called again.
func (s *Service) Close(ctx context.Context) error {
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.cfg.Interval == 0 {
		return nil
	}
	s.closed = true
	ctx, cancel := context.WithTimeout(ctx, lastMax)
	defer cancel()
	if err := s.round(ctx, 0); err != nil {
		s.cfg.Log.WarnContext(ctx, "the last transfers are not sealed yet; the next server that runs seals them", "err", err)
	}
	s.publish()
	return nil
}

// round makes seals until nothing more waits, and looks at what there is then. Between two it rests for as long as the
// first took, so that a long backlog leaves the store half of the time to itself.
func (s *Service) round(ctx context.Context, apart time.Duration) error {
	for {
		began := s.cfg.Now()
		made, more, err := s.store.Seal(ctx, store.Sealing{Max: s.cfg.Max, Apart: apart})
		if err != nil {
			return err
		}
		s.count(func(st *State) {
			if made != nil {
				st.Made++
				st.Newest = made
			}
		})
		if !more {
			return s.look(ctx)
		}
		if s.cfg.Now().Sub(s.looked) >= lookEach { // a long backlog must not look like none
			if err := s.look(ctx); err != nil {
				return err
			}
		}
		sleep(ctx, s.cfg.Now().Sub(began))
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it is told to end; the rest waits
		}
	}
}

// look notes the newest seal, whoever made it, and what waits.
func (s *Service) look(ctx context.Context) error {
	s.looked = s.cfg.Now()
	newest, err := s.store.LatestSeal(ctx)
	if err != nil && !errors.Is(err, fault.ErrSealNotFound) {
		return err
	}
	backlog, err := s.store.Unsealed(ctx)
	if err != nil {
		return err
	}
	s.count(func(st *State) {
		st.Newest, st.Waiting, st.Since, st.Backfilling = newest, backlog.Waiting, backlog.Since, backlog.Backfilling
	})
	return nil
}

// count changes the state; only one goroutine at a time does.
func (s *Service) count(change func(*State)) {
	st := s.State()
	change(&st)
	s.state.Store(&st)
}

// failed notes a failure and returns how long to wait.
func (s *Service) failed(err error) time.Duration {
	if s.ctx.Err() != nil {
		return 0 // told to end in the middle
	}
	s.count(func(st *State) { st.Failed++ })
	s.failing = min(max(2*s.failing, s.cfg.Interval), backoffMax)
	s.cfg.Log.WarnContext(s.ctx, "transfers were not sealed; they wait, and nobody else does", "err", err, "again_in", s.failing)
	return s.failing
}

// publish tells the log the newest seal, unless it was told.
func (s *Service) publish() {
	s.publishedAt = s.cfg.Now()
	newest := s.State().Newest
	if newest == nil || newest.Number == s.published {
		return
	}
	s.published = newest.Number
	s.cfg.Log.Info("sealed", "seal", newest.Number, "hash", newest.Hash.String(), "transfers", newest.Total, "at", newest.At)
}

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Latest returns the newest seal, or fault.ErrSealNotFound.
func (s *Service) Latest(ctx context.Context) (*Seal, error) { return s.store.LatestSeal(ctx) }

// At returns the seal of a number, or fault.ErrSealNotFound.
func (s *Service) At(ctx context.Context, number int64) (*Seal, error) {
	return s.store.SealAt(ctx, number)
}

// List returns a page, newest first, and whether there is more.
func (s *Service) List(ctx context.Context, p Page) ([]Seal, bool, error) {
	return s.store.ListSeals(ctx, p)
}
