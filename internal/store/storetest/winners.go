package storetest

import (
	"slices"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

func winners() topic {
	return topic{"winners", []scenario{
		{"each customer as often as they redeemed", eachWinner},
		{"with the fact of their closure", winnersFact},
		{"as many as there are", manyWinners},
		{"until told to stop", stopWinners},
		{"of nothing", noWinners},
		{"claims count what stands", claims},
	}}
}

// winnersOf are a voucher's winners, sorted.
func (w *world) winnersOf(v id.ID) []string {
	w.t.Helper()
	names, _ := w.winnersAndFact(v)
	return names
}

func (w *world) winnersAndFact(v id.ID) ([]string, voucher.Fact) {
	w.t.Helper()
	var names []string
	fact, err := w.s.Winners(w.t.Context(), v, func(name string) bool {
		names = append(names, name)
		return true
	})
	w.ok(err)
	slices.Sort(names)
	return names, fact
}

func winnersFact(w *world) {
	l := w.shared("salam", 2)
	w.win("salam", "ali")
	_, fact := w.winnersAndFact(l.Voucher.ID)
	w.equal("the status while it is open", fact.Status, voucher.Open)
	w.win("salam", "bita")
	names, fact := w.winnersAndFact(l.Voucher.ID)
	w.equal("winners", names, []string{"ali", "bita"})
	ls, now, err := w.s.Lookup(w.t.Context(), []string{l.Voucher.Key})
	w.ok(err)
	w.equal("the fact", fact, voucher.FactOf(ls[0].Campaign, ls[0].Voucher, now))
	w.equal("its status", fact.Status, voucher.SoldOut)
}

func eachWinner(w *world) {
	l := w.shared("salam", 4, func(_ *voucher.Campaign, v *voucher.Voucher) { v.PerCustomer = 2 })
	w.shared("other", 4)
	r := w.win("salam", "ali")
	w.win("salam", "bita")
	w.win("salam", "bita")
	w.win("other", "dara")
	w.equal("winners", w.winnersOf(l.Voucher.ID), []string{"ali", "bita", "bita"})
	w.done(w.do(w.rollback(r)))
	w.win("salam", "cyrus")
	w.equal("winners after a rollback", w.winnersOf(l.Voucher.ID), []string{"ali", "bita", "bita", "cyrus"})
}

func manyWinners(w *world) {
	l := w.shared("salam", 2500)
	var want []string
	for batch := range 3 {
		var commands []store.Command
		for i := range 1000 {
			name := customer(1000*batch + i)
			commands = append(commands, w.redeem("salam", name))
			if len(want) < 2500 {
				want = append(want, name)
			}
		}
		w.apply(commands...)
	}
	w.equal("winners", w.winnersOf(l.Voucher.ID), want)
}

func stopWinners(w *world) {
	l := w.shared("salam", 0)
	for i := range 5 {
		w.win("salam", customer(i))
	}
	calls := 0
	_, err := w.s.Winners(w.t.Context(), l.Voucher.ID, func(string) bool {
		calls++
		return calls < 2
	})
	w.ok(err)
	w.equal("calls", calls, 2)
}

func noWinners(w *world) {
	l := w.shared("salam", 1)
	w.equal("winners of a fresh voucher", w.winnersOf(l.Voucher.ID), []string(nil))
	_, err := w.s.Winners(w.t.Context(), w.id(), func(string) bool { return true })
	w.fails(err, fault.ErrVoucherNotFound)
}

func claims(w *world) {
	c := w.campaign()
	one, two := w.voucher(c, "one", 0), w.voucher(c, "two", 0)
	one.PerCustomer = 3
	w.create(c, one, two)
	w.shared("elsewhere", 0)
	check := func(customer string, v *voucher.Voucher, want voucher.Claims, first *voucher.Redemption) {
		w.t.Helper()
		got, receipt, err := w.s.Claims(w.t.Context(), customer, v)
		w.ok(err)
		w.equal("claims of "+customer, got, want)
		w.equal("the first receipt of "+customer, receipt, first)
	}
	check("ali", &one, voucher.Claims{}, nil)
	w.win("elsewhere", "ali")
	first, second := w.win("one", "ali"), w.win("one", "ali")
	check("ali", &one, voucher.Claims{OnVoucher: 2, OnCampaign: 2}, first)
	check("ali", &two, voucher.Claims{OnCampaign: 2}, nil)
	third := w.win("two", "ali")
	check("ali", &one, voucher.Claims{OnVoucher: 2, OnCampaign: 3}, first)
	check("bita", &one, voucher.Claims{}, nil)
	w.done(w.do(w.rollback(first)))
	check("ali", &one, voucher.Claims{OnVoucher: 1, OnCampaign: 2}, second)
	check("ali", &two, voucher.Claims{OnVoucher: 1, OnCampaign: 2}, third)
	w.done(w.do(w.rollback(second)))
	check("ali", &one, voucher.Claims{OnCampaign: 1}, nil)
	w.lose("two", "ali", fault.ErrAlreadyRedeemed)
}
