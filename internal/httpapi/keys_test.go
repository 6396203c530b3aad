package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"scrip/internal/access"
	"scrip/internal/fault"
)

func TestKeyConversation(t *testing.T) {
	t.Parallel()
	const till = `{"name":"till 4","scopes":["redeem","read","redeem"],"rate_per_second":50,"burst":100,"expires_at":"2027-01-01T00:00:00Z"}`
	talk(t, "keys.txt", []step{
		get("/v1/keys"),
		get("/v1/audit-events"),
		post("/v1/keys", `{"name":"back office","scopes":["admin"]}`),
		post("/v1/keys", till),
		post("/v1/keys", `{"name":"our app","kind":"publishable"}`),
		get("/v1/keys/{key_2}"),
		patch("/v1/keys/{key_2}", `{"name":"till 5","expires_at":null,"rate_per_second":null}`),
		patch("/v1/keys/{key_2}", `{"burst":null}`),
		patch("/v1/keys/{key_2}", `{}`),
		post("/v1/keys/{key_2}/rotate", `{"overlap_seconds":60}`),
		post("/v1/keys/{key_2}/rotate", `{"overlap_seconds":0}`),
		post("/v1/keys/{key_2}/rotate", `{"overlap_seconds":0,"expires_at":null}`),
		{"POST", "/v1/keys/{key_3}/rotate", "", nil},
		get("/v1/keys?limit=2"),
		get("/v1/keys?limit=2&starting_after={key_3}"),
		{"POST", "/v1/keys/{key_3}/revoke", "", nil},
		post("/v1/keys/{key_3}/revoke", `{"force":true}`),
		patch("/v1/keys/{key_3}", `{"name":"gone"}`),
		post("/v1/keys/{key_3}/rotate", `{}`),
		post("/v1/keys/{key_1}/revoke", `{}`),
		post("/v1/keys/{key_1}/revoke", `{"force":true}`),
		post("/v1/campaigns", `{"name":"Demo","effect":{"kind":"credit","amount":500},"voucher":{"code":"salam","limit":3}}`),
		post("/v1/campaigns/{cmp_1}/disable", ``),
		patch("/v1/vouchers/{vch_1}", `{"limit":4}`),
		get("/v1/audit-events?limit=4"),
		get("/v1/audit-events?target={key_3}"),
		get("/v1/audit-events?target={cmp_1}"),
		get("/v1/audit-events?action=key.revoke&limit=1"),
		get("/v1/audit-events?key={key_1}"),
		get("/v1/audit-events?target={vch_1}"),
		get("/v1/audit-events?key={key_1}&action=key.create"),
		get("/v1/audit-events?action=key.destroy"),
		get("/v1/audit-events?target=rdm_01h455vb4pex5vsknk084sn02q"),
		get("/v1/audit-events?key=salam"),
		get("/v1/keys/key_01h455vb4pex5vsknk084sn02q"),
		get("/v1/keys/{cmp_1}"),
	})
}

// What is wrong in a key's request is named.
func TestBadKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.post("/v1/keys", `{"name":"one","scopes":["read"]}`).took(t, http.StatusCreated).text(t, "id")
	for _, bad := range []struct {
		path, body string
		code       fault.Code
		field      string
	}{
		{"", `{"scopes":["read"]}`, "invalid_request", "name"},
		{"", `{"name":"","scopes":["read"]}`, "invalid_request", "name"},
		{"", `{"name":"` + strings.Repeat("n", 101) + `","scopes":["read"]}`, "invalid_request", "name"},
		{"", `{"name":"a\nb","scopes":["read"]}`, "invalid_request", "name"},
		{"", `{"name":"n"}`, "invalid_request", "scopes"},
		{"", `{"name":"n","scopes":[]}`, "invalid_request", "scopes"},
		{"", `{"name":"n","scopes":null}`, "invalid_request", "scopes"},
		{"", `{"name":"n","scopes":["root"]}`, "invalid_request", "scopes"},
		{"", `{"name":"n","scopes":"read"}`, "invalid_request", "scopes"},
		{"", `{"name":"n","kind":"secret"}`, "invalid_request", "scopes"},
		{"", `{"name":"n","kind":"public"}`, "invalid_request", "kind"},
		{"", `{"name":"n","kind":"publishable","scopes":["read"]}`, "invalid_request", "scopes"},
		{"", `{"name":"n","scopes":["read"],"expires_at":"tomorrow"}`, "invalid_request", "expires_at"},
		{"", `{"name":"n","scopes":["read"],"expires_at":"2020-01-01T00:00:00Z"}`, "invalid_request", "expires_at"},
		{"", `{"name":"n","scopes":["read"],"rate_per_second":0}`, "invalid_limit", "rate_per_second"},
		{"", `{"name":"n","scopes":["read"],"rate_per_second":1000001}`, "invalid_limit", "rate_per_second"},
		{"", `{"name":"n","scopes":["read"],"burst":-1}`, "invalid_limit", "burst"},
		{"", `{"name":"n","scopes":["read"],"secret":"sk_mine"}`, "invalid_request", "secret"},
		{"/" + key + "/rotate", `{"overlap_seconds":-1}`, "invalid_request", "overlap_seconds"},
		{"/" + key + "/rotate", `{"overlap_seconds":2592001}`, "invalid_request", "overlap_seconds"},
		{"/" + key + "/rotate", `{"overlap_seconds":1.5}`, "invalid_request", "overlap_seconds"},
		{"/" + key + "/rotate", `{"overlap_seconds":99999999999999999999}`, "invalid_request", "overlap_seconds"},
		{"/" + key + "/rotate", `{"expires_at":"2020-01-01T00:00:00Z"}`, "invalid_request", "expires_at"},
		{"/" + key + "/revoke", `{"force":"yes"}`, "invalid_request", "force"},
	} {
		r := b.post("/v1/keys"+bad.path, bad.body)
		if p := r.refused(t, http.StatusBadRequest, bad.code); p.Field != bad.field {
			t.Errorf("%s: the field is %q", bad.body, p.Field)
		}
	}
	for body, field := range map[string]string{
		`{"name":null}`: "name", `{"name":""}`: "name", `{"scopes":["admin"]}`: "scopes", `{"kind":"publishable"}`: "kind",
		`{"expires_at":"2020-01-01T00:00:00Z"}`: "expires_at", `{"revoked_at":null}`: "revoked_at",
	} {
		if p := b.patch("/v1/keys/"+key, body).refused(t, http.StatusBadRequest, "invalid_request"); p.Field != field {
			t.Errorf("%s: the field is %q", body, p.Field)
		}
	}
}

