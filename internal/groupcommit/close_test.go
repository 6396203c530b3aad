package groupcommit_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/groupcommit"
)

func TestCloseOfAnIdleBatcherReturnsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		start := time.Now()
		for range 2 {
			if err := b.Close(t.Context()); err != nil || time.Since(start) != 0 {
				t.Errorf("Close = %v after %v", err, time.Since(start))
			}
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 { // a select that finds both picks either
			if err := b.Close(ended); err != nil {
				t.Fatalf("Close of a closed batcher = %v", err)
			}
		}
		_, err := b.Submit(t.Context(), 1)
		wantError(t, err, groupcommit.ErrClosed)
		_, err = b.SubmitAll(t.Context(), upTo(2))
		wantError(t, err, groupcommit.ErrClosed)
	})
}

func TestCloseFlushesAllThatWaitsAndRefusesNewcomers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		replies := b.submitEach(t.Context(), upTo(9)...) // three flushes
		start := time.Now()
		for range 3 { // each Close waits for the end, not only the first
			b.all.Go(func() {
				err := b.Close(t.Context())
				if took := time.Since(start); err != nil || took != 3*commit {
					t.Errorf("Close = %v after %v; want %v", err, took, 3*commit)
				}
			})
		}
		synctest.Wait()
		wantError(t, b.submit(t.Context(), 99).err, groupcommit.ErrClosed)
		b.wantDone(t, upTo(9), replies)
		wantEqual(t, "flushed", b.store.flushed(), upTo(9))
	})
}

func TestCloseCutsTheRestOffAtItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		replies := b.submitEach(t.Context(), upTo(9)...)
		ctx, cancel := context.WithTimeout(t.Context(), commit+commit/2) // in the middle of the second flush
		defer cancel()
		err := b.Close(ctx)
		wantError(t, err, context.DeadlineExceeded)

		b.all.Wait()
		b.wantDone(t, upTo(1), replies[:1])
		for i, r := range replies[1:] {
			if i < 4 { // in the flush, which gives up with the cause of its context: fate unknown
				wantError(t, r.err, groupcommit.ErrCutOff)
			} else { // surely not done
				wantError(t, r.err, groupcommit.ErrClosed)
			}
			if r.after != commit+commit/2 {
				t.Errorf("cut off after %v; want %v", r.after, commit+commit/2)
			}
		}
		wantEqual(t, "flushed", b.store.flushed(), upTo(5)) // 6 to 9 never reached the store
		if b.Depth() != 0 {
			t.Errorf("Depth = %d", b.Depth())
		}
	})
}

func TestCloseDoesNotWaitForAFlushThatIgnoresItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(cfg *config) {
			flush := cfg.Flush
			cfg.Flush = func(ctx context.Context, batch []int) ([]int, error) {
				return flush(context.WithoutCancel(ctx), batch)
			}
		})
		replies := b.submitEach(t.Context(), upTo(3)...)
		ctx, cancel := context.WithTimeout(t.Context(), commit/2)
		defer cancel()
		start := time.Now()
		wantError(t, b.Close(ctx), context.DeadlineExceeded)
		if took := time.Since(start); took != commit/2 {
			t.Errorf("Close took %v; want %v", took, commit/2)
		}
		if err := b.Close(t.Context()); err != nil || time.Since(start) != commit { // waits once more
			t.Errorf("second Close = %v after %v; want %v", err, time.Since(start), commit)
		}
		b.wantDone(t, upTo(1), replies[:1]) // it was committed, and its caller hears so
		for _, r := range replies[1:] {
			wantError(t, r.err, groupcommit.ErrClosed)
			if r.after != commit/2 {
				t.Errorf("cut off after %v; want %v", r.after, commit/2)
			}
		}
		wantEqual(t, "flushed", b.store.flushed(), upTo(1))
	})
}

func TestCutOffWhileFormingStartsNoFlush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		observed := 0
		b := setup(t, func(cfg *config) {
			cfg.Screen = func(int) (int, bool) { time.Sleep(commit); return 0, false }
			cfg.Observe = func(int, time.Duration, error) { observed++ }
		})
		r := b.submit(t.Context(), 1)
		ctx, cancel := context.WithTimeout(t.Context(), commit/2)
		defer cancel()
		wantError(t, b.Close(ctx), context.DeadlineExceeded)
		b.all.Wait()
		wantError(t, r.err, groupcommit.ErrClosed)
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "flushed", b.store.flushed(), nil)
		if observed != 0 {
			t.Errorf("observed %d flushes", observed)
		}
	})
}

func TestFlushKeepsItsContextWhileCloseDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		ctx, leave := context.WithCancel(t.Context())
		gone := b.submit(ctx, 1)
		stay := b.submit(t.Context(), 2)
		b.all.Go(func() { _ = b.Close(t.Context()) })
		leave()
		b.wantDone(t, []int{2}, []*reply{stay}) // the fake store would have failed with its context
		wantError(t, gone.err, groupcommit.ErrAbandoned)
		if stay.after != 2*commit {
			t.Errorf("two flushes took %v", stay.after)
		}
	})
}
