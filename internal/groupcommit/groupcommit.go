// Package groupcommit turns many single submits into few durable commits. It is a bounded, adaptive
// batcher in front of anything that commits a batch at about the price of one command.
//
// It promises:
//
//   - Adaptive. The next batch leaves as soon as the last flush returns and those who can run have run, with all
//     that waits, up to MaxBatch. There is no timer: a lone submit leaves alone and at once, a crowd fills batches.
//   - In order. Commands are flushed in the order in which they entered, one flush at a time.
//   - Bounded. At most MaxQueue commands wait; one more is refused at once with ErrQueueFull.
//   - Exactly one reply to each submit: its result, its batch's error, or why it was not done.
//   - Leaving is honest. A caller that leaves while its command waits takes it away (ErrWithdrawn:
//     surely not done). A command that was taken into a batch goes on without its caller (ErrAbandoned).
//     A command whose client has gone by the time that its batch is formed is not started (ErrWithdrawn).
//   - Clean end. Close refuses newcomers and flushes what waits; its context is the hard deadline.
//
// ErrQueueFull, ErrTooMany, ErrWithdrawn and ErrClosed say that the command was surely not done. After
// any other error only the one who flushes can know: ask it again by the command's own id.
//
// It must not know what a command is, nor any store, clock or log: it neither retries nor interprets.
//
// # Why it holds
//
// One mutex guards the queue, and one goroutine, the flusher, takes from it.
//
//  1. A command is on the queue exactly while its call says queued. It comes off once: the flusher takes
//     it, its caller withdraws it, or Close cuts it off. Whoever takes it off owes its only reply.
//  2. Commands enter at the tail, and only the flusher takes, from the head. Hence the order.
//  3. The queue is empty, or the flusher is awake or has a signal on its way: a command is pushed before
//     the signal, and the flusher sleeps only on a queue that it found empty under the mutex.
//  4. No callback runs under the mutex, so that none can deadlock with it or lengthen it.
package groupcommit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// What a submit may get instead of a result, apart from an error of Flush itself.
var (
	ErrQueueFull   = errors.New("groupcommit: the queue is full")
	ErrTooMany     = errors.New("groupcommit: more commands than the queue can ever hold")
	ErrClosed      = errors.New("groupcommit: closed")
	ErrWithdrawn   = errors.New("groupcommit: the caller left before its command was started")
	ErrAbandoned   = errors.New("groupcommit: the caller left after its command was taken")
	ErrCutOff      = errors.New("groupcommit: the deadline of Close ended the flush")
	ErrResultCount = errors.New("groupcommit: wrong number of results")
	ErrPanicked    = errors.New("groupcommit: a callback panicked")
)

// Config says how to batch and what to do with a batch. The flusher alone calls the functions, one at
// a time; the slices that they get are lent until they return (Flush's batch until Settled returns). A
// panic in any of them but Observe becomes an error, wrapping ErrPanicked.
type Config[C, R any] struct {
	MaxBatch int // commands in one flush, at least 1
	MaxQueue int // commands that wait, beside those being flushed; at least MaxBatch, or none would fill

	// Flush commits a batch. It returns exactly one result for each command, in order, or an error for
	// the whole batch. Its context ends only at the hard deadline of Close, with the cause ErrCutOff:
	// neither with a caller that leaves nor while Close drains. The results are copied: it may use their
	// slice again for the next batch.
	Flush func(ctx context.Context, batch []C) ([]R, error)

	// Screen, if set, is asked about each command as its batch is formed. True answers the command with
	// that result, without a flush, and its place goes to the next in the queue. It must do no I/O: a
	// batch waits for it.
	Screen func(C) (R, bool)

	// Settled, if set, is told what a successful flush taught, after every caller of the batch has been
	// answered and before the next batch is formed, so that Screen knows it in time.
	Settled func(batch []C, results []R)

	// Observe, if set, is told of each flush at its very end: the batch's size, the time that Flush
	// took, and what went wrong in Flush or in Settled.
	Observe func(size int, took time.Duration, err error)
}

func (cfg *Config[C, R]) validate() error {
	switch {
	case cfg.Flush == nil:
		return errors.New("groupcommit: Flush is missing")
	case cfg.MaxBatch < 1:
		return fmt.Errorf("groupcommit: MaxBatch is %d, but must be at least 1", cfg.MaxBatch)
	case cfg.MaxQueue < cfg.MaxBatch:
		return fmt.Errorf("groupcommit: MaxQueue is %d, but must be at least MaxBatch, %d",
			cfg.MaxQueue, cfg.MaxBatch)
	}
	return nil
}

// Batcher gathers the commands of concurrent submits into batches. New makes one; Close ends it.
type Batcher[C, R any] struct {
	cfg    Config[C, R]
	idle   sync.Pool               // of *call[C, R], with an empty reply channel
	cancel context.CancelCauseFunc // ends the context of Flush

	mu      sync.Mutex // a leaf: nothing else is locked, sent or called under it
	work    sync.Cond  // on mu; the flusher alone waits: for a command, or for closing
	queue   queue[C, R]
	closing bool

	stopped chan struct{} // closed as the flusher ends
}

// New starts a batcher. Its one goroutine lives until Close.
func New[C, R any](cfg Config[C, R]) (*Batcher[C, R], error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(context.Background()) //nolint:forbidigo // a batch outlives its callers
	b := &Batcher[C, R]{cfg: cfg, cancel: cancel, stopped: make(chan struct{})}
	b.idle.New = func() any { return &call[C, R]{done: make(chan struct{}, 1)} }
	b.work.L = &b.mu
	go b.run(ctx)
	return b, nil
}

// Depth returns how many commands wait, beside those being flushed.
func (b *Batcher[C, R]) Depth() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queue.len
}

// Refusal says why a command that is submitted now would be refused: ErrClosed or ErrQueueFull, nil if it would be let
// in. A moment later it may be otherwise. It spares a caller the making of a command for nothing, where thousands
// are refused in a second.
func (b *Batcher[C, R]) Refusal() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.refusal(1)
}

// Close refuses newcomers, flushes all that waits and returns nil once the flusher has ended. If ctx
// ends first, it cuts the rest off (ErrClosed to each that waits), ends the context of the running
// flush and returns the error of ctx at once; the callers of that flush get whatever it returns. Close
// may be called again, to wait once more: nil always means that nothing runs any longer.
func (b *Batcher[C, R]) Close(ctx context.Context) error {
	b.mu.Lock()
	b.closing = true
	b.mu.Unlock()
	b.work.Signal()

	select {
	case <-b.stopped:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-b.stopped: // both had happened: there was nothing to cut off
		return nil
	default:
	}
	b.cutOff()
	return fmt.Errorf("groupcommit: close: %w", cause(ctx))
}

// cutOff answers all that wait with ErrClosed. The flush is cancelled first, so that a batch that is
// just being formed finds out before it starts.
func (b *Batcher[C, R]) cutOff() {
	b.cancel(ErrCutOff) // not ErrClosed: whatever a cancelled flush returns, it is not "surely not done"
	b.mu.Lock()
	cut := b.queue.take(nil, b.queue.len)
	b.mu.Unlock()
	for _, c := range cut {
		c.fail(ErrClosed)
	}
}
