// Package client is the Go SDK of Scrip, over HTTP and with the standard library only.
//
// A Client is made once and used from any number of goroutines:
//
//	c, err := client.New("http://127.0.0.1:8000")
//	receipt, err := c.Redeem(ctx, client.RedeemRequest{Code: "salam", Customer: "09123456789"},
//		client.IdempotencyKey("order-4711"))
//
// What the server refuses is an *Error, whose Code is the stable name of the problem; read the code,
// never the text:
//
//	if client.CodeOf(err) == client.CodeQuantityExceeded { … }
//
// A request that changes something is asked again by the client itself only under an Idempotency-Key,
// because only then it can't happen twice; WithAutomaticKeys makes one for every request that takes one
// and has none. Requests that change nothing are always asked again. What is asked again is a failed connection
// and an answer that says so itself (Error.Retryable), after a wait with jitter that is never shorter
// than the server's Retry-After.
//
// Money in the types of /v1 is a whole number of minor units. Times are UTC.
package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultRetries is how often a request is asked again unless WithRetries says otherwise.
const DefaultRetries = 3

// Client talks to one Scrip server. It is safe for concurrent use.
type Client struct {
	base      string // without a slash at its end
	http      *http.Client
	userAgent string
	key       string
	retries   int
	autoKeys  bool
	wait      func(attempt int, atLeast time.Duration) time.Duration
}

// Option changes how a Client works.
type Option func(*Client)

// WithHTTPClient sends requests through h, whose transport and timeout then hold.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithKey sends a key with every request: a secret one (sk_…) from a server, a publishable one (pk_…) from
// wherever anybody can read it.
func WithKey(secret string) Option { return func(c *Client) { c.key = secret } }

// WithUserAgent names the caller.
func WithUserAgent(name string) Option { return func(c *Client) { c.userAgent = name } }

// WithRetries asks a failed request up to n times more, where that is safe; 0 never.
func WithRetries(n int) Option { return func(c *Client) { c.retries = max(n, 0) } }

// WithAutomaticKeys makes an Idempotency-Key for every request that takes one and has none, so that it
// may be asked again. The key lasts for one call of a method: two calls are two requests.
func WithAutomaticKeys() Option { return func(c *Client) { c.autoKeys = true } }

// New returns a client of the server at baseURL, such as "http://127.0.0.1:8000".
func New(baseURL string, options ...Option) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("scrip: the server's address: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("scrip: the server's address must look like http://127.0.0.1:8000")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("scrip: the server's address can't have a query or a fragment")
	}
	c := &Client{
		base:      strings.TrimRight(u.String(), "/"),
		http:      &http.Client{Timeout: defaultTimeout, Transport: transport()},
		userAgent: "scrip-go",
		retries:   DefaultRetries,
		wait:      backoff,
	}
	for _, o := range options {
		o(c)
	}
	return c, nil
}

// defaultTimeout outlasts the server's own, so that its answer is seen rather than our impatience.
const defaultTimeout = 30 * time.Second

// idleMax is how many connections are kept for the next requests. net/http keeps two, so that a busy
// caller would open a new one for almost each request.
const idleMax = 128

func transport() http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // somebody put another in its place, and meant it
		return http.DefaultTransport
	}
	t := standard.Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = idleMax, idleMax
	return t
}

// RequestOption changes one request.
type RequestOption func(*call)

// IdempotencyKey names a request, so that asking it again gets the first answer again and nothing
// happens twice. It has 1 to 255 visible ASCII characters. RedeemBatch, CreateKey and RotateKey can't be answered
// again as a whole, so that the server refuses one there; a BatchItem has a key of its own.
func IdempotencyKey(key string) RequestOption { return func(c *call) { c.key = key } }

// RequestID is sent as X-Request-Id and stands in the server's log and in its answer: 1 to 64 letters,
// digits, dots, hyphens and underscores.
func RequestID(id string) RequestOption { return func(c *call) { c.requestID = id } }
