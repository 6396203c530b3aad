package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

func trail() topic {
	return topic{"trail", []scenario{
		{"a creation is told", creationTold},
		{"of many vouchers the rest is counted", manyVouchersTold},
		{"an amendment is told, before and after", amendmentTold},
		{"a key is told, without its secret", keyTold},
		{"what was refused is not told", refusalNotTold},
		{"what is replayed is not told again", replayNotTold},
		{"what customers do is not told", customersNotTold},
		{"who did it is told, whatever the name", actorTold},
		{"lists of events, both ways", listEvents},
		{"racing amendments follow one another", raceOfAmendments},
		{"the oldest are pruned, a few at a time", eventsPruned},
		{"events are remembered", eventsAfterCrash},
	}}
}

// events are all events of a filter, oldest first.
func (w *world) events(f store.EventFilter) []store.Event {
	w.t.Helper()
	var all []store.Event
	for p := (store.Page{Limit: store.PageLimitMax}); ; p.After = all[len(all)-1].ID {
		es, more, err := w.s.ListEvents(w.t.Context(), f, p)
		w.ok(err)
		all = append(all, es...)
		if !more {
			slices.Reverse(all)
			return all
		}
	}
}

// actions are what was done, newest first.
func (w *world) actions(f store.EventFilter) []string {
	w.t.Helper()
	var of []string
	for _, e := range w.events(f) {
		of = append(of, e.Action)
	}
	slices.Reverse(of)
	return of
}

// told checks the events of a filter, but for their ids, which carry their time.
func (w *world) told(f store.EventFilter, want ...store.Event) {
	w.t.Helper()
	got := w.events(f)
	for i := range got {
		if milli := got[i].At.UnixMilli(); got[i].ID.Time().UnixMilli() != milli {
			w.t.Fatalf("event %d has an id of %v and happened at %v", i, got[i].ID.Time(), got[i].At)
		}
		got[i].ID = id.ID{}
	}
	w.equal("the events", got, want)
}

// chained checks that there are so many events of one object, and that each begins where another one ended: their
// order within a microsecond is not told.
func (w *world) chained(f store.EventFilter, want int) {
	w.t.Helper()
	events := w.events(f)
	w.equal("events", len(events), want)
	ends := map[string]int{}
	for _, e := range events {
		ends[e.After]++
		ends[e.Before]--
	}
	open := 0
	for _, n := range ends {
		if n != 0 {
			open++
		}
	}
	w.equal("loose ends, the beginning and the end", open, 2)
}

// lines joins the parts of a text that has no line breaks.
func lines(parts ...string) string { return strings.Join(parts, "") }

func creationTold(w *world) {
	c := w.campaign()
	c.Name, c.Disabled = `Yalda <& "شب">`, true
	c.Window = voucher.Window{Start: w.clock.Now(), End: w.clock.Now().Add(time.Hour).Truncate(time.Second)}
	c.Budget = voucher.Budget{AmountMinor: 5000, PerCustomer: 2}
	v := w.voucher(c, "SALAM-2026", 9)
	v.Customer = "ali"
	by := w.by()
	made, _, err := w.s.Create(w.t.Context(), store.Creation{Campaign: c, Vouchers: []voucher.Voucher{v}, By: by})
	w.ok(err)
	w.equal("what was made tells nobody", made.By, access.By{})
	const now, hour = `"2026-03-20T14:46:00.123456Z"`, `"2026-03-20T15:46:00Z"`
	ofC := c.ID.Format(id.Campaign)
	w.told(store.EventFilter{}, store.Event{
		At: w.clock.Now(), By: by, Action: store.CampaignCreated, Object: ofC,
		After: lines(`{"id":"`, ofC, `","object":"campaign","name":"Yalda <& \"شب\">","currency":"IRR",`,
			`"effect":{"kind":"credit","amount":1000,"currency":"IRR"},"starts_at":`, now, `,"ends_at":`, hour,
			`,"budget":{"amount":5000,"count":null,"per_customer":2},"disabled":true,"redeemed":0,"given":0,`,
			`"created_at":`, now, `,"updated_at":`, now, `}`),
	}, store.Event{
		At: w.clock.Now(), By: by, Action: store.VoucherCreated, Object: v.ID.Format(id.Voucher),
		After: lines(`{"id":"`, v.ID.Format(id.Voucher), `","object":"voucher","campaign":"`, ofC, `","code":"••••••2026","limit":9,`,
			`"per_customer":1,"customer":"ali","disabled":false,"redeemed":0,"created_at":`, now, `,"updated_at":`, now, `}`),
	})

	w.clock.Advance(time.Second)
	w.create(nil, w.voucher(c, "another", 0))
	w.equal("a voucher alone", w.actions(store.EventFilter{}), []string{store.VoucherCreated, store.VoucherCreated, store.CampaignCreated})
	w.clock.Advance(time.Second)
	w.create(w.campaign())
	w.equal("a campaign alone", w.actions(store.EventFilter{})[:2], []string{store.CampaignCreated, store.VoucherCreated})
}

