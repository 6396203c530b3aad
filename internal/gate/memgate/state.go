package memgate

import (
	"cmp"
	"math"
	"sync/atomic"
	"time"

	"scrip/internal/fault"
	"scrip/internal/gate"
	"scrip/internal/id"
	"scrip/internal/voucher"
)

// never is before every time.
const never time.Duration = math.MinInt64

// entry is what the cache holds of one code: its present state and who was asked what.
type entry struct {
	state       atomic.Pointer[state]
	factNext    atomic.Int64 // when another caller may be asked for the fact
	winnersNext atomic.Int64 // when another caller may be asked for the winners
	usedAt      atomic.Int64 // when the filter was last used, within usedEvery

	key        string
	trustAfter time.Duration // facts that were asked for by then refuse nobody

	settled time.Duration // when the last fact came; under books.mu, like what follows
	booked  id.ID         // the voucher it is found by, once it was closed
	dead    bool          // the cache has forgotten it
}

// state is one fact as it is used. It is immutable, but for what is known of the floors.
type state struct {
	fact    voucher.Fact
	asked   time.Duration // the fact was judged by the store no earlier
	renewAt time.Duration
	expires time.Duration
	refusal *fault.Error  // for whoever it is published to; nil while open
	foreign *fault.Error  // for everybody else, and alike if it is published to everybody
	winners *gate.Winners // nil until they come; those of fact.Closure()

	floorsSeen atomic.Uint64 // the floors' generation that the fact was found to stand above
}

func newState(f voucher.Fact, asked time.Duration, w *gate.Winners) *state {
	fresh := min(max(f.FreshFor, 0), voucher.FactFreshFor)
	return &state{
		fact: f, asked: asked, renewAt: asked + fresh/2, expires: asked + fresh,
		refusal: f.Refusal(f.Customer), foreign: f.Refusal(""), winners: w,
	}
}

// with is s with other winners.
func (s *state) with(w *gate.Winners) *state { return newState(s.fact, s.asked, w) }

// to is what the fact says to a customer who is surely no winner. The two faults are made beforehand, so
// that it costs a comparison that mostly ends at the lengths.
func (s *state) to(customer string) *fault.Error {
	if customer == s.fact.Customer {
		return s.refusal
	}
	return s.foreign
}

// closed reports whether the voucher is there and refuses all but its winners.
func (s *state) closed() bool { return s.refusal != nil && s.fact.Status != voucher.Unknown }

// succeed is the state after f, asked for at asked, came to be known too; nil if f is old news.
//
// The newer of two facts was judged later, so the later of the two askings is a true lower bound of
// when it was judged, and what is asked never goes backward.
func (s *state) succeed(f voucher.Fact, asked time.Duration) *state {
	old := &s.fact
	switch {
	case f.Status == voucher.Unknown:
		if old.Status != voucher.Unknown || asked <= s.asked {
			return nil
		}
	case old.Status == voucher.Unknown:
	case f.Voucher != old.Voucher: // never with one store; with a store that was replaced, the later word
		if asked <= s.asked {
			return nil
		}
	default:
		return s.advance(f, asked)
	}
	return newState(f, max(asked, s.asked), nil)
}

// advance is succeed for two facts about one voucher.
func (s *state) advance(f voucher.Fact, asked time.Duration) *state {
	old := &s.fact
	switch cmp.Compare(f.Version.Sum(), old.Version.Sum()) {
	case -1:
		return nil
	case +1:
		return newState(f, max(asked, s.asked), nil)
	}
	if f.Version != old.Version || f.Status.Stage() < old.Status.Stage() {
		return nil
	}
	f.Remaining = min(f.Remaining, old.Remaining)
	if f.Status.Stage() == old.Status.Stage() && asked <= s.asked {
		if f.Remaining == old.Remaining {
			return nil
		}
		f.Status, f.FreshFor = old.Status, old.FreshFor
	}
	if f.Closure() != old.Closure() {
		return newState(f, max(asked, s.asked), nil)
	}
	return newState(f, max(asked, s.asked), s.winners)
}

// trusted is f as this entry may use it: under its own key, and for no time at all if something newer may
// have been forgotten.
func (e *entry) trusted(f voucher.Fact, asked time.Duration) voucher.Fact {
	f.Key = e.key
	if asked <= e.trustAfter {
		f.FreshFor = 0
	}
	return f
}

// move makes s the state. The caller holds Gate.mu.
func (e *entry) move(s *state) {
	old := e.state.Swap(s)
	e.factNext.Store(0)
	if old.fact.Voucher != s.fact.Voucher || old.fact.Closure() != s.fact.Closure() {
		e.winnersNext.Store(0)
	}
}

// wishFact adds to d the wish to know the fact anew, for one caller.
func (e *entry) wishFact(d gate.Decision, s *state, now time.Duration) gate.Decision {
	if once(&e.factNext, now, factAskEvery) {
		d.Want, d.Fact = gate.WantFact, s.fact
	}
	return d
}

// wishWinners passes, with the wish to know the winners, for one caller.
func (e *entry) wishWinners(s *state, now time.Duration) gate.Decision {
	if !once(&e.winnersNext, now, winnersAskEvery) {
		return gate.Decision{}
	}
	return gate.Decision{Want: gate.WantWinners, Fact: s.fact}
}

func (e *entry) used() time.Duration { return time.Duration(e.usedAt.Load()) }

// once reports true to one caller, and to another after every.
func once(next *atomic.Int64, now, every time.Duration) bool {
	at := next.Load()
	return int64(now) >= at && next.CompareAndSwap(at, int64(now+every))
}
