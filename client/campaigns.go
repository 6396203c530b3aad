package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// The kinds of effect.
const (
	EffectCredit   = "credit"
	EffectDiscount = "discount"
)

// Effect is what each redemption of a campaign does: a credit of an Amount, or a discount of an Amount
// or of a percentage in basis points, capped at MaxAmount if that is not zero.
type Effect struct {
	Kind      string `json:"kind"`
	Amount    int64  `json:"amount,omitempty"`
	PercentBP int64  `json:"percent_bp,omitempty"`
	MaxAmount int64  `json:"max_amount,omitempty"`
	// Currency is the campaign's. It stands in answers only.
	Currency string `json:"currency,omitempty"`
}

// Budget caps what a campaign gives away; nil is no cap.
type Budget struct {
	Amount      *int64 `json:"amount"`       // minor units
	Count       *int64 `json:"count"`        // redemptions
	PerCustomer *int64 `json:"per_customer"` // redemptions of one customer over all vouchers
}

// The statuses of a campaign.
const (
	CampaignActive      = "active"
	CampaignNotStarted  = "not_started"
	CampaignEnded       = "ended"
	CampaignDisabled    = "disabled"
	CampaignBudgetSpent = "budget_spent"
)

// Campaign is rules, schedule, effect and budget shared by its vouchers.
type Campaign struct {
	ID        string     `json:"id"`
	Object    string     `json:"object"`
	Name      string     `json:"name"`
	Currency  string     `json:"currency"`
	Effect    Effect     `json:"effect"`
	StartsAt  *time.Time `json:"starts_at"`
	EndsAt    *time.Time `json:"ends_at"`
	Budget    Budget     `json:"budget"`
	Status    string     `json:"status"` // one of the Campaign constants
	Disabled  bool       `json:"disabled"`
	Redeemed  int64      `json:"redeemed"` // redemptions, less rollbacks
	Given     int64      `json:"given"`    // minor units given away, less rollbacks
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
	// Voucher is the first one, where CreateCampaign was asked for it.
	Voucher *Voucher `json:"voucher,omitempty"`

	// Replayed says that this answers an earlier request under the same Idempotency-Key.
	Replayed bool `json:"-"`
}

// NewCampaign asks for a campaign and, if Voucher is not nil, for its first voucher.
type NewCampaign struct {
	Name     string              `json:"name"`
	Currency string              `json:"currency,omitempty"` // empty: the server's
	Effect   Effect              `json:"effect"`
	StartsAt *time.Time          `json:"starts_at,omitempty"`
	EndsAt   *time.Time          `json:"ends_at,omitempty"`
	Budget   *Budget             `json:"budget,omitempty"`
	Disabled bool                `json:"disabled,omitempty"`
	Voucher  *NewCampaignVoucher `json:"voucher,omitempty"`
}

// NewCampaignVoucher is the first voucher of a new campaign.
type NewCampaignVoucher struct {
	Code        string `json:"code,omitempty"`         // empty: the server makes one
	Limit       *int64 `json:"limit,omitempty"`        // uses in all; nil for no limit
	PerCustomer int64  `json:"per_customer,omitempty"` // uses of one customer; 0 for one
	Customer    string `json:"customer,omitempty"`     // whom it is for; empty for everybody
}

// CreateCampaign makes a campaign.
func (c *Client) CreateCampaign(ctx context.Context, n NewCampaign, o ...RequestOption) (*Campaign, error) {
	out := &Campaign{}
	a, err := c.into(ctx, call{method: http.MethodPost, path: "/v1/campaigns", body: n, keyed: true}, o, out)
	if err != nil {
		return nil, err
	}
	out.Replayed = a.replayed
	return out, nil
}

// Campaign returns one.
func (c *Client) Campaign(ctx context.Context, id string, o ...RequestOption) (*Campaign, error) {
	out := &Campaign{}
	_, err := c.into(ctx, get("/v1/campaigns/"+segment(id), nil), o, out)
	return orNil(out, err)
}

// Campaigns returns a page, newest first.
func (c *Client) Campaigns(ctx context.Context, p Page, o ...RequestOption) (*List[Campaign], error) {
	out := &List[Campaign]{}
	_, err := c.into(ctx, get("/v1/campaigns", p.values()), o, out)
	return orNil(out, err)
}

// AllCampaigns walks over all pages from p on.
func (c *Client) AllCampaigns(ctx context.Context, p Page) iter.Seq2[Campaign, error] {
	return walk(p, func(p Page) (*List[Campaign], error) { return c.Campaigns(ctx, p) },
		func(v *Campaign) string { return v.ID })
}

// CampaignChange changes a campaign; a zero member stays as it is.
type CampaignChange struct {
	Name     Optional[string]       `json:"name,omitzero"`
	StartsAt Optional[time.Time]    `json:"starts_at,omitzero"`
	EndsAt   Optional[time.Time]    `json:"ends_at,omitzero"`
	Budget   Optional[BudgetChange] `json:"budget,omitzero"`
	Disabled Optional[bool]         `json:"disabled,omitzero"`
}

// BudgetChange changes a budget; a zero member stays as it is.
type BudgetChange struct {
	Amount      Optional[int64] `json:"amount,omitzero"`
	Count       Optional[int64] `json:"count,omitzero"`
	PerCustomer Optional[int64] `json:"per_customer,omitzero"`
}

// UpdateCampaign changes a campaign and returns it changed.
func (c *Client) UpdateCampaign(ctx context.Context, id string, change CampaignChange, o ...RequestOption) (*Campaign, error) {
	out := &Campaign{}
	_, err := c.into(ctx, call{method: http.MethodPatch, path: "/v1/campaigns/" + segment(id), body: change}, o, out)
	return orNil(out, err)
}

// EnableCampaign opens a campaign again.
func (c *Client) EnableCampaign(ctx context.Context, id string, o ...RequestOption) (*Campaign, error) {
	out := &Campaign{}
	_, err := c.into(ctx, post("/v1/campaigns/"+segment(id)+"/enable"), o, out)
	return orNil(out, err)
}

// DisableCampaign closes a campaign: none of its vouchers can be redeemed until it is enabled.
func (c *Client) DisableCampaign(ctx context.Context, id string, o ...RequestOption) (*Campaign, error) {
	out := &Campaign{}
	_, err := c.into(ctx, post("/v1/campaigns/"+segment(id)+"/disable"), o, out)
	return orNil(out, err)
}

// Summary is how a campaign stands.
type Summary struct {
	Object   string `json:"object"`
	Campaign string `json:"campaign"`
	Currency string `json:"currency"`
	Status   string `json:"status"`
	Redeemed int64  `json:"redeemed"`
	Given    int64  `json:"given"`
	Budget   Budget `json:"budget"`
	Left     Left   `json:"left"`
}

// Left is what is left of a budget; nil where there is no cap.
type Left struct {
	Amount *int64 `json:"amount"`
	Count  *int64 `json:"count"`
}

// CampaignSummary tells how a campaign stands.
func (c *Client) CampaignSummary(ctx context.Context, id string, o ...RequestOption) (*Summary, error) {
	out := &Summary{}
	_, err := c.into(ctx, get("/v1/campaigns/"+segment(id)+"/summary", nil), o, out)
	return orNil(out, err)
}

// post is a request without a body.
func post(path string) call { return call{method: http.MethodPost, path: path} }