func manyVouchersTold(w *world) {
	c := w.campaign()
	var vs []voucher.Voucher
	for i := range 103 {
		vs = append(vs, w.voucher(c, fmt.Sprintf("one of many %03d", i), 1))
	}
	w.create(c, vs...)
	of := c.ID.Format(id.Campaign)
	events := w.events(store.EventFilter{})
	w.equal("events", len(events), 102)
	for i, v := range vs[:100] {
		w.equal("a voucher's event", events[i+1].Object, v.ID.Format(id.Voucher))
	}
	rest := events[101]
	w.equal("the rest", []string{rest.Action, rest.Object, rest.Before, rest.After},
		[]string{store.VoucherCreated, of, "", `{"object":"campaign","id":"` + of + `","more_vouchers":3}`})
	w.equal("the campaign's", w.actions(store.EventFilter{Object: of}), []string{store.VoucherCreated, store.CampaignCreated})

	more := w.campaign()
	vs = vs[:0]
	for i := range 100 {
		vs = append(vs, w.voucher(more, fmt.Sprintf("no more than these %03d", i), 1))
	}
	w.create(more, vs...)
	w.equal("no rest", w.actions(store.EventFilter{Object: more.ID.Format(id.Campaign)}), []string{store.CampaignCreated})
}

func amendmentTold(w *world) {
	l := w.shared("salam", 5)
	w.win("salam", "ali")
	w.clock.Advance(time.Second)
	_, err := w.s.AmendCampaign(w.t.Context(), l.Campaign.ID, voucher.CampaignPatch{
		Name: new("Yalda"), End: new(w.clock.Now()), Budget: voucher.BudgetPatch{Count: new(int64(3))},
	}, w.by())
	w.ok(err)
	ofC, ofV := l.Campaign.ID.Format(id.Campaign), l.Voucher.ID.Format(id.Voucher)
	const then, now = `"2026-03-20T14:46:00.123456Z"`, `"2026-03-20T14:46:01.123456Z"`
	campaign := func(name, end, count, updated string) string {
		return lines(`{"id":"`, ofC, `","object":"campaign","name":"`, name, `","currency":"IRR",`,
			`"effect":{"kind":"credit","amount":1000,"currency":"IRR"},"starts_at":null,"ends_at":`, end,
			`,"budget":{"amount":null,"count":`, count, `,"per_customer":null},"disabled":false,"redeemed":1,"given":1000,`,
			`"created_at":`, then, `,"updated_at":`, updated, `}`)
	}
	w.told(store.EventFilter{Action: store.CampaignAmended}, store.Event{
		At: w.clock.Now(), By: w.by(), Action: store.CampaignAmended, Object: ofC,
		Before: campaign("Nowruz", "null", "null", then), After: campaign("Yalda", now, "3", now),
	})

	_, err = w.s.AmendVoucher(w.t.Context(), l.Voucher.ID, voucher.Patch{Limit: new(int64(0)), Customer: new("bita"), Disabled: new(true)}, w.by())
	w.ok(err)
	text := func(limit, name, disabled, updated string) string {
		return lines(`{"id":"`, ofV, `","object":"voucher","campaign":"`, ofC, `","code":"•••••","limit":`, limit, `,"per_customer":1,`,
			`"customer":`, name, `,"disabled":`, disabled, `,"redeemed":1,"created_at":`, then, `,"updated_at":`, updated, `}`)
	}
	w.told(store.EventFilter{Action: store.VoucherAmended}, store.Event{
		At: w.clock.Now(), By: w.by(), Action: store.VoucherAmended, Object: ofV,
		Before: text("5", "null", "false", then), After: text("null", `"bita"`, "true", now),
	})
}

