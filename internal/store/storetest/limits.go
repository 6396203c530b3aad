package storetest

import (
	"math"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/voucher"
)

func limits() topic {
	return topic{"limits", []scenario{
		{"a limit is reached and never passed", limitReached},
		{"no limit", noLimit},
		{"a raised limit opens the voucher again", limitRaised},
		{"a limit is not lowered below its use", limitLowered},
		{"a budget of redemptions is shared by the vouchers", countBudget},
		{"a budget of money is spent to the last unit", amountBudget},
		{"a budget per customer runs over the vouchers", customerBudget},
		{"a rollback opens the budget again", budgetReopens},
		{"what is given never overflows", givenNeverOverflows},
		{"without a budget the largest number is the end", givenUpToTheLargest},
	}}
}

func limitReached(w *world) {
	w.shared("salam", 3)
	for i := range 3 {
		w.equal("rank", w.win("salam", customer(i)).Rank, int64(i+1))
	}
	for i := range 3 {
		o := w.lose("salam", customer(3+i), fault.ErrSoldOut)
		w.knows(o, "salam")
		w.equal("status and what remains", []int64{int64(o.Fact.Status), o.Fact.Remaining}, []int64{int64(voucher.SoldOut), 0})
	}
	w.holds(customer(3), 0)
}

func noLimit(w *world) {
	w.shared("salam", 0)
	o := w.done(w.do(w.redeem("salam", "ali")))
	w.equal("limit and what remains", []int64{o.Redemption.Limit, o.Fact.Remaining}, []int64{0, -1})
}

func limitRaised(w *world) {
	l := w.shared("salam", 1)
	w.win("salam", "ali")
	before := w.lose("salam", "bita", fault.ErrSoldOut).Fact
	w.amend(l.Voucher, voucher.Patch{Limit: new(int64(2))})
	o := w.done(w.do(w.redeem("salam", "bita")))
	w.equal("rank and limit", []int64{o.Redemption.Rank, o.Redemption.Limit}, []int64{2, 2})
	if o.Fact.Version.Sum() <= before.Version.Sum() {
		w.t.Fatalf("the version %v after the raise is no newer than %v", o.Fact.Version, before.Version)
	}
	r := w.lose("salam", "ali", fault.ErrAlreadyRedeemed).Redemption
	w.equal("the limit on an old receipt", r.Limit, int64(1))
	w.amend(l.Voucher, voucher.Patch{Limit: new(int64(0))})
	w.equal("rank without a limit", w.win("salam", "cyrus").Rank, int64(3))
}

func limitLowered(w *world) {
	l := w.shared("salam", 5)
	w.win("salam", "ali")
	r := w.win("salam", "bita")
	_, err := w.s.AmendVoucher(w.t.Context(), l.Voucher.ID, voucher.Patch{Limit: new(int64(1))}, access.By{})
	w.fails(err, fault.ErrLimitBelowUse)
	w.equal("the voucher", w.look("salam").Voucher.Limit, int64(5))
	w.amend(l.Voucher, voucher.Patch{Limit: new(int64(2))})
	w.lose("salam", "cyrus", fault.ErrSoldOut)
	w.done(w.do(w.rollback(r)))
	w.amend(l.Voucher, voucher.Patch{Limit: new(int64(1))})
	w.lose("salam", "cyrus", fault.ErrSoldOut)
}

func countBudget(w *world) {
	c := w.campaign()
	c.Budget.Count = 2
	w.create(c, w.voucher(c, "one", 9), w.voucher(c, "two", 9), w.voucher(c, "three", 9))
	os := w.apply(w.redeem("one", "ali"), w.redeem("two", "ali"), w.redeem("three", "ali"), w.redeem("one", "bita"))
	w.equal("open", w.done(os[0]).Fact.Status, voucher.Open)
	w.equal("spent", w.done(os[1]).Fact.Status, voucher.Spent)
	w.refused(os[2], fault.ErrBudgetExceeded)
	w.refused(os[3], fault.ErrBudgetExceeded)
	w.knows(w.lose("one", "ali", fault.ErrAlreadyRedeemed), "one")
	w.amendCampaign(c, voucher.CampaignPatch{Budget: voucher.BudgetPatch{Count: new(int64(3))}})
	w.win("three", "ali")
	w.lose("one", "bita", fault.ErrBudgetExceeded)
}

