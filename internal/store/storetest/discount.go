package storetest

import (
	"scrip/internal/fault"
	"scrip/internal/ledger"
	"scrip/internal/voucher"
)

func discounts() topic {
	return topic{"discounts", []scenario{
		{"a discount pays the merchant and leaves the wallet", discountPaysMerchant},
		{"a percentage is capped and rounded down", percentage},
		{"an order is asked for", orderAskedFor},
		{"a budget takes the order that still fits", budgetFitsOrder},
		{"a credit keeps no order", creditKeepsNoOrder},
		{"a discount is rolled back", discountRolledBack},
	}}
}

// fixed makes a campaign's effect a fixed discount.
func fixed(minor int64) func(*voucher.Campaign, *voucher.Voucher) {
	return func(c *voucher.Campaign, _ *voucher.Voucher) {
		c.Effect = voucher.Effect{Kind: voucher.Discount, AmountMinor: minor}
	}
}

// percent makes a campaign's effect a percentage, in basis points, with a cap.
func percent(bp, capMinor int64) func(*voucher.Campaign, *voucher.Voucher) {
	return func(c *voucher.Campaign, _ *voucher.Voucher) {
		c.Effect = voucher.Effect{Kind: voucher.Discount, PercentBP: bp, MaxMinor: capMinor}
	}
}

func order(minor int64) *voucher.Order {
	return &voucher.Order{ID: "order-7", AmountMinor: minor, Currency: rial}
}

func discountPaysMerchant(w *world) {
	l := w.shared("off", 5, fixed(300))
	w.done(w.do(w.pay("ali", 50)))
	cmd := w.redeem("off", "ali")
	cmd.Order = order(1000)
	o := w.done(w.do(cmd))
	w.equal("the receipt", o.Redemption, &voucher.Redemption{
		ID: cmd.ID, VoucherID: l.Voucher.ID, CampaignID: l.Campaign.ID, Code: "off", Customer: "ali", Rank: 1, Limit: 5,
		Effect: voucher.Discount, AmountMinor: 300, Currency: rial, Order: *order(1000), BalanceMinor: 50, Seq: 2, At: w.clock.Now(),
	})
	w.knows(o, "off")
	w.equal("the ledger", w.history("ali", rial)[1], ledger.Transfer{
		ID: cmd.ID, Customer: "ali", Currency: rial, Seq: 2, Kind: ledger.Redemption,
		Debit: ledger.FundingOf(l.Campaign.ID, rial), Credit: ledger.Account{Kind: ledger.Merchant, Currency: rial},
		Amount: 300, Balance: 50, At: w.clock.Now(),
	})
	w.holds("ali", 50)
	cmd = w.redeem("off", "bita")
	cmd.Order = order(200) // less than the discount: it takes off what is there
	w.equal("what a small order gets", w.done(w.do(cmd)).Redemption.AmountMinor, int64(200))
	balances, err := w.s.Wallet(w.t.Context(), "bita")
	w.ok(err)
	w.equal("a wallet comes to exist", balances, []ledger.Balance{{Currency: rial, Minor: 0, Seq: 1}})
	w.equal("given", w.look("off").Campaign.GivenMinor, int64(500))
}

func percentage(w *world) {
	w.shared("off", 0, percent(1250, 500))
	for i, c := range []struct{ order, off int64 }{{1000, 125}, {1007, 125}, {8, 1}, {4000, 500}, {1 << 62, 500}} {
		cmd := w.redeem("off", customer(i))
		cmd.Order = order(c.order)
		w.equal("the discount", w.done(w.do(cmd)).Redemption.AmountMinor, c.off)
	}
	cmd := w.redeem("off", "ali")
	cmd.Order = order(7)
	w.knows(w.refused(w.do(cmd), fault.ErrNoEffect), "off")
}

func orderAskedFor(w *world) {
	w.shared("off", 1, fixed(300))
	w.knows(w.lose("off", "ali", fault.ErrOrderRequired), "off")
	cmd := w.redeem("off", "ali")
	cmd.Order = order(1000)
	cmd.Order.Currency = euro
	w.refused(w.do(cmd), fault.ErrCurrencyMismatch)
	cmd.Order = order(0)
	w.refused(w.do(cmd), fault.ErrNoEffect)
	cmd.Order = order(1)
	w.done(w.do(cmd))
	w.lose("off", "bita", fault.ErrSoldOut) // sold out comes before the order
}

func budgetFitsOrder(w *world) {
	w.shared("off", 0, percent(5000, 0), func(c *voucher.Campaign, _ *voucher.Voucher) { c.Budget.AmountMinor = 100 })
	big, small, last := w.redeem("off", "ali"), w.redeem("off", "bita"), w.redeem("off", "ali")
	big.Order, small.Order, last.Order = order(202), order(198), order(2)
	os := w.apply(big, small, last)
	w.equal("open for a smaller order", w.refused(os[0], fault.ErrBudgetExceeded).Fact.Status, voucher.Open)
	w.equal("open for the last unit", w.done(os[1]).Fact.Status, voucher.Open)
	w.equal("spent", w.done(os[2]).Fact.Status, voucher.Spent)
	w.lose("off", "cyrus", fault.ErrBudgetExceeded)
}

func creditKeepsNoOrder(w *world) {
	w.shared("salam", 1)
	cmd := w.redeem("salam", "ali")
	cmd.Order = &voucher.Order{ID: "order-7", AmountMinor: 5, Currency: euro}
	w.equal("the order", w.done(w.do(cmd)).Redemption.Order, voucher.Order{})
}

func discountRolledBack(w *world) {
	l := w.shared("off", 1, fixed(300))
	cmd := w.redeem("off", "ali")
	cmd.Order = order(1000)
	r := w.done(w.do(cmd)).Redemption
	back := w.rollback(r)
	o := w.done(w.do(back)) // the wallet is empty, and need not hold it
	w.equal("the rollback", o.Rollback, &voucher.Rollback{
		ID: back.ID, RedemptionID: r.ID, VoucherID: l.Voucher.ID, Customer: "ali", AmountMinor: 300, Currency: rial,
		Seq: 2, Reason: "asked for", At: w.clock.Now(),
	})
	w.equal("the order stays on the receipt", o.Redemption.Order, *order(1000))
	entry := w.history("ali", rial)[1]
	w.equal("from", entry.Debit, ledger.Account{Kind: ledger.Merchant, Currency: rial})
	w.equal("to", entry.Credit, ledger.FundingOf(l.Campaign.ID, rial))
	w.equal("given", w.look("off").Campaign.GivenMinor, int64(0))
}
