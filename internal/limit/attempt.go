package limit

import (
	"time"
	"unicode/utf8"
)

// Attempt is one try at a code, from Try to its end. It belongs to one request and is used by one
// goroutine. The zero Attempt ends without effect.
type Attempt struct {
	l     *Limiter
	at    int64 // when it began
	from  Place
	who   uint64 // 0: no customer
	code  uint64
	crowd bool // a code that everybody knows: nothing is counted
	held  bool // there are holds to release
	long  bool // it is held with the budget of long codes, and with no other
	stood bool // it passed on a customer's standing, which is spent unless it was no miss
	again bool // it passed because it was counted before, when its outcome was not known
}

// Ruling is what becomes of an attempt.
type Ruling uint8

// The rulings.
const (
	// Pass: it is judged as it is.
	Pass Ruling = iota
	// Block: it is answered without a look, and alike whatever the code is.
	Block
)

const (
	// longCode is the least number of characters of a code that is too long to be guessed if it was made at random:
	// eleven of 32 kinds are 2^55, of which ten million live codes are one in three thousand million.
	longCode = 11

	standingStays = 30 * 24 * time.Hour
	chargedStays  = 10 * time.Minute
	// everybody is the one key of the totals.
	everybody = 1
	// heldMax is to how many bursts attempts under way may overdraw the totals: most of them are no misses, and
	// while the store is slow there are many.
	heldMax = 4
)

// Try begins an attempt of a customer, if any, at a code, both normalised. Unless it is blocked, the caller
// must end it with Missed, Won, Judged, Abandoned or Done. With Block stands how long until there is room again.
func (l *Limiter) Try(a *Attempt, at Moment, from Place, customer, code string) (Ruling, time.Duration) {
	now := int64(at)
	*a = Attempt{l: l, at: now, from: from, code: Hash(code)}
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
	if l.doubts(now) && l.doubtful.strike(a.pair(), now) {
		a.again = true
		return Pass, 0
	}
	if by != TotalMisses && a.who != 0 && l.standing.strike(a.who, now) {
		a.stood = true
		return Pass, 0
	}
	if utf8.RuneCountInString(code) >= longCode {
		if wait, a.long = l.holdLong(now); a.long {
			return Pass, 0
		}
		by = LongMisses
	}
	l.observe.Limited(by.String())
	return Block, wait
}

// Crowd reports whether the code is one that everybody knows.
func (a *Attempt) Crowd() bool { return a.crowd }

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
	case Key, Address, Network, Customer, CustomerAnywhere, LongMisses, dimensions:
	}
	return 0
}

func (a *Attempt) release(d Dimension) {
	if t, key := a.l.tables[d], a.key(d); t != nil && key != 0 {
		t.release(key)
	}
}

// Done ends an attempt of which nothing is known, for nothing was begun or the store failed. What is over may end
// again.
func (a *Attempt) Done() {
	if a.l == nil {
		return
	}
	now := a.l.now()
	if a.stood {
		a.stand(now)
	}
	if a.again {
		a.doubt(now)
	}
	a.end()
}

// Judged ends an attempt at a code that is there, and is no miss, but did not redeem. These are most of an evening, so it
// goes by the time at which the attempt began and reads no clock.
func (a *Attempt) Judged() {
	if a.l == nil {
		return
	}
	now := a.at
	a.vouch(now, false)
	a.redress(now)
	if a.stood {
		a.stand(now)
	}
	a.end()
}

// Missed ends an attempt at a code that can't be redeemed.
func (a *Attempt) Missed() {
	if a.l == nil {
		return
	}
	a.miss(a.l.now())
	a.end()
}

// Abandoned ends an attempt that was begun and for whose outcome nobody waited. It counts as a miss: otherwise
// whoever waits for no answer guesses for nothing, and the store carries out what they hit. The customer may try the
// same code once more, whatever budgets say, for it is counted; if it turns out to be no miss then, it is given back.
func (a *Attempt) Abandoned() {
	if a.l == nil {
		return
	}
	now := a.l.now()
	if counted := a.miss(now); counted && !a.long || a.again {
		a.doubt(now)
	}
	a.end()
}

// Won ends an attempt that redeemed. It pays for one miss of the address, for where people win, others mistype; and the
// customer has standing, which is worth one attempt when an address has none left.
func (a *Attempt) Won() {
	if a.l == nil {
		return
	}
	l, now := a.l, a.l.now()
	for _, d := range []Dimension{AddressMisses, NetworkMisses} {
		if t, key := l.tables[d], a.key(d); t != nil && key != 0 {
			t.give(key, l.rates[d].Every, now)
		}
	}
	a.vouch(now, true)
	a.redress(now)
	a.stand(now)
	a.end()
}

// miss counts a miss, and reports whether it did. The same customer's misses of the same code count once in ten
// minutes: they teach nothing more.
func (a *Attempt) miss(now int64) (counted bool) {
	l := a.l
	if a.crowd || !l.charged.mark(a.pair(), now, now+int64(chargedStays)) {
		if a.stood {
			a.stand(now)
		}
		return false
	}
	if a.long {
		l.tables[LongMisses].charge(everybody, l.rates[LongMisses], now)
	} else {
		for d := AddressMisses; d < dimensions; d++ {
			if t, key := l.tables[d], a.key(d); t != nil && key != 0 {
				t.charge(key, l.rates[d], now)
			}
		}
	}
	if a.who != 0 {
		l.standing.strike(a.who, now)
	}
	return true
}

// pair names the attempt's customer and code together.
func (a *Attempt) pair() uint64 { return named(a.who, a.code) }

// doubt remembers that the attempt was counted without its outcome.
func (a *Attempt) doubt(now int64) {
	until := now + int64(chargedStays)
	a.l.doubtful.mark(a.pair(), now, until)
	a.l.doubtUntil.Store(until)
}

// doubts reports whether there may be any; mostly there are none, and nobody need look.
func (l *Limiter) doubts(now int64) bool { return now < l.doubtUntil.Load() }

// redress gives back what was counted for an earlier attempt of the same customer at the same code, if its outcome
// was not known: this one was no miss, and so that was none.
func (a *Attempt) redress(now int64) {
	l := a.l
	if !a.again && (!l.doubts(now) || !l.doubtful.strike(a.pair(), now)) {
		return
	}
	for d := AddressMisses; d < dimensions; d++ {
		if t, key := l.tables[d], a.key(d); t != nil && key != 0 {
			t.give(key, l.rates[d].Every, now)
		}
	}
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
	if a.long {
		a.l.tables[LongMisses].release(everybody)
	}
	*a = Attempt{}
}

// holdLong books an attempt at a long code with the budget that such have where the usual ones are used up.
func (l *Limiter) holdLong(now int64) (time.Duration, bool) {
	return l.tables[LongMisses].hold(everybody, l.rates[LongMisses], heldMax, now)
}
