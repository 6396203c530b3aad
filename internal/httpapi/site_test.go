package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"scrip/internal/access"
	"scrip/internal/httpapi"
)

func site(t *testing.T, hosts, origins []string, loopback bool) func(*httpapi.Config) {
	t.Helper()
	s, err := httpapi.NewSite(hosts, origins, loopback)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *httpapi.Config) { c.Site = s }
}

// closed is a server that asks for keys, and knows none.
type closed struct{}

func (closed) Authenticate(string) (*access.Key, bool) { return nil, false }
func (closed) Open() bool                              { return false }

func asksForKeys(c *httpapi.Config) { c.Access = closed{} }

// ask sends a request to the handler itself, where a client would put its own Host.
func (b *bundle) ask(method, path, host string, headers ...string) *httptest.ResponseRecorder {
	b.tb.Helper()
	req := httptest.NewRequestWithContext(b.tb.Context(), method, path, strings.NewReader("{}"))
	req.Host = host
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, req)
	return w
}

func TestHost(t *testing.T) {
	t.Parallel()
	const address, name = "127.0.0.1:8000", "scrip.example.com"
	names := []string{name, "Codes.Example.com."}
	for what, c := range map[string]struct {
		change       []func(*httpapi.Config)
		good, refuse []string
	}{
		"open on loopback": {
			[]func(*httpapi.Config){site(t, nil, nil, true)},
			[]string{address, "localhost", "localhost:8000", "LOCALHOST", "localhost.", "[::1]:8000", "[::1]", "127.9.9.9", "192.168.1.2:8000", ""},
			[]string{name, "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1x", "127.1", "2130706433", "[", "::1", ":", "x:y:z"},
		},
		"open on loopback, with a name": {
			[]func(*httpapi.Config){site(t, names, nil, true)},
			[]string{address, "localhost", name, name + ":443", "SCRIP.example.COM", "codes.example.com", name + "."},
			[]string{"example.com", "x" + name, name + ".evil.example"},
		},
		"open to a network": {
			[]func(*httpapi.Config){site(t, nil, nil, false)}, []string{address, name, "evil.example"}, nil,
		},
		"with keys": {
			[]func(*httpapi.Config){site(t, nil, nil, true), asksForKeys}, []string{address, name, "evil.example"}, nil,
		},
		"with keys and a name": {
			[]func(*httpapi.Config){site(t, names, nil, false), asksForKeys}, []string{address, "localhost", name}, []string{"evil.example"},
		},
	} {
		b := setup(t, c.change...)
		for _, host := range c.good {
			if w := b.ask(http.MethodGet, "/healthz", host); w.Code != http.StatusOK {
				t.Errorf("%s: Host %q: %d %s", what, host, w.Code, w.Body)
			}
		}
		for _, host := range c.refuse {
			if host == "::1" {
				continue // an address, if a strange way to write it
			}
			for _, route := range []string{"GET /healthz", "POST /codes/use", "GET /v1/campaigns", "GET /nothing", "OPTIONS /codes/use"} {
				method, path, _ := strings.Cut(route, " ")
				if w := b.ask(method, path, host); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), `"unknown_host"`) {
					t.Errorf("%s: %s, Host %q: %d %s", what, route, host, w.Code, w.Body)
				}
			}
		}
	}
}

func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	const host = "127.0.0.1:8000"
	b := setup(t, site(t, nil, nil, true))
	for _, c := range []struct {
		what    string
		headers []string
		refused bool
	}{
		{"no browser", nil, false},
		{"its own page", []string{"Sec-Fetch-Site: same-origin", "Origin: http://" + host}, false},
		{"typed in", []string{"Sec-Fetch-Site: none"}, false},
		{"an old browser's own page", []string{"Origin: http://" + host}, false},
		{"another site", []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, true},
		{"another port", []string{"Sec-Fetch-Site: same-site", "Origin: http://127.0.0.1:9000"}, true},
		{"an old browser", []string{"Origin: https://evil.example"}, true},
		{"an old browser, another port", []string{"Origin: http://127.0.0.1:9000"}, true},
		{"a file", []string{"Origin: null"}, true},
		{"a sandbox", []string{"Sec-Fetch-Site: cross-site", "Origin: null"}, true},
		{"no origin told", []string{"Sec-Fetch-Site: cross-site"}, true},
	} {
		for _, rt := range httpapi.Routes() {
			w := b.ask(rt.Method, somePath(rt.Path), host, c.headers...)
			refused := strings.Contains(w.Body.String(), `"cross_origin"`)
			if want := c.refused && rt.Method != http.MethodGet; refused != want || refused && w.Code != http.StatusForbidden {
				t.Errorf("%s: %s %s: %d %s", c.what, rt.Method, rt.Path, w.Code, w.Body)
			}
			if w.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: %s %s may be read", c.what, rt.Method, rt.Path)
			}
		}
	}
}

