package groupcommit

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// batch is the flusher's own working space, used again for each batch. calls and commands run side by
// side.
type batch[C, R any] struct {
	calls    []*call[C, R]
	commands []C
}

// empty lets go of everything, so that an idle batcher keeps no command alive. Screening may have left
// calls beyond the length.
func (f *batch[C, R]) empty() {
	clear(f.calls[:cap(f.calls)])
	clear(f.commands)
	f.calls, f.commands = f.calls[:0], f.commands[:0]
}

// run is the flusher: it forms and commits batches until the batcher closes and the queue is empty.
func (b *Batcher[C, R]) run(ctx context.Context) {
	defer close(b.stopped)
	var f batch[C, R]
	for waiting := b.awaitWork(); waiting > 0; waiting = b.awaitWork() {
		b.form(&f, waiting)
		if len(f.commands) > 0 {
			b.commit(ctx, &f)
		}
		f.empty()
	}
}

// awaitWork sleeps until something waits and returns how much; 0 says that nothing will ever again.
//
// Unless a whole batch waits, it then stands back once for those who can run at this moment: callers with an answer in
// hand, and others on their way to the queue. Of a crowd that comes at once the first would otherwise leave
// alone, and all the others wait for its commit. Where nobody can run there is nothing to wait for.
func (b *Batcher[C, R]) awaitWork() int {
	for {
		waiting := b.awaitFirst()
		if waiting == 0 || waiting >= b.cfg.MaxBatch {
			return waiting
		}
		runtime.Gosched()
		if waiting = b.Depth(); waiting > 0 { // they may all have been withdrawn meanwhile
			return waiting
		}
	}
}

// awaitFirst sleeps until something waits and returns how much; 0 says that nothing will ever again.
func (b *Batcher[C, R]) awaitFirst() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.queue.len == 0 && !b.closing {
		b.work.Wait()
	}
	return b.queue.len
}

// form fills a batch from the head of the queue. Dropped commands make room for others, but a batch
// looks at no more than those that waited when it began: a stream of newcomers that are all dropped
// must not keep those that were admitted from leaving.
func (b *Batcher[C, R]) form(f *batch[C, R], waiting int) {
	for waiting > 0 && len(f.commands) < b.cfg.MaxBatch {
		kept := len(f.commands)
		b.mu.Lock()
		f.calls = b.queue.take(f.calls, min(waiting, b.cfg.MaxBatch-kept))
		b.mu.Unlock()

		taken := f.calls[kept:]
		if len(taken) == 0 {
			return // the rest was withdrawn or cut off
		}
		waiting -= len(taken)
		f.calls = f.calls[:kept]
		for _, c := range taken { // calls that stay move down in place, never past the one being read
			if !dropped(c) && !b.screened(c) {
				f.calls = append(f.calls, c)
				f.commands = append(f.commands, c.command)
			}
		}
	}
}

// dropped reports whether the call's client has gone, and ends it then.
func dropped[C, R any](c *call[C, R]) bool {
	why := c.gone()
	if why != nil {
		c.fail(fmt.Errorf("%w: %w", ErrWithdrawn, why))
	}
	return why != nil
}

// screened reports whether Screen answered the call.
func (b *Batcher[C, R]) screened(c *call[C, R]) bool {
	if b.cfg.Screen == nil {
		return false
	}
	result, answered, err := b.askScreen(c.command)
	switch {
	case err != nil:
		c.fail(err)
	case answered:
		c.answer(result)
	default:
		return false
	}
	return true
}

// commit flushes a batch, answers each of its callers, and only then tells what it taught.
func (b *Batcher[C, R]) commit(ctx context.Context, f *batch[C, R]) {
	if ctx.Err() != nil { // cut off while it was formed; ErrClosed promises that nothing was done
		for _, c := range f.calls {
			c.fail(ErrClosed)
		}
		return
	}
	start := time.Now() //nolint:forbidigo // measured for Observe only; nothing is decided by it
	results, err := b.flush(ctx, f.commands)
	took := time.Since(start)

	// gofail: var beforeReply struct{}
	for i, c := range f.calls {
		if err != nil {
			c.fail(err)
		} else {
			c.answer(results[i])
		}
	}
	if err == nil && b.cfg.Settled != nil {
		err = b.settle(f.commands, results)
	}
	if b.cfg.Observe != nil {
		b.cfg.Observe(len(f.commands), took, err)
	}
}

// flush calls Flush and holds it to its word: one result for each command, or an error.
func (b *Batcher[C, R]) flush(ctx context.Context, commands []C) (results []R, err error) {
	defer recovered("Flush", &err)
	results, err = b.cfg.Flush(ctx, commands)
	if err == nil && len(results) != len(commands) {
		err = fmt.Errorf("%w: %d for %d commands", ErrResultCount, len(results), len(commands))
	}
	return results, err
}

func (b *Batcher[C, R]) askScreen(command C) (result R, answered bool, err error) {
	defer recovered("Screen", &err)
	result, answered = b.cfg.Screen(command)
	return result, answered, nil
}

func (b *Batcher[C, R]) settle(commands []C, results []R) (err error) {
	defer recovered("Settled", &err)
	b.cfg.Settled(commands, results)
	return nil
}

// recovered, deferred, turns a panic of a callback into its error, with the stack for whoever logs it.
func recovered(callback string, err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("%w: %s: %s\n%s", ErrPanicked, callback, about(v), debug.Stack())
	}
}

// about says what a panic was about: the runtime's own words, and of anything else its type alone. A value may hold
// what a command is about, and errors are logged.
func about(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a value of type %T", v)
}
