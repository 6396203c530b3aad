package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// fault is one way to break a site. It begins, lasts for a moment and is undone before it returns.
type fault struct {
	name string
	// has reports whether the site has what it breaks; nil for every site.
	has func(w *world) bool
	// strike breaks it. It returns errBusy where another fault has what it needs, and any other error where it
	// could not be undone.
	strike func(ctx context.Context, h *hand) error
}

// errBusy means that nothing was done.
var errBusy = errors.New("another fault has it")

// hand is one of the nemesis's: it does one thing at a time.
type hand struct {
	*nemesis
	random *rand.Rand
	deck   []int // of the table, shuffled: each fault comes once before any comes again
}

// hands is how many faults may be on at once.
const hands = 2

// nemesis breaks a site at random.
type nemesis struct {
	w      *world
	faults []fault

	mu     sync.Mutex
	counts map[string]int
	hands  [hands]*hand
	wide   sync.Mutex // held by a fault that takes all servers
}

func newNemesis(w *world) *nemesis {
	n := &nemesis{w: w, counts: map[string]int{}}
	for _, f := range faults() {
		if f.has == nil || f.has(w) {
			n.faults = append(n.faults, f)
		}
	}
	for i := range n.hands {
		n.hands[i] = &hand{nemesis: n}
	}
	return n
}

// Between two faults of one hand, and how long one lasts.
const (
	restMost = 1500 * time.Millisecond
	lastMin  = 80 * time.Millisecond
	lastMost = 900 * time.Millisecond
)

// run strikes until ctx ends, and returns when every fault is undone.
func (n *nemesis) run(ctx context.Context, seed uint64) error {
	errs := make([]error, hands)
	var all sync.WaitGroup
	for i := range hands {
		all.Go(func() {
			h := n.hands[i]
			h.random = newRandom(seed, uint64(100+i)) //nolint:gosec // a small number
			for ctx.Err() == nil && errs[i] == nil {
				h.rest(restMost)
				if ctx.Err() == nil {
					errs[i] = h.strike(context.WithoutCancel(ctx))
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// strike does one fault of the table.
func (h *hand) strike(ctx context.Context) error {
	if len(h.deck) == 0 {
		h.deck = h.random.Perm(len(h.faults))
	}
	f := h.faults[h.deck[0]]
	h.deck = h.deck[1:]
	h.w.pulse.begin(h.w.time.now())
	err := f.strike(ctx, h)
	h.w.pulse.end(h.w.time.now())
	switch {
	case errors.Is(err, errBusy):
		return nil
	case err != nil:
		return fmt.Errorf("the fault %q: %w", f.name, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[f.name]++
	return nil
}

func (h *hand) rest(most time.Duration) { time.Sleep(time.Duration(h.random.Int64N(int64(most)))) }

// last lets a fault last.
func (h *hand) last() { time.Sleep(lastMin + time.Duration(h.random.Int64N(int64(lastMost-lastMin)))) }

// counted is how often each fault struck, and in all.
func (n *nemesis) counted() (byName map[string]int, all int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	byName = maps.Clone(n.counts)
	for _, f := range n.faults {
		byName[f.name] += 0
		all += byName[f.name]
	}
	return byName, all
}

func listed(byName map[string]int) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		fmt.Fprintf(&b, "%s %d; ", name, byName[name])
	}
	return strings.TrimSuffix(b.String(), "; ")
}
