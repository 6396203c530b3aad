package httpapi_test

import (
	"bytes"
	"net/http"
	"slices"
	"testing"

	"scrip/api"
)

// The contract is answered without a copy, so that slow readers of it hold none, and no later answer is written into it.
func TestTheContractIsShared(t *testing.T) {
	before := slices.Clone(api.OpenAPI)
	b := setup(t)
	ask := func(path string) string { return b.get(path).took(t, http.StatusOK).body }
	for range 100 {
		if got := ask("/openapi.yaml"); got != string(before) {
			t.Fatalf("the contract is answered with %d bytes", len(got))
		}
		ask("/healthz")
		ask("/v1/campaigns")
	}
	if !bytes.Equal(api.OpenAPI, before) {
		t.Error("the contract was written into")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/openapi.yaml", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	w := &still{header: http.Header{}}
	b.handler.ServeHTTP(w, r)
	if len(w.body) != len(before) || &w.body[0] != &api.OpenAPI[0] {
		t.Error("the contract is copied for its reader")
	}
}

// still is a writer that keeps what it is given, as a client does that reads nothing.
type still struct {
	header http.Header
	body   []byte
}

func (w *still) Header() http.Header { return w.header }
func (w *still) WriteHeader(int)     {}

func (w *still) Write(p []byte) (int, error) {
	w.body = p
	return len(p), nil
}
