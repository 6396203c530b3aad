package groupcommit_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/groupcommit"
)

// submitFor is submit for a client of its own.
func (b *bundle) submitFor(ctx context.Context, client groupcommit.Client, command int) *reply {
	r := new(reply)
	b.all.Go(func() {
		start := time.Now()
		r.result, r.err = b.SubmitFor(ctx, client, command)
		r.after = time.Since(start)
	})
	synctest.Wait()
	return r
}

func TestCommandOfAClientThatHasGoneIsNotStarted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		client, hangUp := context.WithCancel(t.Context())
		first := b.submit(t.Context(), 1) // in its flush
		goes, stays := b.submitFor(t.Context(), client, 2), b.submitFor(t.Context(), t.Context(), 3)
		hangUp()
		synctest.Wait()
		if b.Depth() != 2 {
			t.Errorf("Depth = %d; want 2: nobody is woken by a client that goes", b.Depth())
		}
		b.wantDone(t, []int{1, 3}, []*reply{first, stays})
		wantError(t, goes.err, groupcommit.ErrWithdrawn, context.Canceled)
		if goes.after != commit {
			t.Errorf("it was told after %v; want %v, as the next batch was formed", goes.after, commit)
		}
		wantEqual(t, "flushed", b.store.flushed(), []int{1, 3})
	})
}

func TestClientThatGoesDuringTheFlushIsAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		client, hangUp := context.WithCancel(t.Context())
		r := b.submitFor(t.Context(), client, 1)
		hangUp()
		b.wantDone(t, []int{1}, []*reply{r}) // it was started, so its outcome is worth telling
	})
}

func TestClientsThatHaveGoneMakeRoomInTheBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		client, hangUp := context.WithCancel(t.Context())
		first := b.submit(t.Context(), 1)
		var gone []*reply
		for _, command := range []int{2, 3, 4} {
			gone = append(gone, b.submitFor(t.Context(), client, command))
		}
		stay := b.submitEach(t.Context(), 5, 6, 7, 8, 9)
		hangUp()
		b.wantDone(t, []int{1, 5, 6, 7, 8, 9}, append([]*reply{first}, stay...))
		for _, r := range gone {
			wantError(t, r.err, groupcommit.ErrWithdrawn, context.Canceled)
		}
		wantEqual(t, "batch sizes", b.store.sizes(), []int{1, 4, 1})
	})
}

func TestClientIsAskedBeforeTheScreen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked []int
		b := setup(t, func(cfg *config) {
			cfg.Screen = func(command int) (int, bool) {
				asked = append(asked, command)
				return 0, false
			}
		})
		client, hangUp := context.WithCancel(t.Context())
		first := b.submit(t.Context(), 1)
		gone := b.submitFor(t.Context(), client, 2)
		hangUp()
		b.wantDone(t, []int{1}, []*reply{first})
		wantError(t, gone.err, groupcommit.ErrWithdrawn)
		wantEqual(t, "asked", asked, []int{1})
	})
}

func TestSubmitAllOfAClientThatGoesKeepsWhatWasStarted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		client, hangUp := context.WithTimeout(t.Context(), commit/2)
		defer hangUp()
		replies, err := b.SubmitAllFor(t.Context(), client, upTo(6))
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range replies {
			if i < 4 { // the first batch had left
				if r.Err != nil || r.Result != answerTo(i+1) {
					t.Errorf("reply %d = %+v; want %d", i, r, answerTo(i+1))
				}
				continue
			}
			wantError(t, r.Err, groupcommit.ErrWithdrawn, context.DeadlineExceeded)
		}
		wantEqual(t, "flushed", b.store.flushed(), upTo(4))
	})
}
