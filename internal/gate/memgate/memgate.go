// Package memgate is the gate that lives in this process alone.
//
// Invariants, beyond the contract's:
//  1. Only a closed or an unknown voucher's fact refuses, as its Refusal says to this customer, and only
//     until FreshFor after it was asked for, on this process's monotonic clock. What is open or not there
//     passes and asks nothing: the request itself brings the news.
//  2. Of a closed voucher, only those are refused whom the filter of its winners surely does not hold. A
//     state and its filter are of one closure: a filter comes with the fact of its own snapshot and is
//     taken only if that is of the state's closure, and a state of another closure begins without one.
//     So nothing rests on when a reading began, how long it took, or how often it comes.
//  3. A fact is replaced only by a newer one: of a higher version or, within a version, further along
//     not started, open, closed by its counters, ended. A known voucher is never unknown again. An open
//     fact is kept like any other, for it is what keeps the late ones out. So is one that is older than a
//     change of its campaign made here: it refuses nobody.
//  4. What was forgotten for want of room is not contradicted: a fact that was asked for before the
//     forgotten one came in is remembered, but refuses nobody.
//  5. A flood on a closed voucher finds its fact fresh: one caller renews it when half of its time is
//     gone, another a quarter of a second later if the first did not return.
//  6. At most FactsMax facts and WinnersBytesMax of filters. The winners of one closure are asked for at
//     most once a minute once they came, however often they must go; those of the next at once.
//
// Lock order: Gate.mu, then the cache's own locks, then books.mu and floors.mu. Admit takes none of
// ours: it reads immutable states through atomic pointers. The cache runs its maintenance on whoever
// calls it, and so needs no goroutine.
package memgate

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"scrip/internal/gate"
	"scrip/internal/id"
	"scrip/internal/voucher"
)

const (
	factsMaxDefault        = 100_000  // some 50 MB at worst: 256 bytes of key, 250 of fact and cache each
	winnersBytesMaxDefault = 64 << 20 // about 60 million winners

	keyBytesMax = 256 // a code's key is at most 64 characters, of at most four bytes

	factAskEvery    = voucher.FactFreshFor / 4 // twice within the half life that is left
	winnersAskEvery = time.Second              // while they have not come
	winnersKeptFor  = time.Minute              // once they came, before they are asked for again
	// usedEvery is how exactly it is known when a filter was last used; a finer grain would make
	// every request of a flood write to the same cache line.
	usedEvery = 100 * time.Millisecond
)

// Config bounds a Gate. The zero value is good.
type Config struct {
	FactsMax        int              // facts kept, 100,000 by default
	WinnersBytesMax int              // bytes of winners' filters kept, 64 MiB by default
	Clock           func() time.Time // time.Now by default; it must never run backwards
}

// Gate is a gate.Gate in memory.
type Gate struct {
	clock func() time.Time // nil for the real one
	start time.Time        // all times within are durations since then

	facts  *otter.Cache[string, *entry]
	books  books
	floors floors

	mu     sync.Mutex // held by whoever changes a state
	closed bool
}

var _ gate.Gate = (*Gate)(nil)

// New returns an empty gate.
func New(cfg Config) (*Gate, error) {
	if cfg.FactsMax < 0 || cfg.WinnersBytesMax < 0 {
		return nil, fmt.Errorf("memgate: bounds below zero: %d facts, %d bytes of winners", cfg.FactsMax, cfg.WinnersBytesMax)
	}
	if cfg.FactsMax == 0 {
		cfg.FactsMax = factsMaxDefault
	}
	if cfg.WinnersBytesMax == 0 {
		cfg.WinnersBytesMax = winnersBytesMaxDefault
	}
	g := &Gate{clock: cfg.Clock}
	if g.clock == nil {
		g.start = time.Now() //nolint:forbidigo // the gate's clock is this process's
	} else {
		g.start = g.clock()
	}
	g.books.open(cfg.WinnersBytesMax)
	g.floors.open()
	facts, err := otter.New(&otter.Options[string, *entry]{
		MaximumSize:      cfg.FactsMax,
		Executor:         func(task func()) { task() },
		OnAtomicDeletion: func(d otter.DeletionEvent[string, *entry]) { g.books.forget(d.Value) },
	})
	if err != nil {
		return nil, fmt.Errorf("memgate: make the cache of %d facts: %w", cfg.FactsMax, err)
	}
	g.facts = facts
	return g, nil
}

