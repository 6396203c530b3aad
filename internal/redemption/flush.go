package redemption

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"scrip/internal/fault"
	"scrip/internal/store"
)

// A batch that surely did not commit is retried command by command, so that a poison command hurts only
// its owner. After this many failures in a row the store itself is what fails, and the rest are told so.
const singleFailuresMax = 3

// How long a batch of unknown fate waits before it is asked again: doubled each time, with jitter.
const (
	retryWaitMin = 10 * time.Millisecond
	retryWaitMax = time.Second
)

// flush gives a batch to the store and returns an outcome for every command. A failure of the store
// becomes each command's own refusal, of kind Unavailable.
func (s *Service) flush(ctx context.Context, batch []store.Command) ([]store.Outcome, error) {
	start := s.clock()
	outs, err := s.apply(ctx, batch)
	s.observe.Flushed(len(batch), s.clock().Sub(start), err)
	if err == nil {
		return outs, nil
	}
	s.log.ErrorContext(ctx, "the store did not apply a batch", "size", len(batch), "err", err)
	if len(batch) == 1 || errors.Is(err, store.ErrFateUnknown) {
		return refuseAll(len(batch), err), nil
	}
	asked := s.asked
	outs = s.applySingly(ctx, batch)
	s.asked = asked // settled speaks of all of them, and none was asked for earlier
	return outs, nil
}

// apply asks the store once and, while the fate of the commit is unknown, again by the commands' ids:
// applied once, whatever happened.
func (s *Service) apply(ctx context.Context, batch []store.Command) ([]store.Outcome, error) {
	first := s.clock()
	s.asked = first
	outs, err := s.commit(ctx, batch)
	if !errors.Is(err, store.ErrFateUnknown) {
		return outs, err
	}
	setAgain(batch)
	for wait := retryWaitMin; s.clock().Sub(first) < s.retry; wait = min(2*wait, retryWaitMax) {
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(wait/2 + rand.N(wait/2)): //nolint:gosec // jitter, not a secret
		}
		s.asked = s.clock()
		outs, again := s.commit(ctx, batch)
		if again == nil {
			return outs, nil
		}
		// Whatever a later try says, the first commit may have happened.
		err = errors.Join(store.ErrFateUnknown, again)
	}
	return nil, err
}

func (s *Service) applySingly(ctx context.Context, batch []store.Command) []store.Outcome {
	outs := make([]store.Outcome, 0, len(batch))
	failures := 0
	for i := range batch {
		out, err := s.apply(ctx, batch[i:i+1])
		if err != nil {
			failures++
			outs = append(outs, refuseAll(1, err)...)
			if failures == singleFailuresMax {
				return append(outs, refuseAll(len(batch)-len(outs), err)...)
			}
			continue
		}
		failures = 0
		outs = append(outs, out...)
	}
	return outs
}

// refuseAll is n times the answer that the store failed.
func refuseAll(n int, err error) []store.Outcome {
	refusal := fault.ErrStoreUnavailable.With(err)
	outs := make([]store.Outcome, n)
	for i := range outs {
		outs[i].Refusal = refusal
	}
	return outs
}

func setAgain(batch []store.Command) {
	for _, c := range batch {
		switch c := c.(type) {
		case *store.Redeem:
			c.Again = true
		case *store.Rollback:
			c.Again = true
		case *store.Post:
			c.Again = true
		}
	}
}

// settled teaches the gate, after the replies, what a batch taught: the last word on each voucher in it.
func (s *Service) settled(_ []store.Command, outs []store.Outcome) {
	// gofail: var inSettling struct{}
	s.facts = s.facts[:0]
	clear(s.taught)
	for i := len(outs) - 1; i >= 0; i-- {
		f := &outs[i].Fact
		if f.Key != "" && !s.taught[f.Key] {
			s.taught[f.Key] = true
			s.facts = append(s.facts, *f)
		}
	}
	s.gate.Settle(s.asked, s.facts...)
}
