package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"scrip/internal/httpapi"
)

// harmless are the routes without GET that may ignore an Idempotency-Key: asked twice, they do what they do once.
// A new one belongs here only if that is true of it.
var harmless = []string{
	"POST /wallet/balance", "POST /codes/report", "POST /v1/validations", "POST /v1/vouchers/lookup", // they only read
	"PATCH /v1/campaigns/{campaign}", "POST /v1/campaigns/{campaign}/enable", "POST /v1/campaigns/{campaign}/disable",
	"PATCH /v1/vouchers/{voucher}", "POST /v1/vouchers/{voucher}/enable", "POST /v1/vouchers/{voucher}/disable",
	"PATCH /v1/keys/{key}", "POST /v1/keys/{key}/revoke",
}

// No route that would do something twice ignores a key: it is answered again under it, or refuses it and does nothing.
func TestEveryRouteHonoursOrRefusesAKey(t *testing.T) {
	t.Parallel()
	for _, rt := range httpapi.Routes() {
		name := rt.Method + " " + rt.Path
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			switch {
			case rt.KeyHonoured && rt.KeyNeedless:
				t.Error("a key that is needless is honoured")
			case rt.KeyHonoured:
				honours(t, name)
			case rt.KeyNeedless:
				if rt.Method != http.MethodGet && !slices.Contains(harmless, name) {
					t.Error("it ignores a key: is it harmless to ask twice?")
				}
				ignores(t, rt)
			default:
				refuses(t, rt)
			}
		})
	}
}

// honours asks twice under one key, and for something else.
func honours(t *testing.T, name string) {
	t.Helper()
	b := setup(t)
	campaign, _ := b.shared("salam", "", "")
	rdm := b.post("/v1/redemptions", `{"code":"salam","customer":"sara"}`).took(t, http.StatusCreated).text(t, "id")
	ask, ok := map[string]struct{ path, body, other string }{
		"POST /codes/use":      {"/codes/use", used("ali"), `{"code":"other","mobile":"ali"}`},
		"POST /v1/redemptions": {"/v1/redemptions", `{"code":"salam","customer":"ali"}`, `{"code":"other","customer":"ali"}`},
		"POST /v1/redemptions/{redemption}/rollback": {
			"/v1/redemptions/" + rdm + "/rollback", `{}`, `{"reason":"another"}`,
		},
		"POST /v1/campaigns": {
			"/v1/campaigns", `{"name":"n","effect":{"kind":"credit","amount":5}}`, `{"name":"m","effect":{"kind":"credit","amount":5}}`,
		},
		"POST /v1/campaigns/{campaign}/vouchers": {"/v1/campaigns/" + campaign + "/vouchers", `{"limit":3}`, `{"limit":4}`},
		"POST /v1/vouchers":                      {"/v1/vouchers", `{"campaign":"` + campaign + `"}`, `{"campaign":"` + campaign + `","limit":4}`},
	}[name]
	if !ok {
		t.Fatal("it honours a key: say here how to ask it")
	}
	const key = "Idempotency-Key: once"
	first := b.post(ask.path, ask.body, key)
	again := b.post(ask.path, ask.body, key).took(t, first.status)
	if first.status > http.StatusCreated || again.body != first.body || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("first %d %s\nagain %d %s", first.status, first.body, again.status, again.body)
	}
	b.post(ask.path, ask.other, key).refused(t, http.StatusConflict, "idempotency_key_reused")
}

// ignores sends a key that none of those could be that are honoured.
func ignores(t *testing.T, rt httpapi.Route) {
	t.Helper()
	r := setup(t).do(rt.Method, somePath(rt.Path), "", "Idempotency-Key: a b")
	if strings.Contains(r.body, "Idempotency-Key") && r.status >= http.StatusBadRequest {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func refuses(t *testing.T, rt httpapi.Route) {
	t.Helper()
	p := setup(t).do(rt.Method, somePath(rt.Path), "{}", asJSON, "Idempotency-Key: once").refused(t, http.StatusBadRequest, "invalid_request")
	if p.Field != "Idempotency-Key" || !strings.Contains(p.Detail, "Idempotency-Key") {
		t.Errorf("%+v", p)
	}
}

// The contract says of each route what it does with a key: it has the parameter, its text says that it refuses one, or neither.
func TestKeysAndContractAgree(t *testing.T) {
	t.Parallel()
	m := model(t)
	for _, rt := range httpapi.Routes() {
		item := m.Paths.PathItems.GetOrZero(rt.Path)
		if item == nil {
			continue // another test says so
		}
		op, takes := item.GetOperations().GetOrZero(strings.ToLower(rt.Method)), false
		for _, p := range slices.Concat(item.Parameters, op.Parameters) {
			takes = takes || p.Name == "Idempotency-Key"
		}
		refuses := !rt.KeyHonoured && !rt.KeyNeedless
		if takes != rt.KeyHonoured || refuses != strings.Contains(op.Description, "no `Idempotency-Key`") {
			t.Errorf("%s %s: honoured %v, needless %v; the contract has the parameter: %v, and says: %s",
				rt.Method, rt.Path, rt.KeyHonoured, rt.KeyNeedless, takes, op.Description)
		}
	}
}

// A batch that is sent again under a header that it can't honour credits nobody, the first time neither.
func TestABatchRefusesTheHeader(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shared("salam", `,"per_customer":5`, "")
	const batch = `{"redemptions":[{"code":"salam","customer":"ali"}]}`
	for range 2 {
		p := b.post("/v1/redemptions/batch", batch, "Idempotency-Key: once").refused(t, http.StatusBadRequest, "invalid_request")
		if p.Field != "Idempotency-Key" || !strings.Contains(p.Detail, "idempotency_key") {
			t.Errorf("%+v", p)
		}
	}
	if n := b.winners(); n != 0 {
		t.Errorf("%d redemptions are in the store", n)
	}
}

// In a batch the key is the item's member, whatever is wrong with it.
func TestAnItemsKeyIsCalledByItsName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shared("salam", `,"per_customer":5`, "")
	r := b.post("/v1/redemptions/batch", `{"redemptions":[
		{"code":"salam","customer":"ali","idempotency_key":"a"},{"code":"other","customer":"ali","idempotency_key":"a"},
		{"code":"salam","customer":"ali","idempotency_key":"a b"},{"code":"salam","customer":"ali","idempotency_key":""}]}`).took(t, http.StatusOK)
	for want, times := range map[string]int{
		`"code":"idempotency_key_reused","field":"idempotency_key"`: 1, `"code":"invalid_idempotency_key","field":"idempotency_key"`: 2,
		`"status":201`: 1,
	} {
		if got := strings.Count(r.body, want); got != times {
			t.Errorf("%s is there %d times, want %d: %s", want, got, times, r.body)
		}
	}
}
