// Package limit says who may ask how often, and who has guessed too much.
//
// It holds token buckets (of each API key, address and customer) and budgets of misses (of each customer
// and address, and of the whole deployment), all in memory of a fixed size, and decides in well below a
// microsecond without an allocation. Replicas may exchange their counts in the background (Share); no
// decision waits for that. docs/limits.md has the threat model and the numbers, decision 0007 the reasons.
//
// Invariants:
//  1. A bucket is one number: the time at which it will be full again (GCRA). Time is the Limiter's clock,
//     in nanoseconds since the Limiter was made; that clock must never run backwards.
//  2. A table never grows, and never forgets in the caller's favour: a newcomer that displaces another
//     begins no fuller than that one was. So no flood of newcomers sets a blocked one free.
//  3. Whether a guess is answered depends on who asks, on how often the code was asked for and on how long it
//     is, never on whether the code is there.
//  4. What was begun is counted: by its outcome or, if nobody waited for that, as a miss until it is known to
//     be none.
//
// It must not know HTTP, Redis or the store.
package limit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Dimension is what is counted by.
type Dimension uint8

// The dimensions.
const (
	Key              Dimension = iota // requests of an API key
	Address                           // requests of an IPv4 address or an IPv6 /64
	Network                           // requests of an IPv6 /48
	Customer                          // requests about a customer from one address
	CustomerAnywhere                  // requests about a customer from all addresses
	LongMisses                        // misses of long codes by those who have no others left
	AddressMisses                     // misses from an IPv4 address or an IPv6 /64
	NetworkMisses                     // misses from an IPv6 /48
	CustomerMisses
	TotalMisses // misses of everybody

	dimensions
)

// String is the dimension's name in headers and metrics.
func (d Dimension) String() string {
	if d >= dimensions {
		return "other"
	}
	return [...]string{
		"key", "address", "network", "customer", "customer-anywhere", "long-misses",
		"address-misses", "network-misses", "customer-misses", "total-misses",
	}[d]
}

// Dimensions lists the names of all, for the metrics.
func Dimensions() []string {
	names := make([]string, dimensions)
	for d := range dimensions {
		names[d] = d.String()
	}
	return names
}

// Observer is told what happens, for the metrics. Its methods must be fast and safe for concurrent use.
type Observer interface {
	// Limited counts a request that was turned away, by the dimension that ran out.
	Limited(by string)
	// LimitsShared says whether counts are exchanged: once when it is first known, and at each change.
	LimitsShared(yes bool)
	// LimitsNotShared counts exchanges that failed.
	LimitsNotShared()
}

// nobody is the Observer where there is none.
type nobody struct{}

func (nobody) Limited(string)    {}
func (nobody) LimitsShared(bool) {}
func (nobody) LimitsNotShared()  {}

// Config says what is allowed. The zero Rate limits nothing.
type Config struct {
	Address     Rate // of an IPv4 address or an IPv6 /64; an IPv6 /48 has NetworkFactor times as much
	Customer    Rate // about a customer from one address; from all together AnywhereFactor times as much
	Publishable Rate // of a publishable key that has no rate of its own

	AddressMisses  Rate
	CustomerMisses Rate
	TotalMisses    Rate // and as much again of long codes; those are bounded also where this is the zero Rate

	// Entries bounds each of the larger tables; zero is DefaultEntries.
	Entries int
	Clock   func() time.Time // nil: time.Now; it must never run backwards
	Observe Observer         // nil: nobody
}

const (
	// NetworkFactor is how many times the allowance of a /64 a whole /48 has. A /48 is what a site gets, and
	// has 65,536 of them; a site of 16 households is a large one.
	NetworkFactor = 16

	// AnywhereFactor is how many times the allowance of a customer at one address the same has at all. Who asks in a
	// stranger's name uses up the stranger's allowance at another address alone.
	AnywhereFactor = 16

	// DefaultEntries is how many customers, and how many addresses, are told apart at once; 2 MiB for each
	// table. A bucket that is full again need not be told apart from a new one: so many entries
	// at the default two a second follow 130,000 requests a second, each of another customer.
	DefaultEntries = 1 << 16
	entriesMin     = 1 << 10
	entriesMax     = 1 << 24
	keysMax        = 1 << 12
	standingFactor = 4 // winners are remembered for longer
	doubtsMax      = 1 << 12
)

// longMissesDefault bounds the misses of long codes where those of everybody are not: a shut door has no use, and an open
// one is how codes that only look long are found, such as a word and a number.
//
//nolint:gochecknoglobals // a constant in all but name
var longMissesDefault = PerSecond(2, 500)

// Limiter decides. It is safe for concurrent use.
type Limiter struct {
	clock   func() time.Time // nil for the machine's own
	start   time.Time
	observe Observer

	rates  [dimensions]Rate
	tables [dimensions]*table // nil where a dimension has no limit
	given  *table             // what was given back to the total

	standing *table // customers who won and have not missed since
	charged  *table // pairs of customer and code whose miss is counted
	doubtful *table // those that were counted before their outcome was known
	vouched  seen   // places that asked for codes that are there
	crowd    crowd

	doubtUntil atomic.Int64 // no doubt lasts longer
}