func keyTold(w *world) {
	ctx := w.t.Context()
	k := w.newKey("desk")
	_, err := w.s.CreateKey(ctx, k, true, w.by())
	w.ok(err)
	const then, now, end = `"2026-03-20T14:46:00.123456Z"`, `"2026-03-20T14:46:01.123456Z"`, `"2026-03-20T14:46:31.123456Z"`
	of := k.ID.Format(id.Key)
	text := func(of, name, rate, replaces, created, expires, revoked string) string {
		return lines(`{"id":"`, of, `","object":"key","name":"`, name, `","kind":"secret","scopes":["redeem","read"],"tail":"7zqd",`,
			`"rate_per_second":`, rate, `,"burst":null,"replaces":`, replaces, `,"created_at":`, created,
			`,"expires_at":`, expires, `,"revoked_at":`, revoked, `}`)
	}
	made := text(of, "desk", "null", "null", then, "null", "null")
	happened := []store.Event{{At: w.clock.Now(), By: w.by(), Action: store.KeyCreated, Object: of, After: made}}
	w.told(store.EventFilter{}, happened...)

	w.clock.Advance(time.Second)
	next := w.newKey("next")
	_, _, err = w.s.RotateKey(ctx, k.ID, next, store.Rotation{Overlap: 30 * time.Second}, w.by())
	w.ok(err)
	ofNext := next.ID.Format(id.Key)
	ending := text(of, "desk", "null", "null", then, end, "null")
	following := text(ofNext, "next", "null", `"`+of+`"`, now, "null", "null")
	happened = append(happened,
		store.Event{At: w.clock.Now(), By: w.by(), Action: store.KeyRotated, Object: of, Before: made, After: ending},
		store.Event{At: w.clock.Now(), By: w.by(), Action: store.KeyRotated, Object: ofNext, After: following})
	w.told(store.EventFilter{}, happened...)

	w.clock.Advance(time.Microsecond)
	w.amendKey(next.ID, access.KeyPatch{RatePerSecond: new(int64(7))})
	faster := text(ofNext, "next", "7", `"`+of+`"`, now, "null", "null")
	happened = append(happened, store.Event{At: w.clock.Now(), By: w.by(), Action: store.KeyAmended, Object: ofNext, Before: following, After: faster})
	w.clock.Advance(time.Second)
	w.amendKey(k.ID, access.KeyPatch{Revoke: true})
	happened = append(happened, store.Event{
		At: w.clock.Now(), By: w.by(), Action: store.KeyRevoked, Object: of, Before: ending,
		After: text(of, "desk", "null", "null", then, end, `"2026-03-20T14:46:02.123457Z"`),
	})
	w.told(store.EventFilter{}, happened...)
}

func refusalNotTold(w *world) {
	ctx := w.t.Context()
	l := w.shared("salam", 5)
	w.win("salam", "ali")
	before := w.events(store.EventFilter{})
	c := w.campaign()
	_, _, err := w.s.Create(ctx, store.Creation{Campaign: c, Vouchers: []voucher.Voucher{w.voucher(c, "one", 1), w.voucher(c, "salam", 1)}})
	w.fails(err, fault.ErrCodeTaken)
	_, _, err = w.s.Create(ctx, store.Creation{Vouchers: []voucher.Voucher{w.voucher(w.campaign(), "two", 1)}})
	w.fails(err, fault.ErrCampaignNotFound)
	_, err = w.s.AmendCampaign(ctx, l.Campaign.ID, voucher.CampaignPatch{Name: new("")}, w.by())
	w.fails(err, fault.ErrInvalidRequest)
	_, err = w.s.AmendCampaign(ctx, w.id(), voucher.CampaignPatch{Disabled: new(true)}, w.by())
	w.fails(err, fault.ErrCampaignNotFound)
	_, err = w.s.AmendVoucher(ctx, l.Voucher.ID, voucher.Patch{PerCustomer: new(int64(0))}, w.by())
	w.fails(err, fault.ErrInvalidLimit)
	_, err = w.s.AmendVoucher(ctx, w.id(), voucher.Patch{Disabled: new(true)}, w.by())
	w.fails(err, fault.ErrVoucherNotFound)
	_, err = w.s.AmendKey(ctx, w.id(), access.KeyPatch{Revoke: true}, w.by())
	w.fails(err, fault.ErrKeyNotFound)
	w.equal("the trail", w.events(store.EventFilter{}), before)
}

