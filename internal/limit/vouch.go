package limit

import (
	"sync/atomic"
	"time"
)

// What everybody may miss grows with those who do not guess: where a country redeems, a hundredth mistypes, and that
// is more each second than a fixed budget brings in ten. So who asks for a code that is there vouches for a twentieth
// of a miss.
//
// A guesser can do the same with a public code, under as many names as they like. What they can't make up is
// addresses, so each vouches once within ten to twenty minutes, an IPv6 address by its /48: twenty addresses buy one
// judged guess. And however many there are, all together bring no more than twenty times what time does.
const (
	vouchShare  = 20
	vouchFactor = 20
	vouchStays  = 10 * time.Minute
	// wonFactor is how many times as fast as time wins bring misses where nobody knows the address, as of a secret key:
	// one for each win.
	wonFactor = 5
	// anywhere is the key of what those wins gave, beside everybody's.
	anywhere = 2
)

// vouch lets an attempt at a code that is there bring back a part of a miss to everybody.
func (a *Attempt) vouch(now int64, won bool) {
	l := a.l
	r := l.rates[TotalMisses]
	if r.None() {
		return
	}
	if !a.from.Known() {
		if won {
			l.bring(anywhere, r, 1, wonFactor, now)
		}
		return
	}
	name := a.from.far
	if name == 0 {
		name = a.from.near
	}
	if l.vouched.first(name, now) {
		l.bring(everybody, r, vouchShare, vouchFactor, now)
	}
}

// bring gives the share of a miss back to the total, and by one key no more than most times what time gives.
func (l *Limiter) bring(key uint64, r Rate, share, most, now int64) {
	pace := Rate{Every: max(1, r.Every/time.Duration(share*most)), Burst: r.Burst * share}
	if v := l.given.take(key, pace, 1, now); v.OK() {
		l.tables[TotalMisses].give(everybody, r.Every/time.Duration(share), now)
	}
}

// seen remembers names for ten to twenty minutes in bits of a fixed number. Two names may meet in a bit: then the
// second is taken for one that was seen, so that a crowd of millions brings less and nobody brings more.
type seen struct {
	seed uint64
	turn [2]seenTurn // by turns
}

// seenBits are of ten minutes: 512 KiB, of which a million names fill a fifth.
const seenBits = 1 << 22

// seenTurn is ten minutes' worth. A race at its turn loses a few.
type seenTurn struct {
	number atomic.Int64
	bits   [seenBits / 64]atomic.Uint64
}

// first notes a name, and reports whether it was not there.
func (s *seen) first(name uint64, now int64) bool {
	number := now/int64(vouchStays) + 1
	t, before := &s.turn[number%2], &s.turn[1-number%2]
	if was := t.number.Load(); was < number && t.number.CompareAndSwap(was, number) {
		for i := range t.bits {
			t.bits[i].Store(0)
		}
	}
	bit := mix(name^s.seed) % seenBits
	word, mask := bit/64, uint64(1)<<(bit%64)
	if t.bits[word].Load()&mask != 0 {
		return false
	}
	fresh := t.bits[word].Or(mask)&mask == 0
	return fresh && (before.number.Load() != number-1 || before.bits[word].Load()&mask == 0)
}
