package redemption_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/fault"
	"scrip/internal/redemption"
	"scrip/internal/store"
)

var errRefused = errors.New("connection refused")

func unreachable(err error) bool { return errors.Is(err, errRefused) }

// While the store is away it is dialled a few times a second, however many ask, the log tells of the change and of little
// else, and the store is in use again within half a second of its return.
func TestAStoreThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := newRig(t, redemption.Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Unreachable: unreachable})
		r.code("salam", 10)
		dials := 0
		r.hook = func(func() ([]store.Outcome, error), []store.Command) ([]store.Outcome, error) {
			dials++
			return nil, fmt.Errorf("%w: %w", store.ErrNotApplied, errRefused)
		}
		const lasts = 100 * time.Second
		asked := 0
		for began := time.Now(); time.Since(began) < lasts; time.Sleep(time.Millisecond) {
			r.loses("salam", "ali", fault.ErrStoreUnavailable)
			asked++
		}
		if perSecond := float64(dials) / lasts.Seconds(); perSecond < 2 || perSecond > 5 {
			t.Errorf("%d dials in %v", dials, lasts)
		}
		if err := r.Failing(); !errors.Is(err, errRefused) {
			t.Errorf("failing: %v", err)
		}
		r.hook = nil
		back := time.Now()
		for ; ; time.Sleep(time.Millisecond) {
			if _, err := r.ask("salam", "ali"); err == nil {
				break
			}
			asked++
		}
		if took := time.Since(back); took > 500*time.Millisecond {
			t.Errorf("it was found out after %v", took)
		}
		text := log.String()
		if n := strings.Count(text, "level=ERROR"); n != 4 || strings.Count(text, "the store is away") != n {
			t.Errorf("%d lines, want one at first and one each thirty seconds:\n%s", n, text)
		}
		if !strings.Contains(text, "the store is back") || !strings.Contains(text, fmt.Sprintf("batches_failed=%d\n", asked)) || strings.Count(text, "\n") != 5 {
			t.Errorf("%d batches failed; the log:\n%s", asked, text)
		}
		r.clean()
	})
}

// The first tries come soon after one another: a store that was away for a moment is found at once.
func TestAShortAbsence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, redemption.Config{Unreachable: unreachable})
		r.code("salam", 10)
		r.hook = func(func() ([]store.Outcome, error), []store.Command) ([]store.Outcome, error) {
			return nil, fmt.Errorf("%w: %w", store.ErrNotApplied, errRefused)
		}
		r.loses("salam", "ali", fault.ErrStoreUnavailable)
		r.hook = nil
		r.loses("salam", "ali", fault.ErrStoreUnavailable) // not tried
		time.Sleep(50 * time.Millisecond)
		r.wins("salam", "ali", 1)
	})
}

// A store that refuses batches is tried by each one: it may take the next. The log is not told of each, nor of each refusal
// that it can still read to be one.
func TestAStoreThatRefusesIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := newRig(t, redemption.Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Unreachable: unreachable})
		r.code("salam", 10_000)
		full := func(func() ([]store.Outcome, error), []store.Command) ([]store.Outcome, error) {
			return nil, fmt.Errorf("%w: %w", store.ErrNotApplied, errDisk)
		}
		before := r.applied.Load()
		for range 100 {
			r.hook = full
			r.loses("salam", "ali", fault.ErrStoreUnavailable)
			r.hook = nil
			r.loses("unknown", "ali", fault.ErrVoucherNotFound)
		}
		if tried := r.applied.Load() - before; tried < 101 {
			t.Errorf("%d were tried", tried)
		}
		r.wins("salam", "ali", 1)
		if text := log.String(); strings.Count(text, "\n") != 2 || strings.Count(text, "takes no batches") != 1 || !strings.Contains(text, "the store is back") {
			t.Errorf("log:\n%s", text)
		}
		log.Reset()
		for n := range 1000 { // it comes and goes
			r.hook = full
			r.loses("salam", "bita", fault.ErrStoreUnavailable)
			r.hook = nil
			time.Sleep(5 * time.Millisecond)
			r.wins("salam", fmt.Sprintf("c%d", n), int64(n+2))
		}
		if n := strings.Count(log.String(), "\n"); n < 5 || n > 12 {
			t.Errorf("%d lines in five seconds", n)
		}
	})
}
