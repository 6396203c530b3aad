package groupcommit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/groupcommit"
)

// audit stands in for a store and keeps books on each command, to hold its caller's reply against them.
// Of eight commands one is screened, and now and then a whole batch fails.
type audit struct {
	pause    func(context.Context) // takes a flush's time, or until its context ends
	batchMax int
	fails    func() bool

	flushing atomic.Int32
	mu       sync.Mutex
	order    []int       // as flushed
	fate     map[int]int // committed or failed, by command
	wrong    []string
}

const (
	neverFlushed = iota
	committed
	failed
)

func (a *audit) complain(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.wrong = append(a.wrong, fmt.Sprintf(format, args...))
}

func (a *audit) screen(command int) (int, bool) { return loser, command%8 == 0 }

func (a *audit) flush(ctx context.Context, batch []int) ([]int, error) {
	if a.flushing.Add(1) != 1 {
		a.complain("two flushes at a time")
	}
	defer a.flushing.Add(-1)
	if len(batch) == 0 || len(batch) > a.batchMax {
		a.complain("a batch of %d; at most %d", len(batch), a.batchMax)
	}
	a.pause(ctx)
	bad := ctx.Err() != nil || a.fails()
	results := make([]int, len(batch))
	a.mu.Lock()
	for i, command := range batch {
		if a.fate[command] != neverFlushed {
			a.wrong = append(a.wrong, fmt.Sprintf("command %d was flushed twice", command))
		}
		a.fate[command] = committed
		if bad {
			a.fate[command] = failed
		}
		a.order = append(a.order, command)
		results[i] = answerTo(command)
	}
	a.mu.Unlock()
	if bad {
		return nil, errStore
	}
	return results, nil
}

// check holds a reply against the books. It comes after the end: only then is "never" true.
func (a *audit) check(command, result int, err error) {
	fate, truthful := a.fate[command], errors.Is(err, groupcommit.ErrAbandoned)
	switch {
	case err == nil && command%8 == 0:
		truthful = fate == neverFlushed && result == loser
	case err == nil:
		truthful = fate == committed && result == answerTo(command)
	case errors.Is(err, errStore):
		truthful = fate == failed
	case errors.Is(err, groupcommit.ErrQueueFull), errors.Is(err, groupcommit.ErrClosed),
		errors.Is(err, groupcommit.ErrWithdrawn):
		truthful = fate == neverFlushed
	}
	if !truthful {
		a.complain("command %d of fate %d got %d, %v", command, fate, result, err)
	}
}

// Three hundred random lives of a batcher, on a fake clock where the order of submits is known.
func TestRandomLivesKeepEveryPromise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for seed := range 300 {
			if wrong := randomLife(t, seed); len(wrong) > 0 {
				t.Fatalf("seed %d: %q", seed, wrong)
			}
		}
	})
}

func randomLife(t *testing.T, seed int) []string {
	t.Helper()
	const submits = 60
	r, flusher := dice(seed, 0), dice(seed, 1) // the flusher runs beside us
	a := &audit{batchMax: 1 + r.IntN(8), fate: map[int]int{}}
	queueMax := a.batchMax + r.IntN(10)
	flushTime := 1 + r.IntN(100)
	a.fails = func() bool { return flusher.IntN(10) == 0 }
	a.pause = func(ctx context.Context) {
		select {
		case <-time.After(micros(flusher, flushTime)):
		case <-ctx.Done():
		}
	}
	b, err := groupcommit.New(config{MaxBatch: a.batchMax, MaxQueue: queueMax, Flush: a.flush, Screen: a.screen})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	replies := make([]reply, submits)
	for command := range submits {
		ctx, leave := context.WithTimeout(t.Context(), 1+micros(r, 200))
		before := b.Depth()
		all.Go(func() {
			defer leave()
			replies[command].result, replies[command].err = b.Submit(ctx, command)
			if errors.Is(replies[command].err, groupcommit.ErrQueueFull) && before != queueMax {
				a.complain("refused with %d waiting of %d", before, queueMax)
			}
		})
		synctest.Wait()
		if n := b.Depth(); n > queueMax {
			a.complain("%d waiting; at most %d", n, queueMax)
		}
		time.Sleep(micros(r, 10))
		if command == submits*3/4 {
			deadline := 1 + micros(r, 400)
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				_ = b.Close(ctx)
			})
		}
	}
	all.Wait()
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for command, r := range replies {
		a.check(command, r.result, r.err)
	}
	if !slices.IsSorted(a.order) {
		a.complain("flushed out of order: %v", a.order)
	}
	return a.wrong
}

// dice are repeatable.
func dice(seed int, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(seed), stream)) //nolint:gosec // repeatable on purpose
}

// micros returns fewer than n microseconds.
func micros(r *rand.Rand, n int) time.Duration {
	return time.Duration(r.IntN(n)) * time.Microsecond
}

// The same books under real concurrency, for the race detector.
func TestStressGivesExactlyOneTrueReplyToEach(t *testing.T) {
	t.Parallel()
	const callers, rounds = 64, 400
	var flushes atomic.Int32
	a := &audit{batchMax: 16, fate: map[int]int{}}
	a.fails = func() bool { return flushes.Add(1)%10 == 0 }
	a.pause = func(context.Context) { time.Sleep(20 * time.Microsecond) }
	b, err := groupcommit.New(config{MaxBatch: a.batchMax, MaxQueue: 40, Flush: a.flush, Screen: a.screen})
	if err != nil {
		t.Fatal(err)
	}
	replies := make([]reply, callers*rounds*2)
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			r := dice(caller, 2)
			for round := range rounds {
				if caller == 0 && round == rounds*9/10 { // its deadline has passed as soon as it starts
					ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
					_ = b.Close(ctx)
					cancel()
				}
				stressSubmit(t, b, replies, (caller*rounds+round)*2, micros(r, 2000))
			}
		})
	}
	all.Wait()
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for command, r := range replies {
		a.check(command, r.result, r.err)
	}
	if len(a.wrong) > 0 {
		t.Errorf("%d wrong, of which the first: %s", len(a.wrong), a.wrong[0])
	}
	wantEachKind(t, replies)
}

// stressSubmit submits one command or two.
func stressSubmit(
	t *testing.T, b *groupcommit.Batcher[int, int], replies []reply, first int, patience time.Duration,
) {
	t.Helper()
	ctx, leave := context.WithTimeout(t.Context(), patience)
	defer leave()
	if first%6 != 0 {
		replies[first].result, replies[first].err = b.Submit(ctx, first)
		replies[first+1].err = groupcommit.ErrWithdrawn // never handed in, so never flushed
	} else {
		both, err := b.SubmitAll(ctx, []int{first, first + 1})
		replies[first].err, replies[first+1].err = err, err
		for i, one := range both {
			replies[first+i] = reply{result: one.Result, err: one.Err}
		}
	}
	if errors.Is(replies[first].err, groupcommit.ErrQueueFull) {
		time.Sleep(100 * time.Microsecond) // or the test would be about refusals
	}
}

// wantEachKind checks that the stress has reached every kind of end.
func wantEachKind(t *testing.T, replies []reply) {
	t.Helper()
	for _, kind := range []error{
		nil, errStore, groupcommit.ErrQueueFull, groupcommit.ErrClosed, groupcommit.ErrWithdrawn, groupcommit.ErrAbandoned,
	} {
		n := 0
		for _, r := range replies {
			if errors.Is(r.err, kind) {
				n++
			}
		}
		if n == 0 {
			t.Errorf("no reply was %v: the test has lost its bite", kind)
		}
		t.Logf("%d replies were %v", n, kind)
	}
}
