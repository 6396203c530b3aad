package redemption

import (
	"context"
	"time"

	"scrip/internal/store"
)

// FailingFor is how long a commit that failed is held against the store. A store that can be read but not
// written, as on a full disk, is found out by commits alone: while nobody sends any, the only way to learn
// that it has recovered is to let requests come again.
const FailingFor = 3 * time.Second

// failure is a commit that failed.
type failure struct {
	at  time.Time
	err error
}

// Failing returns why the last commit failed, unless one has succeeded since or FailingFor has passed.
func (s *Service) Failing() error {
	f := s.failed.Load()
	if f == nil || s.clock().Sub(f.at) >= FailingFor {
		return nil
	}
	return f.err
}

// commit asks the store once and remembers whether it can commit. A lock that somebody else holds is no failure of the
// store's: it commits all else.
func (s *Service) commit(ctx context.Context, batch []store.Command) ([]store.Outcome, error) {
	outs, err := s.store.Apply(ctx, batch)
	switch {
	case waitedInVain(err):
		err = maskedIn(batch, err)
	case err != nil:
		err = maskedIn(batch, err)
		s.failed.Store(&failure{at: s.clock(), err: err})
	case s.failed.Load() != nil && recorded(outs):
		s.failed.Store(nil)
	}
	return outs, err
}

// recorded reports whether the outcomes prove a commit: a batch of refusals and replays commits nothing.
func recorded(outs []store.Outcome) bool {
	for i := range outs {
		if outs[i].Refusal == nil && !outs[i].Replayed {
			return true
		}
	}
	return false
}
