package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"scrip/internal/fault"
	"scrip/internal/httpapi"
)

// someID stands for an object that is not there, in the paths of the tables below.
const someID = "01h455vb4pex5vsknk084sn02q"

// somePath is a route's path with its wildcards filled in.
func somePath(path string) string {
	return strings.NewReplacer(
		"{redemption}", "rdm_"+someID, "{campaign}", "cmp_"+someID, "{voucher}", "vch_"+someID, "{customer}", "ali",
		"{key}", "key_"+someID,
	).Replace(path)
}

// Every route that takes a body refuses what is no JSON object of ours, before it looks at anything else.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, bad := range []struct {
		name, body string
		code       fault.Code
		detail     string
	}{
		{"white space", " \r\n\t", "malformed_json", "empty"},
		{"no JSON", "code=salam", "malformed_json", "one JSON object"},
		{"null", "null", "malformed_json", "one JSON object"},
		{"array", "[]", "malformed_json", "one JSON object"},
		{"string", `"salam"`, "malformed_json", "one JSON object"},
		{"number", "12", "malformed_json", "one JSON object"},
		{"truncated", `{`, "malformed_json", "ends before"},
		{"truncated in a name", `{"co`, "malformed_json", "ends before"},
		{"trailing garbage", `{} {}`, "malformed_json", "not one valid JSON object"},
		{"trailing text", `{}x`, "malformed_json", "not one valid JSON object"},
		{"not UTF-8 in a name", "{\"co\xffde\":1}", "malformed_json", "not UTF-8"},
		{"byte order mark", "\ufeff{}", "malformed_json", "one JSON object"},
		{"UTF-16", "{\x00\"\x00c\x00", "malformed_json", ""},
		{"comment", `{/* hi */}`, "malformed_json", ""},
		{"single quotes", `{'code':'salam'}`, "malformed_json", ""},
		{"unknown member", `{"surprise":1}`, "invalid_request", `"surprise"`},
		{"another case", `{"CODE":"salam"}`, "invalid_request", `"CODE"`},
		{"unknown member of many bytes", `{"` + strings.Repeat("x", 5000) + `":1}`, "invalid_request", "…"},
		{"deeply nested", `{"surprise":` + strings.Repeat("[", 12_000) + strings.Repeat("]", 12_000), "", ""},
	} {
		for _, rt := range httpapi.Routes() {
			if rt.BytesMax == 0 || len(bad.body) > rt.BytesMax {
				continue
			}
			t.Run(bad.name+"/"+rt.Method+rt.Path, func(t *testing.T) {
				t.Parallel()
				r := b.do(rt.Method, somePath(rt.Path), bad.body, asJSON)
				optional := bad.name == "white space" && r.status != http.StatusBadRequest // a body that may be missing
				if r.status >= 500 || r.status < 400 {
					t.Fatalf("%d %s", r.status, r.body)
				}
				if bad.code == "" || optional {
					return
				}
				p := r.refused(t, http.StatusBadRequest, bad.code)
				if !strings.Contains(p.Detail, bad.detail) {
					t.Errorf("the detail %q does not say %q", p.Detail, bad.detail)
				}
			})
		}
	}
}

