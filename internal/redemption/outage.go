package redemption

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// While the store can't be reached a batch is tried no sooner than this after the one before, with jitter; the wait doubles
// from the first to the second. In between, batches fail at once: a crowd that is told to come again must not make every
// server dial thousands of times a second what is just starting. The longest is a tenth of what recovery may take.
const (
	closedMin = 50 * time.Millisecond
	closedMax = 500 * time.Millisecond
)

// The log is told of a change, and again while it lasts. A store that comes and goes is told of once in steadyMin.
const (
	remindEach = 30 * time.Second
	steadyMin  = time.Second
)

// outage is the state of a store that takes no batches. The flusher and the groups beside it share it.
type outage struct {
	log         *slog.Logger
	unreachable func(error) bool // nil: no error is one

	mu      sync.Mutex
	err     error // of the last batch that failed; nil while the store takes batches
	away    bool  // it could not be reached
	since   time.Time
	batches int           // that failed since then, or were not tried
	told    time.Time     // when the log was told last
	telling bool          // it was told of this outage
	pause   time.Duration // between two tries
	until   time.Time     // the next one
}

// closed counts a batch that is not to be tried now, and returns why not; nil where it is to be tried.
func (o *outage) closed(now time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.away || !now.Before(o.until) {
		return nil
	}
	o.batches++
	return fmt.Errorf("not tried, for it just failed: %w", o.err)
}

// shut is closed for those who are no batch.
func (o *outage) shut(now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.away && now.Before(o.until)
}

// notReached reports whether the store could not be reached.
func (o *outage) notReached(err error) bool { return o.unreachable != nil && o.unreachable(err) }

// failed takes note of a batch of which the store took nothing.
func (o *outage) failed(ctx context.Context, now time.Time, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.since, o.batches, o.pause = now, 0, 0
	}
	o.batches++
	o.err, o.away = err, o.notReached(err)
	if o.away {
		o.pause = min(max(2*o.pause, closedMin), closedMax)
		o.until = now.Add(o.pause/2 + rand.N(o.pause/2)) //nolint:gosec // jitter, not a secret
	}
	pause := steadyMin
	if o.telling {
		pause = remindEach
	}
	if now.Sub(o.told) < pause {
		return
	}
	o.told, o.telling = now, true
	lasts := now.Sub(o.since).Round(time.Millisecond)
	if o.away {
		o.log.ErrorContext(ctx, "the store is away; requests are told to come again", "err", err, "for", lasts, "batches_failed", o.batches)
		return
	}
	o.log.ErrorContext(ctx, "the store takes no batches; requests are told to come again", "err", err, "for", lasts, "batches_failed", o.batches)
}

// over takes note of a batch that the store took. committed says that it wrote something: a store that can be read but not
// written takes a batch of refusals all the same.
func (o *outage) over(ctx context.Context, now time.Time, committed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil || !o.away && !committed {
		return
	}
	if o.telling {
		o.log.InfoContext(ctx, "the store is back", "after", now.Sub(o.since).Round(time.Millisecond), "batches_failed", o.batches)
	}
	o.err, o.away, o.telling = nil, false, false
}
