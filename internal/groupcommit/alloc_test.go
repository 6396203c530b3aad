//go:build !race

package groupcommit_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"scrip/internal/groupcommit"
)

// The race detector makes pools forget on purpose, so that neither of these would tell anything with it.

func TestSubmitAllocatesNothing(t *testing.T) {
	b := newBenchBatcher(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client, hangUp := context.WithCancel(t.Context()) // as each request has its own, whose end nobody waits for
	defer hangUp()
	perSubmit := testing.AllocsPerRun(1000, func() {
		if _, err := b.SubmitFor(ctx, client, command{}); err != nil {
			t.Fatal(err)
		}
	})
	if perSubmit != 0 {
		t.Errorf("a submit makes %v allocations; want 0", perSubmit)
	}
}

func TestIdleBatcherKeepsNoCommandAlive(t *testing.T) {
	const screened, abandoned, flushed = 1, 2, 3
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithCancel(t.Context())
		b, err := groupcommit.New(groupcommit.Config[*command, *command]{
			MaxBatch: 1, MaxQueue: 1,
			Flush: func(_ context.Context, batch []*command) ([]*command, error) {
				if batch[0][0] == abandoned {
					leave()
				}
				time.Sleep(time.Nanosecond)
				return []*command{batch[0]}, nil
			},
			Screen: func(c *command) (*command, bool) { return c, c[0] == screened },
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []uint64{screened, flushed, abandoned} {
			gone := submitAndForget(ctx, b, kind)
			time.Sleep(commit)
			synctest.Wait() // the flusher sleeps
			runtime.GC()    // one alone: a second would empty the pool of idle calls
			if gone.Value() != nil {
				t.Errorf("a command of kind %d outlives its reply", kind)
			}
		}
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func submitAndForget(
	ctx context.Context, b *groupcommit.Batcher[*command, *command], kind uint64,
) weak.Pointer[command] {
	c := &command{kind}
	_, _ = b.Submit(ctx, c)
	return weak.Make(c)
}
