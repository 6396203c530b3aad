package httpapi_test

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"scrip/internal/fault"
	"scrip/internal/httpapi"
)

var (
	keyShape     = regexp.MustCompile(`^[\x21-\x7e]{1,255}$`)
	requestShape = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
)

// FuzzHead reads any text as what stands before a body: an Idempotency-Key, a request's id, a list's query with its
// cursors, and what proxies say of the client's address.
func FuzzHead(f *testing.F) {
	const rdm = "rdm_01h455vb4pex5vsknk084sn02q"
	for _, s := range []string{
		"limit=1&starting_after=" + rdm, "ending_before=" + rdm + "&starting_after=" + rdm, "customer=%D8", "limit=1&limit=2", "a;b=c", "limit=0",
		"limit=%2B1", strings.Repeat("k", 255), strings.Repeat("k", 256), "a b", "کلید", "\x00", "req_1.2-3", "203.0.113.7, 10.0.0.1", "for=\"[2001:db8::7]:99\";by=x", ",", "unknown",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if httpapi.ValidKey(s) != keyShape.MatchString(s) || httpapi.ValidRequestID(s) != requestShape.MatchString(s) {
			t.Fatalf("%q is a key: %v, a request's id: %v", s, httpapi.ValidKey(s), httpapi.ValidRequestID(s))
		}
		checkQuery(t, s)
		for _, name := range []string{"X-Forwarded-For", "Forwarded"} {
			checkClient(t, name, s)
		}
	})
}

// checkQuery holds the reading of a query against net/url's, and refusals to what can be shown.
func checkQuery(t *testing.T, raw string) {
	t.Helper()
	known := []string{"limit", "starting_after", "ending_before", "customer"}
	values, page, err := httpapi.PageQuery(raw, "rdm", "customer")
	if err != nil {
		e, ok := errors.AsType[*fault.Error](err)
		if !ok || e.Kind != fault.Invalid || !utf8.ValidString(e.Message) || !utf8.ValidString(e.Field) || len(e.Message) > 500 {
			t.Fatalf("%q: %v", raw, err)
		}
		return
	}
	want, err := url.ParseQuery(raw)
	if err != nil || len(want) != len(values) {
		t.Fatalf("%q is read as %q, by net/url %q, %v", raw, values, want, err)
	}
	for name, vs := range want {
		if len(vs) != 1 || !slices.Equal(vs, values[name]) || !slices.Contains(known, name) {
			t.Fatalf("%q: %s is read as %q, by net/url %q", raw, name, values[name], vs)
		}
	}
	if page.Limit < 1 || page.Limit > 100 || !page.After.IsZero() && !page.Before.IsZero() {
		t.Fatalf("%q is read as %+v", raw, page)
	}
	if want.Has("starting_after") && page.After.Format("rdm") != want.Get("starting_after") {
		t.Fatalf("%q begins after %s", raw, page.After.Format("rdm"))
	}
}

// checkClient holds that who is counted is the peer or one whom a trusted proxy names, and that nobody who writes the
// header's beginning can choose whom.
func checkClient(t *testing.T, name, said string) {
	t.Helper()
	const proxy, stranger = "10.1.2.3", "198.51.100.9"
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	header := func(text string) http.Header { return http.Header{name: {text}} }
	if got := httpapi.Client(trusted, stranger+":1", header(said)); got.String() != stranger {
		t.Fatalf("a stranger who says %q is counted as %s", said, got)
	}
	client := httpapi.Client(trusted, proxy+":1", header(said))
	if !client.IsValid() || client.Is4In6() || client.Zone() != "" {
		t.Fatalf("%q is counted as %s", said, client)
	}
	if client.String() == proxy {
		return
	}
	inProxies := slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(client) })
	for _, before := range []string{"203.0.113.66, ", "for=203.0.113.66, ", "garbage,", "10.9.9.9,"} {
		if got := httpapi.Client(trusted, proxy+":1", header(before+said)); got != client && !inProxies {
			t.Fatalf("%q is counted as %s, but with %q before it as %s", said, client, before, got)
		}
	}
}
