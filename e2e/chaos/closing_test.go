package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// closing asks for what is left of every code, once all faults are undone: winners must be min(uses,
// customers), and whoever comes late must be told so. It keeps asking until each has a verdict.
func (c *crowd) closing(ctx context.Context, seed uint64) error {
	codes := make(chan *code)
	var all sync.WaitGroup
	errs := make(chan error, workers)
	for n := range workers / 2 {
		all.Go(func() {
			r := newRandom(seed, uint64(1000+n)) //nolint:gosec // a small number
			a := &asker{no: n, w: c.w, h: c.h}
			for of := range codes {
				if err := c.close(ctx, a, of, r); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	var err error
	for _, of := range c.all {
		select {
		case codes <- of:
		case err = <-errs:
		}
		if err != nil {
			break
		}
	}
	close(codes)
	all.Wait()
	select {
	case err = <-errs:
	default:
	}
	return err
}

// close takes a code to its end: open for everybody, and then sold out.
func (c *crowd) close(ctx context.Context, a *asker, of *code, r *rand.Rand) error {
	sure := func(what string, ask func(s *server) bool) error {
		return until(ctx, what+" of "+of.name, func() bool { return ask(c.w.somebody(r)) })
	}
	if err := sure("an opening", func(s *server) bool { return a.amend(ctx, s, of, enable, 0) }); err != nil {
		return err
	}
	if err := sure("an end", func(s *server) bool { return a.setEnd(ctx, s, of, time.Time{}) }); err != nil {
		return err
	}
	for n := range int(of.top) + 2 {
		i := intent{of, fmt.Sprintf("%s-late%d", of.name, n), ""}
		if n%2 == 0 {
			i.key = i.customer
		}
		var told answer
		err := sure("a use", func(s *server) bool {
			told = a.redeem(ctx, s, i)
			return told == done || told == soldOut || told == already // a server may not know yet that it is open
		})
		if err != nil || told == soldOut {
			return err
		}
	}
	c.w.say("%s has a limit of at most %d, and so many latecomers have won", of.name, of.top)
	return nil
}

// again is how long what was refused for a moment waits, and recoverMax how long all of it may take.
const (
	again      = 50 * time.Millisecond
	recoverMax = 60 * time.Second
)

// until asks again until it is so.
func until(ctx context.Context, what string, is func() bool) error {
	for end := time.Now().Add(recoverMax); !is(); time.Sleep(again) {
		if ctx.Err() != nil || time.Now().After(end) {
			return fmt.Errorf("%v after all faults were undone there is no verdict on %s", recoverMax, what)
		}
	}
	return nil
}
