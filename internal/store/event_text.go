package store

import (
	"time"

	"scrip/internal/access"
	"scrip/internal/code"
	"scrip/internal/id"
	"scrip/internal/money"
	"scrip/internal/voucher"
)

// Objects as the trail keeps them: in the words of the API, without what depends on the moment of asking (a status),
// on another object (a voucher's effect) or on use alone (when a key was last used).

type campaignJSON struct {
	ID        string         `json:"id"`
	Object    string         `json:"object"`
	Name      string         `json:"name"`
	Currency  money.Currency `json:"currency"`
	Effect    effectJSON     `json:"effect"`
	StartsAt  *string        `json:"starts_at"`
	EndsAt    *string        `json:"ends_at"`
	Budget    budgetJSON     `json:"budget"`
	Disabled  bool           `json:"disabled"`
	Redeemed  int64          `json:"redeemed"`
	Given     int64          `json:"given"`
	CreatedAt *string        `json:"created_at"`
	UpdatedAt *string        `json:"updated_at"`
}

type effectJSON struct {
	Kind      string         `json:"kind"`
	Amount    int64          `json:"amount,omitempty"`
	PercentBP int64          `json:"percent_bp,omitempty"`
	MaxAmount int64          `json:"max_amount,omitempty"`
	Currency  money.Currency `json:"currency"`
}

type budgetJSON struct {
	Amount      *int64 `json:"amount"`
	Count       *int64 `json:"count"`
	PerCustomer *int64 `json:"per_customer"`
}

func campaignText(c *voucher.Campaign) campaignJSON {
	return campaignJSON{
		ID: c.ID.Format(id.Campaign), Object: "campaign", Name: c.Name, Currency: c.Currency,
		Effect: effectJSON{
			Kind: c.Effect.Kind.String(), Amount: c.Effect.AmountMinor, PercentBP: c.Effect.PercentBP,
			MaxAmount: c.Effect.MaxMinor, Currency: c.Currency,
		},
		StartsAt: timeText(c.Window.Start), EndsAt: timeText(c.Window.End),
		Budget: budgetJSON{
			Amount: unlessZero(c.Budget.AmountMinor), Count: unlessZero(c.Budget.Count), PerCustomer: unlessZero(c.Budget.PerCustomer),
		},
		Disabled: c.Disabled, Redeemed: c.Redeemed, Given: c.GivenMinor,
		CreatedAt: timeText(c.CreatedAt), UpdatedAt: timeText(c.UpdatedAt),
	}
}

type voucherJSON struct {
	ID          string  `json:"id"`
	Object      string  `json:"object"`
	Campaign    string  `json:"campaign"`
	Code        string  `json:"code"` // masked
	Limit       *int64  `json:"limit"`
	PerCustomer int64   `json:"per_customer"`
	Customer    *string `json:"customer"`
	Disabled    bool    `json:"disabled"`
	Redeemed    int64   `json:"redeemed"`
	CreatedAt   *string `json:"created_at"`
	UpdatedAt   *string `json:"updated_at"`
}

func voucherText(v *voucher.Voucher) voucherJSON {
	return voucherJSON{
		ID: v.ID.Format(id.Voucher), Object: "voucher", Campaign: v.CampaignID.Format(id.Campaign), Code: code.Mask(v.Code),
		Limit: unlessZero(v.Limit), PerCustomer: v.PerCustomer, Customer: unlessZero(v.Customer), Disabled: v.Disabled,
		Redeemed: v.Redeemed, CreatedAt: timeText(v.CreatedAt), UpdatedAt: timeText(v.UpdatedAt),
	}
}

// moreVouchers counts the vouchers of a creation that have no event of their own.
type moreVouchers struct {
	Object string `json:"object"`
	ID     string `json:"id"`
	More   int    `json:"more_vouchers"`
}

type keyJSON struct {
	ID            string   `json:"id"`
	Object        string   `json:"object"`
	Name          string   `json:"name"`
	Kind          string   `json:"kind"`
	Scopes        []string `json:"scopes"`
	Tail          string   `json:"tail"`
	RatePerSecond *int64   `json:"rate_per_second"`
	Burst         *int64   `json:"burst"`
	Replaces      *string  `json:"replaces"`
	CreatedAt     *string  `json:"created_at"`
	ExpiresAt     *string  `json:"expires_at"`
	RevokedAt     *string  `json:"revoked_at"`
}

func keyText(k *access.Key) keyJSON {
	text := keyJSON{
		ID: k.ID.Format(id.Key), Object: "key", Name: k.Name, Kind: k.Kind.String(), Scopes: k.Scopes.Names(), Tail: k.Tail,
		RatePerSecond: unlessZero(k.RatePerSecond), Burst: unlessZero(k.Burst),
		CreatedAt: timeText(k.CreatedAt), ExpiresAt: timeText(k.ExpiresAt), RevokedAt: timeText(k.RevokedAt),
	}
	if text.Scopes == nil {
		text.Scopes = []string{} // a list, if an empty one
	}
	if !k.Replaces.IsZero() {
		replaces := k.Replaces.Format(id.Key)
		text.Replaces = &replaces
	}
	return text
}

// timeText is a time as the API tells it; nil, which is null, for none.
func timeText(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format(time.RFC3339Nano)
	return &text
}

// unlessZero is nil, which is null, for what is not set.
func unlessZero[T comparable](value T) *T {
	if value == *new(T) {
		return nil
	}
	return &value
}
