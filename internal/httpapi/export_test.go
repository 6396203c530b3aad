package httpapi

import "net/http"

// Route is a line of the route table.
type Route struct {
	Method, Path string
	BytesMax     int
	AnyType      bool
}

// Routes is the route table.
func Routes() []Route {
	s := &server{}
	var out []Route
	for _, rt := range s.routes() {
		out = append(out, Route{rt.method, rt.path, rt.body.bytesMax, rt.body.anyType})
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
		"voucher", "campaign voucher", "voucher patch", "empty",
	}
}
