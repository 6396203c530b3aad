package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// The statuses of a voucher.
const (
	VoucherOpen        = "open"
	VoucherNotStarted  = "not_started"
	VoucherEnded       = "ended"
	VoucherDisabled    = "disabled"
	VoucherSoldOut     = "sold_out"
	VoucherBudgetSpent = "budget_spent"
)

// Voucher is one redeemable object.
type Voucher struct {
	ID          string    `json:"id"`
	Object      string    `json:"object"`
	Campaign    string    `json:"campaign"`
	Code        string    `json:"code"`
	Limit       *int64    `json:"limit"` // uses in all; nil for no limit
	PerCustomer int64     `json:"per_customer"`
	Customer    *string   `json:"customer"` // whom it is for; nil for everybody
	Status      string    `json:"status"`   // one of the Voucher constants
	Disabled    bool      `json:"disabled"` // the voucher itself; its campaign may be disabled as well
	Redeemed    int64     `json:"redeemed"`
	Remaining   *int64    `json:"remaining"` // nil for no limit
	Effect      Effect    `json:"effect"`    // its campaign's
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`

	// Replayed says that this answers an earlier request under the same Idempotency-Key.
	Replayed bool `json:"-"`
}

// NewVoucher asks for a voucher of a campaign.
type NewVoucher struct {
	Campaign string `json:"campaign"`
	NewCampaignVoucher
}

// CreateVoucher adds a voucher to a campaign.
func (c *Client) CreateVoucher(ctx context.Context, n NewVoucher, o ...RequestOption) (*Voucher, error) {
	out := &Voucher{}
	a, err := c.into(ctx, call{method: http.MethodPost, path: "/v1/vouchers", body: n, keyed: true}, o, out)
	if err != nil {
		return nil, err
	}
	out.Replayed = a.replayed
	return out, nil
}

// CreateCampaignVoucher is CreateVoucher by the campaign's own route.
func (c *Client) CreateCampaignVoucher(ctx context.Context, campaign string, n NewCampaignVoucher, o ...RequestOption) (*Voucher, error) {
	out := &Voucher{}
	a, err := c.into(ctx, call{
		method: http.MethodPost, path: "/v1/campaigns/" + segment(campaign) + "/vouchers", body: n, keyed: true,
	}, o, out)
	if err != nil {
		return nil, err
	}
	out.Replayed = a.replayed
	return out, nil
}

// Voucher returns one.
func (c *Client) Voucher(ctx context.Context, id string, o ...RequestOption) (*Voucher, error) {
	out := &Voucher{}
	_, err := c.into(ctx, get("/v1/vouchers/"+segment(id), nil), o, out)
	return orNil(out, err)
}

// LookupVoucher returns the voucher with a code.
func (c *Client) LookupVoucher(ctx context.Context, code string, o ...RequestOption) (*Voucher, error) {
	body := struct {
		Code string `json:"code"`
	}{code}
	out := &Voucher{}
	_, err := c.into(ctx, call{method: http.MethodPost, path: "/v1/vouchers/lookup", body: body, safe: true}, o, out)
	return orNil(out, err)
}

// VoucherQuery asks for a page of vouchers, newest first: all, or those of one campaign.
type VoucherQuery struct {
	Campaign string
	Page
}

// Vouchers returns a page.
func (c *Client) Vouchers(ctx context.Context, q VoucherQuery, o ...RequestOption) (*List[Voucher], error) {
	v := q.values()
	setIf(v, "campaign", q.Campaign)
	out := &List[Voucher]{}
	_, err := c.into(ctx, get("/v1/vouchers", v), o, out)
	return orNil(out, err)
}

// CampaignVouchers returns a page of a campaign's vouchers; unlike Vouchers, it refuses a campaign that
// is not there.
func (c *Client) CampaignVouchers(ctx context.Context, campaign string, p Page, o ...RequestOption) (*List[Voucher], error) {
	out := &List[Voucher]{}
	_, err := c.into(ctx, get("/v1/campaigns/"+segment(campaign)+"/vouchers", p.values()), o, out)
	return orNil(out, err)
}

// AllVouchers walks over all pages from q on.
func (c *Client) AllVouchers(ctx context.Context, q VoucherQuery) iter.Seq2[Voucher, error] {
	return walk(q.Page, func(p Page) (*List[Voucher], error) {
		q.Page = p
		return c.Vouchers(ctx, q)
	}, func(v *Voucher) string { return v.ID })
}

// VoucherChange changes a voucher; a zero member stays as it is.
type VoucherChange struct {
	Limit       Optional[int64]  `json:"limit,omitzero"`
	PerCustomer Optional[int64]  `json:"per_customer,omitzero"`
	Customer    Optional[string] `json:"customer,omitzero"`
	Disabled    Optional[bool]   `json:"disabled,omitzero"`
}

// UpdateVoucher changes a voucher and returns it changed.
func (c *Client) UpdateVoucher(ctx context.Context, id string, change VoucherChange, o ...RequestOption) (*Voucher, error) {
	out := &Voucher{}
	_, err := c.into(ctx, call{method: http.MethodPatch, path: "/v1/vouchers/" + segment(id), body: change}, o, out)
	return orNil(out, err)
}

// EnableVoucher opens a voucher again.
func (c *Client) EnableVoucher(ctx context.Context, id string, o ...RequestOption) (*Voucher, error) {
	out := &Voucher{}
	_, err := c.into(ctx, post("/v1/vouchers/"+segment(id)+"/enable"), o, out)
	return orNil(out, err)
}

// DisableVoucher closes a voucher until it is enabled.
func (c *Client) DisableVoucher(ctx context.Context, id string, o ...RequestOption) (*Voucher, error) {
	out := &Voucher{}
	_, err := c.into(ctx, post("/v1/vouchers/"+segment(id)+"/disable"), o, out)
	return orNil(out, err)
}
