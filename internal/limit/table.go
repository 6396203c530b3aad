package limit

import (
	"math/bits"
	"sync"
	"time"
)

// table holds times by key, in a fixed number of sets of a few entries each.
//
// A full set is where an attacker would aim: a flood of fresh addresses could push a blocked one out and
// so set it free. Two rules prevent it. The entry that goes is the one whose time is the earliest, which is the
// one that is fullest and, among the full ones, unused for longest; so fresh ones displace one another. And the
// newcomer takes over the time of the one that it displaces: whoever comes back to a set of which all
// entries stand ahead finds itself no earlier than the one that was let go. So a time is never told too
// early, and only ever too late in a set of eight that are all partly spent. Which keys meet in a set depends on
// a seed of this process.
type table struct {
	shards []shard
	seed   uint64
	sets   uint64 // in each shard
	tell   telling
}

// telling says which of a table's changes other replicas hear of.
type telling uint8

const (
	never telling = iota
	whenQuarterSpent
	always
)

const (
	ways      = 8
	shardsMax = 64
	owingMax  = 64 // of a shard: what does not fit owes on and is told when it is used next
)

// shard is a part of a table, under a lock of its own.
type shard struct {
	mu    sync.Mutex
	slots []slot
	owing []uint32 // indices of slots with owed
	_     [64]byte // keeps the locks of two shards out of one cache line
}

// slot is one key's time. The zero slot is free.
type slot struct {
	key    uint64
	at     int64 // when it will be full again
	owed   int64 // nanoseconds taken that other replicas have not been told of
	held   int32 // attempts under way
	listed bool  // in shard.owing
	again  bool  // an exchange failed: told even if nothing is owed
}

// newTable makes a table for at least entries keys, a multiple of a set.
func newTable(entries int, seed uint64, tell telling) *table {
	sets := max(1, entries/ways)
	shards := min(shardsMax, sets)
	t := &table{shards: make([]shard, shards), seed: seed, sets: uint64(sets / shards), tell: tell}
	for i := range t.shards {
		t.shards[i].slots = make([]slot, t.sets*ways)
	}
	return t
}

// find locks the key's shard and returns its slot, or the one that must go for it.
func (t *table) find(key uint64) (*shard, *slot, int) {
	h := mix(key ^ t.seed)
	s := &t.shards[h%uint64(len(t.shards))]
	high, _ := bits.Mul64(h, t.sets)
	first := int(high) * ways //nolint:gosec // below the number of slots
	s.mu.Lock()
	victim := first
	for i := first; i < first+ways; i++ {
		if s.slots[i].key == key {
			return s, &s.slots[i], i
		}
		if s.slots[i].at < s.slots[victim].at {
			victim = i
		}
	}
	return s, &s.slots[victim], victim
}

// enter makes a slot the key's, if it is not. Its time stays.
func (b *slot) enter(key uint64) {
	if b.key != key {
		b.key, b.owed, b.held, b.again = key, 0, 0, false
	}
}

// take takes n from a key's bucket, if there are as many. More than the whole burst pass when the bucket is
// full, and are paid off: otherwise they never could.
func (t *table) take(key uint64, r Rate, n, now int64) Verdict {
	cost := int64(r.Every) * min(n, int64(reachMax/r.Every))
	reach := r.reach()
	s, b, i := t.find(key)
	defer s.mu.Unlock()
	at := max(b.at, now)
	next := at + cost
	v := Verdict{Limit: r}
	if next-now > reach && (n <= r.Burst || at > now) {
		v.Left = max(0, (reach-(at-now))/int64(r.Every))
		v.Full = time.Duration(at - now)
		v.Wait = v.Full
		if n <= r.Burst {
			v.Wait = time.Duration(next - now - reach)
		}
		return v
	}
	b.enter(key)
	b.at = next
	t.owe(s, b, i, cost, next-now >= reach/4)
	v.Left = max(0, (reach-(next-now))/int64(r.Every))
	v.Full = time.Duration(next - now)
	return v
}

// charge takes n whether there are as many or not, down to a debt of a whole burst.
func (t *table) charge(key uint64, r Rate, now int64) {
	s, b, i := t.find(key)
	defer s.mu.Unlock()
	b.enter(key)
	b.at = min(max(b.at, now)+int64(r.Every), now+2*r.reach())
	t.owe(s, b, i, int64(r.Every), true)
}

// give gives back what was taken, as time. A bucket that is full stays so.
func (t *table) give(key uint64, cost time.Duration, now int64) {
	s, b, i := t.find(key)
	defer s.mu.Unlock()
	if b.key != key || b.at <= now {
		return
	}
	back := min(int64(cost), b.at-now)
	b.at -= back
	t.owe(s, b, i, -back, true)
}

// hold books an attempt that may become a charge, if there is room for it, and for it beside those under way in so
// many times the burst. Else it tells how long until there is: a second where only others under way are in the way.
func (t *table) hold(key uint64, r Rate, spare, now int64) (wait time.Duration, ok bool) {
	s, b, _ := t.find(key)
	defer s.mu.Unlock()
	ahead, held := max(b.at-now, 0), int64(0)
	if b.key == key {
		held = int64(b.held)
	}
	reach, each := r.reach(), int64(r.Every)
	if over := ahead + each - reach; over > 0 {
		return time.Duration(over), false
	}
	if ahead+(held+1)*each > spare*reach {
		return time.Second, false
	}
	b.enter(key)
	b.held++
	return 0, true
}

// release ends what hold began.
func (t *table) release(key uint64) {
	s, b, _ := t.find(key)
	defer s.mu.Unlock()
	if b.key == key && b.held > 0 {
		b.held--
	}
}

// room tells how long until a key's bucket has one, 0 for now.
func (t *table) room(key uint64, r Rate, now int64) time.Duration {
	s, b, _ := t.find(key)
	defer s.mu.Unlock()
	return time.Duration(max(0, max(b.at-now, 0)+int64(r.Every)-r.reach()))
}

// mark keeps a key until a time, and reports whether it was not there at now.
func (t *table) mark(key uint64, now, until int64) (fresh bool) {
	s, b, _ := t.find(key)
	defer s.mu.Unlock()
	fresh = b.key != key || b.at <= now
	b.enter(key)
	b.at = until
	return fresh
}

// strike forgets a key, and reports whether it was there at now.
func (t *table) strike(key uint64, now int64) bool {
	s, b, _ := t.find(key)
	defer s.mu.Unlock()
	if b.key != key {
		return false
	}
	there := b.at > now
	b.at = 0
	return there
}

// owe books what other replicas should hear of.
func (t *table) owe(s *shard, b *slot, i int, cost int64, worth bool) {
	if t.tell == never || t.tell == whenQuarterSpent && !worth {
		return
	}
	b.owed += cost
	b.list(s, i)
}

// list has the slot, of this index, collected for the next exchange, if there is room.
func (b *slot) list(s *shard, i int) {
	if !b.listed && len(s.owing) < owingMax {
		s.owing = append(s.owing, uint32(i)) //nolint:gosec // an index of a table far below 2^32
		b.listed = true
	}
}

// Hash names a customer or a code in a table. It is the same on every replica.
func Hash(text string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a's
	h := uint64(offset)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * prime
	}
	return max(1, mix(h)) // zero names nobody
}

// mix spreads a key over all its bits (the finaliser of splitmix64).
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