// What is wrong in one member is named.
func TestBadMembers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	campaign, voucher := b.shared("salam", `,"limit":5`, "")
	for range 2 {
		b.post("/v1/redemptions", `{"code":"salam","customer":"c`+campaign[len(campaign)-3:]+`"}`)
	}
	effect := func(e string) string { return `{"name":"n","effect":` + e + `}` }
	redeem := func(order string) string { return `{"code":"salam","customer":"new","order":` + order + `}` }
	long := strings.Repeat("9", 10_000)
	for _, bad := range []struct {
		method, path, body string
		code               fault.Code
		field              string
	}{
		{"POST", "/codes/use", `{"code":"` + long + `","mobile":"09123456789"}`, "invalid_code", "code"},
		{"POST", "/codes/use", `{"code":"salam","mobile":"` + long + `"}`, "invalid_customer", "mobile"},
		{"POST", "/codes/use", `{"mobile":"09123456789"}`, "invalid_code", "code"},
		{"POST", "/codes/use", `{"code":null,"mobile":"09123456789"}`, "invalid_request", "code"},
		{"POST", "/codes/use", `{"code":"salam"}`, "invalid_customer", "mobile"},
		{"POST", "/codes/use", `{"code":"salam","mobile":true}`, "invalid_request", "mobile"},
		{"POST", "/codes/use", `{"code":["salam"],"mobile":"1"}`, "invalid_request", "code"},
		{"POST", "/codes/use", `{"code":"salam","mobile":"a\u0000b"}`, "invalid_customer", "mobile"},
		{"POST", "/codes/use", `{"code":"salam","mobile":"\ud800"}`, "malformed_json", ""},
		{"POST", "/codes/use", "{\"code\":\"salam\",\"mobile\":\"\xff\"}", "malformed_json", ""},
		{"POST", "/codes/use", `{"code":"salam","mobile":"1","mobile":"2"}`, "malformed_json", "mobile"},
		{"POST", "/wallet/balance", `{"mobile":""}`, "invalid_customer", "mobile"},
		{"POST", "/wallet/balance", `{"mobile":{}}`, "invalid_request", "mobile"},
		{"POST", "/codes/report", `{"code":"!"}`, "invalid_code", "code"},

		{"POST", "/v1/redemptions", `{"code":"salam"}`, "invalid_customer", "customer"},
		{"POST", "/v1/redemptions", redeem(`[]`), "invalid_request", "order"},
		{"POST", "/v1/redemptions", redeem(`{}`), "invalid_amount", "order.amount"},
		{"POST", "/v1/redemptions", redeem(`{"amount":0,"currency":"IRR"}`), "invalid_amount", "order.amount"},
		{"POST", "/v1/redemptions", redeem(`{"amount":-5,"currency":"IRR"}`), "invalid_amount", "order.amount"},
		{"POST", "/v1/redemptions", redeem(`{"amount":1.5,"currency":"IRR"}`), "invalid_amount", "order.amount"},
		{"POST", "/v1/redemptions", redeem(`{"amount":1e3,"currency":"IRR"}`), "invalid_amount", "order.amount"},
		{"POST", "/v1/redemptions", redeem(`{"amount":9223372036854775808,"currency":"IRR"}`), "invalid_amount", "order.amount"},
		{"POST", "/v1/redemptions", redeem(`{"amount":` + long + `,"currency":"IRR"}`), "invalid_amount", "order.amount"},
		{"POST", "/v1/redemptions", redeem(`{"amount":"5","currency":"IRR"}`), "invalid_request", "order.amount"},
		{"POST", "/v1/redemptions", redeem(`{"amount":01,"currency":"IRR"}`), "malformed_json", ""},
		{"POST", "/v1/redemptions", redeem(`{"amount":5,"currency":"ZZZ"}`), "invalid_currency", "order.currency"},
		{"POST", "/v1/redemptions", redeem(`{"amount":5}`), "invalid_currency", "order.currency"},
		{"POST", "/v1/redemptions", redeem(`{"amount":5,"currency":"IRR","id":"` + strings.Repeat("x", 129) + `"}`), "invalid_request", "order.id"},
		{"POST", "/v1/redemptions", redeem(`{"amount":5,"currency":"IRR","id":"` + strings.Repeat("ی", 129) + `"}`), "invalid_request", "order.id"},
		{"POST", "/v1/redemptions", redeem(`{"amount":5,"currency":"IRR","tax":1}`), "invalid_request", "order.tax"},
		{"POST", "/v1/redemptions", redeem(`{"amount":5,"amount":5,"currency":"IRR"}`), "malformed_json", "order.amount"},

		{"POST", "/v1/redemptions/batch", `{}`, "invalid_request", "redemptions"},
		{"POST", "/v1/redemptions/batch", `{"redemptions":[]}`, "invalid_request", "redemptions"},
		{"POST", "/v1/redemptions/batch", `{"redemptions":[` + strings.Repeat("{},", 100) + `{}]}`, "invalid_request", "redemptions"},
		{"POST", "/v1/redemptions/batch", `{"redemptions":[{},{"code":5}]}`, "invalid_request", "redemptions[1].code"},
		{"POST", "/v1/redemptions/batch", `{"redemptions":[{},{"order":{"x":5}}]}`, "invalid_request", "redemptions[1].order.x"},
		{"POST", "/v1/redemptions/rdm_" + someID + "/rollback", `{"reason":"` + strings.Repeat("x", 201) + `"}`, "invalid_request", "reason"},
		{"POST", "/v1/redemptions/rdm_" + someID + "/rollback", `{"reason":5}`, "invalid_request", "reason"},
		{"POST", "/v1/redemptions/vch_" + someID + "/rollback", `{}`, "invalid_id", "redemption"},

		{"POST", "/v1/campaigns", `{"effect":{"kind":"credit","amount":1}}`, "invalid_request", "name"},
		{"POST", "/v1/campaigns", `{"name":"` + strings.Repeat("n", 201) + `","effect":{"kind":"credit","amount":1}}`, "invalid_request", "name"},
		{"POST", "/v1/campaigns", `{"name":"n"}`, "invalid_request", "effect.kind"},
		{"POST", "/v1/campaigns", effect(`{"kind":"gift","amount":1}`), "invalid_request", "effect.kind"},
		{"POST", "/v1/campaigns", effect(`{"kind":"credit"}`), "invalid_amount", "effect.amount"},
		{"POST", "/v1/campaigns", effect(`{"kind":"credit","amount":0}`), "invalid_amount", "effect.amount"},
		{"POST", "/v1/campaigns", effect(`{"kind":"credit","amount":-1}`), "invalid_amount", "effect.amount"},
		{"POST", "/v1/campaigns", effect(`{"kind":"credit","amount":9223372036854775808}`), "invalid_amount", "effect.amount"},
		{"POST", "/v1/campaigns", effect(`{"kind":"credit","amount":1,"percent_bp":5}`), "invalid_request", "effect"},
		{"POST", "/v1/campaigns", effect(`{"kind":"discount"}`), "invalid_request", "effect"},
		{"POST", "/v1/campaigns", effect(`{"kind":"discount","amount":0}`), "invalid_amount", "effect.amount"},
		{"POST", "/v1/campaigns", effect(`{"kind":"discount","percent_bp":10001}`), "invalid_request", "effect.percent_bp"},
		{"POST", "/v1/campaigns", effect(`{"kind":"discount","percent_bp":0}`), "invalid_request", "effect.percent_bp"},
		{"POST", "/v1/campaigns", effect(`{"kind":"discount","percent_bp":10,"max_amount":-1}`), "invalid_amount", "effect.max_amount"},
		{"POST", "/v1/campaigns", effect(`{"kind":"discount","amount":5,"max_amount":3}`), "invalid_request", "effect.max_amount"},
		{"POST", "/v1/campaigns", `{"name":"n","currency":"irr","effect":{"kind":"credit","amount":1}}`, "invalid_currency", "currency"},
		{"POST", "/v1/campaigns", `{"name":"n","starts_at":"tomorrow","effect":{"kind":"credit","amount":1}}`, "invalid_request", "starts_at"},
		{"POST", "/v1/campaigns", `{"name":"n","starts_at":12,"effect":{"kind":"credit","amount":1}}`, "invalid_request", "starts_at"},
		{"POST", "/v1/campaigns", `{"name":"n","ends_at":"0001-01-01T00:00:00Z","effect":{"kind":"credit","amount":1}}`, "invalid_request", "ends_at"},
		{"POST", "/v1/campaigns", `{"name":"n","starts_at":"2026-03-20T12:00:00Z","ends_at":"2026-03-20T12:00:00Z","effect":{"kind":"credit","amount":1}}`, "invalid_window", "ends_at"},
		{"POST", "/v1/campaigns", `{"name":"n","effect":{"kind":"credit","amount":1},"budget":{"count":0}}`, "invalid_limit", "budget.count"},
		{"POST", "/v1/campaigns", `{"name":"n","effect":{"kind":"credit","amount":1},"budget":{"amount":-1}}`, "invalid_amount", "budget.amount"},
		{"POST", "/v1/campaigns", `{"name":"n","effect":{"kind":"credit","amount":1},"voucher":{"limit":0}}`, "invalid_limit", "voucher.limit"},
		{"POST", "/v1/campaigns", `{"name":"n","effect":{"kind":"credit","amount":1},"voucher":{"limit":1.0}}`, "invalid_limit", "voucher.limit"},
		{"POST", "/v1/campaigns", `{"name":"n","effect":{"kind":"credit","amount":1},"voucher":{"code":""}}`, "invalid_code", "voucher.code"},
		{"POST", "/v1/campaigns", `{"name":"n","effect":{"kind":"credit","amount":1},"voucher":{"code":"!"}}`, "invalid_code", "voucher.code"},
		{"POST", "/v1/campaigns", `{"name":"n","effect":{"kind":"credit","amount":1},"voucher":{"customer":""}}`, "invalid_customer", "voucher.customer"},
		{"POST", "/v1/campaigns", `{"name":"n","effect":{"kind":"credit","amount":1},"disabled":"no"}`, "invalid_request", "disabled"},

		{"PATCH", "/v1/campaigns/" + campaign, `{"ends_at":"2020-01-01T00:00:00Z","starts_at":"2021-01-01T00:00:00Z"}`, "invalid_window", "ends_at"},
		{"PATCH", "/v1/campaigns/" + campaign, `{"budget":{"count":"many"}}`, "invalid_request", "budget.count"},
		{"PATCH", "/v1/campaigns/" + campaign, `{"disabled":null}`, "invalid_request", "disabled"},
		{"PATCH", "/v1/campaigns/" + campaign, `{"name":""}`, "invalid_request", "name"},
		{"PATCH", "/v1/campaigns/" + campaign, `{"currency":"EUR"}`, "invalid_request", "currency"},
		{"POST", "/v1/campaigns/" + campaign + "/enable", `{"now":true}`, "invalid_request", "now"},
		{"POST", "/v1/campaigns/" + campaign + "/vouchers", `{"campaign":"` + campaign + `"}`, "invalid_request", "campaign"},
		{"POST", "/v1/campaigns/rdm_" + someID + "/vouchers", `{}`, "invalid_id", "campaign"},

		{"POST", "/v1/vouchers", `{"campaign":"x"}`, "invalid_id", "campaign"},
		{"POST", "/v1/vouchers", `{"campaign":"` + campaign + `","limit":-3}`, "invalid_limit", "limit"},
		{"POST", "/v1/vouchers", `{"campaign":"` + campaign + `","per_customer":0}`, "invalid_limit", "per_customer"},
		{"POST", "/v1/vouchers", `{"campaign":"` + campaign + `","code":"` + strings.Repeat("A", 300) + `"}`, "invalid_code", "code"},
		{"PATCH", "/v1/vouchers/" + voucher, `{"limit":0}`, "invalid_limit", "limit"},
		{"PATCH", "/v1/vouchers/" + voucher, `{"customer":""}`, "invalid_customer", "customer"},
		{"PATCH", "/v1/vouchers/" + voucher, `{"disabled":null}`, "invalid_request", "disabled"},
		{"PATCH", "/v1/vouchers/" + voucher, `{"code":"other"}`, "invalid_request", "code"},
		{"POST", "/v1/vouchers/lookup", `{"code":""}`, "invalid_code", "code"},
	} {
		t.Run(bad.method+bad.path+" "+bad.body[:min(len(bad.body), 60)], func(t *testing.T) {
			t.Parallel()
			r := b.do(bad.method, bad.path, bad.body, asJSON)
			p := r.refused(t, http.StatusBadRequest, bad.code)
			if p.Field != bad.field {
				t.Errorf("want the field %q, got %s", bad.field, r.body)
			}
			if strings.Contains(p.Detail, "99999") {
				t.Errorf("the detail repeats the input: %s", p.Detail)
			}
		})
	}
}

