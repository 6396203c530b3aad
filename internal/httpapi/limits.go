package httpapi

import (
	"encoding/binary"
	"time"

	"scrip/internal/access"
	"scrip/internal/code"
	"scrip/internal/customer"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/limit"
)

// Who is limited by what (docs/limits.md has the reasons):
//
//	nobody              while the server is open
//	a secret key        by its own rate, if it has one; on the seed's routes also by customer and by misses
//	a publishable key   by address, customer, key and misses
//
// A secret key stays on a server, so where its requests come from says nothing about who is behind them.

// limits is what one request is limited by.
type limits struct {
	on       bool      // there is something to take from
	guesses  bool      // the answer is the public face: misses are counted
	began    time.Time // when an attempt was let through, by this machine's clock
	from     limit.Place
	attempt  limit.Attempt
	verdicts [limitNames]limit.Verdict
}

// The names of the policies in the headers, in the order in which they stand there.
const (
	limitAddress = iota
	limitCustomer
	limitKey

	limitNames
)

// limitCaller takes one request from the allowances of the caller's address and key. The address comes
// first: what it has too many of is not taken from everybody's.
func (x *exchange) limitCaller() error {
	by := x.s.cfg.Limits
	if by == nil || x.caller.Open || x.rt.may.anyone {
		return nil
	}
	x.limits.on, x.limits.guesses = true, x.public()
	now := by.Now()
	if x.caller.Kind == access.Publishable {
		x.limits.from = limit.PlaceOf(x.s.proxies.client(x.r))
		if err := x.took(limitAddress, by.AllowAddress(now, x.limits.from)); err != nil {
			return err
		}
	}
	return x.takeKey(now, 1)
}

// takeKey takes n requests from the caller's key.
func (x *exchange) takeKey(now limit.Moment, n int) error {
	by := x.s.cfg.Limits
	rate := limit.PerSecond(x.caller.RatePerSecond, x.caller.Burst)
	if rate.None() && x.caller.Kind == access.Publishable {
		rate = by.Publishable()
	}
	if rate.None() || n == 0 {
		return nil
	}
	return x.took(limitKey, by.AllowKey(now, nameOf(x.caller.Key), rate, int64(n)))
}

// limitItems takes what a batch of n items needs beyond the request that it is.
func (x *exchange) limitItems(n int) error {
	if !x.limits.on {
		return nil
	}
	return x.takeKey(x.s.cfg.Limits.Now(), n-1)
}

// nameOf is a key's name in a table: its random part.
func nameOf(k id.ID) uint64 { return max(1, binary.BigEndian.Uint64(k[len(k)-8:])) }

// limitCustomer takes one request from a customer's allowance. What is no customer is left to the use case,
// which refuses it.
func (x *exchange) limitCustomer(as string) error {
	if !x.limits.guesses {
		return nil
	}
	who, err := customer.Normalise(as)
	if err != nil {
		return nil //nolint:nilerr // the use case says so
	}
	by := x.s.cfg.Limits
	return x.took(limitCustomer, by.AllowCustomer(by.Now(), x.limits.from, who))
}

// took notes a verdict for the headers and makes an error of a refusal.
func (x *exchange) took(name int, v limit.Verdict) error {
	x.limits.verdicts[name] = v
	if v.OK() {
		return nil
	}
	return fault.ErrRateLimited.After(v.Wait)
}

// try is what every attempt at a code passes on the public face, by a customer or, where that is empty, by
// nobody in particular: the customer's allowance, and the budgets of misses. tried ends it. What is no code or no
// customer is left to the use case, which refuses it without a look.
func (x *exchange) try(as, typed string) error {
	if !x.limits.guesses {
		return nil
	}
	key, err := code.Normalise(typed)
	if err != nil {
		return nil //nolint:nilerr // the use case says so
	}
	by := x.s.cfg.Limits
	now, who := by.Now(), ""
	if as != "" {
		if who, err = customer.Normalise(as); err != nil {
			return nil //nolint:nilerr // the use case says so
		}
		if err := x.took(limitCustomer, by.AllowCustomer(now, x.limits.from, who)); err != nil {
			return err
		}
	}
	if ruling, wait := by.Try(&x.limits.attempt, now, x.limits.from, who, key); ruling != limit.Pass {
		return tooManyMisses(wait)
	}
	if who != "" && x.limits.from.Known() && !x.limits.attempt.Crowd() {
		if v := by.AllowCustomerAnywhere(now, who); !v.OK() {
			x.limits.attempt.Done()
			return x.took(limitCustomer, v)
		}
	}
	x.limits.began = time.Now() //nolint:forbidigo // as exchange.started
	return nil
}

// retryMax bounds the time after which whoever has no misses left is asked to come again: a budget may be full
// again earlier, by the wins of others.
const retryMax = time.Minute

func tooManyMisses(wait time.Duration) error {
	return fault.ErrTooManyMisses.After(min(wait, retryMax))
}

// veiled reports whether the time of an answer must not tell why it is a refusal. What a crowd asks for is no
// secret.
func (x *exchange) veiled() bool { return x.limits.guesses && !x.limits.attempt.Crowd() }

// veil holds a miss back until a whole number of steps after the attempt began, so that what little longer the
// store reads of a code that is there can't be seen. The steps are counted from when the request was
// complete and let through: whoever sends it can't choose where in a step it falls.
func (x *exchange) veil() {
	if !x.veiled() {
		return
	}
	x.stopWorking() // what only waits is in nobody's way
	step := x.s.cfg.MissStep
	time.Sleep(step - time.Since(x.limits.began)%step)
}

// onStep is a time as the veil has it: no earlier, and a whole number of steps after the attempt began. Who waits for
// less than an answer is held back learns no more by giving up than by waiting.
func (x *exchange) onStep(until time.Time) time.Time {
	if x.limits.began.IsZero() || !x.veiled() {
		return until
	}
	step := x.s.cfg.MissStep
	waits := max(step, until.Sub(x.limits.began)+step-1)
	return x.limits.began.Add(waits - waits%step)
}

// tried ends an attempt with what became of it.
func (x *exchange) tried(err error, replayed bool) {
	if err == nil && !replayed {
		x.limits.attempt.Won()
		return
	}
	x.judged(faultOf(err))
}

// judged ends an attempt that did not redeem with why it would not, nil for no reason.
func (x *exchange) judged(f *fault.Error) {
	a := &x.limits.attempt
	switch {
	case f == nil:
		a.Judged()
	case missed(f):
		x.veil()
		a.Missed()
	case f.Is(fault.ErrTimeout):
		a.Abandoned()
	case f.Kind == fault.Refused:
		a.Judged()
	default:
		a.Done()
	}
}

// missed reports whether a refusal is a miss: all that the public face shows as not redeemable, and
// nothing that it says plainly.
func missed(f *fault.Error) bool { return hidden(f).Is(fault.ErrNotRedeemable) }