func replayNotTold(w *world) {
	c := w.campaign()
	want := store.Creation{Campaign: c, Vouchers: []voucher.Voucher{w.voucher(c, "salam", 1)}, Key: "k", Fingerprint: fingerprint(1), By: w.by()}
	_, _, err := w.s.Create(w.t.Context(), want)
	w.ok(err)
	before := w.events(store.EventFilter{})
	w.equal("events", len(before), 2)
	w.clock.Advance(time.Second)
	want.By.Name = "another"
	made, replayed, err := w.s.Create(w.t.Context(), want)
	w.ok(err)
	w.equal("replayed", []any{replayed, made.By}, []any{true, access.By{}})
	want.Fingerprint = fingerprint(2)
	_, _, err = w.s.Create(w.t.Context(), want)
	w.fails(err, fault.ErrKeyReused)
	w.equal("the trail", w.events(store.EventFilter{}), before)
}

func customersNotTold(w *world) {
	w.shared("salam", 2)
	before := w.events(store.EventFilter{})
	r := w.win("salam", "ali")
	w.win("salam", "bita")
	w.lose("salam", "cyrus", fault.ErrSoldOut)
	w.done(w.do(w.rollback(r)))
	w.done(w.do(w.pay("ali", 5)))
	w.equal("the trail", w.events(store.EventFilter{}), before)
}

func actorTold(w *world) {
	l := w.shared("salam", 5)
	for _, c := range []struct{ given, kept access.By }{
		{access.By{}, access.By{}},
		{access.By{Key: l.Voucher.ID, Name: "صندوق 'x' \"y\"", RequestID: "req 1"}, access.By{Key: l.Voucher.ID, Name: "صندوق 'x' \"y\"", RequestID: "req 1"}},
		{access.By{Name: "a\x00b\xff", RequestID: "\xfe\x00"}, access.By{Name: "a\ufffdb\ufffd", RequestID: "\ufffd\ufffd"}},
	} {
		w.clock.Advance(time.Microsecond)
		_, err := w.s.AmendVoucher(w.t.Context(), l.Voucher.ID, voucher.Patch{Disabled: new(true)}, c.given)
		w.ok(err)
		es, _, err := w.s.ListEvents(w.t.Context(), store.EventFilter{}, store.Page{Limit: 1})
		w.ok(err)
		w.equal("who did it", es[0].By, c.kept)
	}
}

