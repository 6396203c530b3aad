package storetest

import (
	"scrip/internal/fault"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

func crashes() topic {
	return topic{"crash", []scenario{
		{"what was acknowledged is there", acknowledgedIsThere},
		{"a batch of unknown fate is applied once", fateAfterCrash},
		{"winners and keys are remembered", rememberedAfterCrash},
		{"changes are remembered", changesAfterCrash},
	}}
}

// crash abandons the store without a clean close and opens it again.
func (w *world) crash() {
	w.t.Helper()
	if w.d.Crash == nil {
		w.t.Skip(w.d.SkipCrash)
	}
	w.s = w.d.Crash(w.t, w.s)
}

func acknowledgedIsThere(w *world) {
	l := w.shared("salam", 55)
	var receipts []*voucher.Redemption
	for round := range 4 {
		var batch []store.Command
		for i := range 16 {
			batch = append(batch, w.redeem("salam", customer(16*round+i)))
		}
		batch = append(batch, w.pay("ali", 5))
		for _, o := range w.apply(batch...) {
			if o.Redemption != nil {
				receipts = append(receipts, o.Redemption)
			}
		}
		w.crash()
		w.audit()
		for _, r := range receipts {
			kept, err := w.s.Redemption(w.t.Context(), r.ID)
			w.ok(err)
			w.equal("a receipt", kept, r)
			w.holds(r.Customer, credit)
		}
		w.holds("ali", int64(5*(round+1)))
	}
	w.equal("winners", len(receipts), 55)
	w.equal("winners, counted", len(w.winnersOf(l.Voucher.ID)), 55)
	w.lose("salam", "zal", fault.ErrSoldOut)
}

func fateAfterCrash(w *world) {
	w.shared("salam", 5)
	batch := w.everyKind(w.win("salam", "zal"))
	w.apply(batch[:4]...) // committed, but nobody heard the answer
	w.crash()
	for i, o := range w.apply(asAgain(batch)...) {
		w.equal("replayed", o.Replayed, i < 4)
		w.equal("refusal", o.Refusal, (*fault.Error)(nil))
	}
	w.crash()
	for _, o := range w.apply(asAgain(batch)...) {
		w.equal("replayed", o.Replayed, true)
	}
	w.settled()
}

func rememberedAfterCrash(w *world) {
	w.shared("salam", 1)
	first := w.done(w.do(w.keyed("salam", "ali", "k", 1)))
	w.crash()
	w.replayed(w.do(w.keyed("salam", "ali", "k", 1)), first)
	w.refused(w.do(w.keyed("salam", "ali", "k", 2)), fault.ErrKeyReused)
	w.equal("the receipt", w.lose("salam", "ali", fault.ErrAlreadyRedeemed).Redemption, first.Redemption)
	w.lose("salam", "bita", fault.ErrSoldOut)
	back := w.rollback(first.Redemption)
	undone := w.done(w.do(back))
	w.crash()
	w.replayed(w.apply(asAgain([]store.Command{back})...)[0], undone)
	w.equal("rank", w.win("salam", "bita").Rank, int64(2))
}

func changesAfterCrash(w *world) {
	c := w.campaign()
	want := store.Creation{Campaign: c, Vouchers: []voucher.Voucher{w.voucher(c, "salam", 1)}, Key: "k", Fingerprint: fingerprint(1)}
	made, _, err := w.s.Create(w.t.Context(), want)
	w.ok(err)
	w.crash()
	again, replayed, err := w.s.Create(w.t.Context(), want)
	w.ok(err)
	w.equal("replayed", replayed, true)
	w.equal("what was made", []voucher.Voucher{*w.look("salam").Voucher}, made.Vouchers)
	w.equal("what is replayed", again.Vouchers, made.Vouchers)
	l := w.amend(&made.Vouchers[0], voucher.Patch{Limit: new(int64(7))})
	w.crash()
	w.equal("the voucher", w.look("salam"), l)
	c = w.amendCampaign(c, voucher.CampaignPatch{Name: new("Yalda"), Disabled: new(true)})
	w.crash()
	w.equal("the campaign", w.look("salam").Campaign, c)
}
