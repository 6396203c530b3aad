package storetest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scrip/internal/access"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/store/memstore"
	"scrip/internal/voucher"
)

func model() topic {
	return topic{"model", []scenario{
		{"random batches equal their commands in series", modelCheck},
		{"crowds equal their commands in series", crowdCheck},
	}}
}

// modelCheck plays random histories in a small world (few customers, few codes, small limits, keys used
// again) on the driver, in batches, and on the reference model, one command at a time. Both hear the same
// clock, so that every outcome and all that can be read afterwards must be equal, times included.
func modelCheck(w *world) {
	rapid.Check(w.t, func(rt *rapid.T) {
		b := newTwins(w, rt)
		b.seed()
		rt.Repeat(map[string]func(*rapid.T){
			"apply":          func(*rapid.T) { b.applyBatch() },
			"apply more":     func(*rapid.T) { b.applyBatch() }, // twice as often as the rest
			"a crowd":        func(*rapid.T) { b.applyCrowd(append(codes(), "A", "A", "A")...) },
			"ask again":      func(*rapid.T) { b.askAgain() },
			"move the clock": func(*rapid.T) { b.moveClock() },
			"amend voucher":  func(*rapid.T) { b.amendVoucher() },
			"amend campaign": func(*rapid.T) { b.amendCampaign() },
			"create":         func(*rapid.T) { b.createMore() },
			"change keys":    func(*rapid.T) { b.changeKeys() },
			"crash":          func(*rapid.T) { b.maybeCrash() },
			"move":           func(*rapid.T) { b.maybeMove() },
		})
		b.compare()
		b.audit()
	})
}

// crowdCheck is modelCheck for what crowds do: hardly anything but redemptions of one code by different customers, who come
// again, and whose code is amended, runs out and ends beneath them.
func crowdCheck(w *world) {
	rapid.Check(w.t, func(rt *rapid.T) {
		b := newTwins(w, rt)
		b.seedCrowds()
		crowd := func(*rapid.T) { b.applyCrowd("A", "A", "B") }
		rt.Repeat(map[string]func(*rapid.T){
			"crowd 1": crowd, "crowd 2": crowd, "crowd 3": crowd, "crowd 4": crowd, "crowd 5": crowd, "crowd 6": crowd, "crowd 7": crowd, "crowd 8": crowd,
			"apply":          func(*rapid.T) { b.applyBatch() },
			"ask again":      func(*rapid.T) { b.askAgain() },
			"move the clock": func(*rapid.T) { b.moveClock() },
			"amend voucher":  func(*rapid.T) { b.amendVoucher() },
			"amend campaign": func(*rapid.T) { b.amendCampaign() },
			"crash":          func(*rapid.T) { b.maybeCrash() },
		})
		b.compare()
		b.audit()
	})
}

// newTwins are a fresh store of the driver's and a model, without anything in them.
func newTwins(w *world, rt *rapid.T) *twins {
	t := &checkTB{TB: w.t, rt: rt}
	clock := newClock()
	return &twins{
		world: &world{t: t, d: w.d, s: w.d.Open(t, clock.Now), clock: clock},
		model: memstore.New(memstore.Options{Clock: clock.Now}),
		rt:    rt,
	}
}

// checkTB is one check as a testing.TB: it fails and cleans up with the check, not with the whole test.
type checkTB struct {
	testing.TB
	rt *rapid.T
}

func (t *checkTB) Cleanup(f func())                  { t.rt.Cleanup(f) }
func (t *checkTB) Context() context.Context          { return t.rt.Context() }
func (t *checkTB) Error(args ...any)                 { t.rt.Helper(); t.rt.Error(args...) }
func (t *checkTB) Errorf(format string, args ...any) { t.rt.Helper(); t.rt.Errorf(format, args...) }
func (t *checkTB) Fail()                             { t.rt.Fail() }
func (t *checkTB) FailNow()                          { t.rt.FailNow() }
func (t *checkTB) Failed() bool                      { return t.rt.Failed() }
func (t *checkTB) Fatal(args ...any)                 { t.rt.Helper(); t.rt.Fatal(args...) }
func (t *checkTB) Fatalf(format string, args ...any) { t.rt.Helper(); t.rt.Fatalf(format, args...) }
func (t *checkTB) Log(args ...any)                   { t.rt.Log(args...) }
func (t *checkTB) Logf(format string, args ...any)   { t.rt.Logf(format, args...) }

