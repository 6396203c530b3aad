package httpapi

import (
	"net/http"
	"net/url"
)

// What the pages of --allow-origins are told (CORS): that they may call the routes of publishable keys, with
// which headers, and which headers of an answer they may read. There are no cookies, so that nothing is said of
// credentials.
//
//nolint:gochecknoglobals // constants in all but name; net/http copies them
var (
	varyOrigin   = []string{"Origin"}
	takenHeaders = []string{"Authorization, Content-Type, Idempotency-Key, Request-Timeout, X-Request-Id"}
	shownHeaders = []string{"Idempotent-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id"}
	preflightAge = []string{"600"} // seconds; browsers bound it themselves, and a withdrawn origin should be soon
)

// share tells the browser that the page which asks may read the answer, if it may.
func (x *exchange) share(site *Site) {
	if len(site.origins) == 0 {
		return
	}
	h := x.w.Header()
	h["Vary"] = varyOrigin // whether or not it is allowed: the answer depends on it
	if origin := x.r.Header["Origin"]; len(origin) == 1 && site.allows(origin[0]) {
		h["Access-Control-Allow-Origin"] = origin
		h["Access-Control-Expose-Headers"] = shownHeaders
	}
}

// preflight answers a browser that asks on behalf of a page whether it may send a request. It needs no key: a
// browser sends none with the question.
func (x *exchange) preflight() {
	origin, method := x.r.Header["Origin"], x.r.Header["Access-Control-Request-Method"]
	if len(origin) != 1 || len(method) != 1 || !x.s.cfg.Site.allows(origin[0]) || !x.s.shares(method[0], x.r.URL) {
		return
	}
	h := x.w.Header()
	h["Vary"] = varyOrigin
	h["Access-Control-Allow-Origin"] = origin
	h["Access-Control-Allow-Methods"] = method
	h["Access-Control-Allow-Headers"] = takenHeaders
	h["Access-Control-Max-Age"] = preflightAge
}

// shares reports whether a method of a path is one for publishable keys.
func (s *server) shares(method string, of *url.URL) bool {
	_, pattern := s.mux.Handler(&http.Request{Method: method, URL: of})
	return s.shared[pattern]
}
