package pgstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"scrip/internal/store"
	"scrip/internal/store/pgstore"
)

// All connections go silent at once, and new ones work: the address moved to another host, or a firewall forgot
// them. The batch that finds out is given up within the bound of a round trip, the dead connections are not
// used again, and asked again the batch is applied once.
func TestConnectionsThatGoSilent(t *testing.T) {
	at, p := viaProxy(t)
	cut := openWith(t, pgstore.Config{URL: p.at(at), LockTimeout: 100 * time.Millisecond})
	create(t, cut, "SA1AM", 0)
	for i := range 3 {
		apply(t, cut, redeem("SA1AM", name(2*i))) // the connections are in use
		if _, err := cut.Balances(t.Context(), []store.WalletRef{{Customer: name(2 * i), Currency: "IRR"}}); err != nil {
			t.Fatal(err)
		}
		p.forget()
		batch := []store.Command{redeem("SA1AM", name(2*i+1))}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, err := cut.Apply(ctx, batch)
		cancel()
		if err == nil || !errors.Is(err, store.ErrNotApplied) && !errors.Is(err, store.ErrFateUnknown) || !errors.Is(ctx.Err(), context.Canceled) {
			t.Fatalf("on silent connections: %v", err)
		}
		apply(t, cut, again(batch)...)
		if got, err := cut.Balances(t.Context(), []store.WalletRef{{Customer: name(2*i + 1), Currency: "IRR"}}); err != nil || got[0] == 0 {
			t.Fatalf("the balance afterwards: %d, %v", got, err)
		}
		t.Logf("silent for %v", time.Since(began).Round(time.Millisecond))
	}
	audited(t, cut)
	p.cut() // or the store's end would wait for the silent ones
}
