package storetest

import (
	"math"
	"strings"
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

func redeeming() topic {
	return topic{"redeem", []scenario{
		{"the winner gets a receipt and the money", receipt},
		{"a customer wins once", once},
		{"a customer wins as often as the voucher allows", perCustomer},
		{"an unknown code", unknownCode},
		{"a batch is a series", batchIsSeries},
		{"a winner is never told sold out", winnerStaysWinner},
		{"an assigned voucher is for one customer", assigned},
		{"a full wallet refuses and leaves no trace", fullWallet},
		{"one wallet fills from many vouchers", manyVouchers},
		{"customers are told apart by every letter", distinctCustomers},
		{"nothing is asked", emptyBatch},
		{"a large batch ranks in order", largeBatch},
		{"values are the caller's own", noAliases},
	}}
}

func receipt(w *world) {
	l := w.shared("Salam-1", 1000)
	cmd := w.redeem("salam1", "ali")
	cmd.Key, cmd.Fingerprint = "k", fingerprint(1)
	o := w.done(w.do(cmd))
	want := &voucher.Redemption{
		ID: cmd.ID, VoucherID: l.Voucher.ID, CampaignID: l.Campaign.ID, Code: "Salam-1", Customer: "ali",
		Rank: 1, Limit: 1000, Effect: voucher.Credit, AmountMinor: credit, Currency: rial,
		BalanceMinor: credit, Seq: 1, Key: "k", At: w.clock.Now(),
	}
	w.equal("the receipt", o.Redemption, want)
	w.knows(o, "salam1")
	w.equal("what remains", o.Fact.Remaining, int64(999))
	kept, err := w.s.Redemption(w.t.Context(), cmd.ID)
	w.ok(err)
	w.equal("the receipt, read", kept, want)
	w.equal("the ledger", w.history("ali", rial), []ledger.Transfer{{
		ID: cmd.ID, Customer: "ali", Currency: rial, Seq: 1, Kind: ledger.Redemption,
		Debit: ledger.FundingOf(l.Campaign.ID, rial), Credit: ledger.WalletOf("ali", rial),
		Amount: credit, Balance: credit, At: w.clock.Now(),
	}})
	w.holds("ali", credit)
	after := w.look("salam1")
	w.equal("the voucher's counters", []int64{after.Voucher.Redeemed, after.Voucher.Ranked, after.Voucher.Version}, []int64{1, 1, 1})
	w.equal("the campaign's counters", []int64{after.Campaign.Redeemed, after.Campaign.GivenMinor, after.Campaign.Version}, []int64{1, credit, 1})
	_, err = w.s.Redemption(w.t.Context(), w.id())
	w.fails(err, fault.ErrRedemptionNotFound)
}

func once(w *world) {
	w.shared("salam", 10)
	first := w.win("salam", "ali")
	w.clock.Advance(time.Second)
	o := w.lose("salam", "ali", fault.ErrAlreadyRedeemed)
	w.equal("the receipt in the refusal", o.Redemption, first)
	w.knows(o, "salam")
	w.holds("ali", credit)
	w.equal("rank of the next", w.win("salam", "bita").Rank, int64(2))
}

func perCustomer(w *world) {
	w.shared("salam", 0, func(_ *voucher.Campaign, v *voucher.Voucher) { v.PerCustomer = 3 })
	os := w.apply(w.redeem("salam", "ali"), w.redeem("salam", "ali"), w.redeem("salam", "ali"), w.redeem("salam", "ali"))
	for i, o := range os[:3] {
		r := w.done(o).Redemption
		w.equal("rank, number and balance", []int64{r.Rank, r.Seq, r.BalanceMinor}, []int64{int64(i + 1), int64(i + 1), int64(i+1) * credit})
	}
	w.equal("the first receipt", w.refused(os[3], fault.ErrAlreadyRedeemed).Redemption, os[0].Redemption)
	w.holds("ali", 3*credit)
}

func unknownCode(w *world) {
	o := w.lose("nothing", "ali", fault.ErrVoucherNotFound)
	w.equal("the fact", o.Fact, voucher.UnknownFact(normal("nothing")))
	balances, err := w.s.Wallet(w.t.Context(), "ali")
	w.ok(err)
	w.equal("wallets of a loser", len(balances), 0)
}

func batchIsSeries(w *world) {
	w.shared("salam", 2)
	os := w.apply(
		w.redeem("salam", "ali"), w.redeem("salam", "ali"), w.redeem("nothing", "ali"),
		w.redeem("salam", "bita"), w.redeem("salam", "cyrus"), w.redeem("salam", "ali"),
	)
	w.equal("ranks", []int64{w.done(os[0]).Redemption.Rank, w.done(os[3]).Redemption.Rank}, []int64{1, 2})
	w.equal("already", w.refused(os[1], fault.ErrAlreadyRedeemed).Redemption, os[0].Redemption)
	w.refused(os[2], fault.ErrVoucherNotFound)
	w.refused(os[4], fault.ErrSoldOut)
	w.equal("already, sold out", w.refused(os[5], fault.ErrAlreadyRedeemed).Redemption, os[0].Redemption)
	for i, remaining := range []int64{1, 1, 0, 0, 0, 0} {
		w.equal("what remains, in series", os[i].Fact.Remaining, remaining)
	}
	for i, status := range []voucher.Status{voucher.Open, voucher.Open, voucher.Unknown, voucher.SoldOut, voucher.SoldOut, voucher.SoldOut} {
		w.equal("the status, in series", os[i].Fact.Status, status)
	}
}

func winnerStaysWinner(w *world) {
	l := w.shared("salam", 1, func(_ *voucher.Campaign, v *voucher.Voucher) { v.PerCustomer = 2 })
	first := w.win("salam", "ali")
	w.lose("salam", "bita", fault.ErrSoldOut)
	w.equal("sold out", w.lose("salam", "ali", fault.ErrAlreadyRedeemed).Redemption, first)
	w.amend(l.Voucher, voucher.Patch{Disabled: new(true)})
	w.lose("salam", "bita", fault.ErrDisabled)
	w.equal("disabled", w.lose("salam", "ali", fault.ErrAlreadyRedeemed).Redemption, first)
	w.amend(l.Voucher, voucher.Patch{Disabled: new(false), Customer: new("bita"), Limit: new(int64(9))})
	w.lose("salam", "ali", fault.ErrAssigned) // open, and one of two uses: what stands in the way is the assignment
	w.amendCampaign(l.Campaign, voucher.CampaignPatch{End: new(w.clock.Now())})
	w.lose("salam", "bita", fault.ErrExpired)
	w.equal("ended", w.lose("salam", "ali", fault.ErrAlreadyRedeemed).Redemption, first)
}

func assigned(w *world) {
	w.shared("salam", 5, func(_ *voucher.Campaign, v *voucher.Voucher) { v.Customer = "bita" })
	w.knows(w.lose("salam", "ali", fault.ErrAssigned), "salam")
	w.win("salam", "bita")
}

func fullWallet(w *world) {
	w.shared("salam", 5)
	w.done(w.do(w.pay("ali", math.MaxInt64-credit+1)))
	cmd := w.redeem("salam", "ali")
	cmd.Key = "k"
	o := w.refused(w.do(cmd), fault.ErrBalanceOverflow)
	w.knows(o, "salam")
	w.equal("what remains", o.Fact.Remaining, int64(5))
	w.equal("the next rank", w.win("salam", "bita").Rank, int64(1))
	w.done(w.do(w.spend("ali", 1)))
	cmd.ID, cmd.Fingerprint = w.id(), fingerprint(9) // the refusal used up no key
	w.equal("the balance", w.done(w.do(cmd)).Redemption.BalanceMinor, int64(math.MaxInt64))
}

func manyVouchers(w *world) {
	c := w.campaign()
	w.create(c, w.voucher(c, "one", 1), w.voucher(c, "two", 1), w.voucher(c, "three", 1))
	os := w.apply(w.redeem("one", "ali"), w.redeem("two", "ali"), w.redeem("three", "ali"))
	for i, o := range os {
		r := w.done(o).Redemption
		n := int64(i + 1)
		w.equal("rank, number and balance", []int64{r.Rank, r.Seq, r.BalanceMinor}, []int64{1, n, n * credit})
	}
	w.equal("the campaign", w.look("one").Campaign.Redeemed, int64(3))
}

func distinctCustomers(w *world) {
	w.shared("salam", 0)
	for i, name := range []string{"ali", "Ali", "ALI", "ali ", "علی", "علي", "۰۹۱۲", "0912", "a'; --", "%", "_", strings.Repeat("ن", 128)} {
		w.equal("rank of "+name, w.win("salam", name).Rank, int64(i+1))
		w.holds(name, credit)
	}
}

func emptyBatch(w *world) {
	w.equal("outcomes", len(w.apply()), 0)
}

func largeBatch(w *world) {
	w.shared("salam", 1000)
	commands := make([]store.Command, 1024)
	ids := map[id.ID]bool{}
	for i := range commands {
		cmd := w.redeem("salam", customer(i))
		commands[i], ids[cmd.ID] = cmd, true
	}
	for i, o := range w.apply(commands...) {
		if i >= 1000 {
			w.refused(o, fault.ErrSoldOut)
			continue
		}
		r := w.done(o).Redemption
		w.equal("rank and what remains", []int64{r.Rank, o.Fact.Remaining}, []int64{int64(i + 1), int64(999 - i)})
		if !ids[r.ID] || r.Customer != customer(i) {
			w.t.Fatalf("outcome %d belongs to %s", i, r.Customer)
		}
	}
}

func noAliases(w *world) {
	l := w.shared("salam", 5)
	l.Voucher.Limit, l.Campaign.Disabled = 1, true
	cmd := w.redeem("salam", "ali")
	r := w.done(w.do(cmd)).Redemption
	cmd.Customer, r.Customer, r.Rank = "mallory", "mallory", 99
	kept := w.lose("salam", "ali", fault.ErrAlreadyRedeemed).Redemption
	w.equal("what is kept", []any{kept.Customer, kept.Rank}, []any{"ali", int64(1)})
	kept.Customer = "mallory"
	w.win("salam", "bita")
	read, err := w.s.Redemption(w.t.Context(), r.ID)
	w.ok(err)
	w.equal("what is read", read.Customer, "ali")
}
