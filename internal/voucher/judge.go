package voucher

import (
	"time"

	"scrip/internal/fault"
	"scrip/internal/money"
)

// Claims is what one customer already holds, net of rollbacks.
type Claims struct {
	OnVoucher  int64
	OnCampaign int64
}

// Grant is what a redemption that is allowed will do.
type Grant struct {
	Rank        int64
	AmountMinor int64
}

var errGivenOverflow = fault.ErrBalanceOverflow.Says("With this, the campaign would have given more than 2^63-1 minor units, and no account holds that much.")

// Judge decides one redemption by the rules, all of them but two that need the ledger (a wallet's floor
// and its overflow). It changes nothing.
//
// The order of the questions is part of the contract. "Already redeemed" comes first: a winner who asks
// again is told so, whatever became of the code since, and is never told "sold out".
func Judge(c *Campaign, v *Voucher, mine Claims, customer string, order *Order, now time.Time) (Grant, *fault.Error) {
	status := StatusOf(c, v, now)
	if mine.OnVoucher >= v.PerCustomer || mine.OnVoucher > 0 && status != Open {
		return Grant{}, fault.ErrAlreadyRedeemed
	}
	if v.Customer != "" && v.Customer != customer {
		return Grant{}, fault.ErrAssigned
	}
	if refusal := status.Refusal(); refusal != nil {
		return Grant{}, refusal
	}
	if c.Budget.PerCustomer != 0 && mine.OnCampaign >= c.Budget.PerCustomer {
		return Grant{}, fault.ErrCustomerLimit
	}
	amount, refusal := c.Effect.amount(c.Currency, order)
	if refusal != nil {
		return Grant{}, refusal
	}
	given, fits := money.Add(c.GivenMinor, amount)
	switch {
	case c.Budget.AmountMinor != 0 && (!fits || given > c.Budget.AmountMinor):
		return Grant{}, fault.ErrBudgetExceeded
	case !fits: // nobody has set a budget that could be used up
		return Grant{}, errGivenOverflow
	}
	return Grant{Rank: v.Ranked + 1, AmountMinor: amount}, nil
}

// amount is what the effect gives for this order, in minor units, above zero.
func (e Effect) amount(c money.Currency, order *Order) (int64, *fault.Error) {
	if e.Kind == Credit {
		return e.AmountMinor, nil
	}
	if order == nil {
		return 0, fault.ErrOrderRequired
	}
	if order.Currency != c {
		return 0, fault.ErrCurrencyMismatch
	}
	off := e.AmountMinor
	if e.PercentBP != 0 {
		off = money.BasisPoints(order.AmountMinor, e.PercentBP)
		if e.MaxMinor != 0 {
			off = min(off, e.MaxMinor)
		}
	}
	off = min(off, order.AmountMinor)
	if off <= 0 {
		return 0, fault.ErrNoEffect
	}
	return off, nil
}