// twins are the driver and the model on one clock, and what has been asked of both.
type twins struct {
	*world
	model store.Store
	rt    *rapid.T

	ids       uint64
	campaigns []id.ID
	vouchers  []id.ID
	keys      []id.ID         // API keys
	recent    []id.ID         // of the redemptions asked since the last batch, whatever became of them
	won       []id.ID         // of the redemptions that took effect
	asked     []store.Command // all of them, in order
}

// both applies a batch to the driver, its commands one by one to the model, and compares.
func (b *twins) both(batch []store.Command) {
	b.t.Helper()
	b.recent = nil
	got := b.apply(batch...)
	for i, command := range batch {
		want, err := b.model.Apply(b.t.Context(), []store.Command{command})
		b.ok(err)
		b.equal(fmt.Sprintf("command %d of %d, %s", i+1, len(batch), describe(command)), got[i], want[0])
		if r := want[0].Redemption; r != nil && !slices.Contains(b.won, r.ID) {
			b.won = append(b.won, r.ID)
		}
	}
}

func (b *twins) applyBatch() {
	batch := make([]store.Command, rapid.IntRange(1, 12).Draw(b.rt, "size"))
	for i := range batch {
		batch[i] = b.command()
	}
	b.asked = append(b.asked, batch...)
	b.both(batch)
}

// applyCrowd applies what a crowd asks for: one code, for different customers, most of them without a key.
func (b *twins) applyCrowd(of ...string) {
	names := rapid.Permutation(append(customers(), "dara", "elham", "farid")).Draw(b.rt, "crowd")
	code := draw(b, "code", of...)
	keys := draw(b, "keys", []string{""}, []string{""}, []string{"", "k", "l"})
	batch := make([]store.Command, rapid.IntRange(1, len(names)).Draw(b.rt, "size"))
	for i := range batch {
		r := &store.Redeem{ID: b.newID(), Code: code, Customer: names[i], Key: draw(b, "key", keys...), Fingerprint: fingerprint(draw[byte](b, "fingerprint", 1, 1, 2))}
		b.recent = append(b.recent, r.ID)
		batch[i] = r
	}
	b.asked = append(b.asked, batch...)
	b.both(batch)
}

// askAgain asks again for a stretch of what was asked before.
func (b *twins) askAgain() {
	if len(b.asked) == 0 {
		return
	}
	start := rapid.IntRange(max(0, len(b.asked)-20), len(b.asked)-1).Draw(b.rt, "from")
	end := rapid.IntRange(start+1, min(len(b.asked), start+12)).Draw(b.rt, "to")
	b.both(asAgain(b.asked[start:end]))
}

// maybeCrash crashes the driver, where it can crash.
func (b *twins) maybeCrash() {
	if b.d.Crash == nil || rapid.IntRange(0, 3).Draw(b.rt, "crash") > 0 {
		return
	}
	_, heard, err := b.model.Lookup(b.t.Context(), []string{"NONE"})
	b.ok(err)
	if b.clock.Now().Before(heard) {
		return // a store that is opened again need not remember how late it was
	}
	b.crash()
	b.hear()
}

// hear makes both tell the time, so that both have heard the same.
func (b *twins) hear() {
	b.t.Helper()
	_, got, err := b.s.Lookup(b.t.Context(), []string{"NONE"})
	b.ok(err)
	_, want, err := b.model.Lookup(b.t.Context(), []string{"NONE"})
	b.ok(err)
	b.equal("the time", got, want)
}

// compare compares all that can be read.
func (b *twins) compare() {
	b.t.Helper()
	got, want := b.state(b.s), b.state(b.model)
	b.equal("the state", got, want)
}

// state is all that a store can be asked.
type state struct {
	Lookup       []store.Listing
	Campaigns    []voucher.Campaign
	Vouchers     []store.Listing
	Redemptions  []voucher.Redemption
	Holdings     []holding
	Winners      [][]string
	Facts        []voucher.Fact
	Wallets      [][]ledger.Balance
	Balances     []int64
	Transactions [][]ledger.Transfer
	Keys         []access.Key
	Ring         []access.Key
	Trail        []store.Event
}

