package httpapi_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// A guesser learns nothing: four reasons, one answer.
func TestNotRedeemableIsOneAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shared("soon", "", `,"starts_at":"2099-01-01T00:00:00Z"`)
	b.shared("off", "", `,"disabled":true`)
	b.shared("hers", `,"customer":"sara"`, "")
	_, own := b.shared("closed", "", "")
	b.do(http.MethodPost, "/v1/vouchers/"+own+"/disable", "").took(t, http.StatusOK)
	hidden := regexp.MustCompile(`req_[0-9a-z]{26}`)
	for _, path := range []string{"/codes/use", "/codes/report"} {
		var first string
		for _, code := range []string{"nothing", "soon", "off", "hers", "closed"} {
			body := `{"code":"` + code + `"}`
			if path == "/codes/use" {
				body = `{"code":"` + code + `","mobile":"09123456789"}`
			}
			for range 3 { // from the store, and from the gate
				r := b.do(http.MethodPost, path, body)
				r.refused(t, http.StatusNotFound, "not_redeemable")
				text := hidden.ReplaceAllString(r.body, "")
				if first == "" {
					first = text
				}
				if text != first {
					t.Errorf("%s of %q is told apart:\n%s\n%s", path, code, first, text)
				}
			}
		}
	}
}

// What a crowd deserves to know is said plainly, on the public routes too.
func TestPublicTruth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shared("ended", "", `,"ends_at":"2026-01-01T00:00:00Z"`)
	b.shared("sold", `,"limit":1`, "")
	b.shared("poor", "", `,"budget":{"count":1}`)
	use := func(code, mobile string) reply {
		return b.do(http.MethodPost, "/codes/use", `{"code":"`+code+`","mobile":"`+mobile+`"}`)
	}
	use("sold", "winner").took(t, http.StatusOK)
	use("poor", "winner").took(t, http.StatusOK)
	for range 3 {
		use("ended", "late").refused(t, http.StatusBadRequest, "voucher_expired")
		use("sold", "late").refused(t, http.StatusBadRequest, "quantity_exceeded")
		use("poor", "late").refused(t, http.StatusBadRequest, "budget_exceeded")
		p := use("sold", "winner").refused(t, http.StatusBadRequest, "already_redeemed")
		if !strings.Contains(string(p.Redemption), `"rank":1`) {
			t.Errorf("a winner has no receipt: %s", p.Redemption)
		}
	}
	r := b.do(http.MethodPost, "/codes/report", `{"code":"sold"}`).took(t, http.StatusOK)
	if r.body != `{"code":"sold","credit":1000,"consumerCount":0}` {
		t.Error(r.body)
	}
}

// Where the numbers end nobody is told of a budget, and a dry run says of the campaign what the redemption says.
func TestTwiceHalfOfAllNumbersIsTooMuch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.post("/v1/campaigns", `{"name":"all","effect":{"kind":"credit","amount":4611686018427387904},"voucher":{"code":"all"}}`).took(t, http.StatusCreated)
	const ali, bita = `{"code":"all","customer":"ali"}`, `{"code":"all","customer":"bita"}`
	b.post("/v1/redemptions", ali).took(t, http.StatusCreated)
	p := b.post("/v1/redemptions", bita).refused(t, http.StatusBadRequest, "balance_overflow")
	if !strings.Contains(p.Detail, "campaign") {
		t.Errorf("the detail is %q", p.Detail)
	}
	if r := b.post("/v1/validations", bita).took(t, http.StatusOK); !strings.Contains(r.body, `"valid":false`) || !strings.Contains(r.body, `"balance_overflow"`) {
		t.Errorf("the dry run says %s", r.body)
	}
}

