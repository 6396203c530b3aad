package client

import (
	"context"
	"encoding/json"
	"net/http"
)

// Sentence is what Use answers when it has credited a wallet.
const Sentence = "Congratulation your credit increased! 🎉"

// Use redeems a code by the public route, for a mobile number, and returns the sentence to show.
func (c *Client) Use(ctx context.Context, code, mobile string, o ...RequestOption) (string, error) {
	body := struct {
		Code   string `json:"code"`
		Mobile string `json:"mobile"`
	}{code, mobile}
	a, err := c.do(ctx, call{method: http.MethodPost, path: "/codes/use", body: body, keyed: true}, o)
	if err != nil {
		return "", err
	}
	return string(a.body), nil
}

// MobileBalance is a balance by the public route.
type MobileBalance struct {
	Mobile  string      `json:"mobile"`  // as it was sent
	Balance json.Number `json:"balance"` // in whole units of the server's currency, as in 12.50
}

// Balance returns the balance of a mobile number by the public route.
func (c *Client) Balance(ctx context.Context, mobile string, o ...RequestOption) (*MobileBalance, error) {
	body := struct {
		Mobile string `json:"mobile"`
	}{mobile}
	out := &MobileBalance{}
	_, err := c.into(ctx, call{method: http.MethodPost, path: "/wallet/balance", body: body, safe: true}, o, out)
	return orNil(out, err)
}

// CodeReport is how a code stands, by the public route.
type CodeReport struct {
	Code   string      `json:"code"`   // as it was created
	Credit json.Number `json:"credit"` // what one use gives, in whole units of its currency; 0 for a percentage
	// ConsumerCount is the uses left; -1 for no limit.
	ConsumerCount int64 `json:"consumerCount"`
}

// Report tells how a code stands, by the public route.
func (c *Client) Report(ctx context.Context, code string, o ...RequestOption) (*CodeReport, error) {
	body := struct {
		Code string `json:"code"`
	}{code}
	out := &CodeReport{}
	_, err := c.into(ctx, call{method: http.MethodPost, path: "/codes/report", body: body, safe: true}, o, out)
	return orNil(out, err)
}

// Status is what the server says of itself.
type Status struct {
	Status  string `json:"status"`
	Version string `json:"version,omitempty"`
	// Degraded names what is away and only makes the server faster, such as "redis".
	Degraded []string `json:"degraded,omitempty"`
}

// Healthy returns nil while the server's process lives.
func (c *Client) Healthy(ctx context.Context, o ...RequestOption) (*Status, error) {
	out := &Status{}
	_, err := c.into(ctx, get("/healthz", nil), o, out)
	return orNil(out, err)
}

// Ready returns the server's status while it takes requests, and why not as an *Error otherwise. It asks
// once: that it is not ready is the answer.
func (c *Client) Ready(ctx context.Context, o ...RequestOption) (*Status, error) {
	out := &Status{}
	_, err := c.into(ctx, call{method: http.MethodGet, path: "/readyz"}, o, out)
	return orNil(out, err)
}

// Metrics returns the server's metrics in Prometheus' text format.
func (c *Client) Metrics(ctx context.Context, o ...RequestOption) (string, error) {
	a, err := c.do(ctx, get("/metrics", nil), o)
	if err != nil {
		return "", err
	}
	return string(a.body), nil
}

// Contract returns the server's OpenAPI document.
func (c *Client) Contract(ctx context.Context, o ...RequestOption) ([]byte, error) {
	a, err := c.do(ctx, get("/openapi.yaml", nil), o)
	if err != nil {
		return nil, err
	}
	return a.body, nil
}
