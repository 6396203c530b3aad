package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"pgregory.net/rapid"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/store/copying"
	"scrip/internal/store/memstore"
	"scrip/internal/voucher"
)

func copies() topic {
	return topic{"copying", []scenario{
		{"everything is carried over", everythingCarried},
		{"what is at the edge is carried over", edgesCarried},
		{"an export goes on behind any record", exportGoesOn},
		{"an import goes on where it was", importGoesOn},
		{"a record is added once", recordOnce},
		{"a store that is in use is refused", inUseRefused},
		{"another source's copy is refused", otherSourceRefused},
		{"a finished copy is known again", finishedKnown},
		{"what differs is told", differenceTold},
		{"two imports at once are refused", twoImports},
	}}
}

// skipsCopy reports whether the driver is no source and no target.
func (w *world) skipsCopy() bool {
	if w.d.SkipCopy != "" {
		w.t.Log("skipped:", w.d.SkipCopy)
	}
	return w.d.SkipCopy != ""
}

func sourceOf(w *world, s store.Store) copying.Source {
	w.t.Helper()
	source, ok := s.(copying.Source)
	if !ok {
		w.t.Fatalf("%T is no source of a copy", s)
	}
	return source
}

func targetOf(w *world, s store.Store) copying.Target {
	w.t.Helper()
	target, ok := s.(copying.Target)
	if !ok {
		w.t.Fatalf("%T is no target of a copy", s)
	}
	return target
}

// carry copies one store into another, exactly.
func (w *world) carry(from, to store.Store, batch int) *copying.Report {
	w.t.Helper()
	report, err := copying.Run(w.t.Context(), sourceOf(w, from), targetOf(w, to), copying.Config{BatchMax: batch})
	w.ok(err)
	if !report.Exact() {
		w.t.Fatalf("the copy is not exact: %+v", report)
	}
	return report
}

// records are all that a store tells behind a place.
func (w *world) records(s store.Store, after store.Place) []store.Record {
	w.t.Helper()
	var all []store.Record
	w.ok(sourceOf(w, s).Export(w.t.Context(), after, func(r store.Record) error {
		all = append(all, r)
		return nil
	}))
	return all
}

// sameRecords checks that two stores tell the same.
func (w *world) sameRecords(got, want store.Store) {
	w.t.Helper()
	w.equal("the records", w.records(got, store.Place{}), w.records(want, store.Place{}))
}

// fresh is an empty store of the driver, on the same clock.
func (w *world) fresh() store.Store {
	w.t.Helper()
	return w.d.Open(w.t, w.clock.Now)
}

// move goes on in a fresh store of the driver into which everything was carried, by way of the model.
func (w *world) move(batch int) (model store.Store) {
	w.t.Helper()
	model, next := memstore.New(memstore.Options{Clock: w.clock.Now}), w.fresh()
	w.carry(w.s, model, batch)
	w.carry(model, next, batch)
	w.sameRecords(next, w.s)
	w.s = next
	return model
}

// maybeMove moves the driver and the model to fresh stores, between which nobody can tell the difference.
func (b *twins) maybeMove() {
	if b.d.SkipCopy != "" || rapid.IntRange(0, 5).Draw(b.rt, "move") > 0 {
		return
	}
	_, heard, err := b.model.Lookup(b.t.Context(), []string{"NONE"})
	b.ok(err)
	if b.clock.Now().Before(heard) {
		return // a fresh store need not know how late another one was
	}
	b.model = b.move(rapid.IntRange(1, 40).Draw(b.rt, "batch"))
	b.hear()
}

// lived is a history in which everything happened once: it returns what was asked.
func (w *world) lived() []store.Command {
	w.t.Helper()
	c := w.campaign()
	_, _, err := w.s.Create(w.t.Context(), store.Creation{
		Campaign: c, Vouchers: []voucher.Voucher{w.voucher(c, "salam", 5)}, Key: "made", Fingerprint: fingerprint(7),
	})
	w.ok(err)
	w.shared("twice", 0, func(_ *voucher.Campaign, v *voucher.Voucher) { v.PerCustomer = 3 })
	w.shared("off", 9, func(c *voucher.Campaign, _ *voucher.Voucher) {
		c.Effect, c.Budget = voucher.Effect{Kind: voucher.Discount, PercentBP: 1000}, voucher.Budget{AmountMinor: 500, Count: 5, PerCustomer: 2}
		c.Window = voucher.Window{Start: w.clock.Now().Add(-time.Microsecond), End: w.clock.Now().Add(time.Hour)}
	})
	discount := w.redeem("off", "dara")
	discount.Order = &voucher.Order{ID: "سفارش ۱", AmountMinor: 999, Currency: rial}
	undone := w.keyed("salam", "zal", "k", 1)
	back := &store.Rollback{ID: w.id(), Redemption: undone.ID, Reason: "اشتباه", Key: "back", Fingerprint: fingerprint(2)}
	first, second, third := w.redeem("twice", "ali"), w.redeem("twice", "ali"), w.redeem("twice", "bita")
	given := &store.Rollback{ID: w.id(), Redemption: first.ID}
	paid := w.pay("ali", 70)
	paid.Key, paid.Fingerprint = "k", fingerprint(3)
	asked := []store.Command{
		undone, w.keyed("salam", "ali", "won", 1), discount, first, second, third, back, given,
		paid, w.spend("ali", 20), w.send("ali", "cyrus", 50), w.send("ali", "bita", 50),
	}
	key := w.createKey(w.newKey("desk"))
	_, _, err = w.s.RotateKey(w.t.Context(), key.ID, w.newKey("next"), store.Rotation{Overlap: time.Hour}, w.by())
	w.ok(err)
	w.ok(w.s.TouchKeys(w.t.Context(), map[id.ID]time.Time{key.ID: w.clock.Now()}))
	for i, command := range asked {
		w.clock.Advance(time.Microsecond)
		w.done(w.do(command))
		if i < len(asked)/2 {
			w.seal(2) // the rest waits
		}
	}
	return asked
}