// A change is recorded with the key that asked for it and the request's own id; and neither the list of
// keys nor the trail has a secret in it.
func TestTrailNamesItsActor(t *testing.T) {
	t.Parallel()
	b := setupKeyed(t, false)
	admin := b.key(access.Admin)
	as := bearer(admin.Secret)
	made := b.do(http.MethodPost, "/v1/keys", `{"name":"shop","scopes":["campaigns"]}`, asJSON, as, "X-Request-Id: make-1").took(t, http.StatusCreated)
	shop := made.text(t, "secret")
	b.do(http.MethodPost, "/v1/campaigns", `{"name":"Demo","effect":{"kind":"credit","amount":5},"voucher":{"code":"Sesame7777"}}`,
		asJSON, bearer(shop), "X-Request-Id: make-2").took(t, http.StatusCreated)

	trail := b.do(http.MethodGet, "/v1/audit-events", "", as).took(t, http.StatusOK)
	for _, want := range []string{
		`"actor":{"key":"` + made.text(t, "id") + `","name":"shop"},"request_id":"make-2"`,
		`"actor":{"key":"` + admin.Key.ID.Format("key") + `","name":"key of admin"},"request_id":"make-1"`,
		`"actor":{"key":null,"name":"cli"},"request_id":null`,
	} {
		if !strings.Contains(trail.body, want) {
			t.Errorf("no %s in %s", want, trail.body)
		}
	}
	for _, path := range []string{"/v1/audit-events", "/v1/keys", "/v1/keys/" + made.text(t, "id")} {
		r := b.do(http.MethodGet, path, "", as).took(t, http.StatusOK)
		for _, secret := range []string{shop, shop[3:20], admin.Secret, "Sesame7777", "SESAME7777", `"hash"`, `"secret":"sk_`} {
			if strings.Contains(r.body, secret) {
				t.Errorf("%s shows %q: %s", path, secret, r.body)
			}
		}
	}
	for _, rt := range []string{"PATCH", "POST", "DELETE", "PUT"} {
		if r := b.do(rt, "/v1/audit-events", "{}", asJSON, as); r.status != http.StatusMethodNotAllowed {
			t.Errorf("%s /v1/audit-events is %d", rt, r.status)
		}
	}
}

// A key that is revoked, or rotated out, is refused with the next request on the replica that was asked.
func TestRevokedAtOnce(t *testing.T) {
	t.Parallel()
	b := setupKeyed(t, false)
	as := bearer(b.key(access.Admin).Secret)
	shop, till := b.key(access.Read), b.key(access.Read)
	b.do(http.MethodGet, "/v1/campaigns", "", bearer(shop.Secret)).took(t, http.StatusOK)
	b.do(http.MethodPost, "/v1/keys/"+shop.Key.ID.Format("key")+"/revoke", "", as).took(t, http.StatusOK)
	b.do(http.MethodGet, "/v1/campaigns", "", bearer(shop.Secret)).refused(t, http.StatusUnauthorized, "unauthorized")

	next := b.do(http.MethodPost, "/v1/keys/"+till.Key.ID.Format("key")+"/rotate", `{"overlap_seconds":0}`, asJSON, as).took(t, http.StatusCreated)
	b.do(http.MethodGet, "/v1/campaigns", "", bearer(till.Secret)).refused(t, http.StatusUnauthorized, "unauthorized")
	b.do(http.MethodGet, "/v1/campaigns", "", bearer(next.text(t, "secret"))).took(t, http.StatusOK)
}
