// Package retention removes records that have become old, by a table of kinds, each with its age and the verb that
// prunes it. It knows neither what the records are nor where they are.
//
// It promises to stay out of the way: it removes a small batch at a time, rests between two for several times as
// long as the last one took, runs beside the hot path and not in it, and a failure costs nothing but time, as the
// next round takes up where it ended. Any number of servers may do it at once: to prune is idempotent, and each
// begins at a moment of its own.
//
// What is money is no kind, and must never become one: redemptions, rollbacks, posts, ledger entries, balances,
// Idempotency-Keys and seals are kept for ever.
package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Kind is one kind of records that age.
type Kind struct {
	Name string        // in the log and the metric, as in "audit"
	Keep time.Duration // how long they are kept; 0: for ever
	// Prune removes the oldest from before a time, limit of them at most, as one short unit, and returns how many. It is
	// safe against others that do the same.
	Prune func(ctx context.Context, before time.Time, limit int) (int, error)
}

// Observer counts what was removed.
type Observer interface {
	Pruned(kind string, records int)
	PruneFailed(kind string)
}

// Config says how. Only Now is needed.
type Config struct {
	// Now is the clock that the records' times are of: the store's.
	Now     func(ctx context.Context) (time.Time, error)
	Every   time.Duration    // from round to round; 0: an hour
	Batch   int              // most records removed at once; 0: 500
	Pause   time.Duration    // least rest between two batches; 0: 100 ms
	Clock   func() time.Time // to time a batch; nil: time.Now
	Log     *slog.Logger     // nil: slog.Default
	Observe Observer         // nil: nobody
}

const (
	everyUsual = time.Hour
	batchUsual = 500
	pauseUsual = 100 * time.Millisecond
	// The first round begins within this after the start, so that servers that start together don't prune together, and
	// one that never runs for long prunes too.
	firstMax = time.Minute
	// restTimes is how many times as long as a batch took there is rest after it: pruning takes a fifth of the
	// writer's time at most, on a disk of any speed.
	restTimes = 4
)

// Service prunes until it is closed.
type Service struct {
	cfg   Config
	kinds []Kind
	ctx   context.Context //nolint:containedctx // it lasts from New to Close
	end   context.CancelFunc
}

// New makes a service, which prunes once it runs. Kinds that are kept for ever are left out.
func New(cfg Config, kinds ...Kind) (*Service, error) {
	if cfg.Now == nil {
		return nil, errors.New("retention: it needs the store's clock")
	}
	if cfg.Every <= 0 {
		cfg.Every = everyUsual
	}
	if cfg.Batch <= 0 {
		cfg.Batch = batchUsual
	}
	if cfg.Pause <= 0 {
		cfg.Pause = pauseUsual
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Observe == nil {
		cfg.Observe = nobody{}
	}
	s := &Service{cfg: cfg}
	for _, k := range kinds {
		switch {
		case k.Name == "" || k.Prune == nil || k.Keep < 0:
			return nil, fmt.Errorf("retention: the kind %q is not complete", k.Name)
		case k.Keep > 0:
			s.kinds = append(s.kinds, k)
		}
	}
	s.ctx, s.end = context.WithCancel(context.Background()) //nolint:forbidigo // it ends with Close
	return s, nil
}

// Run prunes, round after round, until Close. It returns nil: what fails is told and tried again.
func (s *Service) Run() error {
	if len(s.kinds) == 0 {
		return nil
	}
	rest(s.ctx, rand.N(min(firstMax, s.cfg.Every))) //nolint:gosec // a moment, not a secret
	for s.ctx.Err() == nil {
		s.Round(s.ctx)
		rest(s.ctx, s.cfg.Every*9/10+rand.N(s.cfg.Every/5+1)) //nolint:gosec // likewise
	}
	return nil
}

// Close ends Run. What was removed stays so.
func (s *Service) Close() { s.end() }

// Round removes all that is too old now, kind by kind, until ctx ends.
func (s *Service) Round(ctx context.Context) {
	for _, k := range s.kinds {
		removed, before, err := s.prune(ctx, k)
		if removed > 0 {
			s.cfg.Log.InfoContext(ctx, "old records were removed", "kind", k.Name, "records", removed, "before", before)
		}
		if err != nil && ctx.Err() == nil {
			s.cfg.Observe.PruneFailed(k.Name)
			s.cfg.Log.WarnContext(ctx, "old records could not be removed; the next round goes on", "kind", k.Name, "err", err)
		}
	}
}

// prune removes one kind's old records, batch by batch.
func (s *Service) prune(ctx context.Context, k Kind) (removed int, before time.Time, err error) {
	now, err := s.cfg.Now(ctx)
	if err != nil {
		return 0, before, fmt.Errorf("ask for the time: %w", err)
	}
	before = now.Add(-k.Keep)
	for ctx.Err() == nil {
		began := s.cfg.Clock()
		n, err := k.Prune(ctx, before, s.cfg.Batch)
		if err != nil {
			return removed, before, err
		}
		s.cfg.Observe.Pruned(k.Name, n)
		if removed += n; n < s.cfg.Batch {
			break // the rest is younger, or another server's just now
		}
		rest(ctx, max(s.cfg.Pause, restTimes*s.cfg.Clock().Sub(began)))
	}
	return removed, before, nil
}

// rest waits, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

type nobody struct{}

func (nobody) Pruned(string, int) {}
func (nobody) PruneFailed(string) {}
