package storetest

import (
	"context"
	"sync"
	"time"

	"scrip/internal/fault"
	"scrip/internal/ledger"
	"scrip/internal/store"
)

func seals() topic {
	return topic{"seals", []scenario{
		{"nothing makes no seal", nothingSealed},
		{"a chain grows", chainGrows},
		{"a seal is as large as it may be", sealsBounded},
		{"seals are apart", sealsApart},
		{"the clock runs backwards", sealsBackwards},
		{"seals are listed", sealsListed},
		{"a refusal waits for no seal", refusalsUnsealed},
		{"seals survive a crash", sealsSurvive},
		{"many write while it is sealed", sealedBesideWriters},
		{"many seal", manySealers},
		{"seals are carried", sealsCarried},
	}}
}

// seal makes one seal.
func (w *world) seal(most int) (*store.Seal, bool) {
	w.t.Helper()
	made, more, err := w.s.Seal(w.t.Context(), store.Sealing{Max: most})
	w.ok(err)
	return made, more
}

// sealAll seals until nothing waits, and returns the seals.
func (w *world) sealAll(most int) (made []*store.Seal) {
	w.t.Helper()
	for {
		s, more := w.seal(most)
		if s != nil {
			made = append(made, s)
		}
		if !more {
			return made
		}
	}
}

// linked checks that seals follow one another, from the first, and each is what its hash says.
func (w *world) linked(seals []*store.Seal) {
	w.t.Helper()
	var before store.Seal
	for i, s := range seals {
		if s.Number != int64(i+1) || s.Previous != before.Hash || s.Digest() != s.Hash || s.Total != before.Total+s.Count || s.Count < 1 || s.At.Before(before.At) {
			w.t.Fatalf("seal %+v does not follow %+v", s, before)
		}
		if s.Members != nil {
			w.t.Fatal("a seal tells its members")
		}
		before = *s
	}
}

// waits checks what waits to be sealed.
func (w *world) waits(n int64) {
	w.t.Helper()
	b, err := w.s.Unsealed(w.t.Context())
	w.ok(err)
	if b.Waiting != n || b.Since.IsZero() != (n == 0) || b.Backfilling {
		w.t.Fatalf("waiting: %+v, want %d", b, n)
	}
}

func nothingSealed(w *world) {
	w.waits(0)
	made, more := w.seal(10)
	if made != nil || more {
		w.t.Fatalf("sealed %+v, more %t", made, more)
	}
	_, err := w.s.LatestSeal(w.t.Context())
	w.fails(err, fault.ErrSealNotFound)
	_, err = w.s.SealAt(w.t.Context(), 1)
	w.fails(err, fault.ErrSealNotFound)
	w.equal("seals read", w.audit().Seals, int64(0))
}

func chainGrows(w *world) {
	w.shared("salam", 0)
	var chain []*store.Seal
	for round := range 3 {
		w.clock.Advance(time.Second)
		w.win("salam", customer(round))
		w.done(w.do(w.pay(customer(0), 100)))
		w.done(w.do(w.send(customer(0), "pot", 10)))
		w.waits(4)
		chain = append(chain, w.sealAll(100)...)
		w.waits(0)
	}
	w.linked(chain)
	w.equal("seals", len(chain), 3)
	w.equal("transfers sealed", chain[2].Total, int64(12))
	newest, err := w.s.LatestSeal(w.t.Context())
	w.ok(err)
	w.equal("the newest", newest, chain[2])
	second, err := w.s.SealAt(w.t.Context(), 2)
	w.ok(err)
	w.equal("the second", second, chain[1])
	w.equal("seals read", w.audit().Seals, int64(3))
}

func sealsBounded(w *world) {
	for n := range 10 {
		w.clock.Advance(time.Millisecond)
		w.done(w.do(w.pay(customer(n), 5)))
	}
	batch := []store.Command{}
	for n := range 7 {
		batch = append(batch, w.pay(customer(n), 6))
	}
	w.apply(batch...)
	chain := w.sealAll(4)
	w.linked(chain)
	var total int64
	for _, s := range chain {
		if total += s.Count; s.Count > 7 {
			w.t.Errorf("a seal holds %d", s.Count)
		}
	}
	w.equal("transfers sealed", total, int64(17))
	w.equal("the first", chain[0].Count, int64(4))
	w.waits(0)
}

func sealsApart(w *world) {
	apart := store.Sealing{Max: 3, Apart: time.Second}
	try := func() *store.Seal {
		made, _, err := w.s.Seal(w.t.Context(), apart)
		w.ok(err)
		return made
	}
	w.done(w.do(w.pay("ali", 5)))
	if try() == nil {
		w.t.Fatal("the first is not made at once")
	}
	w.done(w.do(w.pay("ali", 5)))
	if s := try(); s != nil {
		w.t.Fatalf("%+v is made too early", s)
	}
	for range 3 {
		w.clock.Advance(time.Millisecond)
		w.done(w.do(w.pay("ali", 5)))
	}
	if s := try(); s == nil || s.Count != 3 {
		w.t.Fatalf("a full seal is not made at once: %+v", s)
	}
	w.waits(1)
	w.clock.Advance(time.Second)
	if s := try(); s == nil || s.Count != 1 {
		w.t.Fatalf("after a second: %+v", s)
	}
}

func sealsBackwards(w *world) {
	var chain []*store.Seal
	for range 3 {
		w.done(w.do(w.pay("ali", 5)))
		chain = append(chain, w.sealAll(10)...)
		w.clock.Advance(-time.Hour)
	}
	w.linked(chain)
	w.equal("seals", len(chain), 3)
}