func listEvents(w *world) {
	actor := w.id()
	var all, ofOne, ofActor, ofAction []id.ID
	one, two := w.shared("one", 9).Voucher, w.shared("two", 9).Voucher
	for _, e := range w.events(store.EventFilter{}) {
		all = append(all, e.ID)
		if e.Object == one.ID.Format(id.Voucher) {
			ofOne = append(ofOne, e.ID)
		}
	}
	for i := range 9 {
		w.clock.Advance(time.Microsecond)
		of, by := one, access.By{}
		if i%3 == 0 {
			of = two
		}
		if i%2 == 0 {
			by.Key = actor
		}
		_, err := w.s.AmendVoucher(w.t.Context(), of.ID, voucher.Patch{Limit: new(int64(10 + i))}, by)
		w.ok(err)
		es, _, err := w.s.ListEvents(w.t.Context(), store.EventFilter{}, store.Page{Limit: 1})
		w.ok(err)
		newest := es[0].ID
		all, ofAction = append(all, newest), append(ofAction, newest)
		if of == one {
			ofOne = append(ofOne, newest)
		}
		if !by.Key.IsZero() {
			ofActor = append(ofActor, newest)
		}
	}
	list := func(name string, f store.EventFilter, want []id.ID) {
		w.t.Helper()
		w.walk(listed{name, newestFirst(want), func(p store.Page) ([]id.ID, bool, error) {
			es, more, err := w.s.ListEvents(w.t.Context(), f, p)
			return ids(es, more, err, func(e store.Event) id.ID { return e.ID })
		}})
	}
	list("all", store.EventFilter{}, all)
	list("an object's", store.EventFilter{Object: one.ID.Format(id.Voucher)}, ofOne)
	list("an actor's", store.EventFilter{Actor: actor}, ofActor)
	list("an action's", store.EventFilter{Action: store.VoucherAmended}, ofAction)
	list("nobody's", store.EventFilter{Actor: w.id()}, nil)
	list("nothing's", store.EventFilter{Object: "vch_\x00"}, nil)
	list("of no such action", store.EventFilter{Action: "voucher.eat"}, nil)
	_, _, err := w.s.ListEvents(w.t.Context(), store.EventFilter{Actor: actor}, store.Page{Limit: 1, After: all[0]})
	w.fails(err, fault.ErrInvalidCursor) // in the store, but not in this list
}

func raceOfAmendments(w *world) {
	l := w.shared("salam", 100)
	const rounds = 20
	done := make(chan error, 2)
	go func() {
		var err error
		for n := range int64(rounds) {
			_, err = w.s.AmendVoucher(w.t.Context(), l.Voucher.ID, voucher.Patch{Limit: new(101 + n)}, w.by())
			if err != nil {
				break
			}
		}
		done <- err
	}()
	go func() {
		var err error
		for n := range int64(rounds) {
			_, err = w.s.AmendVoucher(w.t.Context(), l.Voucher.ID, voucher.Patch{PerCustomer: new(2 + n)}, w.by())
			if err != nil {
				break
			}
		}
		done <- err
	}()
	w.ok(errors.Join(<-done, <-done))
	w.chained(store.EventFilter{Object: l.Voucher.ID.Format(id.Voucher)}, 2*rounds+1)
}

func eventsPruned(w *world) {
	l := w.shared("salam", 9)
	for i := range 7 {
		w.clock.Advance(time.Hour)
		w.amend(l.Voucher, voucher.Patch{Limit: new(int64(10 + i))})
	}
	all := w.events(store.EventFilter{}) // two at the beginning, one an hour later, and so on
	for _, limit := range []int{0, -1, store.PruneMax + 1} {
		_, err := w.s.PruneEvents(w.t.Context(), w.clock.Now(), limit)
		w.fails(err, fault.ErrInvalidRequest)
	}
	prune := func(before time.Time, limit, want, from int) {
		w.t.Helper()
		n, err := w.s.PruneEvents(w.t.Context(), before, limit)
		w.ok(err)
		w.equal("pruned", n, want)
		w.equal("what is left", w.events(store.EventFilter{}), all[from:])
	}
	prune(all[0].At, 100, 0, 0)
	prune(time.Time{}, 100, 0, 0)
	prune(all[0].At.Add(time.Microsecond), 1, 1, 1)
	prune(all[4].At, 2, 2, 3)
	prune(all[4].At, 2, 1, 4)
	prune(all[4].At, 2, 0, 4)
	prune(all[5].At.Add(time.Microsecond), store.PruneMax, 2, 6)
	_, _, err := w.s.ListEvents(w.t.Context(), store.EventFilter{}, store.Page{Limit: 1, After: all[0].ID})
	w.fails(err, fault.ErrInvalidCursor) // it is gone
	w.clock.Advance(time.Hour)
	w.amend(l.Voucher, voucher.Patch{Limit: new(int64(99))})
	w.equal("what comes after", len(w.events(store.EventFilter{})), len(all[6:])+1)
}

func eventsAfterCrash(w *world) {
	l := w.shared("salam", 9)
	w.amend(l.Voucher, voucher.Patch{Disabled: new(true)})
	before := w.events(store.EventFilter{})
	w.equal("events", len(before), 3)
	w.crash()
	w.equal("the trail", w.events(store.EventFilter{}), before)
}
