package groupcommit

import (
	"context"
	"errors"
	"fmt"
)

// Client is the one for whom a caller waits. Err says why there is nobody left to hear the answer, and nil
// while there is; it must be quick and safe for concurrent use, also after the caller has its reply. The
// context of a request is one.
//
// A caller may share its ctx, and the one timer behind it, with many others, and give each client apart: asking
// a context for its error costs nothing, while waiting for its end costs a channel for each.
type Client interface{ Err() error }

// Submit hands in one command and waits for its reply.
func (b *Batcher[C, R]) Submit(ctx context.Context, command C) (R, error) {
	return b.SubmitFor(ctx, nil, command)
}

// SubmitFor is Submit for a client. A client that goes does not end the wait; but if it has gone by the time
// that the command's batch is formed, the command is not started, and the error is ErrWithdrawn with the
// client's own.
func (b *Batcher[C, R]) SubmitFor(ctx context.Context, client Client, command C) (R, error) {
	var none R
	if ctx.Err() != nil {
		return none, left(ctx, ErrWithdrawn)
	}
	c := b.newCall(client, command)
	if err := b.enqueue(c); err != nil {
		b.recycle(c)
		return none, err
	}
	return b.wait(ctx, c)
}

// Reply is what became of one command of a SubmitAll.
type Reply[R any] struct {
	Result R
	Err    error
}

// SubmitAll hands in commands side by side, with none of another caller between them, and waits for
// one reply to each, in order. All of them enter or none: then the error says why, and there are no
// replies. They may span batches. If ctx ends, those that are withdrawn are a tail of the commands.
func (b *Batcher[C, R]) SubmitAll(ctx context.Context, commands []C) ([]Reply[R], error) {
	return b.SubmitAllFor(ctx, nil, commands)
}

// SubmitAllFor is SubmitAll for a client; see SubmitFor. Of a client that has gone, those commands are not
// started that were not yet in a batch.
func (b *Batcher[C, R]) SubmitAllFor(ctx context.Context, client Client, commands []C) ([]Reply[R], error) {
	if ctx.Err() != nil {
		return nil, left(ctx, ErrWithdrawn)
	}
	if len(commands) > b.cfg.MaxQueue {
		return nil, fmt.Errorf("%w: %d of %d", ErrTooMany, len(commands), b.cfg.MaxQueue)
	}
	calls := make([]*call[C, R], len(commands))
	for i, command := range commands {
		calls[i] = b.newCall(client, command)
	}
	if err := b.enqueue(calls...); err != nil {
		for _, c := range calls {
			b.recycle(c)
		}
		return nil, err
	}
	// From the last to the first: replies come in order, so that one wake-up mostly serves for all; and
	// a caller that leaves withdraws from the tail while the flusher takes from the head: no holes.
	replies := make([]Reply[R], len(calls))
	for i := len(calls) - 1; i >= 0; i-- {
		replies[i].Result, replies[i].Err = b.wait(ctx, calls[i])
	}
	return replies, nil
}

// enqueue lets all the calls in, side by side, or none.
func (b *Batcher[C, R]) enqueue(calls ...*call[C, R]) error {
	b.mu.Lock()
	if err := b.refusal(len(calls)); err != nil {
		b.mu.Unlock()
		return err
	}
	for _, c := range calls {
		b.queue.push(c)
	}
	b.mu.Unlock()
	b.work.Signal()
	return nil
}

// refusal says why n more commands cannot enter, or nil. The caller holds mu.
func (b *Batcher[C, R]) refusal(n int) error {
	if b.closing {
		return ErrClosed
	}
	if n > b.cfg.MaxQueue-b.queue.len {
		return ErrQueueFull
	}
	return nil
}

// wait returns the reply to an enqueued call, or takes the call back when ctx ends first.
func (b *Batcher[C, R]) wait(ctx context.Context, c *call[C, R]) (R, error) {
	var none R
	select {
	case <-c.done:
	case <-ctx.Done():
		if b.withdraw(c) {
			b.recycle(c)
			return none, left(ctx, ErrWithdrawn)
		}
		select {
		case <-c.done: // the answer is there: it is worth more than the news that ctx ended
		default:
			return none, left(ctx, ErrAbandoned) // the reply is yet to come, so c must not be used again
		}
	}
	result, err := c.result, c.err
	b.recycle(c)
	return result, err
}

// withdraw takes a call off the queue and reports whether it was still there.
func (b *Batcher[C, R]) withdraw(c *call[C, R]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !c.queued {
		return false
	}
	b.queue.remove(c)
	return true
}

func (b *Batcher[C, R]) newCall(client Client, command C) *call[C, R] {
	c := b.idle.Get().(*call[C, R]) //nolint:forcetypeassert,errcheck // the pool holds nothing else
	c.client, c.command = client, command
	return c
}

// recycle keeps a call for a later submit. Nobody else may hold it, and its reply channel is empty.
func (b *Batcher[C, R]) recycle(c *call[C, R]) {
	*c = call[C, R]{done: c.done} // an idle call must not keep a command or a result alive
	b.idle.Put(c)
}

// left explains a reply that its caller did not wait for.
func left(ctx context.Context, why error) error {
	return fmt.Errorf("%w: %w", why, cause(ctx))
}

// cause returns why ctx ended; it always matches ctx.Err(), whatever cause was given.
func cause(ctx context.Context) error {
	err, why := ctx.Err(), context.Cause(ctx)
	if errors.Is(why, err) {
		return why
	}
	return fmt.Errorf("%w: %w", err, why)
}
