package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"scrip/internal/fault"
	"scrip/internal/voucher"
)

// statusOf is the only place where a kind of fault becomes an HTTP status.
func statusOf(k fault.Kind) int {
	switch k {
	case fault.Invalid, fault.Refused:
		return http.StatusBadRequest
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Unsupported:
		return http.StatusUnsupportedMediaType
	case fault.WrongMethod:
		return http.StatusMethodNotAllowed
	case fault.Unauthorized:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.Limited:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
		return http.StatusInternalServerError
	default:
		return http.StatusInternalServerError
	}
}

// faultOf is err as a fault. A use case's own deadline may reach us bare.
func faultOf(err error) *fault.Error {
	if f, ok := err.(*fault.Error); ok { //nolint:errorlint // the short way for the hot path; From unwraps
		return f
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		if _, wrapped := errors.AsType[*fault.Error](err); !wrapped {
			return fault.ErrTimeout.With(err)
		}
	}
	return fault.From(err)
}

// fail makes a problem of an error: the one place where problems are rendered.
func (x *exchange) fail(err error) {
	f := faultOf(err)
	x.refusal = f
	x.status, x.kind = statusOf(f.Kind), problemType
	x.out = appendProblem(x.out[:0], f, x.requestID, receipt{x.first, x.public()})
	if f.Retryable() {
		x.w.Header()["Retry-After"] = retryAfterOf(f)
	}
}

// retryAfter is d in whole seconds, rounded up, at least one.
func retryAfter(d time.Duration) string {
	return strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10)
}

// receipt is the one that stands beside already_redeemed.
type receipt struct {
	of     *voucher.Redemption // nil for none
	public bool                // for whoever knows a code and a mobile number, who need not be the winner
}

func (r receipt) append(dst []byte) []byte {
	if r.public {
		return appendPublicRedemption(dst, r.of, false)
	}
	return appendRedemption(dst, r.of, asItIs)
}

// appendProblem appends a fault as RFC 9457 has it. The cause is never in it.
func appendProblem(dst []byte, f *fault.Error, requestID string, first receipt) []byte {
	dst = append(dst, problemHead(f)...)
	dst = appendText(dst, f.Message)
	dst = append(dst, `,"code":"`...)
	dst = append(dst, f.Code...)
	dst = append(dst, '"')
	if f.Field != "" {
		dst = append(dst, `,"field":`...)
		dst = appendText(dst, f.Field)
	}
	dst = append(dst, `,"request_id":"`...)
	dst = append(dst, requestID...)
	dst = append(dst, `","retryable":`...)
	dst = strconv.AppendBool(dst, f.Retryable())
	if first.of != nil {
		dst = append(dst, `,"redemption":`...)
		dst = first.append(dst)
	}
	return append(dst, '}')
}

// problemHeads are the beginnings of all problems we know, by code.
//
//nolint:gochecknoglobals // made once from the table of faults
var problemHeads = func() map[fault.Code]string {
	heads := map[fault.Code]string{}
	for _, f := range fault.All() {
		heads[f.Code] = makeHead(f)
	}
	return heads
}()

func problemHead(f *fault.Error) string {
	if head, ok := problemHeads[f.Code]; ok {
		return head
	}
	return makeHead(f)
}

// makeHead is a problem up to its detail. The title is the code in words: RFC 9457 wants it the same for
// every problem of a type.
func makeHead(f *fault.Error) string {
	title := strings.NewReplacer("_", " ", "json", "JSON").Replace(string(f.Code))
	title = strings.ToUpper(title[:1]) + title[1:]
	return `{"type":"urn:scrip:problem:` + string(f.Code) + `","title":"` + title +
		`","status":` + strconv.Itoa(statusOf(f.Kind)) + `,"detail":`
}