func TestAllowedOrigins(t *testing.T) {
	t.Parallel()
	const shop, host = "https://shop.example.com", "scrip.example.com"
	b := setup(t, site(t, nil, []string{"http://localhost:3000", shop}, false))
	shared := 0
	for _, rt := range httpapi.Routes() {
		if rt.Method == http.MethodGet && !rt.Publishable {
			continue
		}
		w := b.ask(rt.Method, somePath(rt.Path), host, "Origin: "+shop, "Sec-Fetch-Site: cross-site")
		h := w.Header()
		if refused := strings.Contains(w.Body.String(), `"cross_origin"`); refused == rt.Publishable {
			t.Errorf("%s %s: %d %s", rt.Method, rt.Path, w.Code, w.Body)
		}
		if got, want := h.Get("Access-Control-Allow-Origin"), map[bool]string{true: shop}[rt.Publishable]; got != want {
			t.Errorf("%s %s may be read by %q; want %q", rt.Method, rt.Path, got, want)
		}
		if rt.Publishable {
			shared++
			if h.Get("Vary") != "Origin" || !strings.Contains(h.Get("Access-Control-Expose-Headers"), "Retry-After") {
				t.Errorf("%s %s: %v", rt.Method, rt.Path, h)
			}
		}

		ask := b.ask(http.MethodOptions, somePath(rt.Path), host, "Origin: "+shop, "Access-Control-Request-Method: "+rt.Method,
			"Access-Control-Request-Headers: authorization,content-type")
		h = ask.Header()
		if got := h.Get("Access-Control-Allow-Methods"); ask.Code != http.StatusNoContent || (got == rt.Method) != rt.Publishable || h.Get("Allow") == "" {
			t.Errorf("OPTIONS %s for %s: %d %v", rt.Path, rt.Method, ask.Code, h)
		}
		if rt.Publishable && (!strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") || h.Get("Access-Control-Allow-Credentials") != "") {
			t.Errorf("OPTIONS %s: %v", rt.Path, h)
		}
	}
	if shared < 3 {
		t.Errorf("%d routes are for publishable keys", shared)
	}
	for _, other := range []string{"https://evil.example", "https://shop.example.com:8443", "http://shop.example.com", "null"} {
		w := b.ask(http.MethodPost, "/codes/use", host, "Origin: "+other)
		if w.Code != http.StatusForbidden || w.Header().Get("Access-Control-Allow-Origin") != "" || w.Header().Get("Vary") != "Origin" {
			t.Errorf("%s: %d %v", other, w.Code, w.Header())
		}
		w = b.ask(http.MethodOptions, "/codes/use", host, "Origin: "+other, "Access-Control-Request-Method: POST")
		if w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", other, w.Header())
		}
	}
}

// A browser asks for leave without a key.
func TestPreflightNeedsNoKey(t *testing.T) {
	t.Parallel()
	b := setup(t, site(t, nil, []string{"https://shop.example.com"}, false), asksForKeys)
	w := b.ask(http.MethodOptions, "/v1/redemptions", "scrip.example.com", "Origin: https://shop.example.com", "Access-Control-Request-Method: POST")
	if w.Code != http.StatusNoContent || w.Header().Get("Access-Control-Allow-Origin") != "https://shop.example.com" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	w = b.ask(http.MethodPost, "/v1/redemptions", "scrip.example.com", "Origin: https://shop.example.com")
	if w.Code != http.StatusUnauthorized || w.Header().Get("Access-Control-Allow-Origin") != "https://shop.example.com" {
		t.Errorf("the refusal can't be read: %d %v", w.Code, w.Header())
	}
}

func TestSiteRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"shop.example.com", "https://", "", "https://shop.example.com/path"} {
		if _, err := httpapi.NewSite(nil, []string{origin}, true); err == nil {
			t.Errorf("the origin %q is taken", origin)
		}
	}
}

func TestAnswersAreGuarded(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *httpapi.Config) {
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("up 1\n")) })
	})
	for _, route := range []string{
		"GET /", "GET /healthz", "GET /metrics", "GET /openapi.yaml", "GET /v1/campaigns", "GET /nothing", "PUT /codes/use",
		"POST /codes/use", "POST /v1/redemptions", "OPTIONS /codes/use",
	} {
		method, path, _ := strings.Cut(route, " ")
		for _, secure := range []bool{false, true} {
			url := map[bool]string{false: "http://h", true: "https://h"}[secure] + path // the latter as over TLS
			h := b.ask(method, url, "localhost").Header()
			want := map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
			if method != http.MethodPost {
				want["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
				want["Referrer-Policy"], want["Cross-Origin-Resource-Policy"] = "no-referrer", "same-origin"
			}
			if secure {
				want["Strict-Transport-Security"] = "max-age=31536000"
			}
			for name, value := range want {
				if h.Get(name) != value {
					t.Errorf("%s, TLS %v: %s is %q; want %q", route, secure, name, h.Get(name), value)
				}
			}
			if !secure && h.Get("Strict-Transport-Security") != "" {
				t.Errorf("%s: Strict-Transport-Security without TLS", route)
			}
		}
	}
}
