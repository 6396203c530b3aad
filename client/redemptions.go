package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// Order is what a discount is for.
type Order struct {
	ID       string `json:"id,omitempty"`
	Amount   int64  `json:"amount"` // minor units
	Currency string `json:"currency"`
}

// RedeemRequest asks to use a code for a customer.
type RedeemRequest struct {
	Code     string `json:"code"`
	Customer string `json:"customer"`
	Order    *Order `json:"order,omitempty"` // for a discount
}

// Money is an amount in minor units of a currency.
type Money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// GivenEffect is what one redemption did, or would do.
type GivenEffect struct {
	Kind     string `json:"kind"` // EffectCredit or EffectDiscount
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// The statuses of a redemption.
const (
	StatusRedeemed   = "redeemed"
	StatusRolledBack = "rolled_back"
)

// Redemption is one successful use: the receipt.
type Redemption struct {
	ID       string      `json:"id"`
	Object   string      `json:"object"`
	Status   string      `json:"status"` // StatusRedeemed or StatusRolledBack
	Voucher  string      `json:"voucher"`
	Campaign string      `json:"campaign"`
	Code     string      `json:"code"`
	Customer string      `json:"customer"`
	Rank     int64       `json:"rank"`  // 1 for the voucher's first
	Limit    *int64      `json:"limit"` // the voucher's at that moment; nil for none
	Effect   GivenEffect `json:"effect"`
	Order    *Order      `json:"order,omitempty"`
	Balance  Money       `json:"balance"` // the customer's wallet right after it
	// Transaction is its ledger entry.
	Transaction  string     `json:"transaction"`
	CreatedAt    time.Time  `json:"created_at"`
	RolledBackAt *time.Time `json:"rolled_back_at,omitempty"`
	Rollback     string     `json:"rollback,omitempty"`

	// Replayed says that this answers an earlier request under the same Idempotency-Key.
	Replayed bool `json:"-"`
}

// Redeem uses a code.
func (c *Client) Redeem(ctx context.Context, r RedeemRequest, o ...RequestOption) (*Redemption, error) {
	out := &Redemption{}
	a, err := c.into(ctx, call{method: http.MethodPost, path: "/v1/redemptions", body: r, keyed: true}, o, out)
	if err != nil {
		return nil, err
	}
	out.Replayed = a.replayed
	return out, nil
}

// BatchItem is one redemption of many.
type BatchItem struct {
	RedeemRequest
	IdempotencyKey string `json:"idempotency_key,omitempty"`
}

// BatchVerdict is what became of one item: a Redemption or a Problem.
type BatchVerdict struct {
	Status     int         `json:"status"`
	Replayed   bool        `json:"replayed,omitempty"`
	Redemption *Redemption `json:"redemption,omitempty"`
	Problem    *Error      `json:"problem,omitempty"`
}

// RedeemBatch uses up to 100 codes, one verdict each, in order. It is asked again only if every item has
// an Idempotency-Key of its own.
func (c *Client) RedeemBatch(ctx context.Context, items []BatchItem, o ...RequestOption) ([]BatchVerdict, error) {
	keyed := true
	for i := range items {
		keyed = keyed && items[i].IdempotencyKey != ""
	}
	body := struct {
		Redemptions []BatchItem `json:"redemptions"`
	}{items}
	var out struct {
		Data []BatchVerdict `json:"data"`
	}
	if _, err := c.into(ctx, call{method: http.MethodPost, path: "/v1/redemptions/batch", body: body, safe: keyed}, o, &out); err != nil {
		return nil, err
	}
	for i := range out.Data {
		if r := out.Data[i].Redemption; r != nil {
			r.Replayed = out.Data[i].Replayed
		}
	}
	return out.Data, nil
}

// Redemption returns a redemption as it is now.
func (c *Client) Redemption(ctx context.Context, id string, o ...RequestOption) (*Redemption, error) {
	out := &Redemption{}
	_, err := c.into(ctx, get("/v1/redemptions/"+segment(id), nil), o, out)
	return orNil(out, err)
}

// RedemptionQuery asks for a page of redemptions, newest first: all, or those of one customer, voucher
// or campaign.
type RedemptionQuery struct {
	Customer, Voucher, Campaign string // at most one
	Page
}

// Redemptions returns a page.
func (c *Client) Redemptions(ctx context.Context, q RedemptionQuery, o ...RequestOption) (*List[Redemption], error) {
	v := q.values()
	setIf(v, "customer", q.Customer)
	setIf(v, "voucher", q.Voucher)
	setIf(v, "campaign", q.Campaign)
	out := &List[Redemption]{}
	_, err := c.into(ctx, get("/v1/redemptions", v), o, out)
	return orNil(out, err)
}

// AllRedemptions walks over all pages from q on.
func (c *Client) AllRedemptions(ctx context.Context, q RedemptionQuery) iter.Seq2[Redemption, error] {
	return walk(q.Page, func(p Page) (*List[Redemption], error) {
		q.Page = p
		return c.Redemptions(ctx, q)
	}, func(r *Redemption) string { return r.ID })
}

// Rollback is the reversal of a redemption.
type Rollback struct {
	ID          string    `json:"id"`
	Object      string    `json:"object"`
	Redemption  string    `json:"redemption"`
	Voucher     string    `json:"voucher"`
	Customer    string    `json:"customer"`
	Amount      int64     `json:"amount"`
	Currency    string    `json:"currency"`
	Balance     Money     `json:"balance"` // the customer's wallet right after it
	Reason      string    `json:"reason"`
	Transaction string    `json:"transaction"`
	CreatedAt   time.Time `json:"created_at"`

	// Replayed says that this answers an earlier request under the same Idempotency-Key.
	Replayed bool `json:"-"`
}

// Rollback reverses a redemption; the reason may be empty.
func (c *Client) Rollback(ctx context.Context, redemption, reason string, o ...RequestOption) (*Rollback, error) {
	body := struct {
		Reason string `json:"reason,omitempty"`
	}{reason}
	out := &Rollback{}
	a, err := c.into(ctx, call{
		method: http.MethodPost, path: "/v1/redemptions/" + segment(redemption) + "/rollback", body: body, keyed: true,
	}, o, out)
	if err != nil {
		return nil, err
	}
	out.Replayed = a.replayed
	return out, nil
}

// Validation is the answer to a dry run.
type Validation struct {
	Object    string       `json:"object"`
	Valid     bool         `json:"valid"`
	Voucher   string       `json:"voucher,omitempty"`
	Campaign  string       `json:"campaign,omitempty"`
	Code      string       `json:"code,omitempty"`
	Effect    *GivenEffect `json:"effect,omitempty"`
	Remaining *int64       `json:"remaining,omitempty"` // uses left; nil for no limit
	Problem   *Error       `json:"problem,omitempty"`   // why it would not redeem
}

// Validate asks whether a request would redeem right now, and changes nothing.
func (c *Client) Validate(ctx context.Context, r RedeemRequest, o ...RequestOption) (*Validation, error) {
	out := &Validation{}
	_, err := c.into(ctx, call{method: http.MethodPost, path: "/v1/validations", body: r, safe: true}, o, out)
	return orNil(out, err)
}

func get(path string, q url.Values) call {
	return call{method: http.MethodGet, path: path, query: q, safe: true}
}
