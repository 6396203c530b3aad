package storetest

import (
	"fmt"
	"slices"
	"time"

	"scrip/internal/fault"
	"scrip/internal/voucher"
)

func facts() topic {
	return topic{"facts", []scenario{
		{"a lookup answers in the order asked", lookupInOrder},
		{"a lookup of many", lookupOfMany},
		{"within a version what remains only falls", remainingFalls},
		{"what can open a voucher raises its version", versionsGrow},
		{"a fact in a refusal is of its own command", factOfItsCommand},
	}}
}

func lookupInOrder(w *world) {
	one, two := w.shared("one", 1), w.shared("two", 1)
	keys := []string{normal("two"), normal("none"), normal("one"), normal("two"), "one", ""}
	ls, now, err := w.s.Lookup(w.t.Context(), keys)
	w.ok(err)
	w.equal("now", now, w.clock.Now())
	if len(ls) != len(keys) {
		w.t.Fatalf("%d listings of %d keys", len(ls), len(keys))
	}
	w.equal("two", ls[0], two)
	w.equal("one", ls[2], one)
	w.equal("two, again", ls[3], two)
	for _, i := range []int{1, 4, 5} { // keys are looked up as they stand: in capitals
		if ls[i].Voucher != nil {
			w.t.Fatalf("there is no %q, but it was found: %+v", keys[i], ls[i].Voucher)
		}
	}
}

func lookupOfMany(w *world) {
	c := w.campaign()
	var vs []voucher.Voucher
	var keys []string
	for i := range 1500 {
		v := w.voucher(c, fmt.Sprintf("code-%d", i), 1)
		if i%3 != 0 {
			vs = append(vs, v)
		}
		keys = append(keys, v.Key)
	}
	w.create(c, vs...)
	ls, _, err := w.s.Lookup(w.t.Context(), keys)
	w.ok(err)
	for i, l := range ls {
		if found := l.Voucher != nil; found != (i%3 != 0) || found && l.Voucher.Key != keys[i] {
			w.t.Fatalf("listing %d is not of %s: %+v", i, keys[i], l.Voucher)
		}
	}
}

func remainingFalls(w *world) {
	l := w.shared("salam", 3)
	start := voucher.FactOf(l.Campaign, l.Voucher, w.clock.Now())
	for i := range 5 {
		o := w.do(w.redeem("salam", customer(i)))
		w.knows(o, "salam")
		w.equal("the version", o.Fact.Version, start.Version)
		w.equal("what remains", o.Fact.Remaining, max(0, int64(2-i)))
	}
}

func versionsGrow(w *world) {
	c := w.campaign()
	c.Budget.Count = 9
	w.create(c, w.voucher(c, "one", 5), w.voucher(c, "two", 5))
	last := map[string]int64{"one": 2, "two": 2}
	grows := func(what string, want ...string) {
		w.t.Helper()
		for _, text := range []string{"one", "two"} {
			l := w.look(text)
			now := voucher.FactOf(l.Campaign, l.Voucher, w.clock.Now()).Version.Sum()
			if grown := now > last[text]; now < last[text] || grown != slices.Contains(want, text) {
				w.t.Fatalf("%s: the version of %s went from %d to %d", what, text, last[text], now)
			}
			last[text] = now
		}
	}
	grows("creation")
	r := w.win("one", "ali")
	w.lose("one", "ali", fault.ErrAlreadyRedeemed)
	grows("a redemption")
	w.done(w.do(w.rollback(r)))
	grows("a rollback in a campaign with a budget", "one", "two")
	w.refused(w.do(w.rollback(r)), fault.ErrAlreadyRolledBack)
	grows("a refused rollback")
	w.amend(w.look("two").Voucher, voucher.Patch{Limit: new(int64(6))})
	grows("a raised limit", "two")
	w.amend(w.look("one").Voucher, voucher.Patch{Disabled: new(true)})
	grows("disabling", "one")
	w.amendCampaign(c, voucher.CampaignPatch{End: new(w.clock.Now().Add(time.Hour))})
	grows("a campaign's change", "one", "two")
	w.amendCampaign(c, voucher.CampaignPatch{Budget: voucher.Budget{}.Patch()})
	grows("a campaign's change", "one", "two")
	r = w.win("two", "ali")
	w.done(w.do(w.rollback(r)))
	grows("a rollback in a campaign without a budget", "two")
	w.create(nil, w.voucher(c, "three", 1))
	grows("a voucher that joins")
	w.clock.Advance(2 * time.Hour)
	grows("the passing of time")
}

func factOfItsCommand(w *world) {
	w.shared("one", 1)
	w.shared("two", 9)
	os := w.apply(w.redeem("one", "ali"), w.redeem("two", "ali"), w.redeem("one", "bita"), w.redeem("two", "bita"), w.redeem("none", "ali"))
	for i, want := range []struct {
		text      string
		remaining int64
		status    voucher.Status
	}{{"one", 0, voucher.SoldOut}, {"two", 8, voucher.Open}, {"one", 0, voucher.SoldOut}, {"two", 7, voucher.Open}, {"none", 0, voucher.Unknown}} {
		w.equal("the fact", []any{os[i].Fact.Key, os[i].Fact.Remaining, os[i].Fact.Status}, []any{normal(want.text), want.remaining, want.status})
	}
}
