package storetest

import (
	"sync"

	"scrip/internal/store"
)

func auditing() topic {
	return topic{"audit", []scenario{
		{"it counts what it reads", auditCounts},
		{"it works beside writers", auditBesideWriters},
		{"a ping is answered", pingAnswered},
	}}
}

func auditCounts(w *world) {
	w.equal("an empty store", w.audit(), store.Audited{})
	c := w.campaign()
	w.create(c, w.voucher(c, "one", 5), w.voucher(c, "two", 5))
	r := w.win("one", "ali")
	w.win("two", "ali")
	w.done(w.do(w.rollback(r)))
	euros := w.pay("ali", 5)
	euros.Currency = euro
	w.done(w.do(euros))
	w.done(w.do(w.send("ali", "bita", 9)))
	w.equal("what it read", w.audit(), store.Audited{Campaigns: 1, Vouchers: 2, Redemptions: 2, Rollbacks: 1, Wallets: 3, Transfers: 6})
}

func auditBesideWriters(w *world) {
	w.shared("salam", 0)
	var writers sync.WaitGroup
	for n := range 2 {
		writers.Go(func() {
			for i := range 40 {
				name := customer(100*n + i)
				batch := []store.Command{w.redeem("salam", name), w.pay(name, 5), w.send(name, "pot", 3)}
				if _, err := w.s.Apply(w.t.Context(), batch); err != nil {
					w.t.Errorf("apply: %v", err)
				}
			}
		})
	}
	for range 10 {
		read := w.audit() // a snapshot: never half a batch
		if read.Transfers != 4*read.Redemptions {
			w.t.Errorf("%d ledger entries of %d batches", read.Transfers, read.Redemptions)
		}
	}
	writers.Wait()
	w.holds("pot", 240)
}

func pingAnswered(w *world) {
	w.ok(w.s.Ping(w.t.Context()))
}
