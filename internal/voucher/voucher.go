package voucher

import (
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/money"
)

// Voucher is one redeemable object; its secret string is its code.
type Voucher struct {
	ID         id.ID
	CampaignID id.ID
	Code       string // as it was created, for people
	Key        string // code.Normalise(Code): what it is looked up by, unique
	// Limit is the number of uses in all, 0 for no limit.
	Limit int64
	// PerCustomer is the number of uses of one customer, at least 1.
	PerCustomer int64
	// Customer is whom the voucher is published to; empty for everybody.
	Customer string
	Disabled bool

	Redeemed  int64 // uses that stand, net of rollbacks
	Ranked    int64 // ranks given out; never falls, so no rank is given twice
	Version   int64 // raised by every change that can reopen or close it
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Validate refuses a voucher that could never be right.
func (v *Voucher) Validate() error {
	if v.Key == "" || v.Code == "" {
		return fault.ErrInvalidCode
	}
	if v.Limit < 0 {
		return fault.ErrInvalidLimit
	}
	if v.PerCustomer < 1 {
		return fault.ErrInvalidLimit.On("per_customer")
	}
	return nil
}

// Remaining is the number of uses left, or -1 where there is no limit.
func (v *Voucher) Remaining() int64 {
	if v.Limit == 0 {
		return -1
	}
	return v.Limit - v.Redeemed
}

// Patch is a change of a voucher; a nil member stays as it is.
type Patch struct {
	Limit       *int64
	PerCustomer *int64
	Customer    *string
	Disabled    *bool
}

// Amend returns v changed by p, one version up, or why it can't be. It is the only way an administrator
// changes a voucher.
func (v Voucher) Amend(p Patch, now time.Time) (Voucher, error) {
	if p.Limit != nil {
		v.Limit = *p.Limit
	}
	before := v.PerCustomer
	if p.PerCustomer != nil {
		v.PerCustomer = *p.PerCustomer
	}
	if p.Customer != nil {
		v.Customer = *p.Customer
	}
	if p.Disabled != nil {
		v.Disabled = *p.Disabled
	}
	if err := v.Validate(); err != nil {
		return Voucher{}, err
	}
	if v.Limit != 0 && v.Limit < v.Redeemed {
		return Voucher{}, fault.ErrLimitBelowUse
	}
	if v.PerCustomer < before && v.Redeemed > 0 { // somebody may already hold as many as were allowed
		return Voucher{}, fault.ErrLimitBelowUse.Says("The limit per customer can't fall once the voucher is in use.").On("per_customer")
	}
	v.Version++
	v.UpdatedAt = now
	return v, nil
}

// Order is what a discount is for.
type Order struct {
	ID          string // the caller's own, up to 128 characters, may be empty
	AmountMinor int64
	Currency    money.Currency
}

// Redemption is one successful use, with its rank: the receipt.
type Redemption struct {
	ID         id.ID
	VoucherID  id.ID
	CampaignID id.ID
	Code       string // the voucher's, as it was created
	Customer   string
	Rank       int64 // 1 for the first winner of the voucher; never given twice, not even after a rollback
	Limit      int64 // the voucher's when this was won, so that "417 of 1,000" stays what it was; 0 for none
	Effect     EffectKind
	// AmountMinor is the credit or the discount, in minor units of Currency.
	AmountMinor int64
	Currency    money.Currency
	Order       Order // zero for a credit
	// BalanceMinor is the customer's wallet right after this redemption.
	BalanceMinor int64
	// Seq is the number of its ledger entry within the customer's wallet.
	Seq int64
	Key string // the Idempotency-Key it was made under, may be empty
	At  time.Time
	// RolledBackAt is zero while the redemption stands.
	RolledBackAt time.Time
	RollbackID   id.ID
}

// Rollback is the reversal of a redemption, by a reversing ledger entry.
type Rollback struct {
	ID           id.ID
	RedemptionID id.ID
	VoucherID    id.ID
	Customer     string
	AmountMinor  int64
	Currency     money.Currency
	BalanceMinor int64 // the customer's wallet right after it
	Seq          int64
	Reason       string
	Key          string
	At           time.Time
}
