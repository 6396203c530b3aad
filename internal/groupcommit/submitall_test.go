package groupcommit_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/groupcommit"
)

func TestSubmitAllGivesEachItsReplyInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		start := time.Now()
		replies, err := b.SubmitAll(t.Context(), upTo(6))
		if err != nil || len(replies) != 6 {
			t.Fatalf("SubmitAll = %d replies, %v", len(replies), err)
		}
		for i, r := range replies {
			if r.Err != nil || r.Result != answerTo(i+1) {
				t.Errorf("reply %d = %+v; want %d", i, r, answerTo(i+1))
			}
		}
		wantEqual(t, "batch sizes", b.store.sizes(), []int{4, 2}) // they entered together
		if took := time.Since(start); took != 2*commit {
			t.Errorf("two batches took %v", took)
		}
		if replies, err = b.SubmitAll(t.Context(), nil); err != nil || len(replies) != 0 {
			t.Errorf("SubmitAll of nothing = %v, %v", replies, err)
		}
	})
}

func TestSubmitAllEntersWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		replies := b.submitEach(t.Context(), upTo(6)...) // five waiting: three places are left
		_, err := b.SubmitAll(t.Context(), []int{90, 91, 92, 93})
		wantError(t, err, groupcommit.ErrQueueFull)
		if b.Depth() != 5 {
			t.Errorf("Depth = %d after a refusal; want 5", b.Depth())
		}
		_, err = b.SubmitAll(t.Context(), make([]int, 9))
		wantError(t, err, groupcommit.ErrTooMany)
		if _, err = b.SubmitAll(t.Context(), []int{7, 8, 9}); err != nil {
			t.Errorf("SubmitAll of three into three places = %v", err)
		}
		b.wantDone(t, upTo(6), replies)
		wantEqual(t, "flushed", b.store.flushed(), upTo(9))
	})
}

func TestSubmitAllWithdrawsOnlyATail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		ctx, leave := context.WithTimeout(t.Context(), commit/2)
		defer leave()
		replies, err := b.SubmitAll(ctx, upTo(7))
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range replies {
			want := groupcommit.ErrAbandoned // the first batch had left
			if i >= 4 {
				want = groupcommit.ErrWithdrawn
			}
			wantError(t, r.Err, want, context.DeadlineExceeded)
		}
		time.Sleep(10 * commit)
		wantEqual(t, "flushed", b.store.flushed(), upTo(4))
	})
}

func TestSubmitAllLeavesNoHoleWhileTheFlusherTakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(cfg *config) { cfg.MaxBatch = 1 })
		first := b.submit(t.Context(), 1)
		ctx, leave := context.WithCancel(t.Context())
		var replies []groupcommit.Reply[int]
		b.all.Go(func() { replies, _ = b.SubmitAll(slow(ctx, 1), []int{2, 3}) })
		synctest.Wait()
		leave() // one command is withdrawn at once; then the flusher takes the other
		b.wantDone(t, upTo(1), []*reply{first})
		wantError(t, replies[0].Err, groupcommit.ErrAbandoned)
		wantError(t, replies[1].Err, groupcommit.ErrWithdrawn)
		wantEqual(t, "flushed", b.store.flushed(), upTo(2))
	})
}

// A select that finds both an answer and an ended context picks either: 100 times, so that a batcher
// that drops the answer for the context fails.
func TestAnswerOutweighsAnEndedContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(cfg *config) { cfg.MaxBatch = 1 })
		for range 100 {
			ctx, leave := context.WithTimeout(t.Context(), commit+commit/2)
			replies, err := b.SubmitAll(ctx, upTo(2)) // waits for the second, which comes too late
			leave()
			if err != nil {
				t.Fatal(err)
			}
			wantError(t, replies[1].Err, groupcommit.ErrAbandoned)
			if replies[0].Err != nil || replies[0].Result != answerTo(1) {
				t.Fatalf("the answer that was there got lost: %+v", replies[0])
			}
			time.Sleep(commit)
			synctest.Wait()
		}
	})
}
