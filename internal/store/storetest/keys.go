package storetest

import (
	"strings"
	"time"

	"scrip/internal/fault"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

func keys() topic {
	return topic{"keys", []scenario{
		{"the same key gets the first answer", sameKey},
		{"another request under the key is refused", keyReused},
		{"a key is one customer's", keyPerCustomer},
		{"a key is one kind's", keyPerKind},
		{"a refusal uses up no key", refusalKeepsKey},
		{"a replay outlives the voucher", replayOutlives},
		{"a replay shows the redemption as it is now", replayShowsNow},
		{"a key twice in one batch", keyTwiceInBatch},
		{"a post is replayed", postReplayed},
		{"a rollback is replayed", rollbackReplayed},
		{"keys are told apart by every letter", distinctKeys},
		{"no key is no key", noKey},
	}}
}

// keyed is a redemption under a key.
func (w *world) keyed(text, customer, key string, body byte) *store.Redeem {
	cmd := w.redeem(text, customer)
	cmd.Key, cmd.Fingerprint = key, fingerprint(body)
	return cmd
}

func sameKey(w *world) {
	w.shared("salam", 5)
	first := w.done(w.do(w.keyed("salam", "ali", "k", 1)))
	w.clock.Advance(time.Second)
	for range 2 {
		w.replayed(w.do(w.keyed("salam", "ali", "k", 1)), first)
	}
	w.holds("ali", credit)
	w.equal("uses", w.look("salam").Voucher.Redeemed, int64(1))
}

func keyReused(w *world) {
	w.shared("salam", 5)
	w.shared("eyd", 5)
	w.done(w.do(w.keyed("salam", "ali", "k", 1)))
	for _, text := range []string{"eyd", "salam", "nothing"} {
		o := w.refused(w.do(w.keyed(text, "ali", "k", 2)), fault.ErrKeyReused)
		w.equal("the fact", o.Fact, voucher.Fact{})
	}
	w.holds("ali", credit)
	w.equal("uses", w.look("eyd").Voucher.Redeemed, int64(0))
}

func keyPerCustomer(w *world) {
	w.shared("salam", 5)
	w.done(w.do(w.keyed("salam", "ali", "k", 1)))
	w.done(w.do(w.keyed("salam", "bita", "k", 2)))
	w.done(w.do(w.send("ali", "cyrus", 1)))
	sent := w.send("ali", "dara", 1)
	sent.Key = "of the sender"
	w.done(w.do(sent))
	received := w.spend("dara", 1)
	received.Key, received.Fingerprint = "of the sender", fingerprint(7)
	w.done(w.do(received)) // the receiver's key is still free
}

func keyPerKind(w *world) {
	w.shared("salam", 5)
	w.shared("eyd", 5)
	r := w.done(w.do(w.keyed("salam", "ali", "redeem", 1))).Redemption
	post := w.pay("ali", 5)
	post.Key, post.Fingerprint = "post", fingerprint(1)
	w.done(w.do(post))
	for _, key := range []string{"redeem", "post"} {
		back := w.rollback(r)
		back.Key, back.Fingerprint = key, fingerprint(1)
		w.equal("the fact", w.refused(w.do(back), fault.ErrKeyReused).Fact, voucher.Fact{})
	}
	again := w.pay("ali", 5)
	again.Key, again.Fingerprint = "redeem", fingerprint(1)
	w.refused(w.do(again), fault.ErrKeyReused)
	w.refused(w.do(w.keyed("eyd", "ali", "post", 1)), fault.ErrKeyReused)
	back := w.rollback(r)
	back.Key, back.Fingerprint = "rollback", fingerprint(1)
	w.done(w.do(back))
	w.refused(w.do(w.keyed("eyd", "ali", "rollback", 1)), fault.ErrKeyReused)
	again.Key = "rollback"
	w.refused(w.do(again), fault.ErrKeyReused)
	w.holds("ali", 5)
}

func refusalKeepsKey(w *world) {
	l := w.shared("salam", 1)
	w.win("salam", "bita")
	w.refused(w.do(w.keyed("salam", "ali", "k", 1)), fault.ErrSoldOut)
	w.refused(w.do(w.keyed("nothing", "ali", "k", 2)), fault.ErrVoucherNotFound)
	spend := w.spend("ali", 1)
	spend.Key, spend.Fingerprint = "k", fingerprint(3)
	w.refused(w.do(spend), fault.ErrInsufficientFunds)
	w.amend(l.Voucher, voucher.Patch{Limit: new(int64(2))})
	w.done(w.do(w.keyed("salam", "ali", "k", 4)))
}

func replayOutlives(w *world) {
	l := w.shared("salam", 1)
	first := w.done(w.do(w.keyed("salam", "ali", "k", 1)))
	w.replayed(w.do(w.keyed("salam", "ali", "k", 1)), first)
	w.amend(l.Voucher, voucher.Patch{Disabled: new(true), Customer: new("bita")})
	w.replayed(w.do(w.keyed("salam", "ali", "k", 1)), first)
	w.amendCampaign(l.Campaign, voucher.CampaignPatch{End: new(w.clock.Now()), Disabled: new(true)})
	w.replayed(w.do(w.keyed("salam", "ali", "k", 1)), first)
}

func replayShowsNow(w *world) {
	w.shared("salam", 1)
	first := w.done(w.do(w.keyed("salam", "ali", "k", 1)))
	w.clock.Advance(time.Second)
	back := w.done(w.do(w.rollback(first.Redemption)))
	o := w.do(w.keyed("salam", "ali", "k", 1))
	w.replayed(o, store.Outcome{Redemption: back.Redemption})
	w.equal("rolled back at", o.Redemption.RolledBackAt, w.clock.Now())
	w.holds("ali", 0)
}

func keyTwiceInBatch(w *world) {
	w.shared("salam", 0, func(_ *voucher.Campaign, v *voucher.Voucher) { v.PerCustomer = 9 })
	os := w.apply(
		w.keyed("salam", "ali", "k", 1), w.keyed("salam", "ali", "k", 1), w.keyed("salam", "ali", "k", 2),
		w.keyed("salam", "bita", "k", 2), w.keyed("salam", "ali", "l", 2), w.keyed("salam", "ali", "l", 2),
	)
	w.replayed(os[1], w.done(os[0]))
	w.refused(os[2], fault.ErrKeyReused)
	w.done(os[3])
	w.replayed(os[5], w.done(os[4]))
	w.equal("uses", w.look("salam").Voucher.Redeemed, int64(3))
}

func postReplayed(w *world) {
	post := w.pay("ali", 500)
	post.Key, post.Fingerprint = "in", fingerprint(1)
	paid := w.done(w.do(post))
	sent := w.send("ali", "bita", 200)
	sent.Key, sent.Fingerprint = "out", fingerprint(2)
	gone := w.done(w.do(sent))
	w.clock.Advance(time.Second)
	post.ID, sent.ID = w.id(), w.id()
	os := w.apply(sent, post)
	w.replayed(os[0], gone)
	w.replayed(os[1], paid)
	w.holds("ali", 300)
	w.holds("bita", 200)
	sent.Fingerprint = fingerprint(3)
	w.refused(w.do(sent), fault.ErrKeyReused)
	sent.AmountMinor, sent.To = -1, "ali" // the key is asked before the sense
	w.refused(w.do(sent), fault.ErrKeyReused)
}

func rollbackReplayed(w *world) {
	w.shared("salam", 1)
	r := w.win("salam", "ali")
	back := w.rollback(r)
	back.Key, back.Fingerprint, back.Reason = "undo", fingerprint(1), strings.Repeat("ن", 200)
	first := w.done(w.do(back))
	w.clock.Advance(time.Second)
	back.ID = w.id()
	o := w.do(back)
	w.replayed(o, first)
	w.equal("the reason", o.Rollback.Reason, strings.Repeat("ن", 200))
	back.Fingerprint = fingerprint(2)
	w.refused(w.do(back), fault.ErrKeyReused)
	w.equal("uses", w.look("salam").Voucher.Redeemed, int64(0))
}

func distinctKeys(w *world) {
	w.shared("salam", 0, func(_ *voucher.Campaign, v *voucher.Voucher) { v.PerCustomer = 99 })
	for i, key := range []string{"k", "K", "k ", " k", "'", "%", "0", strings.Repeat("k", 255), strings.Repeat("k", 254)} {
		w.equal("rank", w.done(w.do(w.keyed("salam", "ali", key, byte(i)))).Redemption.Rank, int64(i+1))
	}
}

func noKey(w *world) {
	w.done(w.do(w.pay("ali", 1)))
	w.done(w.do(w.pay("ali", 1)))
	w.holds("ali", 2)
}
