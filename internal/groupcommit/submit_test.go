package groupcommit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/groupcommit"
)

func TestNewRefusesAWrongConfig(t *testing.T) {
	t.Parallel()
	flush := new(store).flush
	for field, cfg := range map[string]config{
		"Flush":    {MaxBatch: 1, MaxQueue: 1},
		"MaxBatch": {MaxBatch: 0, MaxQueue: 1, Flush: flush},
		"MaxQueue": {MaxBatch: 2, MaxQueue: 1, Flush: flush},
	} {
		if _, err := groupcommit.New(cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("New with a wrong %s = %v", field, err)
		}
	}
}

func TestLoneSubmitWaitsForNothingButItsFlush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		for _, command := range upTo(3) {
			r := b.submit(t.Context(), command)
			b.wantDone(t, []int{command}, []*reply{r})
			if r.after != commit {
				t.Errorf("a lone submit took %v; want %v", r.after, commit)
			}
		}
		wantEqual(t, "batch sizes", b.store.sizes(), []int{1, 1, 1})
	})
}

func TestNextBatchLeavesAsTheLastFlushReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		first := b.submit(t.Context(), 1)
		time.Sleep(commit / 4)
		second := b.submitEach(t.Context(), 2, 3)
		time.Sleep(commit / 4)
		third := b.submit(t.Context(), 4)

		b.wantDone(t, upTo(4), []*reply{first, second[0], second[1], third})
		wantEqual(t, "batch sizes", b.store.sizes(), []int{1, 3})
		if want := 2*commit - commit/2; third.after != want {
			t.Errorf("the last of the second batch took %v; want %v", third.after, want)
		}
	})
}

func TestHeavyLoadFillsBatchesInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(cfg *config) { cfg.MaxQueue = 100 })
		replies := b.submitEach(t.Context(), upTo(15)...)
		b.wantDone(t, upTo(15), replies)
		wantEqual(t, "batch sizes", b.store.sizes(), []int{1, 4, 4, 4, 2})
		wantEqual(t, "flushed", b.store.flushed(), upTo(15))
	})
}

func TestFullQueueRefusesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		replies := b.submitEach(t.Context(), upTo(1+8)...) // one in its flush, eight waiting
		if b.Depth() != 8 {
			t.Errorf("Depth = %d; want 8", b.Depth())
		}
		refused := b.submit(t.Context(), 99)
		wantError(t, refused.err, groupcommit.ErrQueueFull)
		if refused.after != 0 {
			t.Errorf("the refusal took %v", refused.after)
		}

		time.Sleep(commit)
		synctest.Wait() // four of the eight are taken: their places are free
		replies = append(replies, b.submitEach(t.Context(), 10, 11, 12, 13)...)
		wantError(t, b.submit(t.Context(), 99).err, groupcommit.ErrQueueFull)
		b.wantDone(t, upTo(13), replies)
		wantEqual(t, "flushed", b.store.flushed(), upTo(13))
		if b.Depth() != 0 {
			t.Errorf("Depth = %d; want 0", b.Depth())
		}
	})
}

func TestRefusalTellsWhatASubmitWouldGet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		replies := b.submitEach(t.Context(), upTo(1+7)...)
		if err := b.Refusal(); err != nil {
			t.Errorf("with one place left: %v", err)
		}
		replies = append(replies, b.submit(t.Context(), 9))
		wantError(t, b.Refusal(), groupcommit.ErrQueueFull)
		b.wantDone(t, upTo(9), replies)
		if err := b.Refusal(); err != nil {
			t.Errorf("with an empty queue: %v", err)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantError(t, b.Refusal(), groupcommit.ErrClosed)
	})
}

func TestEndedContextStartsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		ctx = slow(ctx, 0) // a command that did enter would be taken before it is withdrawn
		_, err := b.Submit(ctx, 1)
		wantError(t, err, groupcommit.ErrWithdrawn, context.Canceled)
		_, err = b.SubmitAll(ctx, upTo(2))
		wantError(t, err, groupcommit.ErrWithdrawn, context.Canceled)
		synctest.Wait()
		wantEqual(t, "flushed", b.store.flushed(), nil)
	})
}

func TestLeavingWhileWaitingWithdraws(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		why := errors.New("hung up")
		ctx, leave := context.WithCancelCause(t.Context())
		stay := []*reply{b.submit(t.Context(), 1), b.submit(t.Context(), 2)}
		gone := []*reply{b.submit(ctx, 90)} // from the middle; the next is from the tail
		stay = append(stay, b.submit(t.Context(), 3))
		gone = append(gone, b.submit(ctx, 91))
		leave(why)
		synctest.Wait()
		for _, r := range gone {
			wantError(t, r.err, groupcommit.ErrWithdrawn, context.Canceled, why)
			if r.after != 0 {
				t.Errorf("leaving took %v", r.after)
			}
		}
		if b.Depth() != 2 {
			t.Errorf("Depth = %d after two of four left; want 2", b.Depth())
		}
		stay = append(stay, b.submit(t.Context(), 4))
		b.wantDone(t, upTo(4), stay)
		wantEqual(t, "flushed", b.store.flushed(), upTo(4))
	})
}

func TestWithdrawingFreesThePlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		first := b.submit(t.Context(), 1)
		for range 3 { // all that wait leave, head first, and the queue is whole again
			ctx, leave := context.WithCancel(t.Context())
			b.submitEach(ctx, 90, 91, 92, 93, 94, 95, 96, 97)
			wantError(t, b.submit(t.Context(), 99).err, groupcommit.ErrQueueFull)
			leave()
			synctest.Wait()
		}
		replies := b.submitEach(t.Context(), 2, 3, 4, 5, 6, 7, 8, 9)
		b.wantDone(t, upTo(9), append([]*reply{first}, replies...))
		wantEqual(t, "flushed", b.store.flushed(), upTo(9))
	})
}

func TestLeavingATakenCommandDoesNotStopIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		ctx, leave := context.WithTimeout(t.Context(), commit/2)
		defer leave()
		r := b.submit(ctx, 1)
		next := b.submit(t.Context(), 2)
		b.wantDone(t, []int{2}, []*reply{next}) // its flush was not cancelled, so it took its time
		if next.after != 2*commit {
			t.Errorf("the next batch took %v; want %v", next.after, 2*commit)
		}
		wantError(t, r.err, groupcommit.ErrAbandoned, context.DeadlineExceeded)
		if r.after != commit/2 {
			t.Errorf("leaving took %v; want %v", r.after, commit/2)
		}
		wantEqual(t, "flushed", b.store.flushed(), upTo(2))
	})
}
