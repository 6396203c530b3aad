package groupcommit_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/groupcommit"
)

// commit is how long the fake store takes for a batch, on the fake clock of synctest: that clock moves
// only while everybody waits, so that a test may ask for exact times. Each such test is also one that
// nothing leaks: its bubble fails it for a goroutine that stays behind.
const commit = time.Millisecond

var errStore = errors.New("the store is down")

type config = groupcommit.Config[int, int]

// store is what the tests batch for. It remembers each batch, and answers a command with answerTo.
type store struct {
	mu      sync.Mutex
	batches [][]int
}

func answerTo(command int) int { return command*10 + 1 }

// flush takes commit for any batch, and gives up when its context ends.
func (s *store) flush(ctx context.Context, batch []int) ([]int, error) {
	s.mu.Lock()
	s.batches = append(s.batches, slices.Clone(batch))
	s.mu.Unlock()
	select {
	case <-time.After(commit):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	results := make([]int, len(batch))
	for i, command := range batch {
		results[i] = answerTo(command)
	}
	return results, nil
}

func (s *store) sizes() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	sizes := make([]int, len(s.batches))
	for i, batch := range s.batches {
		sizes[i] = len(batch)
	}
	return sizes
}

func (s *store) flushed() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Concat(s.batches...)
}

// bundle is a batcher over a fake store, and the submits of a test.
type bundle struct {
	*groupcommit.Batcher[int, int]
	store *store
	all   sync.WaitGroup
}

// setup starts a batcher over a fake store: four commands a batch, eight in the queue, or as changed.
func setup(t *testing.T, changes ...func(*config)) *bundle {
	t.Helper()
	s := new(store)
	cfg := config{MaxBatch: 4, MaxQueue: 8, Flush: s.flush}
	for _, change := range changes {
		change(&cfg)
	}
	b, err := groupcommit.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("Close = %v", err)
		}
	})
	return &bundle{Batcher: b, store: s}
}

// reply is what one submit got, and when.
type reply struct {
	result int
	err    error
	after  time.Duration
}

// submit hands in a command in the background and returns once it waits or is answered. The reply may
// be read after all.Wait.
func (b *bundle) submit(ctx context.Context, command int) *reply {
	r := new(reply)
	b.all.Go(func() {
		start := time.Now()
		r.result, r.err = b.Submit(ctx, command)
		r.after = time.Since(start)
	})
	synctest.Wait()
	return r
}

// slowContext is one whose end takes the time of a commit to be noticed, but for the first quick times.
// Meanwhile the flusher goes on.
type slowContext struct {
	context.Context //nolint:containedctx // it is a context
	quick           int
}

func slow(ctx context.Context, quick int) context.Context {
	return &slowContext{Context: ctx, quick: quick}
}

func (c *slowContext) Done() <-chan struct{} {
	if c.quick--; c.quick < 0 {
		time.Sleep(commit)
		synctest.Wait()
	}
	return c.Context.Done()
}

// submitEach hands in commands one after the other.
func (b *bundle) submitEach(ctx context.Context, commands ...int) []*reply {
	replies := make([]*reply, len(commands))
	for i, command := range commands {
		replies[i] = b.submit(ctx, command)
	}
	return replies
}

// wantDone waits for all submits and checks that these were done.
func (b *bundle) wantDone(t *testing.T, commands []int, replies []*reply) {
	t.Helper()
	b.all.Wait()
	for i, r := range replies {
		if r.err != nil || r.result != answerTo(commands[i]) {
			t.Errorf("command %d got %d, %v; want %d", commands[i], r.result, r.err, answerTo(commands[i]))
		}
	}
}

func wantError(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("error = %v; want %v", err, target)
		}
	}
}

func wantEqual(t *testing.T, what string, got, want []int) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s = %v; want %v", what, got, want)
	}
}

// upTo returns 1 to n.
func upTo(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i + 1
	}
	return numbers
}
