package voucher

import (
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
)

// Status is what holds for every customer of a voucher at one moment.
type Status uint8

// The statuses. All but Open refuse everybody who is not a winner already.
const (
	Unknown    Status = iota // no voucher has this code
	Open                     // it can be redeemed
	NotStarted               // its window lies ahead
	Ended                    // its window is over
	Disabled                 // an administrator closed it, or its campaign
	SoldOut                  // its limit is reached
	Spent                    // its campaign's budget can't pay for one more
)

// String names the status, as the metrics and the CLI show it.
func (s Status) String() string {
	switch s {
	case Unknown:
		return "unknown"
	case Open:
		return "open"
	case NotStarted:
		return "not_started"
	case Ended:
		return "ended"
	case Disabled:
		return "disabled"
	case SoldOut:
		return "sold_out"
	case Spent:
		return "budget_spent"
	default:
		return "invalid"
	}
}

// Stage is how far a voucher has come within one version: that way only. redisgate's forward.lua has it too.
func (s Status) Stage() int {
	switch s {
	case NotStarted:
		return 1
	case Open:
		return 2
	case SoldOut, Spent:
		return 3
	case Ended, Disabled:
		return 4
	case Unknown:
		fallthrough
	default:
		return 0
	}
}

// Refusal is the fault that a customer without a claim gets, nil while open.
func (s Status) Refusal() *fault.Error {
	switch s {
	case Open:
		return nil
	case NotStarted:
		return fault.ErrNotActive
	case Ended:
		return fault.ErrExpired
	case Disabled:
		return fault.ErrDisabled
	case SoldOut:
		return fault.ErrSoldOut
	case Spent:
		return fault.ErrBudgetExceeded
	case Unknown:
		return fault.ErrVoucherNotFound
	default:
		return fault.ErrInternal
	}
}

// StatusOf is the status of a voucher of a campaign at a moment of the store's clock.
func StatusOf(c *Campaign, v *Voucher, now time.Time) Status {
	switch {
	case c.Disabled || v.Disabled:
		return Disabled
	case !c.Window.Start.IsZero() && now.Before(c.Window.Start):
		return NotStarted
	case !c.Window.End.IsZero() && !now.Before(c.Window.End):
		return Ended
	case v.Limit != 0 && v.Redeemed >= v.Limit:
		return SoldOut
	case c.spent():
		return Spent
	default:
		return Open
	}
}

// spent reports whether the budget refuses every further redemption. A percentage may still fit a
// smaller order, so money settles it only where the amount is fixed: not even one minor unit is certain
// to be refused while something is left.
func (c *Campaign) spent() bool {
	if c.Budget.Count != 0 && c.Redeemed >= c.Budget.Count {
		return true
	}
	if c.Budget.AmountMinor == 0 {
		return false
	}
	left := c.Budget.AmountMinor - c.GivenMinor
	if c.Effect.Kind == Credit {
		return left < c.Effect.AmountMinor
	}
	return left <= 0
}

// Version orders what was learned about a voucher. Both parts only grow, so their sum grows with each
// change of either: of two versions of one voucher, the one with the larger sum is the newer.
type Version struct {
	Campaign, Voucher int64
}

// Sum is the version as one number.
func (v Version) Sum() int64 { return v.Campaign + v.Voucher }

// FactFreshFor bounds how long a fact may be used to refuse before it must be learned again: the bound
// of the promise that a change is obeyed on all replicas within a second.
const FactFreshFor = time.Second

// Fact is what the store said about a code, at one version.
type Fact struct {
	Key       string // the code's, normalised
	Voucher   id.ID  // zero for an unknown code
	Campaign  id.ID
	Version   Version
	Status    Status
	Customer  string // whom the voucher is published to; empty for everybody
	Remaining int64  // uses left, -1 for no limit; within a version it only falls
	// FreshFor is how long the fact may be used, from the moment it was asked for: FactFreshFor, or less
	// where the clock will change the status before that.
	FreshFor time.Duration
	// At is when the store judged it, by the store's clock; zero for an unknown code. It tells a process
	// that hears the fact from another how old it is.
	At time.Time
}

// Refusal is the fault that the fact means for a customer who is surely no winner; nil lets them pass.
func (f *Fact) Refusal(customer string) *fault.Error {
	if f.Status != Open && f.Customer != "" && f.Customer != customer {
		return fault.ErrAssigned // as Judge says it, before the status
	}
	return f.Status.Refusal()
}

// Closure names the time during which a voucher is closed: within one version a status, once left, never
// comes back, so two facts of one closure speak of the same winners.
func (f *Fact) Closure() Closure { return Closure{f.Version, f.Status} }

// Closure is a voucher's version and its status.
type Closure struct {
	Version Version
	Status  Status
}

// FactOf is the fact about a voucher at a moment of the store's clock.
func FactOf(c *Campaign, v *Voucher, now time.Time) Fact {
	f := Fact{
		Key: v.Key, Voucher: v.ID, Campaign: c.ID,
		Version:   Version{Campaign: c.Version, Voucher: v.Version},
		Status:    StatusOf(c, v, now),
		Customer:  v.Customer,
		Remaining: v.Remaining(),
		FreshFor:  FactFreshFor,
		At:        now,
	}
	if f.Status == NotStarted {
		f.FreshFor = min(f.FreshFor, c.Window.Start.Sub(now))
	}
	return f
}

// UnknownFact is the fact that no voucher has the code with this key.
func UnknownFact(key string) Fact {
	return Fact{Key: key, Status: Unknown, Remaining: 0, FreshFor: FactFreshFor}
}
