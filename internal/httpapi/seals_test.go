package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"scrip/client"
	"scrip/internal/store"
)

// A server's seals are read and checked by the SDK, which computes their hashes by itself.
func TestSealsAreRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ask := func(path string, status int) reply {
		t.Helper()
		return b.do(http.MethodGet, path, "").took(t, status)
	}
	b.get("/v1/seals/latest").refused(t, http.StatusNotFound, "seal_not_found")
	api, err := client.New(b.url)
	if err != nil {
		t.Fatal(err)
	}
	b.post("/v1/campaigns", `{"name":"Demo","effect":{"kind":"credit","amount":500},"voucher":{"code":"salam"}}`).took(t, http.StatusCreated)
	var kept *client.Seal
	for n, mobile := range []string{"09120000001", "09120000002", "09120000003"} {
		b.post("/v1/redemptions", `{"code":"salam","customer":"`+mobile+`"}`).took(t, http.StatusCreated)
		made, _, err := b.store.Seal(t.Context(), store.Sealing{Max: 10, Apart: -time.Second})
		if err != nil || made == nil {
			t.Fatal(made, err)
		}
		newest, err := api.LatestSeal(t.Context())
		if err != nil || newest.Number != int64(n+1) || newest.Hash != made.Hash.String() {
			t.Fatalf("%+v, %v, want %+v", newest, err, made)
		}
		if digest, err := newest.Digest(); err != nil || digest != newest.Hash {
			t.Errorf("its hash is %s, and should be %s (%v)", newest.Hash, digest, err)
		}
		if n == 0 {
			kept = newest
		}
	}
	newest, err := api.CheckSeals(t.Context(), kept.Number, kept.Hash)
	if err != nil || newest.Number != 3 || newest.Total != 3 {
		t.Errorf("%+v, %v", newest, err)
	}
	list := ask("/v1/seals?limit=2", http.StatusOK)
	if !strings.Contains(list.body, `"number":3`) || !strings.Contains(list.body, `"number":2`) || !strings.HasSuffix(list.body, `"has_more":true}`) {
		t.Errorf("%s", list.body)
	}
	if strings.Contains(ask("/v1/seals", http.StatusOK).body, "912000000") {
		t.Error("a seal names a customer")
	}
	for _, bad := range []string{"starting_after=x", "starting_after=0", "ending_before=-1", "ending_before=01", "starting_after=1&ending_before=2"} {
		b.get("/v1/seals?"+bad).refused(t, http.StatusBadRequest, "invalid_cursor")
	}
	for _, bad := range []string{"limit=0", "limit=101", "since=1"} {
		b.get("/v1/seals?"+bad).refused(t, http.StatusBadRequest, "invalid_request")
	}
	for _, none := range []string{"4", "0", "-1", "01", "x", "99999999999999999999"} {
		b.get("/v1/seals/"+none).refused(t, http.StatusNotFound, "seal_not_found")
	}
}
