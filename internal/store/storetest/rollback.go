package storetest

import (
	"time"

	"scrip/internal/fault"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

func rollbacks() topic {
	return topic{"rollback", []scenario{
		{"money and use go back", goesBack},
		{"the use is open to another", openToAnother},
		{"once only", rolledBackOnce},
		{"of nothing", rollbackOfNothing},
		{"of money that is spent", spentMoney},
		{"the first receipt that stands", firstStanding},
		{"of a closed voucher", ofClosedVoucher},
		{"all in one batch", rollbackInBatch},
		{"it frees the campaign's limit for the customer", freesCustomerLimit},
	}}
}

func goesBack(w *world) {
	l := w.shared("salam", 5)
	redeem := w.keyed("salam", "ali", "k", 1)
	r := w.done(w.do(redeem)).Redemption
	w.win("salam", "bita")
	w.clock.Advance(time.Second)
	back := w.rollback(r)
	back.Key, back.Fingerprint = "undo", fingerprint(1)
	o := w.done(w.do(back))
	r.RolledBackAt, r.RollbackID = w.clock.Now(), back.ID
	w.equal("the outcome", o, store.Outcome{
		Redemption: r,
		Rollback: &voucher.Rollback{
			ID: back.ID, RedemptionID: r.ID, VoucherID: l.Voucher.ID, Customer: "ali", AmountMinor: credit, Currency: rial,
			BalanceMinor: 0, Seq: 2, Reason: "asked for", Key: "undo", At: w.clock.Now(),
		},
		Fact: o.Fact,
	})
	w.knows(o, "salam")
	kept, err := w.s.Redemption(w.t.Context(), r.ID)
	w.ok(err)
	w.equal("the receipt, read", kept, r)
	w.equal("the ledger", w.history("ali", rial)[1], ledger.Transfer{
		ID: back.ID, Customer: "ali", Currency: rial, Seq: 2, Kind: ledger.Rollback,
		Debit: ledger.WalletOf("ali", rial), Credit: ledger.FundingOf(l.Campaign.ID, rial),
		Amount: credit, Balance: 0, At: w.clock.Now(),
	})
	w.holds("ali", 0)
	after := w.look("salam")
	w.equal("the voucher's counters", []int64{after.Voucher.Redeemed, after.Voucher.Ranked, after.Voucher.Version}, []int64{1, 2, 2})
	w.equal("the campaign's counters", []int64{after.Campaign.Redeemed, after.Campaign.GivenMinor, after.Campaign.Version}, []int64{1, credit, 1})
}

func openToAnother(w *world) {
	w.shared("salam", 1)
	r := w.win("salam", "ali")
	w.lose("salam", "bita", fault.ErrSoldOut)
	w.equal("the status", w.done(w.do(w.rollback(r))).Fact.Status, voucher.Open)
	w.equal("a rank is never given twice", w.win("salam", "bita").Rank, int64(2))
	w.lose("salam", "ali", fault.ErrSoldOut) // no winner any more
}

func rolledBackOnce(w *world) {
	w.shared("salam", 5)
	r := w.win("salam", "ali")
	w.done(w.do(w.rollback(r)))
	o := w.refused(w.do(w.rollback(r)), fault.ErrAlreadyRolledBack)
	w.knows(o, "salam")
	os := w.apply(w.rollback(w.win("salam", "bita")), w.rollback(r))
	w.done(os[0])
	w.refused(os[1], fault.ErrAlreadyRolledBack)
	w.equal("uses", w.look("salam").Voucher.Redeemed, int64(0))
}

func rollbackOfNothing(w *world) {
	w.shared("salam", 5)
	r := *w.win("salam", "ali")
	r.ID = w.id()
	o := w.refused(w.do(w.rollback(&r)), fault.ErrRedemptionNotFound)
	w.equal("the fact", o.Fact, voucher.Fact{})
	w.holds("ali", credit)
}

func spentMoney(w *world) {
	w.shared("salam", 5)
	r := w.win("salam", "ali")
	w.done(w.do(w.spend("ali", 1)))
	back := w.rollback(r)
	back.Key = "undo"
	o := w.refused(w.do(back), fault.ErrInsufficientFunds)
	w.knows(o, "salam")
	w.equal("the version", o.Fact.Version, voucher.Version{Campaign: 1, Voucher: 1})
	kept, err := w.s.Redemption(w.t.Context(), r.ID)
	w.ok(err)
	w.equal("the receipt stands", kept, r)
	w.holds("ali", credit-1)
	w.done(w.do(w.pay("ali", 1)))
	back.ID, back.Fingerprint = w.id(), fingerprint(5) // the refusal used up no key
	w.done(w.do(back))
}

func firstStanding(w *world) {
	w.shared("salam", 0, func(_ *voucher.Campaign, v *voucher.Voucher) { v.PerCustomer = 2 })
	one, two := w.win("salam", "ali"), w.win("salam", "ali")
	w.equal("the first", w.lose("salam", "ali", fault.ErrAlreadyRedeemed).Redemption, one)
	w.done(w.do(w.rollback(one)))
	three := w.win("salam", "ali")
	w.equal("its rank", three.Rank, int64(3))
	w.equal("the second", w.lose("salam", "ali", fault.ErrAlreadyRedeemed).Redemption, two)
	w.done(w.do(w.rollback(two)))
	w.win("salam", "ali")
	w.equal("the third", w.lose("salam", "ali", fault.ErrAlreadyRedeemed).Redemption, three)
}

func ofClosedVoucher(w *world) {
	l := w.shared("salam", 1)
	r := w.win("salam", "ali")
	w.amend(l.Voucher, voucher.Patch{Disabled: new(true)})
	w.amendCampaign(l.Campaign, voucher.CampaignPatch{End: new(w.clock.Now())})
	o := w.done(w.do(w.rollback(r)))
	w.knows(o, "salam")
	w.equal("the status", o.Fact.Status, voucher.Disabled)
	w.holds("ali", 0)
}

func rollbackInBatch(w *world) {
	w.shared("salam", 1)
	first := w.redeem("salam", "ali")
	back := &store.Rollback{ID: w.id(), Redemption: first.ID}
	os := w.apply(
		first, w.redeem("salam", "bita"), back, w.redeem("salam", "bita"), w.redeem("salam", "ali"),
		&store.Rollback{ID: w.id(), Redemption: first.ID},
	)
	w.equal("rank", w.done(os[0]).Redemption.Rank, int64(1))
	w.refused(os[1], fault.ErrSoldOut)
	w.done(os[2])
	w.equal("rank", w.done(os[3]).Redemption.Rank, int64(2))
	w.refused(os[4], fault.ErrSoldOut)
	w.refused(os[5], fault.ErrAlreadyRolledBack)
	for i, version := range []int64{1, 1, 2, 2, 2, 2} {
		w.equal("the version, in series", os[i].Fact.Version.Voucher, version)
	}
	w.equal("reversed by", os[2].Redemption.RollbackID, back.ID)
	w.equal("standing then", os[0].Redemption.RolledBackAt.IsZero(), true)
	w.holds("ali", 0)
	w.holds("bita", credit)
}

func freesCustomerLimit(w *world) {
	c := w.campaign()
	c.Budget.PerCustomer = 1
	w.create(c, w.voucher(c, "one", 9), w.voucher(c, "two", 9))
	r := w.win("one", "ali")
	w.lose("two", "ali", fault.ErrCustomerLimit)
	w.equal("the campaign's version", w.done(w.do(w.rollback(r))).Fact.Version, voucher.Version{Campaign: 1, Voucher: 2})
	w.win("two", "ali")
	w.lose("one", "ali", fault.ErrCustomerLimit)
}