// Each face replays in its own shape, and a replay is the first answer byte for byte.
func TestReplay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	campaign, _ := b.shared("salam", "", "")
	const key = "Idempotency-Key: once"
	first := b.post("/v1/redemptions", `{"code":"salam","customer":"ali"}`, key).took(t, http.StatusCreated)
	b.do(http.MethodPost, "/v1/redemptions/"+first.text(t, "id")+"/rollback", "").took(t, http.StatusCreated)
	b.do(http.MethodPost, "/v1/campaigns/"+campaign+"/disable", "").took(t, http.StatusOK)
	again := b.post("/v1/redemptions", `{"code":"salam","customer":"ali"}`, key).took(t, http.StatusCreated)
	if again.body != first.body || again.header.Get("Idempotent-Replayed") != "true" || first.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("first %s %v\nagain %s %v", first.body, first.header, again.body, again.header)
	}
	b.do(http.MethodPost, "/codes/use", `{"code":"salam","mobile":"ali"}`, key).refused(t, http.StatusConflict, "idempotency_key_reused")

	made := b.post("/v1/campaigns", `{"name":"n","effect":{"kind":"credit","amount":5},"voucher":{"limit":3}}`, key).took(t, http.StatusCreated)
	b.patch("/v1/campaigns/"+made.text(t, "id"), `{"name":"m","disabled":true}`).took(t, http.StatusOK)
	remade := b.post("/v1/campaigns", `{"name":"n","effect":{"kind":"credit","amount":5},"voucher":{"limit":3}}`, key).took(t, http.StatusCreated)
	if remade.body != made.body {
		t.Errorf("first %s\nagain %s", made.body, remade.body)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shared("salam", "", "")
	for _, path := range []string{"/codes/use", "/v1/redemptions", "/v1/campaigns", "/v1/redemptions/rdm_" + someID + "/rollback", "/v1/campaigns/cmp_" + someID + "/vouchers"} {
		body := map[string]string{
			"/codes/use": `{"code":"salam","mobile":"1"}`, "/v1/redemptions": `{"code":"salam","customer":"1"}`,
			"/v1/campaigns": `{"name":"n","effect":{"kind":"credit","amount":5}}`,
		}[path]
		for _, key := range []string{"", "a b", "a\tb", "کلید", strings.Repeat("k", 256)} {
			p := b.post(path, body, "Idempotency-Key: "+key).refused(t, http.StatusBadRequest, "invalid_idempotency_key")
			if p.Field != "Idempotency-Key" {
				t.Errorf("the field is %q", p.Field)
			}
		}
		b.post(path, body, "Idempotency-Key: a", "Idempotency-Key: b").refused(t, http.StatusBadRequest, "invalid_idempotency_key")
	}
	b.post("/v1/redemptions", `{"code":"salam","customer":"1"}`, "Idempotency-Key: "+strings.Repeat("~", 255)).took(t, http.StatusCreated)
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for given, kept := range map[string]bool{
		"a": true, "Trace-1.2_3": true, strings.Repeat("x", 64): true,
		strings.Repeat("x", 65): false, "a b": false, "a\"b": false, "é": false, "": false,
	} {
		r := b.do(http.MethodGet, "/nothing", "", "X-Request-Id: "+given)
		got := r.refused(t, http.StatusNotFound, "route_not_found").RequestID
		if (got == given) != kept || !kept && !regexp.MustCompile(`^req_[0-9a-z]{26}$`).MatchString(got) {
			t.Errorf("X-Request-Id %q gave %q", given, got)
		}
	}
}

// A crowd through the face: as many winners as uses, each once, with ranks 1 to n.
func TestCrowd(t *testing.T) {
	t.Parallel()
	const limit, crowd = 50, 400
	b := setupLive(t)
	b.shared("salam", fmt.Sprintf(`,"limit":%d`, limit), "")
	var mu sync.Mutex
	ranks := map[float64]bool{}
	var wg sync.WaitGroup
	gate := make(chan struct{}, 64)
	for n := range crowd {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			r := b.post("/v1/redemptions", fmt.Sprintf(`{"code":"salam","customer":"c-%d"}`, n/2)) // each comes twice
			if r.status != http.StatusCreated {
				if code := problemCode([]byte(r.body)); code != "quantity_exceeded" && code != "already_redeemed" {
					t.Errorf("%d %s", r.status, r.body)
				}
				return
			}
			mu.Lock()
			defer mu.Unlock()
			rank, _ := r.json(t)["rank"].(float64)
			ranks[rank] = true
		})
	}
	wg.Wait()
	if len(ranks) != limit || !ranks[1] || !ranks[limit] {
		t.Errorf("%d winners of %d", len(ranks), limit)
	}
}

// Administrators who change different caps of one budget at once all have their way.
func TestCapsChangedAtOnceAllStand(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]*bundle{"memory": setup(t), "file": setupFile(t)} {
		campaign, _ := b.shared("salam-"+name, "", `,"budget":{"count":1,"amount":1000,"per_customer":1}`)
		path := "/v1/campaigns/" + campaign
		for n := 2; n < 40; n++ {
			var all sync.WaitGroup
			for _, body := range []string{`{"count":%d}`, `{"amount":%d000}`, `{"per_customer":%d}`} {
				all.Go(func() {
					b.patch(path, fmt.Sprintf(`{"budget":`+body+`}`, n)).took(t, http.StatusOK)
				})
			}
			all.Wait()
			want := fmt.Sprintf(`"budget":{"amount":%d000,"count":%d,"per_customer":%d}`, n, n, n)
			if got := b.get(path).took(t, http.StatusOK).body; !strings.Contains(got, want) {
				t.Fatalf("%s: no %s in %s", name, want, got)
			}
		}
		b.patch(path, `{"budget":{"count":null}}`).took(t, http.StatusOK)
		if got := b.get(path).body; !strings.Contains(got, `"count":null,"per_customer":39`) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
