package redemption_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/fault"
	"scrip/internal/redemption"
	"scrip/internal/store"
)

var errDisk = errors.New("the disk broke")

// The answer to a commit is lost, with the commit done or not: it is asked again by its ids, and
// everybody wins once.
func TestACommitOfUnknownFateIsAskedAgain(t *testing.T) {
	for _, done := range []bool{true, false} {
		t.Run(fmt.Sprintf("committed=%v", done), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, redemption.Config{})
				r.code("salam", 10)
				tries := 0
				r.hook = func(apply func() ([]store.Outcome, error), _ []store.Command) ([]store.Outcome, error) {
					tries++
					if tries >= 4 {
						return apply()
					}
					if tries == 1 && done {
						if _, err := apply(); err != nil {
							t.Error(err)
						}
					}
					return nil, fmt.Errorf("%w: %w", store.ErrFateUnknown, errDisk)
				}
				r.wins("salam", "ali", 1)
				if tries != 4 {
					t.Errorf("it was asked %d times", tries)
				}
				r.wins("salam", "bita", 2)
				r.clean()
			})
		})
	}
}

// A later try that says "not applied" speaks of itself only: the first commit's fate stays unknown.
func TestAnUnknownFateIsNeverRetriedUnderNewJudgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, redemption.Config{RetryMax: time.Second})
		r.code("salam", 10)
		var batches [][]store.Command
		r.hook = func(_ func() ([]store.Outcome, error), cmds []store.Command) ([]store.Outcome, error) {
			batches = append(batches, slices.Clone(cmds))
			if len(batches) == 1 {
				return nil, store.ErrFateUnknown
			}
			return nil, store.ErrNotApplied
		}
		got := r.loses("salam", "ali", fault.ErrStoreUnavailable)
		if got.Redemption != nil {
			t.Errorf("a receipt for nothing: %+v", got.Redemption)
		}
		for i, b := range batches[1:] {
			if r, ok := b[0].(*store.Redeem); !ok || !r.Again {
				t.Errorf("try %d is not marked as asked again", i+2)
			}
		}
		r.hook = nil
		r.wins("salam", "ali", 1)
	})
}

// A command that the store can't digest hurts only its owner.
func TestAPoisonCommandHurtsOnlyItsOwner(t *testing.T) {
	r := newRig(t, redemption.Config{})
	r.code("salam", 10)
	r.hook = func(apply func() ([]store.Outcome, error), cmds []store.Command) ([]store.Outcome, error) {
		for _, c := range cmds {
			if r, ok := c.(*store.Redeem); ok && r.Customer == "poison" {
				return nil, fmt.Errorf("%w: %w", store.ErrNotApplied, errDisk)
			}
		}
		return apply()
	}
	rs := []redemption.Request{{Code: "salam", Customer: "ali"}, {Code: "salam", Customer: "poison"}, {Code: "salam", Customer: "bita"}, {Code: "?", Customer: "cyrus"}}
	got := r.RedeemAll(t.Context(), rs)
	if got[0].Err != nil || got[2].Err != nil {
		t.Fatalf("neighbours: %v, %v", got[0].Err, got[2].Err)
	}
	if !errors.Is(got[1].Err, fault.ErrStoreUnavailable) || !errors.Is(got[1].Err, errDisk) {
		t.Fatalf("the poison: %v", got[1].Err)
	}
	if !errors.Is(got[3].Err, fault.ErrInvalidCode) {
		t.Fatalf("a malformed code: %v", got[3].Err)
	}
	r.clean()
}

// A store that fails every time is asked a few times, not once for each of a thousand.
func TestABrokenStoreIsNotHammered(t *testing.T) {
	r := newRig(t, redemption.Config{})
	r.code("salam", 100)
	r.hook = func(func() ([]store.Outcome, error), []store.Command) ([]store.Outcome, error) {
		return nil, fmt.Errorf("%w: %w", store.ErrNotApplied, errDisk)
	}
	rs := make([]redemption.Request, 60)
	for i := range rs {
		rs[i] = redemption.Request{Code: "salam", Customer: fmt.Sprintf("c%d", i)}
	}
	before := r.applied.Load()
	for i, v := range r.RedeemAll(t.Context(), rs) {
		if !errors.Is(v.Err, fault.ErrStoreUnavailable) {
			t.Fatalf("%d: %v", i, v.Err)
		}
		if !fault.From(v.Err).Retryable() {
			t.Fatalf("%d is not retryable", i)
		}
	}
	if asked := r.applied.Load() - before; asked > 60+3*2 {
		t.Errorf("%d commands were tried for 60", asked)
	}
	r.hook = nil
	r.wins("salam", "c0", 1)
}

// A full queue refuses at once; what waits is answered, also while the service closes.
func TestAFullQueueAndACleanEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, redemption.Config{MaxBatch: 1, MaxQueue: 2})
		r.code("salam", 10)
		release := make(chan struct{})
		r.hook = func(apply func() ([]store.Outcome, error), _ []store.Command) ([]store.Outcome, error) {
			<-release
			return apply()
		}
		verdicts := make(chan error, 3)
		for i := range 3 { // one in the store, two in the queue
			go func() {
				_, err := r.ask("salam", fmt.Sprintf("c%d", i))
				verdicts <- err
			}()
			synctest.Wait()
		}
		r.loses("salam", "late", fault.ErrOverloaded)
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		closed := make(chan error, 1)
		go func() { closed <- r.Close(context.Background()) }()
		synctest.Wait()
		if _, err := r.Redeem(gone, redemption.Request{Code: "salam", Customer: "later"}); !errors.Is(err, fault.ErrShuttingDown) {
			t.Errorf("while it closes: %v", err)
		}
		close(release)
		for range 3 {
			if err := <-verdicts; err != nil {
				t.Errorf("one that waited: %v", err)
			}
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
		r.clean()
	})
}

// A caller that leaves while its command is committed is told that its fate is open, and the command goes
// on.
func TestACallerThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, redemption.Config{})
		r.code("salam", 10)
		release := make(chan struct{})
		r.hook = func(apply func() ([]store.Outcome, error), _ []store.Command) ([]store.Outcome, error) {
			<-release
			return apply()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := r.Redeem(ctx, redemption.Request{Code: "salam", Customer: "ali", Key: "k"})
		if !errors.Is(err, fault.ErrTimeout) {
			t.Fatalf("got %v", err)
		}
		close(release)
		got, err := r.Redeem(t.Context(), redemption.Request{Code: "salam", Customer: "ali", Key: "k"})
		if err != nil || !got.Replayed || got.Redemption.Rank != 1 {
			t.Fatalf("asked again: %+v, %v", got, err)
		}
		r.clean()
	})
}
