package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	mathrand "math/rand/v2"
)

// call is one request on its way.
type call struct {
	method    string
	path      string
	query     url.Values
	body      any  // nil for none
	keyed     bool // the route takes an Idempotency-Key
	safe      bool // asking twice changes nothing, with a key or without
	key       string
	requestID string
}

// answer is what came back.
type answer struct {
	status   int
	body     []byte
	replayed bool
}

// answerMax bounds an answer: a list of 100 objects has far less.
const answerMax = 16 << 20

// do asks, again where that is safe, and returns the answer or an *Error.
func (c *Client) do(ctx context.Context, k call, options []RequestOption) (*answer, error) {
	for _, o := range options {
		o(&k)
	}
	if k.keyed && k.key == "" && c.autoKeys {
		k.key = "auto-" + rand.Text()
	}
	var body []byte
	if k.body != nil {
		var err error
		if body, err = json.Marshal(k.body); err != nil {
			return nil, fmt.Errorf("scrip: write the request: %w", err)
		}
	}
	again := k.safe || k.keyed && k.key != ""
	for attempt := 0; ; attempt++ {
		a, err := c.once(ctx, &k, body)
		if err == nil || !again || attempt >= c.retries || !worthAsking(ctx, err) {
			return a, err
		}
		var atLeast time.Duration
		if refusal, ok := errors.AsType[*Error](err); ok {
			atLeast = refusal.RetryAfter
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(c.wait(attempt, atLeast)):
		}
	}
}

// into asks and decodes the answer into out.
func (c *Client) into(ctx context.Context, k call, options []RequestOption, out any) (*answer, error) {
	a, err := c.do(ctx, k, options)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		return nil, fmt.Errorf("scrip: %s %s: the answer is not what this version of the SDK expects: %w", k.method, k.path, err)
	}
	return a, nil
}

func (c *Client) once(ctx context.Context, k *call, body []byte) (*answer, error) {
	target := c.base + k.path
	if len(k.query) > 0 {
		target += "?" + k.query.Encode()
	}
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, target, reader)
	if err != nil {
		return nil, fmt.Errorf("scrip: %w", err)
	}
	c.header(req.Header, k, body != nil)
	if until, ok := ctx.Deadline(); ok {
		req.Header.Set("Request-Timeout", seconds(time.Until(until)))
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, &connectionError{err}
	}
	defer func() { _ = res.Body.Close() }() // all of it was read, or reading failed
	text, err := io.ReadAll(io.LimitReader(res.Body, answerMax))
	if err != nil {
		return nil, &connectionError{fmt.Errorf("read the answer: %w", err)}
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, problem(res, text)
	}
	return &answer{
		status:   res.StatusCode,
		body:     text,
		replayed: res.Header.Get("Idempotent-Replayed") == "true",
	}, nil
}

func (c *Client) header(h http.Header, k *call, hasBody bool) {
	h.Set("User-Agent", c.userAgent)
	if hasBody {
		h.Set("Content-Type", "application/json")
	}
	if k.key != "" {
		h.Set("Idempotency-Key", k.key)
	}
	if k.requestID != "" {
		h.Set("X-Request-Id", k.requestID)
	}
	if c.key != "" {
		h.Set("Authorization", "Bearer "+c.key)
	}
}

// seconds is how long we wait, for the server: it does not begin what we would not hear the end of. It is a
// millisecond at least, for what is over already ends before it is sent.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(max(d, time.Millisecond).Seconds(), 'f', 3, 64)
}

// worthAsking reports whether the same request may fare better.
func worthAsking(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if refusal, ok := errors.AsType[*Error](err); ok {
		return refusal.Retryable
	}
	_, failed := errors.AsType[*connectionError](err)
	return failed
}

const (
	backoffMin = 50 * time.Millisecond
	backoffMax = 2 * time.Second
)

// backoff is the wait before asking again: doubled each time, half of it left to chance, so that a
// crowd that was turned away together does not come back together.
func backoff(attempt int, atLeast time.Duration) time.Duration {
	wait := backoffMax
	if attempt < 6 { // 50 ms << 6 is above the bound
		wait = min(backoffMin<<attempt, backoffMax)
	}
	wait = wait/2 + mathrand.N(wait/2) //nolint:gosec // jitter, not a secret
	if atLeast > 0 {
		return atLeast + wait
	}
	return wait
}

// connectionError is a request without an answer: refused, cut off or out of time.
type connectionError struct{ err error }

func (e *connectionError) Error() string { return "scrip: " + e.err.Error() }
func (e *connectionError) Unwrap() error { return e.err }

// page adds a list's cursors to a query.
func page(q url.Values, limit int, after, before string) url.Values {
	if limit != 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	if after != "" {
		q.Set("starting_after", after)
	}
	if before != "" {
		q.Set("ending_before", before)
	}
	return q
}

// segment is s as one segment of a path. "." and ".." would be taken for steps, even by proxies.
func segment(s string) string {
	switch s {
	case ".":
		return "%2E"
	case "..":
		return "%2E%2E"
	default:
		return url.PathEscape(s)
	}
}
