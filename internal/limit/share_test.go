package limit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// board is an Exchange in this process: the sums by bucket, as Redis keeps them.
type board struct {
	mu    sync.Mutex
	clock func() time.Time
	full  map[Count]time.Time // by bucket
	away  bool
	most  int // counts in one exchange
}

func newBoard(clock func() time.Time) *board {
	return &board{clock: clock, full: map[Count]time.Time{}}
}

func (b *board) Trade(_ context.Context, counts []Count) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return errors.New("away")
	}
	b.most = max(b.most, len(counts))
	now := b.clock()
	for i := range counts {
		c := &counts[i]
		name := Count{Of: c.Of, Key: c.Key}
		at := b.full[name]
		if at.Before(now) {
			at = now
		}
		at = at.Add(c.Owed)
		if known := now.Add(c.Ahead); at.Before(known) {
			at = known
		}
		b.full[name] = at
		c.Ahead = at.Sub(now)
	}
	return nil
}

// heard is an Observer that remembers.
type heard struct {
	nobody
	mu       sync.Mutex
	shared   []bool
	failures int
}

func (h *heard) LimitsShared(yes bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shared = append(h.shared, yes)
}

func (h *heard) LimitsNotShared() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures++
}

// Three replicas together let through what one would, and what they did not know of one another in the time
// of an exchange.
func TestReplicasShareTheirLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const replicas, perSecond, burst, seconds = 3, 100, 200, 20
		b := newBoard(time.Now)
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		var ls [replicas]*Limiter
		for i := range ls {
			l, err := New(Config{Address: PerSecond(perSecond, burst), Entries: entriesMin})
			if err != nil {
				t.Fatal(err)
			}
			ls[i] = l
			all.Go(func() { l.Share(ctx, b, slog.New(slog.DiscardHandler)) })
		}
		passed := 0
		for range seconds * 1000 {
			time.Sleep(time.Millisecond)
			for _, l := range ls {
				if v := l.AllowAddress(l.Now(), place("192.0.2.1")); v.OK() {
					passed++
				}
			}
		}
		stop()
		all.Wait()
		alone := burst + perSecond*seconds
		// Each of the others may have let through a whole burst before it was heard of, and what an exchange's time
		// brings, each time.
		slack := (replicas - 1) * burst
		exchange := int(ShareEvery / (time.Second / perSecond))
		t.Logf("%d passed; one alone would let %d pass", passed, alone)
		if passed > alone+slack+replicas*exchange+alone/10 {
			t.Errorf("%d passed, want at most %d and a slack of %d", passed, alone, slack)
		}
		if passed < alone {
			t.Errorf("%d passed, want at least %d", passed, alone)
		}
	})
}

func TestAnExchangeThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, h := newBoard(time.Now), &heard{}
		b.away = true
		l, err := New(Config{AddressMisses: Rate{time.Minute, 10}, Entries: entriesMin, Observe: h})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { l.Share(ctx, b, slog.New(slog.DiscardHandler)) })
		miss := func(i int) {
			var a Attempt
			if ruling, _ := l.Try(&a, l.Now(), place("192.0.2.1"), strconv.Itoa(i), fmt.Sprint("X", i)); ruling == Pass {
				a.Missed()
			}
			time.Sleep(2 * ShareEvery)
		}
		for i := range 3 {
			miss(i)
		}
		b.mu.Lock()
		b.away = false
		b.mu.Unlock()
		miss(3) // tells all that is known, not only what is new
		stop()
		all.Wait()
		if len(h.shared) != 2 || h.shared[0] || !h.shared[1] || h.failures < 3 {
			t.Errorf("told of %v and %d failures", h.shared, h.failures)
		}
		for _, at := range b.full {
			if ahead := time.Until(at); ahead < 3*time.Minute || ahead > 4*time.Minute {
				t.Errorf("after the failure all know of %v of four minutes", ahead)
			}
		}
	})
}

func TestAnExchangeIsBounded(t *testing.T) {
	t.Parallel()
	w := &watch{}
	l := newLimiter(t, w, func(c *Config) { c.TotalMisses = Rate{Every: time.Millisecond, Burst: 1_000_000} })
	for i := range 20_000 {
		var a Attempt
		l.Try(&a, l.Now(), PlaceOf(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})), "", fmt.Sprint("X", i))
		a.Missed()
	}
	seen := map[Count]bool{}
	for range 100 {
		counts := l.Collect()
		if len(counts) > shareMax {
			t.Fatalf("%d counts in one exchange", len(counts))
		}
		if len(counts) == 0 {
			break
		}
		for _, c := range counts {
			if c.Owed <= 0 || c.Ahead <= 0 {
				t.Fatalf("%+v", c)
			}
			seen[Count{Of: c.Of, Key: c.Key}] = true
		}
	}
	if len(seen) < shareMax || len(seen) > 2*shardsMax*owingMax+1 {
		t.Errorf("%d buckets were told of", len(seen))
	}
}
