package storetest

import (
	"testing"
	"time"

	"scrip/internal/store"
)

// Before are how many customers RunBackfill wants to have been there before there were seals, "old-0" and up, and how many
// credits of 1 IRR each of them got.
const (
	BeforeCustomers = 5
	BeforeCredits   = 6
)

// RunBackfill tests that what was written before there were seals is sealed first, in bounded seals, while new transfers
// are written, and each once. open opens such a database, migrated, on the clock.
func RunBackfill(t *testing.T, open func(t testing.TB, clock func() time.Time) store.Store) {
	t.Helper()
	c := newClock()
	w := &world{t: t, clock: c, s: open(t, c.Now)}
	w.audit() // what waits because it is old is not missed
	b, err := w.s.Unsealed(t.Context())
	w.ok(err)
	w.equal("what waits", b, store.Backlog{Backfilling: true})

	var chain []*store.Seal
	wrote := int64(0)
	for sealed, total := int64(0), int64(BeforeCustomers*BeforeCredits); sealed < total; {
		w.done(w.do(w.pay("old-2", 1))) // behind the place in some rounds, before it in others
		w.done(w.do(w.pay(customer(int(wrote)), 1)))
		wrote += 2
		made, more := w.seal(7)
		if made == nil || !more || made.Count > 7 || made.Total != sealed+made.Count || made.Total > total {
			t.Fatalf("the seal %+v, more %t, after %d transfers of before", made, more, sealed)
		}
		sealed = made.Total
		chain = append(chain, made)
		w.audit()
	}
	chain = append(chain, w.sealAll(7)...)
	w.linked(chain)
	w.waits(0)
	w.allSealed()
	w.equal("transfers sealed", chain[len(chain)-1].Total, int64(BeforeCustomers*BeforeCredits)+wrote)
}