func sealsListed(w *world) {
	for range 5 {
		w.done(w.do(w.pay("ali", 5)))
		w.seal(1)
	}
	for _, c := range []struct {
		page store.SealPage
		want []int64
		more bool
	}{
		{store.SealPage{Limit: 100}, []int64{5, 4, 3, 2, 1}, false},
		{store.SealPage{Limit: 5}, []int64{5, 4, 3, 2, 1}, false},
		{store.SealPage{Limit: 2}, []int64{5, 4}, true},
		{store.SealPage{Limit: 2, After: 4}, []int64{3, 2}, true},
		{store.SealPage{Limit: 2, After: 3}, []int64{2, 1}, false},
		{store.SealPage{Limit: 2, After: 1}, nil, false},
		{store.SealPage{Limit: 2, Before: 2}, []int64{4, 3}, true},
		{store.SealPage{Limit: 3, Before: 2}, []int64{5, 4, 3}, false},
		{store.SealPage{Limit: 3, Before: 9}, nil, false},
	} {
		seals, more, err := w.s.ListSeals(w.t.Context(), c.page)
		w.ok(err)
		var got []int64
		for _, s := range seals {
			got = append(got, s.Number)
			if s.Digest() != s.Hash {
				w.t.Errorf("seal %d is not what its hash says", s.Number)
			}
		}
		if len(got) != len(c.want) || more != c.more {
			w.t.Fatalf("%+v: got %v, more %t", c.page, got, more)
		}
		for i := range got {
			if got[i] != c.want[i] {
				w.t.Fatalf("%+v: got %v", c.page, got)
			}
		}
	}
}

func refusalsUnsealed(w *world) {
	w.shared("salam", 1)
	w.win("salam", "ali")
	w.lose("salam", "bita", fault.ErrSoldOut)
	w.lose("salam", "ali", fault.ErrAlreadyRedeemed)
	w.refused(w.do(w.spend("ali", 2*credit)), fault.ErrInsufficientFunds)
	w.waits(1)
	w.equal("seals", len(w.sealAll(10)), 1)
}

func sealsSurvive(w *world) {
	if w.d.Crash == nil {
		w.t.Skip(w.d.SkipCrash)
	}
	for n := range 4 {
		w.done(w.do(w.pay(customer(n), 5)))
	}
	first, _ := w.seal(2)
	w.s = w.d.Crash(w.t, w.s)
	w.waits(2)
	chain := append([]*store.Seal{first}, w.sealAll(10)...)
	w.linked(chain)
	w.equal("transfers sealed", chain[len(chain)-1].Total, int64(4))
}

func sealedBesideWriters(w *world) {
	w.shared("salam", 0)
	ctx, cancel := context.WithCancel(w.t.Context())
	var writers, sealer sync.WaitGroup
	for n := range 4 {
		writers.Go(func() {
			for i := range 30 {
				name := customer(100*n + i%7)
				batch := []store.Command{w.pay(name, 5), w.send(name, "pot", 1), w.redeem("salam", name)}
				if _, err := w.s.Apply(w.t.Context(), batch); err != nil {
					w.t.Errorf("apply: %v", err)
				}
			}
		})
	}
	sealer.Go(func() {
		for ctx.Err() == nil {
			if _, _, err := w.s.Seal(context.WithoutCancel(ctx), store.Sealing{Max: 16}); err != nil {
				w.t.Errorf("seal: %v", err)
			}
		}
	})
	writers.Wait()
	cancel()
	sealer.Wait()
	w.sealAll(1000)
	w.waits(0)
	w.allSealed()
}

// allSealed checks that the chain holds every transfer. That each stands there once and as it is, the audit proves.
func (w *world) allSealed() {
	w.t.Helper()
	read := w.audit()
	newest, err := w.s.LatestSeal(w.t.Context())
	w.ok(err)
	w.equal("transfers sealed", newest.Total, read.Transfers)
	w.equal("seals", newest.Number, read.Seals)
}

func manySealers(w *world) {
	for n := range 40 {
		w.done(w.do(w.pay(customer(n), 5)))
	}
	var sealers sync.WaitGroup
	for range 4 {
		sealers.Go(func() {
			for range 20 {
				if _, _, err := w.s.Seal(w.t.Context(), store.Sealing{Max: 3}); err != nil {
					w.t.Errorf("seal: %v", err)
				}
			}
		})
	}
	sealers.Wait()
	w.sealAll(3)
	w.allSealed()
}

// sealsCarried copies a store that is sealed in part, and goes on sealing in the copy.
func sealsCarried(w *world) {
	if w.skipsCopy() {
		return
	}
	w.shared("salam", 0)
	for n := range 9 {
		w.win("salam", customer(n))
	}
	w.seal(5)
	w.done(w.do(&store.Post{ID: w.id(), Kind: ledger.Credit, Customer: customer(0), Currency: euro, AmountMinor: 9}))
	before, err := w.s.LatestSeal(w.t.Context())
	w.ok(err)
	w.move(3)
	after, err := w.s.LatestSeal(w.t.Context())
	w.ok(err)
	w.equal("the newest seal", after, before)
	w.waitsAfterCopy(5)
	w.done(w.do(w.pay("new", 5)))
	w.linked(append([]*store.Seal{after}, w.sealAll(100)...))
	w.allSealed()
	w.move(4)
	w.allSealed()
}

// waitsAfterCopy is waits without the time since when, which is not carried.
func (w *world) waitsAfterCopy(n int64) {
	w.t.Helper()
	b, err := w.s.Unsealed(w.t.Context())
	w.ok(err)
	w.equal("waiting", b.Waiting, n)
}