// Admit judges one request from memory. It allocates nothing.
func (g *Gate) Admit(key, customer string) gate.Decision {
	e, ok := g.facts.GetIfPresent(key)
	if !ok {
		return gate.Decision{}
	}
	s := e.state.Load()
	if s.refusal == nil {
		return gate.Decision{}
	}
	now := g.now()
	if now >= s.expires || !g.floors.above(s) {
		return e.wishFact(gate.Decision{}, s, now)
	}
	if s.closed() {
		if s.winners == nil {
			return e.wishWinners(s, now)
		}
		if now-e.used() >= usedEvery {
			e.usedAt.Store(int64(now))
		}
		if s.winners.MayHold(customer) {
			return gate.Decision{}
		}
	}
	refused := gate.Decision{Refusal: s.to(customer)}
	if now > s.renewAt {
		return e.wishFact(refused, s, now)
	}
	return refused
}

// Settle takes facts into account. asked must carry a monotonic reading, as time.Now's does.
func (g *Gate) Settle(asked time.Time, facts ...voucher.Fact) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	now := g.now()
	since := min(asked.Sub(g.start), now) // nothing was asked in the future
	for i := range facts {
		g.settle(since, now, &facts[i])
	}
}

func (g *Gate) settle(asked, now time.Duration, f *voucher.Fact) {
	if f.Key == "" || len(f.Key) > keyBytesMax || f.Status > voucher.Spent {
		return
	}
	if e, ok := g.facts.GetIfPresent(f.Key); ok {
		if s := e.state.Load().succeed(e.trusted(*f, asked), asked); s != nil {
			e.move(s)
			g.books.enter(e, now)
		}
		return
	}
	key := strings.Clone(f.Key) // the caller's may be part of a whole request body
	e := &entry{key: key, trustAfter: g.books.forgotten(key)}
	e.state.Store(newState(e.trusted(*f, asked), asked, nil))
	g.books.enter(e, now)
	g.facts.Set(key, e)
}

// SettleCampaign makes every fact about a campaign's vouchers of an older campaign version unusable.
func (g *Gate) SettleCampaign(campaign id.ID, version int64) {
	g.floors.raise(campaign, version, g.now())
}

// SettleWinners hands over a closed voucher's winners, with the fact of the snapshot they were read in.
func (g *Gate) SettleWinners(f voucher.Fact, w *gate.Winners) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.books.entryOf(f.Voucher)
	if e == nil || w == nil {
		return
	}
	s := e.state.Load()
	if !s.closed() || s.fact.Voucher != f.Voucher || s.fact.Closure() != f.Closure() || g.floors.below(&s.fact) {
		return
	}
	now := g.now()
	e.winnersNext.Store(int64(now + winnersKeptFor))
	out, ok := g.books.hold(e, w.Bytes())
	for _, victim := range out {
		victim.state.Store(victim.state.Load().with(nil))
	}
	if ok {
		e.usedAt.Store(int64(now))
		e.state.Store(s.with(w))
	}
}

// Close frees what the gate holds. A gate that is closed lets everybody pass and learns nothing.
func (g *Gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	g.facts.InvalidateAll()
	return nil
}

// now is the time since the gate was made.
func (g *Gate) now() time.Duration {
	if g.clock == nil {
		return time.Since(g.start) // one reading of the monotonic clock; time.Now would take two
	}
	return g.clock().Sub(g.start)
}