func amountBudget(w *world) {
	c := w.campaign()
	c.Budget.AmountMinor = 2*credit + credit - 1
	w.create(c, w.voucher(c, "one", 9), w.voucher(c, "two", 9))
	os := w.apply(w.redeem("one", "ali"), w.redeem("two", "ali"), w.redeem("one", "bita"))
	w.done(os[0])
	w.equal("one unit short", w.done(os[1]).Fact.Status, voucher.Spent)
	w.refused(os[2], fault.ErrBudgetExceeded)
	w.amendCampaign(c, voucher.CampaignPatch{Budget: voucher.BudgetPatch{AmountMinor: new(3 * credit)}})
	w.equal("spent to the last", w.done(w.do(w.redeem("one", "bita"))).Fact.Status, voucher.Spent)
	_, err := w.s.AmendCampaign(w.t.Context(), c.ID, voucher.CampaignPatch{Budget: voucher.BudgetPatch{AmountMinor: new(3*credit - 1)}}, access.By{})
	w.fails(err, fault.ErrLimitBelowUse)
	w.equal("given", w.look("one").Campaign.GivenMinor, 3*credit)
}

func customerBudget(w *world) {
	c := w.campaign()
	c.Budget.PerCustomer = 2
	w.create(c, w.voucher(c, "one", 1), w.voucher(c, "two", 9), w.voucher(c, "three", 9))
	os := w.apply(w.redeem("one", "ali"), w.redeem("two", "ali"), w.redeem("three", "ali"), w.redeem("three", "bita"), w.redeem("one", "bita"))
	w.done(os[0])
	w.done(os[1])
	w.equal("open to others", w.refused(os[2], fault.ErrCustomerLimit).Fact.Status, voucher.Open)
	w.done(os[3])
	w.refused(os[4], fault.ErrSoldOut)
	w.lose("two", "ali", fault.ErrAlreadyRedeemed) // comes before the campaign's limit
}

func budgetReopens(w *world) {
	for _, budget := range []voucher.Budget{{Count: 1}, {AmountMinor: credit}} {
		w := open(w.t, w.d)
		c := w.campaign()
		c.Budget = budget
		w.create(c, w.voucher(c, "one", 9), w.voucher(c, "two", 9))
		r := w.win("one", "ali")
		spent := w.lose("two", "bita", fault.ErrBudgetExceeded).Fact
		o := w.done(w.do(w.rollback(r)))
		w.equal("the version", o.Fact.Version, voucher.Version{Campaign: 2, Voucher: 2})
		won := w.done(w.do(w.redeem("two", "bita"))).Fact
		if won.Version.Sum() <= spent.Version.Sum() {
			w.t.Fatalf("the other voucher is open again at version %v, no newer than %v", won.Version, spent.Version)
		}
		w.lose("one", "ali", fault.ErrBudgetExceeded)
		w.audit()
	}
}

func givenNeverOverflows(w *world) {
	w.shared("salam", 0, func(c *voucher.Campaign, _ *voucher.Voucher) { c.Effect.AmountMinor = math.MaxInt64/2 + 1 })
	w.win("salam", "ali")
	w.equal("open, as far as the gate can know", w.lose("salam", "bita", fault.ErrBalanceOverflow).Fact.Status, voucher.Open)
	w.equal("given", w.look("salam").Campaign.GivenMinor, int64(math.MaxInt64/2+1))
}

// Without a budget none is used up: the numbers are, also in the middle of a batch, and a rollback makes room again.
func givenUpToTheLargest(w *world) {
	w.shared("salam", 0, func(c *voucher.Campaign, _ *voucher.Voucher) { c.Effect.AmountMinor = math.MaxInt64 })
	os := w.apply(w.redeem("salam", "ali"), w.redeem("salam", "bita"), w.redeem("salam", "cyrus"))
	won := w.done(os[0])
	for _, o := range os[1:] {
		w.equal("open, as far as the gate can know", w.refused(o, fault.ErrBalanceOverflow).Fact.Status, voucher.Open)
	}
	w.lose("salam", "bita", fault.ErrBalanceOverflow)
	w.knows(w.lose("salam", "ali", fault.ErrAlreadyRedeemed), "salam")
	w.done(w.do(w.rollback(won.Redemption)))
	w.win("salam", "bita")

	c := w.campaign()
	c.Effect.AmountMinor, c.Budget.AmountMinor = math.MaxInt64/2+1, math.MaxInt64
	w.create(c, w.voucher(c, "capped", 0))
	w.win("capped", "ali")
	w.lose("capped", "bita", fault.ErrBudgetExceeded)
}
