package app

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/fx"
)

// closeSlack is what the parts behind HTTP have for their end, beyond the grace that open requests have.
const closeSlack = 5 * time.Second

// part is something with a life: whatever is nil it does without.
type part struct {
	open  func(context.Context) error // ready to run, or why not
	run   func() error                // until close; an error shuts the server down
	close func(context.Context) error // ends run too
}

// hooks gives a part its place in the server's life: it is opened after what it was made from, and
// closed before it.
func hooks(lc fx.Lifecycle, down fx.Shutdowner, l *life, p part) {
	var running sync.WaitGroup
	end := once(func(ctx context.Context) error {
		if p.close == nil {
			return nil
		}
		err := p.close(ctx)
		running.Wait()
		return err
	})
	if p.open == nil { // it lives from now on, whether the server starts or not
		l.made(end)
	}
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			if p.open != nil {
				if err := p.open(ctx); err != nil {
					return err
				}
				l.made(end)
			}
			if p.run != nil {
				running.Go(func() {
					if err := p.run(); err != nil {
						l.note(err)
						l.note(down.Shutdown())
					}
				})
			}
			return nil
		},
		OnStop: end,
	})
}

// partingStore is what parts that only tidy up may ask of a store that does not answer: with nobody waiting, the end of
// the server is not to take the whole grace.
const partingStore = 2 * time.Second

// within has an end take no longer than that for what heeds its context.
func within(most time.Duration, end func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, most)
		defer cancel()
		return end(ctx)
	}
}

// givenUp has an end that heeds no context go on without its caller after that long.
func givenUp(most time.Duration, end func() error) func(context.Context) error {
	return func(ctx context.Context) error {
		ended := make(chan error, 1)
		go func() { ended <- end() }()
		patience := time.NewTimer(most)
		defer patience.Stop()
		select {
		case err := <-ended:
			return err
		case <-patience.C:
		case <-ctx.Done():
		}
		return nil
	}
}

// once runs do the first time only, and returns what it returned then.
func once(do func(context.Context) error) func(context.Context) error {
	var first sync.Once
	var err error
	return func(ctx context.Context) error {
		first.Do(func() { err = do(ctx) })
		return err
	}
}

// life is what a run of the server has made, and what went wrong in it.
type life struct {
	mu   sync.Mutex
	ends []func(context.Context) error // of the parts, in the order of their making
	errs []error
}

func (l *life) made(end func(context.Context) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ends = append(l.ends, end)
}

// undo ends the parts of a server that did not start, the last first. fx ends only those whose turn to
// start had come.
func (l *life) undo(ctx context.Context) {
	l.mu.Lock()
	ends := l.ends
	l.mu.Unlock()
	for _, end := range slices.Backward(ends) {
		if err := end(ctx); err != nil {
			l.note(err)
		}
	}
}

func (l *life) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
}

func (l *life) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.errs...)
}
