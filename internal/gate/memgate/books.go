package memgate

import (
	"hash/maphash"
	"sync"
	"time"

	"scrip/internal/id"
	"scrip/internal/voucher"
)

const (
	gravesMax = 1024 // of forgotten facts: one in so many of the other codes is touched by one of them
	sampleMax = 16   // filters compared to find one that was not used for long
)

// books account for what the cache can't: where a voucher's entry is, how many bytes of filters are held
// and by whom, and since when what was forgotten was known. The cache calls forget under its own
// locks; so nothing here calls the cache.
type books struct {
	mu        sync.Mutex
	byVoucher map[id.ID]*entry // the closed ones: only they have winners
	held      map[*entry]int   // bytes of filter
	bytes     int              // the sum of held
	bytesMax  int
	seed      maphash.Seed
	graves    [gravesMax]time.Duration // by key's hash: the last coming of a fact that was forgotten
}

func (b *books) open(bytesMax int) {
	b.byVoucher = make(map[id.ID]*entry)
	b.held = make(map[*entry]int)
	b.bytesMax = bytesMax
	b.seed = maphash.MakeSeed()
	for i := range b.graves {
		b.graves[i] = never
	}
}

// enter books an entry's state, after it came to be.
func (b *books) enter(e *entry, now time.Duration) {
	s := e.state.Load()
	if s.fact.Status == voucher.Unknown {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e.settled = now
	if e.dead { // forgotten while it was settled
		b.bury(e)
		return
	}
	if s.closed() && e.booked != s.fact.Voucher {
		b.strike(e)
		e.booked = s.fact.Voucher
		b.byVoucher[e.booked] = e
	}
	if s.winners == nil {
		b.release(e)
	}
}

// forget strikes out an entry that has left the cache.
func (b *books) forget(e *entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e.dead = true
	b.bury(e)
	b.release(e)
	b.strike(e)
}

func (b *books) strike(e *entry) {
	if b.byVoucher[e.booked] == e {
		delete(b.byVoucher, e.booked)
	}
}

// bury remembers when an entry that is forgotten was settled. An unknown code's leaves nothing: what comes
// after can only be newer.
func (b *books) bury(e *entry) {
	if e.state.Load().fact.Status != voucher.Unknown {
		grave := b.grave(e.key)
		*grave = max(*grave, e.settled)
	}
}

// forgotten returns after when a fact about this key must have been asked for, to be trusted.
func (b *books) forgotten(key string) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return *b.grave(key)
}

func (b *books) grave(key string) *time.Duration {
	return &b.graves[maphash.String(b.seed, key)%gravesMax]
}

// entryOf finds a closed voucher's entry, or nil.
func (b *books) entryOf(of id.ID) *entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.byVoucher[of]
}

// hold books n bytes of filter to e, and returns whose filters must go for it, the longest unused first.
// It reports false, and nobody has to go, if there can't be room.
func (b *books) hold(e *entry, n int) (out []*entry, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.dead || n > b.bytesMax {
		return nil, false
	}
	b.release(e)
	for b.bytes+n > b.bytesMax {
		victim := b.unused()
		b.release(victim)
		out = append(out, victim)
	}
	b.held[e] = n
	b.bytes += n
	return out, true
}

func (b *books) release(e *entry) {
	b.bytes -= b.held[e]
	delete(b.held, e)
}

// unused picks, of a random few that hold filters, the one that was not used for longest.
func (b *books) unused() *entry {
	var longest *entry
	seen := 0
	for e := range b.held { // random order
		if longest == nil || e.used() < longest.used() {
			longest = e
		}
		if seen++; seen == sampleMax {
			break
		}
	}
	return longest
}
