package httpapi_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"

	"scrip/internal/httpapi"
	"scrip/internal/limit"
)

func TestAddressBehindProxies(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:aaaa::/48")}
	for name, c := range map[string]struct {
		peer      string
		xff       []string
		forwarded []string
		want      string
	}{
		"nobody between":            {peer: "192.0.2.1:5", want: "192.0.2.1"},
		"a stranger says":           {peer: "192.0.2.1:5", xff: []string{"198.51.100.7"}, want: "192.0.2.1"},
		"a proxy says":              {peer: "10.0.0.1:5", xff: []string{"198.51.100.7"}, want: "198.51.100.7"},
		"a proxy says nothing":      {peer: "10.0.0.1:5", want: "10.0.0.1"},
		"two proxies":               {peer: "10.0.0.1:5", xff: []string{"198.51.100.7, 10.1.2.3"}, want: "198.51.100.7"},
		"two lines":                 {peer: "10.0.0.1:5", xff: []string{"203.0.113.9", "198.51.100.7,10.1.2.3"}, want: "198.51.100.7"},
		"what the client made up":   {peer: "10.0.0.1:5", xff: []string{"203.0.113.9, 198.51.100.7"}, want: "198.51.100.7"},
		"a client that plays proxy": {peer: "10.0.0.1:5", xff: []string{"203.0.113.9, 10.9.9.9, 198.51.100.7"}, want: "198.51.100.7"},
		"proxies alone":             {peer: "10.0.0.1:5", xff: []string{"10.0.0.3, 10.0.0.2"}, want: "10.0.0.3"},
		"with a port":               {peer: "10.0.0.1:5", xff: []string{"198.51.100.7:4711"}, want: "198.51.100.7"},
		"IPv6":                      {peer: "[2001:db8:aaaa::1]:5", xff: []string{"2001:db8:bbbb::7"}, want: "2001:db8:bbbb::7"},
		"IPv6 with a port":          {peer: "10.0.0.1:5", xff: []string{"[2001:db8:bbbb::7]:80"}, want: "2001:db8:bbbb::7"},
		"IPv6 in brackets":          {peer: "10.0.0.1:5", xff: []string{"[2001:db8:bbbb::7]"}, want: "2001:db8:bbbb::7"},
		"IPv4 inside IPv6":          {peer: "[::ffff:10.0.0.1]:5", xff: []string{"::ffff:198.51.100.7"}, want: "198.51.100.7"},
		"a zone":                    {peer: "10.0.0.1:5", xff: []string{"fe80::1%eth0"}, want: "fe80::1"},
		"garbage":                   {peer: "10.0.0.1:5", xff: []string{"198.51.100.7, garbage"}, want: "10.0.0.1"},
		"garbage further left":      {peer: "10.0.0.1:5", xff: []string{"garbage, 198.51.100.7"}, want: "198.51.100.7"},
		"an empty element":          {peer: "10.0.0.1:5", xff: []string{"198.51.100.7, "}, want: "10.0.0.1"},
		"brackets that stay open":   {peer: "10.0.0.1:5", xff: []string{"[2001:db8::1"}, want: "10.0.0.1"},
		"IPv4 in brackets":          {peer: "10.0.0.1:5", xff: []string{"[198.51.100.7]"}, want: "10.0.0.1"},
		"Forwarded":                 {peer: "10.0.0.1:5", forwarded: []string{"for=198.51.100.7;proto=https;by=10.0.0.1"}, want: "198.51.100.7"},
		"Forwarded, quoted":         {peer: "10.0.0.1:5", forwarded: []string{`proto=https; For="[2001:db8:bbbb::7]:4711"`}, want: "2001:db8:bbbb::7"},
		"Forwarded twice":           {peer: "10.0.0.1:5", forwarded: []string{"for=203.0.113.9, for=198.51.100.7, for=10.1.1.1"}, want: "198.51.100.7"},
		"Forwarded, unknown":        {peer: "10.0.0.1:5", forwarded: []string{"for=unknown"}, want: "10.0.0.1"},
		"Forwarded, hidden":         {peer: "10.0.0.1:5", forwarded: []string{"for=_hidden"}, want: "10.0.0.1"},
		"Forwarded, of nobody":      {peer: "10.0.0.1:5", forwarded: []string{"proto=https"}, want: "10.0.0.1"},
		"a quote left open":         {peer: "10.0.0.1:5", forwarded: []string{`for="203.0.113.9, for=198.51.100.7`}, want: "198.51.100.7"},
		"both":                      {peer: "10.0.0.1:5", xff: []string{"198.51.100.7"}, forwarded: []string{"for=203.0.113.9"}, want: "198.51.100.7"},
		"of no network":             {peer: "@", want: "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		if c.xff != nil {
			r.Header["X-Forwarded-For"] = c.xff
		}
		if c.forwarded != nil {
			r.Header["Forwarded"] = c.forwarded
		}
		if got := httpapi.ClientAddress(trusted, r).String(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if got := httpapi.ClientAddress(nil, r); c.peer != "@" && got != netip.MustParseAddrPort(c.peer).Addr().Unmap() {
			t.Errorf("%s, without trust: %s", name, got)
		}
	}
}

// The limit of an address holds for the client that a trusted proxy names, and not for the proxy.
func TestProxiesAreNotLimited(t *testing.T) {
	t.Parallel()
	l := setupLimited(t, limit.Config{Address: limit.PerSecond(1, 2)}, func(c *httpapi.Config) {
		c.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	})
	v := l.visitor()
	for client := range 5 {
		v.req.Header["X-Forwarded-For"] = []string{fmt.Sprintf("198.51.100.%d", client)}
		for i, want := range []string{"not_redeemable", "not_redeemable", "rate_limited"} {
			if a := v.uses("10.0.0.1:1", fmt.Sprintf("c%d", i), "NOSUCH"); a.code() != want {
				t.Errorf("request %d of client %d: %d %s", i, client, a.status, a.body.String())
			}
		}
	}
}
