package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

func lists() topic {
	return topic{"lists", []scenario{
		{"redemptions, both ways", listRedemptions},
		{"transactions, both ways", listTransactions},
		{"vouchers, both ways", listVouchers},
		{"campaigns, both ways", listCampaigns},
		{"by id, whatever the order of making", listByID},
		{"nothing to list", listNothing},
	}}
}

// listed is one list of a store: what it must hold, newest first, and how it is read.
type listed struct {
	name string
	want []id.ID
	read func(p store.Page) (got []id.ID, more bool, err error)
}

// ids turns a page of objects into their ids.
func ids[T any](objects []T, more bool, err error, idOf func(T) id.ID) ([]id.ID, bool, error) {
	var of []id.ID
	for _, object := range objects {
		of = append(of, idOf(object))
	}
	return of, more, err
}

// walk reads a list by pages of several sizes, forth and back, and asks for what it must refuse.
func (w *world) walk(l listed) {
	w.t.Helper()
	for _, size := range []int{1, 2, 3, max(1, len(l.want)-1), max(1, len(l.want)), store.PageLimitMax} {
		w.walkForth(l, size)
		w.walkBack(l, size)
	}
	for _, limit := range []int{0, -1, store.PageLimitMax + 1} {
		_, _, err := l.read(store.Page{Limit: limit})
		w.fails(err, fault.ErrInvalidRequest)
	}
	_, _, err := l.read(store.Page{Limit: 1, After: w.id()})
	w.fails(err, fault.ErrInvalidCursor)
	_, _, err = l.read(store.Page{Limit: 1, Before: w.id()})
	w.fails(err, fault.ErrInvalidCursor)
	if len(l.want) > 0 {
		_, _, err = l.read(store.Page{Limit: 1, After: l.want[0], Before: l.want[0]})
		w.fails(err, fault.ErrInvalidCursor)
	}
}

func (w *world) walkForth(l listed, size int) {
	w.t.Helper()
	p := store.Page{Limit: size}
	for at := 0; ; {
		got, more, err := l.read(p)
		w.ok(err)
		end := min(at+size, len(l.want))
		w.equal(fmt.Sprintf("%s: %d after %d", l.name, size, at), got, l.want[at:end])
		w.equal(fmt.Sprintf("%s: more than %d after %d", l.name, size, at), more, end < len(l.want))
		if at = end; at == len(l.want) {
			break
		}
		p.After = l.want[at-1]
	}
	if len(l.want) > 0 {
		got, more, err := l.read(store.Page{Limit: size, After: l.want[len(l.want)-1]})
		w.ok(err)
		w.equal(l.name+": after the last", []any{len(got), more}, []any{0, false})
	}
}

func (w *world) walkBack(l listed, size int) {
	w.t.Helper()
	for at := len(l.want) - 1; at >= 0; {
		got, more, err := l.read(store.Page{Limit: size, Before: l.want[at]})
		w.ok(err)
		start := max(0, at-size)
		w.equal(fmt.Sprintf("%s: %d before %d", l.name, size, at), got, l.want[start:at])
		w.equal(fmt.Sprintf("%s: more than %d before %d", l.name, size, at), more, start > 0)
		if start == at {
			break
		}
		at = start
	}
}

// newestFirst sorts ids as lists run.
func newestFirst(of []id.ID) []id.ID {
	of = slices.Clone(of)
	slices.SortFunc(of, func(a, b id.ID) int { return bytes.Compare(b[:], a[:]) })
	return of
}

func (w *world) listOfRedemptions(name string, f store.RedemptionFilter, want []id.ID) listed {
	return listed{name, newestFirst(want), func(p store.Page) ([]id.ID, bool, error) {
		rs, more, err := w.s.ListRedemptions(w.t.Context(), f, p)
		return ids(rs, more, err, func(r voucher.Redemption) id.ID { return r.ID })
	}}
}

func listRedemptions(w *world) {
	c := w.campaign()
	w.create(c, w.voucher(c, "one", 0), w.voucher(c, "two", 0))
	w.shared("three", 0)
	var all, ofAli, ofOne, ofCampaign []id.ID
	for i := range 7 {
		for _, text := range []string{"one", "two", "three"} {
			w.clock.Advance(time.Millisecond)
			name := customer(i)
			if i == 3 {
				name = "ali"
			}
			r := w.win(text, name)
			all = append(all, r.ID)
			if name == "ali" {
				ofAli = append(ofAli, r.ID)
			}
			if text == "one" {
				ofOne = append(ofOne, r.ID)
			}
			if text != "three" {
				ofCampaign = append(ofCampaign, r.ID)
			}
		}
	}
	r, err := w.s.Redemption(w.t.Context(), all[0])
	w.ok(err)
	w.done(w.do(w.rollback(r))) // stays in the list
	w.walk(w.listOfRedemptions("all", store.RedemptionFilter{}, all))
	w.walk(w.listOfRedemptions("a customer's", store.RedemptionFilter{Customer: "ali"}, ofAli))
	w.walk(w.listOfRedemptions("a voucher's", store.RedemptionFilter{Voucher: w.look("one").Voucher.ID}, ofOne))
	w.walk(w.listOfRedemptions("a campaign's", store.RedemptionFilter{Campaign: c.ID}, ofCampaign))
	_, _, err = w.s.ListRedemptions(w.t.Context(), store.RedemptionFilter{Customer: "ali"}, store.Page{Limit: 1, After: all[0]})
	w.fails(err, fault.ErrInvalidCursor) // in the store, but not in this list
	rs, _, err := w.s.ListRedemptions(w.t.Context(), store.RedemptionFilter{Customer: "ali"}, store.Page{Limit: 1})
	w.ok(err)
	kept, err := w.s.Redemption(w.t.Context(), rs[0].ID)
	w.ok(err)
	w.equal("a whole redemption", &rs[0], kept)
}

