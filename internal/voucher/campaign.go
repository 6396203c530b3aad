// Package voucher is the heart of the domain: campaigns, vouchers and the rules of redemption, as pure
// functions over values. A store loads the values, asks Judge, and writes what was granted; every store
// therefore decides alike. The package knows no store, no clock and no I/O: the time is an argument.
package voucher

import (
	"strings"
	"time"
	"unicode/utf8"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/money"
)

// EffectKind says what a redemption does.
type EffectKind uint8

// The effects. Stored by number: never renumber.
const (
	Credit   EffectKind = 1 // credits a wallet
	Discount EffectKind = 2 // takes something off an order
)

// String returns the effect's name as it is shown in the API.
func (k EffectKind) String() string {
	switch k {
	case Credit:
		return "credit"
	case Discount:
		return "discount"
	default:
		return "unknown"
	}
}

// Effect is what each redemption of a campaign does.
type Effect struct {
	Kind EffectKind
	// AmountMinor is the credit, or the fixed discount, in minor units. Zero for a percentage.
	AmountMinor int64
	// PercentBP is the discount in basis points (1/100 of a percent), 1 to 10,000. Zero for a fixed amount.
	PercentBP int64
	// MaxMinor caps a percentage, in minor units; zero is no cap.
	MaxMinor int64
}

// Window is when something is valid: from Start (inclusive) to End (exclusive). A zero time is no bound.
type Window struct {
	Start, End time.Time
}

// Budget caps what a campaign gives away. Zero is no cap.
type Budget struct {
	AmountMinor int64 // money given, net of rollbacks
	Count       int64 // redemptions, net of rollbacks
	PerCustomer int64 // redemptions of one customer over all the campaign's vouchers, net of rollbacks
}

// Campaign is rules, schedule, effect and budget shared by its vouchers.
type Campaign struct {
	ID       id.ID
	Name     string
	Currency money.Currency
	Effect   Effect
	Window   Window
	Budget   Budget
	Disabled bool

	GivenMinor int64 // what the campaign has given away, net of rollbacks: its funding account, negated
	Redeemed   int64 // redemptions, net of rollbacks
	Version    int64 // raised by every change that can reopen or close its vouchers
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

const nameLengthMax = 200 // characters; a name is a line on a page, not a document

// Validate refuses a campaign that could never be right.
func (c *Campaign) Validate() error {
	if n := utf8.RuneCountInString(c.Name); n == 0 || n > nameLengthMax || !utf8.ValidString(c.Name) {
		return fault.ErrInvalidRequest.Says("A campaign's name has 1 to 200 characters.").On("name")
	}
	if !Storable(c.Name) {
		return fault.ErrInvalidRequest.Says("A campaign's name has no NUL character.").On("name")
	}
	if err := c.Effect.validate(); err != nil {
		return err
	}
	if !c.Window.Start.IsZero() && !c.Window.End.IsZero() && !c.Window.Start.Before(c.Window.End) {
		return fault.ErrInvalidWindow
	}
	if c.Budget.AmountMinor < 0 || c.Budget.Count < 0 || c.Budget.PerCustomer < 0 {
		return fault.ErrInvalidLimit.Says("A budget is a whole number of at least 1; leave it out for no cap.").On("budget")
	}
	return nil
}

// Storable reports whether every store can keep s: text in UTF-8 without the character NUL, which PostgreSQL's
// text can't hold. It is asked of all text that a caller makes up.
func Storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func (e Effect) validate() error {
	switch e.Kind {
	case Credit:
		if e.AmountMinor <= 0 {
			return fault.ErrInvalidAmount.On("effect.amount")
		}
		if e.PercentBP != 0 || e.MaxMinor != 0 {
			return fault.ErrInvalidRequest.Says("A credit has an amount, and no percentage.").On("effect")
		}
	case Discount:
		if (e.AmountMinor == 0) == (e.PercentBP == 0) {
			return fault.ErrInvalidRequest.Says("A discount has either an amount or a percentage.").On("effect")
		}
		if e.AmountMinor < 0 {
			return fault.ErrInvalidAmount.On("effect.amount")
		}
		if e.MaxMinor < 0 {
			return fault.ErrInvalidAmount.On("effect.max_amount")
		}
		if e.MaxMinor != 0 && e.PercentBP == 0 {
			return fault.ErrInvalidRequest.Says("A max_amount caps a percentage; a discount of an amount has none.").On("effect.max_amount")
		}
		if e.PercentBP < 0 || e.PercentBP > 10_000 {
			return fault.ErrInvalidRequest.Says("A percentage is 1 to 10,000 basis points.").On("effect.percent_bp")
		}
	default:
		return fault.ErrInvalidRequest.Says("An effect's kind is credit or discount.").On("effect.kind")
	}
	return nil
}

// CampaignPatch is a change of a campaign; a nil member stays as it is.
type CampaignPatch struct {
	Name     *string
	Start    *time.Time // the zero time removes the bound
	End      *time.Time
	Budget   BudgetPatch
	Disabled *bool
}

// BudgetPatch is a change of a budget, cap by cap, so that two people who change different caps at once
// both have their way. A nil cap stays as it is; zero removes it.
type BudgetPatch struct {
	AmountMinor, Count, PerCustomer *int64
}

// Patch returns the change that makes b of any budget.
func (b Budget) Patch() BudgetPatch {
	return BudgetPatch{AmountMinor: &b.AmountMinor, Count: &b.Count, PerCustomer: &b.PerCustomer}
}

// Amended returns b changed by p.
func (b Budget) Amended(p BudgetPatch) Budget {
	if p.AmountMinor != nil {
		b.AmountMinor = *p.AmountMinor
	}
	if p.Count != nil {
		b.Count = *p.Count
	}
	if p.PerCustomer != nil {
		b.PerCustomer = *p.PerCustomer
	}
	return b
}

// Amend returns c changed by p, one version up, or why it can't be. It is the only way a campaign changes.
func (c Campaign) Amend(p CampaignPatch, now time.Time) (Campaign, error) {
	if p.Name != nil {
		c.Name = *p.Name
	}
	if p.Start != nil {
		c.Window.Start = *p.Start
	}
	if p.End != nil {
		c.Window.End = *p.End
	}
	c.Budget = c.Budget.Amended(p.Budget)
	if p.Disabled != nil {
		c.Disabled = *p.Disabled
	}
	if err := c.Validate(); err != nil {
		return Campaign{}, err
	}
	b := c.Budget
	if b.Count != 0 && b.Count < c.Redeemed || b.AmountMinor != 0 && b.AmountMinor < c.GivenMinor {
		return Campaign{}, fault.ErrLimitBelowUse.Says("The budget can't be below what is already given.").On("budget")
	}
	c.Version++
	c.UpdatedAt = now
	return c, nil
}
