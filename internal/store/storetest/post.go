package storetest

import (
	"math"
	"time"

	"scrip/internal/fault"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

func posts() topic {
	return topic{"posts", []scenario{
		{"a credit and a debit", creditAndDebit},
		{"a wallet never goes below zero", walletFloor},
		{"a wallet never overflows", walletCeiling},
		{"money between customers", betweenCustomers},
		{"a transfer is all or nothing", transferAllOrNothing},
		{"what makes no sense is refused", senseless},
		{"currencies do not mix", currenciesApart},
		{"a batch is a series", postsInSeries},
		{"all wallets together hold more than an int64", beyondInt64},
		{"balances come in the order asked", balancesInOrder},
	}}
}

func creditAndDebit(w *world) {
	pay, spend := w.pay("ali", 700), w.spend("ali", 200)
	in := w.done(w.do(pay))
	want := ledger.Transfer{
		ID: pay.ID, Customer: "ali", Currency: rial, Seq: 1, Kind: ledger.Credit,
		Debit: ledger.Account{Kind: ledger.External, Currency: rial}, Credit: ledger.WalletOf("ali", rial),
		Amount: 700, Balance: 700, At: w.clock.Now(),
	}
	w.equal("the outcome", in, store.Outcome{Transfer: &want})
	w.clock.Advance(time.Second)
	out := w.done(w.do(spend))
	w.equal("the debit", *out.Transfer, ledger.Transfer{
		ID: spend.ID, Customer: "ali", Currency: rial, Seq: 2, Kind: ledger.Debit,
		Debit: ledger.WalletOf("ali", rial), Credit: ledger.Account{Kind: ledger.Merchant, Currency: rial},
		Amount: 200, Balance: 500, At: w.clock.Now(),
	})
	w.equal("the ledger", w.history("ali", rial), []ledger.Transfer{want, *out.Transfer})
	balances, err := w.s.Wallet(w.t.Context(), "ali")
	w.ok(err)
	w.equal("the wallet", balances, []ledger.Balance{{Currency: rial, Minor: 500, Seq: 2}})
}

func walletFloor(w *world) {
	w.refused(w.do(w.spend("ali", 1)), fault.ErrInsufficientFunds)
	balances, err := w.s.Wallet(w.t.Context(), "ali")
	w.ok(err)
	w.equal("wallets of a stranger", len(balances), 0)
	w.done(w.do(w.pay("ali", 10)))
	o := w.refused(w.do(w.spend("ali", 11)), fault.ErrInsufficientFunds)
	w.equal("a post's fact", o.Fact, voucher.Fact{})
	w.refused(w.do(w.spend("ali", math.MaxInt64)), fault.ErrInsufficientFunds)
	w.done(w.do(w.spend("ali", 10)))
	w.holds("ali", 0)
}

func walletCeiling(w *world) {
	w.done(w.do(w.pay("ali", math.MaxInt64)))
	w.refused(w.do(w.pay("ali", 1)), fault.ErrBalanceOverflow)
	w.refused(w.do(w.pay("ali", math.MaxInt64)), fault.ErrBalanceOverflow)
	w.holds("ali", math.MaxInt64)
	w.done(w.do(w.spend("ali", math.MaxInt64)))
	w.holds("ali", 0)
}

func betweenCustomers(w *world) {
	w.done(w.do(w.pay("ali", 700)))
	w.clock.Advance(time.Second)
	send := w.send("ali", "bita", 300)
	o := w.done(w.do(send))
	clearing := ledger.Account{Kind: ledger.Clearing, Currency: rial}
	row := ledger.Transfer{
		ID: send.ID, Customer: "ali", Currency: rial, Seq: 2, Kind: ledger.TransferOut,
		Debit: ledger.WalletOf("ali", rial), Credit: clearing, Amount: 300, Balance: 400, At: w.clock.Now(),
	}
	w.equal("the outcome", o, store.Outcome{Transfer: &row})
	w.equal("the sender's row", w.history("ali", rial)[1], row)
	w.equal("the receiver's rows", w.history("bita", rial), []ledger.Transfer{{
		ID: send.ID, Customer: "bita", Currency: rial, Seq: 1, Kind: ledger.TransferIn,
		Debit: clearing, Credit: ledger.WalletOf("bita", rial), Amount: 300, Balance: 300, At: w.clock.Now(),
	}})
}

func transferAllOrNothing(w *world) {
	w.done(w.do(w.pay("ali", 700)))
	w.done(w.do(w.pay("bita", math.MaxInt64-99)))
	w.refused(w.do(w.send("ali", "bita", 100)), fault.ErrBalanceOverflow)
	w.refused(w.do(w.send("ali", "bita", 701)), fault.ErrInsufficientFunds) // the sender comes first
	w.refused(w.do(w.send("ali", "cyrus", 701)), fault.ErrInsufficientFunds)
	w.holds("ali", 700)
	w.holds("bita", math.MaxInt64-99)
	w.equal("entries", []int{len(w.history("ali", rial)), len(w.history("bita", rial)), len(w.history("cyrus", rial))}, []int{1, 1, 0})
	w.done(w.do(w.send("ali", "bita", 99)))
	w.holds("bita", math.MaxInt64)
}

func senseless(w *world) {
	w.done(w.do(w.pay("ali", 700)))
	for _, p := range []store.Post{
		{Kind: ledger.Credit, Customer: "ali"},
		{Kind: ledger.Credit, Customer: "ali", AmountMinor: -1},
		{Kind: ledger.Debit, Customer: "ali", AmountMinor: math.MinInt64},
		{Kind: ledger.Credit, Customer: "ali", To: "bita", AmountMinor: 1},
		{Kind: ledger.Debit, Customer: "ali", To: "bita", AmountMinor: 1},
		{Kind: ledger.TransferOut, Customer: "ali", AmountMinor: 1},
		{Kind: ledger.TransferOut, Customer: "ali", To: "ali", AmountMinor: 1},
		{Kind: ledger.TransferOut, Customer: "ali", To: "bita", AmountMinor: 0},
		{Kind: ledger.TransferIn, Customer: "ali", AmountMinor: 1},
		{Kind: ledger.TransferIn, Customer: "ali", To: "bita", AmountMinor: 1},
		{Kind: ledger.Redemption, Customer: "ali", AmountMinor: 1},
		{Kind: ledger.Rollback, Customer: "ali", AmountMinor: 1},
		{Kind: ledger.Expiry, Customer: "ali", AmountMinor: 1},
		{Kind: 0, Customer: "ali", AmountMinor: 1},
		{Kind: 99, Customer: "ali", AmountMinor: 1},
	} {
		p.ID, p.Currency = w.id(), rial
		w.refused(w.do(&p), fault.ErrInvalidRequest)
	}
	w.holds("ali", 700)
	w.equal("entries", len(w.history("ali", rial)), 1)
}

func currenciesApart(w *world) {
	pay := w.pay("ali", 700)
	pay.Currency = euro
	w.done(w.do(pay))
	w.refused(w.do(w.spend("ali", 1)), fault.ErrInsufficientFunds)
	w.shared("salam", 1)
	w.equal("a wallet of its own", w.win("salam", "ali").Seq, int64(1))
	balances, err := w.s.Wallet(w.t.Context(), "ali")
	w.ok(err)
	w.equal("wallets, by currency", balances, []ledger.Balance{
		{Currency: euro, Minor: 700, Seq: 1}, {Currency: rial, Minor: credit, Seq: 1},
	})
	w.equal("entries", []int{len(w.history("ali", euro)), len(w.history("ali", rial))}, []int{1, 1})
}

func postsInSeries(w *world) {
	os := w.apply(
		w.spend("ali", 1), w.pay("ali", 10), w.spend("ali", 4), w.send("ali", "bita", 6), w.spend("ali", 1),
		w.send("bita", "cyrus", 5), w.send("cyrus", "ali", 5), w.spend("ali", 5),
	)
	w.refused(os[0], fault.ErrInsufficientFunds)
	w.refused(os[4], fault.ErrInsufficientFunds)
	for i, want := range map[int][]int64{1: {1, 10}, 2: {2, 6}, 3: {3, 0}, 5: {2, 1}, 6: {2, 0}, 7: {5, 0}} {
		t := w.done(os[i]).Transfer
		w.equal("number and balance", []int64{t.Seq, t.Balance}, want)
	}
}

func beyondInt64(w *world) {
	for i := range 3 { // External is then far below -2^63; only a wallet is bound to an int64
		w.done(w.do(w.pay(customer(i), math.MaxInt64)))
	}
	w.audit()
	for i := range 3 {
		w.done(w.do(w.spend(customer(i), math.MaxInt64-1)))
		w.holds(customer(i), 1)
	}
}

func balancesInOrder(w *world) {
	w.apply(w.pay("ali", 1), w.pay("bita", 2))
	got, err := w.s.Balances(w.t.Context(), []store.WalletRef{
		{Customer: "bita", Currency: rial},
		{Customer: "nobody", Currency: rial},
		{Customer: "ali", Currency: euro},
		{Customer: "ali", Currency: rial},
		{Customer: "bita", Currency: rial},
	})
	w.ok(err)
	w.equal("balances", got, []int64{2, 0, 0, 1, 2})
	got, err = w.s.Balances(w.t.Context(), nil)
	w.ok(err)
	w.equal("balances of none", len(got), 0)
	many := make([]store.WalletRef, 3000)
	for i := range many {
		many[i] = store.WalletRef{Customer: customer(i), Currency: rial}
	}
	many[2999].Customer = "ali"
	got, err = w.s.Balances(w.t.Context(), many)
	w.ok(err)
	w.equal("the last of many", []int64{int64(len(got)), got[2999]}, []int64{3000, 1})
}