func listTransactions(w *world) {
	var want, elsewhere []id.ID
	for i := range 8 {
		pay := w.pay("ali", int64(i+1))
		other := w.pay("bita", 1)
		euros := w.pay("ali", 1)
		euros.Currency = euro
		w.apply(pay, other, euros)
		want, elsewhere = append(want, pay.ID), append(elsewhere, other.ID, euros.ID)
		w.clock.Advance(-time.Second) // ids run backwards, entries forwards
	}
	slices.Reverse(want)
	read := func(p store.Page) ([]id.ID, bool, error) {
		ts, more, err := w.s.Transactions(w.t.Context(), store.WalletRef{Customer: "ali", Currency: rial}, p)
		return ids(ts, more, err, func(t ledger.Transfer) id.ID { return t.ID })
	}
	w.walk(listed{"a wallet's", want, read})
	for _, cursor := range elsewhere[:2] {
		_, _, err := read(store.Page{Limit: 1, After: cursor})
		w.fails(err, fault.ErrInvalidCursor)
	}
}

func (w *world) listOfVouchers(name string, f store.VoucherFilter, want []id.ID) listed {
	return listed{name, newestFirst(want), func(p store.Page) ([]id.ID, bool, error) {
		ls, more, _, err := w.s.ListVouchers(w.t.Context(), f, p)
		for _, l := range ls {
			w.equal("its campaign", l.Campaign.ID, l.Voucher.CampaignID)
		}
		return ids(ls, more, err, func(l store.Listing) id.ID { return l.Voucher.ID })
	}}
}

func listVouchers(w *world) {
	c := w.campaign()
	var vs []voucher.Voucher
	var ofCampaign []id.ID
	for i := range 7 {
		w.clock.Advance(time.Millisecond)
		vs = append(vs, w.voucher(c, fmt.Sprintf("code-%d", i), 1))
		ofCampaign = append(ofCampaign, vs[i].ID)
	}
	w.create(c, vs...)
	other := w.shared("other", 1).Voucher.ID
	w.walk(w.listOfVouchers("all", store.VoucherFilter{}, append(slices.Clone(ofCampaign), other)))
	w.walk(w.listOfVouchers("a campaign's", store.VoucherFilter{Campaign: c.ID}, ofCampaign))
	w.walk(w.listOfVouchers("a code's", store.VoucherFilter{Key: normal("other")}, []id.ID{other}))
	_, _, _, err := w.s.ListVouchers(w.t.Context(), store.VoucherFilter{Campaign: c.ID}, store.Page{Limit: 1, Before: other})
	w.fails(err, fault.ErrInvalidCursor)
	ls, _, _, err := w.s.ListVouchers(w.t.Context(), store.VoucherFilter{Key: normal("other")}, store.Page{Limit: 1})
	w.ok(err)
	w.equal("a whole voucher", ls[0], w.look("other"))
}

func listCampaigns(w *world) {
	var want []id.ID
	for range 9 {
		w.clock.Advance(time.Millisecond)
		c := w.campaign()
		w.create(c)
		want = append(want, c.ID)
	}
	w.walk(listed{"campaigns", newestFirst(want), func(p store.Page) ([]id.ID, bool, error) {
		cs, more, _, err := w.s.ListCampaigns(w.t.Context(), p)
		return ids(cs, more, err, func(c voucher.Campaign) id.ID { return c.ID })
	}})
}

func listByID(w *world) {
	w.shared("salam", 0)
	var want []id.ID
	for i := range 6 {
		want = append(want, w.win("salam", customer(i)).ID)
		w.clock.Advance(-time.Second) // a replica whose clock is behind makes older ids
	}
	w.walk(w.listOfRedemptions("all", store.RedemptionFilter{}, want))
}

func listNothing(w *world) {
	w.walk(w.listOfRedemptions("redemptions", store.RedemptionFilter{}, nil))
	w.walk(w.listOfRedemptions("redemptions of nobody", store.RedemptionFilter{Customer: "nobody"}, nil))
	w.walk(w.listOfVouchers("vouchers", store.VoucherFilter{}, nil))
	w.walk(w.listOfVouchers("vouchers of no code", store.VoucherFilter{Key: "NONE"}, nil))
	ts, more, err := w.s.Transactions(w.t.Context(), store.WalletRef{Customer: "nobody", Currency: rial}, store.Page{Limit: 1})
	w.ok(err)
	w.equal("transactions of nobody", []any{len(ts), more}, []any{0, false})
	cs, more, _, err := w.s.ListCampaigns(w.t.Context(), store.Page{Limit: 1})
	w.ok(err)
	w.equal("campaigns", []any{len(cs), more}, []any{0, false})
}
