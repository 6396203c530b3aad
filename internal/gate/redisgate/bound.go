package redisgate

import (
	"math"
	"sync"
	"time"

	"scrip/internal/voucher"
)

const (
	// driftPart is how much faster or slower the store's clock may run: one part in so many. Clocks that
	// are kept by NTP differ by half of that at most.
	driftPart = 1000
	// slack is what the bound is widened by: a microsecond, because a fact's At is cut off to one, and the
	// drift there and back over the one second before a question in which its bound is used too.
	slack = time.Microsecond + 2*voucher.FactFreshFor/driftPart
	// sampleFor is how long a question bounds the clock, at least; at most twice that. While it lasts, a
	// clock that was set forward goes unnoticed, on a replica that asks nothing.
	sampleFor = 10 * time.Second
)

// bound is an upper bound of the store's clock.
//
// When this replica's clock showed asked, the store's showed at most what it showed when it judged:
// at. So for any time t of this replica, with a drift of one part in driftPart,
//
//	store(t) <= at + (t - asked) + (t - asked)/driftPart + slack
//
// which is base + t + t/driftPart + slack, where base = at - asked - asked/driftPart. The question with
// the lowest base bounds best, at all times. It is forgotten after a while, for clocks are set.
type bound struct {
	mu       sync.Mutex
	now, was int64         // the lowest base since rolled, and in the time before; none if there is none
	rolled   time.Duration // when now became was
}

// none is above every base.
const none int64 = math.MaxInt64

func (b *bound) open() { b.now, b.was = none, none }

// age is what is known of when a fact was judged.
type age uint8

const (
	ageKnown   age = iota
	ageNoClock     // this replica has not asked the store for a while
	ageFuture      // it was judged later than now
)

// sample learns from an answer to a question of our own. It reports false if that contradicts what
// was known: the store's clock has gone ahead, and what was known is forgotten.
func (b *bound) sample(asked, now time.Duration, at time.Time) bool {
	base := at.UnixNano() - int64(asked) - int64(asked)/driftPart
	b.mu.Lock()
	defer b.mu.Unlock()
	lowest := b.roll(now)
	stepped := lowest != none && at.UnixNano() > upper(lowest, now)
	if stepped {
		b.now, b.was = none, none
	}
	b.now = min(b.now, base)
	return !stepped
}

// judged is the latest time at which the store's clock surely had not passed then: what the store judged
// then, it judged no earlier.
func (b *bound) judged(then time.Time, now time.Duration) (time.Duration, age) {
	b.mu.Lock()
	lowest := b.roll(now)
	b.mu.Unlock()
	if lowest == none {
		return 0, ageNoClock
	}
	if then.UnixNano() > upper(lowest, now) {
		return 0, ageFuture
	}
	ahead := then.UnixNano() - int64(slack) - lowest
	return time.Duration(ahead - ahead/(driftPart+1) - 1), ageKnown // t + t/driftPart <= ahead
}

// roll forgets what is too old, and returns the lowest base. The caller holds mu.
func (b *bound) roll(now time.Duration) int64 {
	if now-b.rolled >= 2*sampleFor {
		b.now = none
	}
	if now-b.rolled >= sampleFor {
		b.now, b.was, b.rolled = none, b.now, now
	}
	return min(b.now, b.was)
}

// upper is what the store's clock shows at t at most, in nanoseconds since 1970.
func upper(base int64, t time.Duration) int64 {
	return base + int64(t) + int64(t)/driftPart + int64(slack)
}
