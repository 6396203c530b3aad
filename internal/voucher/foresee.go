package voucher

import "math"

// Prospect is what Judge will say to customers who hold nothing yet, while the versions of the voucher and of its
// campaign stay what they are: each is granted AmountMinor, whoever they are and whatever they order. A store that
// can prove under its locks that a prospect still holds need not read what Judge would read.
type Prospect struct {
	// Window is when: the store's clock must be in it.
	Window Window
	// AmountMinor is what each is granted.
	AmountMinor int64
	// How far each counter may be raised by what is granted; math.MaxInt64 for no cap.
	Uses       int64 // Voucher.Redeemed
	Count      int64 // Campaign.Redeemed
	GivenMinor int64 // Campaign.GivenMinor
}

// Foresee tells the prospect of a voucher. It is not sure of one where the verdict depends on more than the voucher, the
// campaign and the clock: on who asks, on the order, or on what a customer has of other vouchers.
func Foresee(c *Campaign, v *Voucher) (p Prospect, sure bool) {
	if c.Disabled || v.Disabled || v.Customer != "" || c.Effect.Kind != Credit || c.Effect.AmountMinor <= 0 || c.Budget.PerCustomer != 0 {
		return Prospect{}, false
	}
	return Prospect{
		Window: c.Window, AmountMinor: c.Effect.AmountMinor,
		Uses: capOr(v.Limit), Count: capOr(c.Budget.Count), GivenMinor: capOr(c.Budget.AmountMinor),
	}, true
}

// capOr is a cap, of which zero is none.
func capOr(limit int64) int64 {
	if limit == 0 {
		return math.MaxInt64
	}
	return limit
}

// Fits reports whether n more can be granted on top of the counters of c and v.
func (p *Prospect) Fits(c *Campaign, v *Voucher, n int64) bool {
	return n <= p.Uses-v.Redeemed && n <= p.Count-c.Redeemed && n <= (p.GivenMinor-c.GivenMinor)/p.AmountMinor
}
