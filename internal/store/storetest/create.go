package storetest

import (
	"fmt"
	"strings"
	"time"

	"scrip/internal/fault"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

func creating() topic {
	return topic{"create", []scenario{
		{"counters, versions and times are the store's", storeOwned},
		{"every member is kept", membersKept},
		{"vouchers join a campaign", vouchersJoin},
		{"a campaign alone", campaignAlone},
		{"a code is taken once", codeTaken},
		{"no such campaign", noSuchCampaign},
		{"all or nothing", creationAllOrNothing},
		{"the same key returns what was made", creationReplayed},
		{"another request under the key is refused", creationKeyReused},
		{"a refusal uses up no key", creationRefusalKeepsKey},
		{"a thousand vouchers at once", thousandVouchers},
	}}
}

func storeOwned(w *world) {
	c := w.campaign()
	c.GivenMinor, c.Redeemed, c.Version, c.CreatedAt, c.UpdatedAt = 7, 7, 7, time.Unix(7, 0), time.Unix(7, 0)
	v := w.voucher(c, "Salam-1", 5)
	v.Redeemed, v.Ranked, v.Version, v.CreatedAt, v.UpdatedAt = 7, 7, 7, time.Unix(7, 0), time.Unix(7, 0)
	made := w.create(c, v)
	now := w.clock.Now()
	c.GivenMinor, c.Redeemed, c.Version, c.CreatedAt, c.UpdatedAt = 0, 0, 1, now, now
	v.Redeemed, v.Ranked, v.Version, v.CreatedAt, v.UpdatedAt = 0, 0, 1, now, now
	w.equal("the campaign made", made.Campaign, c)
	w.equal("the vouchers made", made.Vouchers, []voucher.Voucher{v})
	l, _, err := w.s.Voucher(w.t.Context(), v.ID)
	w.ok(err)
	w.equal("what is kept", l, store.Listing{Campaign: c, Voucher: &v})
	w.equal("what is looked up", w.look("SALAM 1"), l)
	kept, _, err := w.s.Campaign(w.t.Context(), c.ID)
	w.ok(err)
	w.equal("the campaign kept", kept, c)
	_, _, err = w.s.Voucher(w.t.Context(), w.id())
	w.fails(err, fault.ErrVoucherNotFound)
	_, _, err = w.s.Campaign(w.t.Context(), w.id())
	w.fails(err, fault.ErrCampaignNotFound)
}

func membersKept(w *world) {
	start := w.clock.Now()
	c := &voucher.Campaign{
		ID: w.id(), Name: strings.Repeat("ن", 200), Currency: euro, Disabled: true,
		Effect: voucher.Effect{Kind: voucher.Discount, PercentBP: 10_000, MaxMinor: 1<<63 - 1},
		Window: voucher.Window{Start: start.Add(time.Microsecond), End: start.Add(1e6 * time.Hour)},
		Budget: voucher.Budget{AmountMinor: 1<<63 - 1, Count: 1<<63 - 1, PerCustomer: 1<<63 - 1},
	}
	v := voucher.Voucher{
		ID: w.id(), CampaignID: c.ID, Code: "نوروز-۱۴۰۵", Key: normal("نوروز-۱۴۰۵"), Limit: 1<<63 - 1, PerCustomer: 1<<63 - 1,
		Customer: "علی", Disabled: true,
	}
	w.create(c, v)
	now := w.clock.Now()
	c.Version, c.CreatedAt, c.UpdatedAt, v.Version, v.CreatedAt, v.UpdatedAt = 1, now, now, 1, now, now
	w.equal("what is kept", w.look("نوروز۱۴۰۵"), store.Listing{Campaign: c, Voucher: &v})
}

func vouchersJoin(w *world) {
	l := w.shared("one", 5)
	r := w.win("one", "ali")
	w.clock.Advance(time.Second)
	made := w.create(nil, w.voucher(l.Campaign, "two", 5), w.voucher(l.Campaign, "three", 5))
	w.equal("the campaign made", made.Campaign, w.look("one").Campaign)
	w.equal("its counters", []int64{made.Campaign.Redeemed, made.Campaign.Version}, []int64{1, 1})
	w.equal("its times", made.Campaign.UpdatedAt, r.At)
	w.equal("the vouchers made", []voucher.Voucher{*w.look("two").Voucher, *w.look("three").Voucher}, made.Vouchers)
	w.equal("created", made.Vouchers[1].CreatedAt, w.clock.Now())
	w.win("two", "ali")
	w.equal("the campaign", w.look("three").Campaign.Redeemed, int64(2))
}

func campaignAlone(w *world) {
	c := w.campaign()
	made := w.create(c)
	w.equal("made", []int64{made.Campaign.Version, int64(len(made.Vouchers))}, []int64{1, 0})
	w.create(nil, w.voucher(c, "salam", 1))
	w.win("salam", "ali")
}

func codeTaken(w *world) {
	l := w.shared("salam", 1)
	_, _, err := w.s.Create(w.t.Context(), store.Creation{Vouchers: []voucher.Voucher{w.voucher(l.Campaign, "SA-LAM", 9)}})
	w.fails(err, fault.ErrCodeTaken)
	c := w.campaign()
	_, _, err = w.s.Create(w.t.Context(), store.Creation{Campaign: c, Vouchers: []voucher.Voucher{w.voucher(c, "one", 9), w.voucher(c, "one", 9)}})
	w.fails(err, fault.ErrCodeTaken)
	w.equal("the first stands", w.look("salam"), l)
}

func noSuchCampaign(w *world) {
	w.shared("salam", 1)
	_, _, err := w.s.Create(w.t.Context(), store.Creation{Vouchers: []voucher.Voucher{w.voucher(w.campaign(), "one", 9)}})
	w.fails(err, fault.ErrCampaignNotFound)
	c := w.campaign()
	_, _, err = w.s.Create(w.t.Context(), store.Creation{Campaign: c, Vouchers: []voucher.Voucher{w.voucher(c, "one", 9), w.voucher(w.campaign(), "two", 9)}})
	w.fails(err, fault.ErrCampaignNotFound)
	w.lose("one", "ali", fault.ErrVoucherNotFound)
}

func creationAllOrNothing(w *world) {
	w.shared("salam", 1)
	c := w.campaign()
	_, _, err := w.s.Create(w.t.Context(), store.Creation{Campaign: c, Vouchers: []voucher.Voucher{w.voucher(c, "one", 9), w.voucher(c, "salam", 9)}})
	w.fails(err, fault.ErrCodeTaken)
	_, _, err = w.s.Campaign(w.t.Context(), c.ID)
	w.fails(err, fault.ErrCampaignNotFound)
	w.lose("one", "ali", fault.ErrVoucherNotFound)
	read := w.audit()
	w.equal("campaigns and vouchers", []int64{read.Campaigns, read.Vouchers}, []int64{1, 1})
}

func creationReplayed(w *world) {
	c := w.campaign()
	want := store.Creation{Campaign: c, Vouchers: []voucher.Voucher{w.voucher(c, "one", 9), w.voucher(c, "two", 9)}, Key: "k", Fingerprint: fingerprint(1)}
	first, _, err := w.s.Create(w.t.Context(), want)
	w.ok(err)
	w.win("one", "ali")
	w.amendCampaign(c, voucher.CampaignPatch{Name: new("Yalda")})
	w.amend(&want.Vouchers[1], voucher.Patch{Limit: new(int64(3))})
	w.clock.Advance(time.Second)
	other := w.campaign() // the caller's second attempt has ids of its own
	want.Campaign, want.Vouchers = other, []voucher.Voucher{w.voucher(other, "one", 9), w.voucher(other, "two", 9)}
	again, replayed, err := w.s.Create(w.t.Context(), want)
	w.ok(err)
	w.equal("replayed", replayed, true)
	w.equal("the campaign, as it was made", again.Campaign, first.Campaign)
	w.equal("the vouchers, as they were made", again.Vouchers, first.Vouchers)
	read := w.audit()
	w.equal("campaigns and vouchers", []int64{read.Campaigns, read.Vouchers}, []int64{1, 2})

	joining := store.Creation{Vouchers: []voucher.Voucher{w.voucher(c, "three", 9)}, Key: "l", Fingerprint: fingerprint(2)}
	first, _, err = w.s.Create(w.t.Context(), joining)
	w.ok(err)
	w.win("three", "ali")
	again, replayed, err = w.s.Create(w.t.Context(), joining)
	w.ok(err)
	w.equal("replayed", replayed, true)
	w.equal("the campaign joined, as it was", again.Campaign, first.Campaign)
	w.equal("its use then", again.Campaign.Redeemed, int64(1))
}

func creationKeyReused(w *world) {
	c := w.campaign()
	_, _, err := w.s.Create(w.t.Context(), store.Creation{Campaign: c, Key: "k", Fingerprint: fingerprint(1)})
	w.ok(err)
	other := w.campaign()
	_, _, err = w.s.Create(w.t.Context(), store.Creation{Campaign: other, Key: "k", Fingerprint: fingerprint(2)})
	w.fails(err, fault.ErrKeyReused)
	_, _, err = w.s.Campaign(w.t.Context(), other.ID)
	w.fails(err, fault.ErrCampaignNotFound)
	w.shared("salam", 1)
	w.done(w.do(w.keyed("salam", "ali", "k", 3))) // a customer's key is another matter
}

func creationRefusalKeepsKey(w *world) {
	l := w.shared("salam", 1)
	want := store.Creation{Vouchers: []voucher.Voucher{w.voucher(l.Campaign, "salam", 1)}, Key: "k", Fingerprint: fingerprint(1)}
	_, _, err := w.s.Create(w.t.Context(), want)
	w.fails(err, fault.ErrCodeTaken)
	want.Vouchers[0], want.Fingerprint = w.voucher(l.Campaign, "eyd", 1), fingerprint(2)
	_, replayed, err := w.s.Create(w.t.Context(), want)
	w.ok(err)
	w.equal("replayed", replayed, false)
}

func thousandVouchers(w *world) {
	c := w.campaign()
	vs := make([]voucher.Voucher, 1000)
	for i := range vs {
		vs[i] = w.voucher(c, fmt.Sprintf("unique-%d", i), 1)
	}
	w.equal("made", len(w.create(c, vs...).Vouchers), 1000)
	w.win("unique999", "ali")
	w.equal("the campaign", w.look("unique0").Campaign.Redeemed, int64(1))
}