func everythingCarried(w *world) {
	if w.skipsCopy() {
		return
	}
	asked := w.lived()
	before := w.apply(asAgain(asked)...)
	ring, trail := w.secrets(), w.events(store.EventFilter{})
	w.move(4)
	w.equal("the secrets that open something", w.secrets(), ring)
	w.equal("the trail", w.events(store.EventFilter{}), trail)
	_, err := w.s.CreateKey(w.t.Context(), w.newKey("first"), true, w.by())
	w.is(err, store.ErrNotFirst)
	w.equal("what is asked again", w.apply(asAgain(asked)...), before)
	made, replayed, err := w.s.Create(w.t.Context(), store.Creation{Key: "made", Fingerprint: fingerprint(7)})
	w.ok(err)
	w.equal("replayed", replayed, true)
	w.equal("the code made", made.Vouchers[0].Code, "salam")
	w.equal("the next rank", w.win("salam", "zal").Rank, int64(3))
	w.equal("the first use that stands", w.lose("salam", "ali", fault.ErrAlreadyRedeemed).Redemption.Key, "won")
	w.equal("the next number", w.win("twice", "ali").Seq, int64(9))
	w.equal("the rank behind two", w.win("twice", "ali").Rank, int64(5))
	w.lose("twice", "ali", fault.ErrAlreadyRedeemed)
	w.refused(w.do(w.keyed("twice", "ali", "won", 2)), fault.ErrKeyReused)
}

// secrets are the usable keys, by the hashes of their secrets.
func (w *world) secrets() map[[32]byte]access.Key {
	w.t.Helper()
	keys, _, _, _, err := w.s.Ring(w.t.Context(), 0)
	w.ok(err)
	of := map[[32]byte]access.Key{}
	for _, k := range keys {
		of[k.Hash] = k
	}
	return of
}

func edgesCarried(w *world) {
	if w.skipsCopy() {
		return
	}
	names := []string{
		"علی\u200cرضا", "😀", "a\u0301", "á", "\u202eevil", "\U0010ffff", "\ufffd", "'; --", `"\`, strings.Repeat("ی", 128), "a", "A", "a b", "\u00a0", "%s",
	}
	for i, name := range names {
		text := fmt.Sprintf("edge %02d", i)
		w.shared(text, math.MaxInt64, func(c *voucher.Campaign, v *voucher.Voucher) {
			c.Name, v.Customer = name, name
			c.Effect.AmountMinor = math.MaxInt64
			c.Window = voucher.Window{
				Start: time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), End: time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
			}
			c.Budget = voucher.Budget{AmountMinor: math.MaxInt64, Count: math.MaxInt64, PerCustomer: math.MaxInt64}
		})
		k := w.newKey(fmt.Sprintf("key %02d", i))
		k.Name, k.RatePerSecond, k.Burst, k.Tail = name, math.MaxInt64, math.MaxInt64, "••••"
		k.Kind, k.Scopes = math.MaxUint8, math.MaxUint16
		k.ExpiresAt = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
		w.createKey(k)
		w.win(text, name)
		paid := w.pay(name, math.MaxInt64)
		paid.Currency, paid.Key, paid.Fingerprint = euro, name, fingerprint(byte(i))
		w.done(w.do(paid)) // so many of them exceed 64 bits, outside
		w.clock.Advance(time.Microsecond)
	}
	w.move(7)
	external := ledger.Sum{}
	for range names {
		external = external.Add(-math.MaxInt64)
	}
	found := false
	for _, r := range w.records(w.s, store.Place{}) {
		if a, ok := r.(*store.AccountRecord); ok {
			w.equal("the world outside", a, &store.AccountRecord{Kind: ledger.External, Currency: euro, Balance: external})
			found = true
		}
	}
	w.equal("an account", found, true)
}

func exportGoesOn(w *world) {
	if w.skipsCopy() {
		return
	}
	w.lived()
	all := w.records(w.s, store.Place{})
	kinds := map[store.RecordKind]bool{}
	for i, r := range all {
		kinds[r.Place().Kind] = true
		w.equal("what is behind "+r.String(), w.records(w.s, r.Place()), all[i+1:])
		if i > 0 && all[i-1].Place().Compare(r.Place()) >= 0 {
			w.t.Fatalf("%s comes behind %s", r, all[i-1])
		}
	}
	w.equal("kinds of record", len(kinds), store.RecordKinds-1)
	enough := errors.New("enough")
	err := sourceOf(w, w.s).Export(w.t.Context(), store.Place{}, func(store.Record) error { return enough })
	w.equal("an export that is ended", errors.Is(err, enough), true)
	ended, end := context.WithCancel(w.t.Context())
	end()
	if sourceOf(w, w.s).Export(ended, store.Place{}, func(store.Record) error { return nil }) == nil {
		w.t.Fatal("an export goes on although nobody waits for it")
	}
}
