package limit

import (
	"time"
	"unicode/utf8"
)

// Attempt is one try at a code, from Try to its end. It belongs to one request and is used by one
// goroutine. The zero Attempt ends without effect.
type Attempt struct {
	l     *Limiter
	from  Place
	who   uint64 // 0: no customer
	code  uint64
	crowd bool // a code that everybody knows: nothing is counted
	held  bool // there are holds to release
	stood bool // it passed on a customer's standing, which is spent unless it was no miss
}

// Ruling is what becomes of an attempt.
type Ruling uint8

// The rulings.
const (
	// Pass: it is judged as it is.
	Pass Ruling = iota
	// Look: it may pass only if the code is of a voucher that was made for one use; the caller looks, and
	// answers as if it were blocked otherwise. Codes that long can't be guessed, so that looking tells nothing.
	Look
	// Block: it is answered without a look, and alike whatever the code is.
	Block
)

const (
	// longCode is the least number of characters of a code that can't be guessed: eleven of 32 kinds
	// are 2^55, of which ten million live codes are one in three thousand million.
	longCode = 11

	standingStays = 30 * 24 * time.Hour
	chargedStays  = 10 * time.Minute
	// givenFactor bounds how fast wins give misses back to the total: so many times as fast as time does.
	givenFactor = 5
	// everybody is the one key of the total.
	everybody = 1
	// heldMax is to how many bursts attempts under way may overdraw the total: most of them are no misses, and
	// while the store is slow there are many.
	heldMax = 4
)

// Try begins an attempt of a customer, if any, at a code, both normalised. Unless it is blocked, the caller
// must end it with Missed, Won or Done. With Block and Look stands how long until there is room again.
func (l *Limiter) Try(a *Attempt, at Moment, from Place, customer, code string) (Ruling, time.Duration) {
	now := int64(at)
	*a = Attempt{l: l, from: from, code: Hash(code)}
	if customer != "" {
		a.who = Hash(customer)
	}
	if l.crowd.asked(a.code, now) {
		a.crowd = true
		return Pass, 0
	}
	by, wait := a.hold(now)
	if by == dimensions {
		return Pass, 0
	}
	if by != TotalMisses && a.who != 0 && l.standing.strike(a.who, now) {
		a.stood = true
		return Pass, 0
	}
	if utf8.RuneCountInString(code) >= longCode {
		return Look, wait
	}
	l.observe.Limited(by.String())
	return Block, wait
}

// Crowd reports whether the code is one that everybody knows.
func (a *Attempt) Crowd() bool { return a.crowd }

// Blocked counts an attempt that was to be looked at and did not pass.
func (a *Attempt) Blocked() {
	if a.l != nil {
		a.l.observe.Limited(AddressMisses.String())
	}
}

// hold books the attempt with the budgets, and returns the first that has no room, dimensions for none.
func (a *Attempt) hold(now int64) (Dimension, time.Duration) {
	l := a.l
	for d := TotalMisses; d >= AddressMisses; d-- { // the total first: no standing helps where it is gone
		t, key := l.tables[d], a.key(d)
		if t == nil || key == 0 {
			continue
		}
		spare := int64(1)
		if d == TotalMisses {
			spare = heldMax
		}
		if wait, ok := t.hold(key, l.rates[d], spare, now); !ok {
			for e := TotalMisses; e > d; e-- {
				a.release(e)
			}
			return d, wait
		}
	}
	a.held = true
	return dimensions, 0
}

// key is the attempt's in a table, 0 for none.
func (a *Attempt) key(d Dimension) uint64 {
	switch d {
	case AddressMisses:
		return a.from.near
	case NetworkMisses:
		return a.from.far
	case CustomerMisses:
		return a.who
	case TotalMisses:
		return everybody
	case Key, Address, Network, Customer, dimensions:
	}
	return 0
}

func (a *Attempt) release(d Dimension) {
	if t, key := a.l.tables[d], a.key(d); t != nil && key != 0 {
		t.release(key)
	}
}

// Done ends an attempt that was neither a win nor a miss. What is over may end again.
func (a *Attempt) Done() {
	if a.l == nil {
		return
	}
	if a.stood {
		a.stand(a.l.now())
	}
	a.end()
}

// Missed ends an attempt at a code that can't be redeemed. The same customer's misses of the same code count
// once in ten minutes: they teach nothing more.
func (a *Attempt) Missed() {
	if a.l == nil {
		return
	}
	l, now := a.l, a.l.now()
	if !a.crowd && l.charged.mark(named(a.who, a.code), now, now+int64(chargedStays)) {
		for d := AddressMisses; d < dimensions; d++ {
			if t, key := l.tables[d], a.key(d); t != nil && key != 0 {
				t.charge(key, l.rates[d], now)
			}
		}
		if a.who != 0 {
			l.standing.strike(a.who, now)
		}
	} else if a.stood {
		a.stand(now)
	}
	a.end()
}

// Won ends an attempt that redeemed. It pays for one miss of the address and of everybody: where people win, others
// mistype; and the customer has standing, which is worth one attempt when an address has none left.
func (a *Attempt) Won() {
	if a.l == nil {
		return
	}
	l, now := a.l, a.l.now()
	for _, d := range []Dimension{AddressMisses, NetworkMisses} {
		if t, key := l.tables[d], a.key(d); t != nil && key != 0 {
			t.give(key, l.rates[d], now)
		}
	}
	if r := l.rates[TotalMisses]; !r.None() {
		paid := Rate{Every: max(1, r.Every/givenFactor), Burst: r.Burst}
		if v := l.given.take(everybody, paid, 1, now); v.OK() {
			l.tables[TotalMisses].give(everybody, r, now)
		}
	}
	a.stand(now)
	a.end()
}

func (a *Attempt) stand(now int64) {
	if a.who != 0 {
		a.l.standing.mark(a.who, now, now+int64(standingStays))
	}
}

func (a *Attempt) end() {
	if a.held {
		for d := AddressMisses; d < dimensions; d++ {
			a.release(d)
		}
	}
	*a = Attempt{}
}
