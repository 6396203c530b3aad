package app

import (
	"context"
	"errors"
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
func hooks(lc fx.Lifecycle, down fx.Shutdowner, f *failure, p part) {
	var running sync.WaitGroup
	lc.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			if p.open != nil {
				if err := p.open(ctx); err != nil {
					return err
				}
			}
			if p.run != nil {
				running.Go(func() {
					if err := p.run(); err != nil {
						f.note(err)
						f.note(down.Shutdown())
					}
				})
			}
			return nil
		},
		OnStop: func(ctx context.Context) error {
			if p.close == nil {
				return nil
			}
			err := p.close(ctx)
			running.Wait()
			return err
		},
	})
}

// failure gathers what went wrong while the server ran.
type failure struct {
	mu   sync.Mutex
	errs []error
}

func (f *failure) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs = append(f.errs, err)
}

func (f *failure) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.errs...)
}
