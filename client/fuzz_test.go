package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"scrip/client"
)

// canned answers every request with the same.
type canned struct {
	status int
	header http.Header
	body   []byte
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: c.status, Header: c.header.Clone(), Body: io.NopCloser(bytes.NewReader(c.body)),
		ContentLength: int64(len(c.body)), Request: r,
	}, nil
}

// FuzzAnswer lets a server, or what stands between it and us, answer anything. The SDK never panics and never waits
// long; a refusal is an *Error that can be shown; and what is read of a receipt is written so that it reads the same.
func FuzzAnswer(f *testing.F) {
	f.Add(201, "", "true", []byte(`{"id":"rdm_x","object":"redemption","rank":1,"limit":null,"effect":{"kind":"credit","amount":5,"currency":"IRR"},"created_at":"2026-03-20T12:00:00Z"}`))
	f.Add(400, "", "", []byte(`{"code":"already_redeemed","detail":"x","retryable":false,"redemption":{"rank":1}}`))
	f.Add(503, "9999999999", "", []byte(`<html>\xff`))
	f.Add(429, "-1", "", []byte(`{"code":5}`))
	f.Add(200, "", "", []byte(`{"data":[{"id":"a"},null],"has_more":true}`))
	f.Add(204, "", "", []byte(nil))
	f.Fuzz(func(t *testing.T, status int, after, replayed string, body []byte) {
		if status < 200 || status > 599 || status >= 300 && status < 400 {
			return // net/http hands on no others
		}
		c, err := client.New("http://127.0.0.1:1", client.WithRetries(0), client.WithHTTPClient(&http.Client{Transport: canned{
			status, http.Header{"Retry-After": {after}, "Idempotent-Replayed": {replayed}}, body,
		}}))
		if err != nil {
			t.Fatal(err)
		}
		receipt, err := c.Redeem(t.Context(), client.RedeemRequest{Code: "salam", Customer: "ali"})
		checkFailure(t, status, body, err)
		if err == nil {
			checkReadBack(t, receipt)
		}
		for _, ask := range asks() {
			checkFailure(t, status, body, ask(t.Context(), c))
		}
	})
}

// asks are the other ways in which answers are read.
func asks() []func(context.Context, *client.Client) error {
	return []func(context.Context, *client.Client) error{
		func(ctx context.Context, c *client.Client) error {
			_, err := c.RedeemBatch(ctx, []client.BatchItem{{}})
			return err
		},
		func(ctx context.Context, c *client.Client) error {
			for _, err := range c.AllRedemptions(ctx, client.RedemptionQuery{}) { // it ends, for a page that comes again is the last
				if err != nil {
					return err
				}
			}
			return nil
		},
		func(ctx context.Context, c *client.Client) error { _, err := c.Use(ctx, "salam", "ali"); return err },
		func(ctx context.Context, c *client.Client) error { _, err := c.Balance(ctx, "ali"); return err },
		func(ctx context.Context, c *client.Client) error { _, err := c.Report(ctx, "salam"); return err },
		func(ctx context.Context, c *client.Client) error { _, err := c.Metrics(ctx); return err },
		func(ctx context.Context, c *client.Client) error { _, err := c.Campaign(ctx, "cmp_x"); return err },
		func(ctx context.Context, c *client.Client) error { _, err := c.Voucher(ctx, "vch_x"); return err },
		func(ctx context.Context, c *client.Client) error { _, err := c.Wallet(ctx, "ali"); return err },
	}
}

// checkFailure holds an error to what the SDK says of errors.
func checkFailure(t *testing.T, status int, body []byte, err error) {
	t.Helper()
	refusal, ok := errors.AsType[*client.Error](err)
	if (status >= 300) != ok {
		t.Fatalf("%d %q: %v", status, body, err)
	}
	if !ok {
		return
	}
	if refusal.Status != status || refusal.Code == "" || refusal.RetryAfter < 0 || refusal.RetryAfter > time.Minute {
		t.Fatalf("%d %q: %+v", status, body, refusal)
	}
	if refusal.Code == client.CodeUnknown && len(refusal.Detail) > 1024 && !strings.Contains(string(body), `"code"`) {
		t.Fatalf("%d: an excerpt of %d bytes", status, len(refusal.Detail))
	}
}

// checkReadBack holds a receipt to what it says: written, it reads the same.
func checkReadBack(t *testing.T, receipt *client.Redemption) {
	t.Helper()
	receipt.Replayed = false
	text, err := json.Marshal(receipt)
	if err != nil {
		return // a time of a year that RFC 3339 does not have
	}
	var again client.Redemption
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if twice, err := json.Marshal(again); err != nil || !bytes.Equal(twice, text) {
		t.Fatalf("%s becomes %s, %v", text, twice, err)
	}
}