// What is said is true of the route and of the number.
func TestBadMembersAreToldTheTruth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, c := range []struct {
		path, body  string
		code        fault.Code
		says, never string
	}{
		{"/wallet/balance", "[]", "malformed_json", "one JSON object", "code"},
		{"/v1/campaigns", "[]", "malformed_json", "one JSON object", "code"},
		{"/v1/campaigns", `{"name":"n","effect":{"kind":"credit","amount":1},"voucher":{"limit":9223372036854775808}}`, "invalid_limit", "2^63", "code"},
		{"/v1/campaigns", `{"name":"n","effect":{"kind":"discount","amount":5,"max_amount":3}}`, "invalid_request", "max_amount", "above zero"},
	} {
		if p := b.post(c.path, c.body).refused(t, http.StatusBadRequest, c.code); !strings.Contains(p.Detail, c.says) || strings.Contains(p.Detail, c.never) {
			t.Errorf("%s %s: %s", c.path, c.body, p.Detail)
		}
	}
}

// Parameters are as strict as bodies.
func TestBadQueries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, bad := range []struct {
		path  string
		code  fault.Code
		field string
	}{
		{"/v1/redemptions?limit=101", "invalid_request", "limit"},
		{"/v1/redemptions?limit=-1", "invalid_request", "limit"},
		{"/v1/redemptions?limit=ten", "invalid_request", "limit"},
		{"/v1/redemptions?limit=1&limit=2", "invalid_request", "limit"},
		{"/v1/redemptions?limit=99999999999999999999", "invalid_request", "limit"},
		{"/v1/redemptions?limit", "invalid_request", "limit"},
		{"/v1/redemptions?%zz", "invalid_request", ""},
		{"/v1/redemptions?a;b", "invalid_request", ""},
		{"/v1/redemptions?starting_after=", "invalid_cursor", "starting_after"},
		{"/v1/redemptions?starting_after=vch_" + someID, "invalid_cursor", "starting_after"},
		{"/v1/redemptions?ending_before=rdm_" + strings.ToUpper(someID), "invalid_cursor", "ending_before"},
		{"/v1/redemptions?starting_after=rdm_" + someID, "invalid_cursor", ""},
		{"/v1/redemptions?customer=", "invalid_customer", "customer"},
		{"/v1/redemptions?customer=%FF", "invalid_customer", "customer"},
		{"/v1/redemptions?voucher=", "invalid_id", "voucher"},
		{"/v1/redemptions?campaign=nope", "invalid_id", "campaign"},
		{"/v1/redemptions?" + strings.Repeat("x", 300) + "=1", "invalid_request", strings.Repeat("x", 64) + "…"},
		{"/v1/redemptions/rdm_" + someID + "?expand=all", "invalid_request", "expand"},
		{"/v1/campaigns?campaign=cmp_" + someID, "invalid_request", "campaign"},
		{"/v1/vouchers?code=salam", "invalid_request", "code"},
		{"/v1/wallets/ali?currency=IRR", "invalid_request", "currency"},
		{"/v1/wallets/ali/transactions?currency=", "invalid_currency", "currency"},
		{"/v1/wallets/ali/transactions?starting_after=txn_" + someID, "invalid_cursor", ""},
	} {
		t.Run(bad.path[:min(len(bad.path), 60)], func(t *testing.T) {
			t.Parallel()
			if p := b.get(bad.path).refused(t, http.StatusBadRequest, bad.code); p.Field != bad.field {
				t.Errorf("want the field %q, got %q", bad.field, p.Field)
			}
		})
	}
}
