package redemption

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
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
	now := s.clock()
	s.asked = now
	if err := s.outage.closed(now); err != nil {
		return refuseAll(len(batch), err), nil
	}
	if s.aside.any(now) {
		if campaigns, err := s.campaignsOf(ctx, batch); err == nil {
			return s.around(ctx, batch, campaigns), nil
		}
	}
	return s.together(ctx, batch, nil), nil
}

// together applies the commands as one batch, or sets them aside by their campaigns if that meets a lock; nil where those are
// not known yet.
func (s *Service) together(ctx context.Context, batch []store.Command, campaigns []id.ID) []store.Outcome {
	outs, asked, locked := s.give(ctx, batch)
	s.asked = asked
	if locked == nil {
		return outs
	}
	if campaigns == nil {
		var err error
		if campaigns, err = s.campaignsOf(ctx, batch); err != nil {
			return refuseAll(len(batch), errors.Join(locked, err)) // more is locked than a row
		}
	}
	return s.apart(ctx, batch, campaigns)
}

// give applies a batch and returns an outcome for every command, and when the store was asked; or locked, where nothing was
// applied because of a lock.
func (s *Service) give(ctx context.Context, batch []store.Command) (outs []store.Outcome, asked time.Time, locked error) {
	start := s.clock()
	outs, asked, err := s.apply(ctx, batch)
	s.observe.Flushed(len(batch), s.clock().Sub(start), err)
	if err == nil {
		s.outage.over(ctx, s.clock(), recorded(outs))
		return outs, asked, nil
	}
	if waitedInVain(err) {
		return nil, asked, err
	}
	if len(batch) > 1 && !errors.Is(err, store.ErrFateUnknown) && !s.outage.notReached(err) {
		if some, took := s.applySingly(ctx, batch); took {
			s.log.ErrorContext(ctx, "the store did not apply a batch, and each command was tried alone", "size", len(batch), "err", err)
			return some, asked, nil
		}
	}
	s.outage.failed(ctx, s.clock(), err)
	return refuseAll(len(batch), err), asked, nil
}

// waitedInVain reports whether a batch surely was not applied because somebody else held a lock.
func waitedInVain(err error) bool {
	return errors.Is(err, store.ErrLocked) && !errors.Is(err, store.ErrFateUnknown)
}

// apply asks the store once and, while the fate of the commit is unknown, again by the commands' ids:
// applied once, whatever happened. It tells when it asked last.
func (s *Service) apply(ctx context.Context, batch []store.Command) (outs []store.Outcome, asked time.Time, err error) {
	first := s.clock()
	asked = first
	outs, err = s.commit(ctx, batch)
	if !errors.Is(err, store.ErrFateUnknown) {
		return outs, asked, err
	}
	setAgain(batch)
	for wait := retryWaitMin; s.clock().Sub(first) < s.retry; wait = min(2*wait, retryWaitMax) {
		select {
		case <-ctx.Done():
			return nil, asked, err
		case <-time.After(wait/2 + rand.N(wait/2)): //nolint:gosec // jitter, not a secret
		}
		asked = s.clock()
		outs, again := s.commit(ctx, batch)
		if again == nil {
			return outs, asked, nil
		}
		// Whatever a later try says, the first commit may have happened.
		err = errors.Join(store.ErrFateUnknown, again)
	}
	return nil, asked, err
}

// applySingly applies a batch command by command, and reports whether the store took any.
func (s *Service) applySingly(ctx context.Context, batch []store.Command) (outs []store.Outcome, took bool) {
	outs = make([]store.Outcome, 0, len(batch))
	failures := 0
	for i := range batch {
		out, _, err := s.apply(ctx, batch[i:i+1])
		if err == nil {
			failures, took = 0, true
			outs = append(outs, out...)
			continue
		}
		failures++
		outs = append(outs, refuseAll(1, err)...)
		if failures == singleFailuresMax || waitedInVain(err) {
			return append(outs, refuseAll(len(batch)-len(outs), err)...), took
		}
	}
	return outs, took
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

// settled teaches the gate, after the replies, what a batch taught.
func (s *Service) settled(_ []store.Command, outs []store.Outcome) {
	// gofail: var inSettling struct{}
	clear(s.taught)
	s.facts = s.teach(s.asked, outs, s.facts[:0], s.taught)
}

// teach tells the gate the last word on each voucher in what was applied. facts and taught are working space, empty.
func (s *Service) teach(asked time.Time, outs []store.Outcome, facts []voucher.Fact, taught map[string]bool) []voucher.Fact {
	for i := len(outs) - 1; i >= 0; i-- {
		f := &outs[i].Fact
		if f.Key != "" && !taught[f.Key] {
			taught[f.Key] = true
			facts = append(facts, *f)
		}
	}
	s.gate.Settle(asked, facts...)
	return facts
}