// New returns a Limiter, or what is wrong with cfg.
func New(cfg Config) (*Limiter, error) {
	if cfg.Entries == 0 {
		cfg.Entries = DefaultEntries
	}
	if cfg.Entries < entriesMin || cfg.Entries > entriesMax {
		return nil, fmt.Errorf("limit: %d entries; it must be from %d to %d", cfg.Entries, entriesMin, entriesMax)
	}
	if cfg.Observe == nil {
		cfg.Observe = nobody{}
	}
	l := &Limiter{clock: cfg.Clock, observe: cfg.Observe}
	if l.clock == nil {
		l.start = time.Now() //nolint:forbidigo // the default clock is this process's
	} else {
		l.start = l.clock()
	}
	l.rates = [dimensions]Rate{
		Key: cfg.Publishable, Address: cfg.Address, Network: cfg.Address.times(NetworkFactor), Customer: cfg.Customer,
		CustomerAnywhere: cfg.Customer.times(AnywhereFactor), LongMisses: cfg.TotalMisses,
		AddressMisses: cfg.AddressMisses, NetworkMisses: cfg.AddressMisses.times(NetworkFactor),
		CustomerMisses: cfg.CustomerMisses, TotalMisses: cfg.TotalMisses,
	}
	if l.rates[LongMisses].None() {
		l.rates[LongMisses] = longMissesDefault
	}
	var wrong error
	for d := range dimensions {
		if err := l.rates[d].Check(); err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("limit: %s: %w", d, err))
		}
	}
	if wrong != nil {
		return nil, wrong
	}
	l.makeTables(cfg.Entries)
	return l, nil
}

func (l *Limiter) makeTables(entries int) {
	seed := rand.Uint64() //nolint:gosec // keeps strangers from choosing which keys meet in a set; not a secret worth more
	l.tables[Key] = newTable(keysMax, seed, whenQuarterSpent)
	for _, d := range []Dimension{Address, Network, Customer, CustomerAnywhere} {
		if !l.rates[d].None() {
			l.tables[d] = newTable(entries, seed, whenQuarterSpent)
		}
	}
	for _, d := range []Dimension{AddressMisses, NetworkMisses, CustomerMisses} {
		if !l.rates[d].None() {
			l.tables[d] = newTable(entries, seed, always)
		}
	}
	if !l.rates[TotalMisses].None() {
		l.tables[TotalMisses] = newTable(0, seed, always)
		l.given = newTable(0, seed, never)
	}
	l.tables[LongMisses] = newTable(0, seed, always)
	l.standing = newTable(standingFactor*entries, seed, never)
	l.charged = newTable(entries, seed, never)
	l.doubtful = newTable(doubtsMax, seed, never)
	l.vouched.seed = seed
	l.crowd.open(seed)
}

// Moment is a time by a Limiter's clock. Reading that clock is a tenth of what a request costs, so whoever asks
// several things at once reads it once.
type Moment int64

// Now is the time.
func (l *Limiter) Now() Moment { return Moment(l.now()) }

// now is the time since the Limiter was made, at least one nanosecond: zero is the past.
func (l *Limiter) now() int64 {
	if l.clock == nil {
		return max(1, int64(time.Since(l.start)))
	}
	return max(1, int64(l.clock().Sub(l.start)))
}

// Verdict is what a bucket says of one request.
type Verdict struct {
	Limit Rate          // what applies; Limit.None() where nothing does
	Left  int64         // how many more would pass now, at least 0
	Wait  time.Duration // until the request would pass; 0 for one that does
	Full  time.Duration // until the bucket is full again
}

// OK reports whether the request passes.
func (v *Verdict) OK() bool { return v.Wait == 0 }

// Tighter reports whether v leaves a smaller part of its limit than u does.
func (v *Verdict) Tighter(u *Verdict) bool {
	switch {
	case v.Limit.None() || u.Limit.None():
		return u.Limit.None() && !v.Limit.None()
	case v.OK() != u.OK():
		return !v.OK()
	default:
		return float64(v.Left)*float64(u.Limit.Burst) < float64(u.Left)*float64(v.Limit.Burst)
	}
}

// AllowKey takes n requests from an API key's bucket. The rate is the key's own; the zero Rate stands for
// none.
func (l *Limiter) AllowKey(now Moment, key uint64, r Rate, n int64) Verdict {
	return l.allow(Key, now, key, r, n)
}

// Publishable is the rate of a publishable key that has none of its own.
func (l *Limiter) Publishable() Rate { return l.rates[Key] }

// AllowAddress takes a request from the bucket of where it came from. Nothing is taken for a Place that is
// not known.
func (l *Limiter) AllowAddress(now Moment, from Place) Verdict {
	near := l.allow(Address, now, from.near, l.rates[Address], 1)
	if from.far == 0 || !near.OK() {
		return near
	}
	far := l.allow(Network, now, from.far, l.rates[Network], 1)
	if far.Tighter(&near) {
		return far
	}
	return near
}

// AllowCustomer takes a request from a customer's bucket at a place, which a stranger elsewhere can't use up. Where
// that is not known, the customer has one bucket.
func (l *Limiter) AllowCustomer(now Moment, from Place, customer string) Verdict {
	return l.allow(Customer, now, named(from.near, Hash(customer)), l.rates[Customer], 1)
}

// AllowCustomerAnywhere takes a request from a customer's bucket of all places together. What the crowd asks for is
// not asked about here.
func (l *Limiter) AllowCustomerAnywhere(now Moment, customer string) Verdict {
	return l.allow(CustomerAnywhere, now, Hash(customer), l.rates[CustomerAnywhere], 1)
}

func (l *Limiter) allow(d Dimension, now Moment, key uint64, r Rate, n int64) Verdict {
	if r.None() || key == 0 || l.tables[d] == nil {
		return Verdict{}
	}
	v := l.tables[d].take(key, r, n, int64(now))
	if !v.OK() {
		l.observe.Limited(d.String())
	}
	return v
}
