package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/httpapi"
	"scrip/internal/keyring"
	"scrip/internal/store/memstore"
)

// BenchmarkSoldOutKeyed is BenchmarkSoldOut on a server that asks for keys: the difference is what a key
// costs a request.
func BenchmarkSoldOutKeyed(b *testing.B) {
	store := memstore.New(memstore.Options{})
	ring, err := keyring.NewRing(b.Context(), keyring.RingConfig{OpenWhileEmpty: true, Log: slog.New(slog.DiscardHandler)}, store)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = ring.Close(context.Background()) }()
	s := &bundle{tb: b, store: store, now: time.Now, ring: ring}
	s.redeemWith(store, func(c *httpapi.Config) { c.Access = ring })
	s.shared("salam", `,"limit":1`, "")
	s.post("/codes/use", `{"code":"salam","mobile":"winner"}`).took(b, http.StatusOK)
	for range 100 { // until the gate knows the winners
		s.post("/codes/use", `{"code":"salam","mobile":"09123456789"}`)
	}
	secret := s.key(access.Redeem).Secret // from now on it asks for keys
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c := newCaller(b, s.handler, "/codes/use")
		c.req.Header.Set("Authorization", "Bearer "+secret)
		for pb.Next() {
			c.send(b, []byte(`{"code":"salam","mobile":"09123456789"}`), http.StatusBadRequest)
		}
	})
}