// holding is what a customer holds of a voucher.
type holding struct {
	Claims voucher.Claims
	First  *voucher.Redemption
}

func (b *twins) state(s store.Store) state {
	b.t.Helper()
	ctx := b.t.Context()
	var read state
	var err error
	read.Lookup, _, err = s.Lookup(ctx, codes())
	b.ok(err)
	read.Campaigns = all(b, func(p store.Page) ([]voucher.Campaign, bool, error) { return untimed(s.ListCampaigns(ctx, p)) },
		func(c voucher.Campaign) id.ID { return c.ID })
	read.Vouchers = all(b, func(p store.Page) ([]store.Listing, bool, error) {
		return untimed(s.ListVouchers(ctx, store.VoucherFilter{}, p))
	}, func(l store.Listing) id.ID { return l.Voucher.ID })
	read.Redemptions = all(b, func(p store.Page) ([]voucher.Redemption, bool, error) {
		return s.ListRedemptions(ctx, store.RedemptionFilter{}, p)
	}, func(r voucher.Redemption) id.ID { return r.ID })
	for _, l := range read.Vouchers {
		var names []string
		fact, err := s.Winners(ctx, l.Voucher.ID, func(name string) bool { names = append(names, name); return true })
		b.ok(err)
		read.Facts = append(read.Facts, fact)
		slices.Sort(names)
		read.Winners = append(read.Winners, names)
		for _, name := range customers() {
			claims, first, err := s.Claims(ctx, name, l.Voucher)
			b.ok(err)
			read.Holdings = append(read.Holdings, holding{claims, first})
		}
	}
	for _, name := range customers() {
		balances, err := s.Wallet(ctx, name)
		b.ok(err)
		read.Wallets = append(read.Wallets, balances)
		for _, c := range currencies() {
			ref := store.WalletRef{Customer: name, Currency: c}
			minor, err := s.Balances(ctx, []store.WalletRef{ref})
			b.ok(err)
			read.Balances = append(read.Balances, minor...)
			read.Transactions = append(read.Transactions, all(b, func(p store.Page) ([]ledger.Transfer, bool, error) {
				return s.Transactions(ctx, ref, p)
			}, func(t ledger.Transfer) id.ID { return t.ID }))
		}
	}
	read.Keys = all(b, func(p store.Page) ([]access.Key, bool, error) { return s.ListKeys(ctx, p) }, func(k access.Key) id.ID { return k.ID })
	read.Ring, _, _, _, err = s.Ring(ctx, 0)
	b.ok(err)
	slices.SortFunc(read.Ring, func(k, l access.Key) int { return bytes.Compare(k.ID[:], l.ID[:]) })
	read.Trail = all(b, func(p store.Page) ([]store.Event, bool, error) {
		return s.ListEvents(ctx, store.EventFilter{}, p)
	}, func(e store.Event) id.ID { return e.ID })
	for i := range read.Trail {
		read.Trail[i].ID = id.ID{} // each store makes its own
	}
	slices.SortFunc(read.Trail, func(e, f store.Event) int {
		return cmp.Or(e.At.Compare(f.At), cmp.Compare(e.Object, f.Object), cmp.Compare(e.Action, f.Action), cmp.Compare(e.Before, f.Before), cmp.Compare(e.After, f.After), cmp.Compare(e.By.Name, f.By.Name))
	})
	return read
}

// untimed is a page without the moment for which it holds.
func untimed[T any](page []T, more bool, _ time.Time, err error) ([]T, bool, error) {
	return page, more, err
}

// all reads a whole list, page by page.
func all[T any](b *twins, read func(store.Page) ([]T, bool, error), idOf func(T) id.ID) []T {
	b.t.Helper()
	var list []T
	for p := (store.Page{Limit: store.PageLimitMax}); ; p.After = idOf(list[len(list)-1]) {
		page, more, err := read(p)
		b.ok(err)
		list = append(list, page...)
		if !more {
			return list
		}
	}
}

func describe(command store.Command) string {
	return string(bytes.TrimPrefix(fmt.Appendf(nil, "%T%+v", command, command), []byte("*store.")))
}
