package httpapi

import (
	"net/http"
	"net/netip"
	"net/url"

	"scrip/internal/access"
	"scrip/internal/redemption"
)

// Route is a line of the route table.
type Route struct {
	Method, Path string
	BytesMax     int
	AnyType      bool
	Anyone       bool
	Publishable  bool
	Scopes       access.Scopes
	KeyHonoured  bool
	KeyNeedless  bool
	Vital        bool
}

// Routes is the route table.
func Routes() []Route {
	s := &server{}
	var out []Route
	for _, rt := range s.routes() {
		out = append(out, Route{
			rt.method, rt.path, rt.body.bytesMax, rt.body.anyType, rt.may.anyone, rt.may.publishable, rt.may.scopes,
			rt.key.honoured, rt.key.needless, rt.vital(),
		})
	}
	return out
}

// NewWith is New with one more route, whose handler is the test's.
func NewWith(cfg Config, svc Services, pattern string, handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	s, ok := New(cfg, svc).(*server)
	if !ok {
		panic("New returns a server")
	}
	s.mux.Handle(pattern, s.serve(&route{method: "GET", path: "/test", handle: func(x *exchange) error { return handle(x.w, x.r) }}))
	return s
}

// Decode reads a body as a route does.
func Decode(route string, body []byte) error {
	out, ok := map[string]any{
		"use": &useRequest{}, "balance": &mobileRequest{}, "code": &codeRequest{}, "redeem": &redeemRequest{},
		"batch": &batchRequest{}, "rollback": &rollbackRequest{}, "campaign": &campaignRequest{}, "campaign patch": &campaignPatch{},
		"voucher": &voucherRequest{}, "campaign voucher": &campaignVoucherRequest{}, "voucher patch": &voucherPatch{}, "empty": &struct{}{},
		"key": &keyRequest{}, "key patch": &keyPatch{}, "rotate": &rotateRequest{}, "revoke": &revokeRequest{},
	}[route]
	if !ok {
		panic("no such body: " + route)
	}
	return decodeJSON(body, out)
}

// Bodies are the names that Decode takes.
func Bodies() []string {
	return []string{
		"use", "balance", "code", "redeem", "batch", "rollback", "campaign", "campaign patch",
		"voucher", "campaign voucher", "voucher patch", "empty", "key", "key patch", "rotate", "revoke",
	}
}

// ValidKey and ValidRequestID judge the values of headers.
func ValidKey(k string) bool { return validKey(k) }

// ValidRequestID judges the value of X-Request-Id.
func ValidRequestID(s string) bool { return validRequestID(s) }

// PageQuery reads a list's query, with parameters named besides.
func PageQuery(raw, prefix string, names ...string) (map[string][]string, redemption.Page, error) {
	x := &exchange{r: &http.Request{URL: &url.URL{RawQuery: raw}}}
	q, p, err := x.pageQuery(prefix, names...)
	return q.values, p, err
}

// Client is the address that a request is counted by.
func Client(trusted []netip.Prefix, peer string, header http.Header) netip.Addr {
	return proxies(trusted).client(&http.Request{RemoteAddr: peer, Header: header})
}

// ClientAddress is the address that a request is counted by behind these proxies.
func ClientAddress(trusted []netip.Prefix, r *http.Request) netip.Addr {
	return proxies(trusted).client(r)
}
