package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Error is a problem (RFC 9457) that the server answered with.
type Error struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Code      Code   `json:"code"`
	Field     string `json:"field,omitempty"`
	RequestID string `json:"request_id"`
	// Retryable says that the same request may succeed later without a change.
	Retryable bool `json:"retryable"`
	// Redemption is the first receipt that stands, where Code is CodeAlreadyRedeemed.
	Redemption *Redemption `json:"redemption,omitempty"`

	// RetryAfter is how long the server asks to wait; zero says nothing.
	RetryAfter time.Duration `json:"-"`
}

// Error says what the server said.
func (e *Error) Error() string {
	s := fmt.Sprintf("scrip: %s (%d): %s", e.Code, e.Status, e.Detail)
	if e.Field != "" {
		s += " [" + e.Field + "]"
	}
	if e.RequestID != "" {
		s += " (request " + e.RequestID + ")"
	}
	return s
}

// CodeOf is the code of the *Error that err is or wraps, and empty for any other error.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// CodeUnknown is the code of an answer that is not Scrip's, such as one of a proxy on the way.
const CodeUnknown Code = "unknown"

// problem reads an answer that is no success.
func problem(res *http.Response, text []byte) *Error {
	e := &Error{}
	if err := json.Unmarshal(text, e); err != nil || e.Code == "" {
		e = &Error{
			Title:     http.StatusText(res.StatusCode),
			Code:      CodeUnknown,
			Detail:    excerpt(text),
			RequestID: res.Header.Get("X-Request-Id"),
			Retryable: res.StatusCode == http.StatusBadGateway || res.StatusCode == http.StatusServiceUnavailable ||
				res.StatusCode == http.StatusGatewayTimeout || res.StatusCode == http.StatusTooManyRequests,
		}
	}
	e.Status = res.StatusCode
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = time.Duration(min(s, retryAfterMaxSeconds)) * time.Second // held first: the product could wrap
	}
	return e
}

// retryAfterMaxSeconds bounds how long a server can make us wait.
const retryAfterMaxSeconds = 60

const excerptMax = 200 // bytes of an answer that is not ours

func excerpt(text []byte) string {
	if len(text) > excerptMax {
		return strconv.QuoteToGraphic(string(text[:excerptMax])) + "…"
	}
	return strconv.QuoteToGraphic(string(text))
}
