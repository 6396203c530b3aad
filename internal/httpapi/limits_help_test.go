package httpapi_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/config"
	"scrip/internal/httpapi"
	"scrip/internal/keyring"
	"scrip/internal/limit"
)

// limited is a server that asks for keys and has the limits that a server has by default, by a clock that the
// test moves.
type limited struct {
	*bundle
	passed atomic.Int64 // nanoseconds
	secret string       // of a key that may do everything
	crowd  string       // of a publishable key
}

// defaultLimits are those of a server that is told nothing.
func defaultLimits(tb testing.TB) limit.Config {
	tb.Helper()
	c := config.Default()
	rate := func(text string) limit.Rate {
		r, err := config.ParseRate(text)
		if err != nil {
			tb.Fatal(err)
		}
		return limit.Rate(r)
	}
	return limit.Config{
		Address: rate(c.LimitAddress), Customer: rate(c.LimitCustomer), Publishable: rate(c.LimitPublishable),
		AddressMisses: rate(c.LimitMissesAddress), CustomerMisses: rate(c.LimitMissesCustomer), TotalMisses: rate(c.LimitMissesTotal),
	}
}

func setupLimited(tb testing.TB, limits limit.Config, change ...func(*httpapi.Config)) *limited {
	tb.Helper()
	l := &limited{}
	limits.Clock = l.now
	by, err := limit.New(limits)
	if err != nil {
		tb.Fatal(err)
	}
	limitedBy := func(c *httpapi.Config) { c.Limits, c.MissStep = by, time.Nanosecond } // by the limits' clock, nothing waits
	l.bundle = setupKeyed(tb, false, append([]func(*httpapi.Config){limitedBy}, change...)...)
	l.secret = l.newKey(keyring.NewKey{Name: "ours", Kind: access.Secret, Scopes: access.All}).Secret
	l.crowd = l.publishable().Secret
	if err := l.ring.Refresh(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return l
}

// now is the limits' clock.
func (l *limited) now() time.Time { return dawn.Add(time.Duration(l.passed.Load())) }

func (l *limited) pass(d time.Duration) { l.passed.Add(int64(d)) }

// campaign makes one, with a voucher, by the secret key, and returns its id and the voucher's.
func (l *limited) campaign(code, voucherMore, campaignMore string) (campaign, voucher string) {
	l.tb.Helper()
	body := `{"name":"n","effect":{"kind":"credit","amount":100}` + campaignMore + `,"voucher":{"code":"` + code + `"` + voucherMore + `}}`
	made := l.post("/v1/campaigns", body, bearer(l.secret)).took(l.tb, http.StatusCreated).json(l.tb)
	first, ok := made["voucher"].(map[string]any)
	if !ok {
		l.tb.Fatalf("no voucher in %v", made)
	}
	return fmt.Sprint(made["id"]), fmt.Sprint(first["id"])
}

// answer is what a direct call got.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

// shape is all that a caller can see of an answer but the id that is new each time: the headers in order, the
// body.
func (a *answer) shape() string {
	id := a.header.Get("X-Request-Id")
	var b strings.Builder
	fmt.Fprintln(&b, a.status)
	names := make([]string, 0, len(a.header))
	for name := range a.header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name != "X-Request-Id" {
			fmt.Fprintln(&b, name, a.header[name])
		}
	}
	b.WriteString(strings.ReplaceAll(a.body.String(), id, "THE-ID"))
	return b.String()
}

func (a *answer) code() string { return string(problemCode(a.body.Bytes())) }

// visitor calls the handler directly, as one who comes from some address with the publishable key. It is
// for one goroutine; its answer is good until its next question.
type visitor struct {
	l    *limited
	req  *http.Request
	body bytes.Reader
	answer
}

func (l *limited) visitor() *visitor {
	l.tb.Helper()
	req, err := http.NewRequestWithContext(l.tb.Context(), http.MethodPost, "http://127.0.0.1/", http.NoBody)
	if err != nil {
		l.tb.Fatal(err)
	}
	req.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + l.crowd}}
	return &visitor{l: l, req: req, answer: answer{header: http.Header{}}}
}

func (v *visitor) ask(from, path, body string) *answer {
	clear(v.header)
	v.status = http.StatusOK
	v.answer.body.Reset()
	v.req.URL.Path, v.req.RemoteAddr = path, from
	v.body.Reset([]byte(body))
	v.req.Body, v.req.ContentLength = io.NopCloser(&v.body), int64(len(body))
	v.l.handler.ServeHTTP(&v.answer, v.req)
	return &v.answer
}

// uses asks for a code at the route that a crowd uses.
func (v *visitor) uses(from, customer, code string) *answer {
	return v.ask(from, "/codes/use", `{"code":"`+code+`","mobile":"`+customer+`"}`)
}

// address is the nth of some millions, with a port.
func address(n int) string {
	return fmt.Sprintf("11.%d.%d.%d:4711", n>>16&255, n>>8&255, n&255)
}

func withLimits(l *limit.Limiter) func(*httpapi.Config) {
	return func(c *httpapi.Config) { c.Limits = l }
}
