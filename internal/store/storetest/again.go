package storetest

import (
	"context"
	"errors"
	"time"

	"scrip/internal/fault"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

func again() topic {
	return topic{"again", []scenario{
		{"a batch that was applied is applied once", appliedOnce},
		{"a batch of which half is known", halfKnown},
		{"a batch that was never applied", neverApplied},
		{"a refusal is judged again", refusalJudgedAgain},
		{"what was rolled back stays so", rolledBackStays},
		{"an id twice in one batch", idTwiceInBatch},
		{"its id comes before its key", idBeforeKey},
		{"a caller who left may ask again", callerLeft},
	}}
}

// asAgain sets Again on copies of commands.
func asAgain(commands []store.Command) []store.Command {
	asked := make([]store.Command, 0, len(commands))
	for _, command := range commands {
		switch c := command.(type) {
		case *store.Redeem:
			c2 := *c
			c2.Again = true
			asked = append(asked, &c2)
		case *store.Rollback:
			c2 := *c
			c2.Again = true
			asked = append(asked, &c2)
		case *store.Post:
			c2 := *c
			c2.Again = true
			asked = append(asked, &c2)
		}
	}
	return asked
}

// everyKind is a batch of all kinds of command, each of which takes effect; earlier can be rolled back.
func (w *world) everyKind(earlier *voucher.Redemption) []store.Command {
	return []store.Command{
		w.redeem("salam", "ali"), w.redeem("salam", "bita"), w.rollback(earlier),
		w.pay("ali", 70), w.spend("ali", 20), w.send("ali", "cyrus", 50), w.send("ali", "bita", 50),
	}
}

// settled checks what everyKind leaves behind.
func (w *world) settled() {
	w.t.Helper()
	w.holds("ali", credit-50)
	w.holds("bita", credit+50)
	w.holds("cyrus", 50)
	w.holds("zal", 0)
	v := w.look("salam").Voucher
	w.equal("uses and ranks", []int64{v.Redeemed, v.Ranked}, []int64{2, 3})
}

func appliedOnce(w *world) {
	w.shared("salam", 5)
	batch := w.everyKind(w.win("salam", "zal"))
	first := w.apply(batch...)
	w.clock.Advance(time.Second)
	for range 2 {
		for i, o := range w.apply(asAgain(batch)...) {
			w.replayed(o, w.done(first[i]))
		}
	}
	w.settled()
}

func halfKnown(w *world) {
	for known := range 7 {
		w := open(w.t, w.d) // a store for each half
		w.shared("salam", 5)
		batch := w.everyKind(w.win("salam", "zal"))
		first := w.apply(batch[:known]...)
		for i, o := range w.apply(asAgain(batch)...) {
			if i < known {
				w.replayed(o, w.done(first[i]))
			} else {
				w.done(o)
			}
		}
		w.settled()
		w.audit()
	}
}

func neverApplied(w *world) {
	w.shared("salam", 5)
	for _, o := range w.apply(asAgain(w.everyKind(w.win("salam", "zal")))...) {
		w.done(o)
	}
	w.settled()
}

func refusalJudgedAgain(w *world) {
	l := w.shared("salam", 1)
	batch := []store.Command{w.redeem("salam", "ali"), w.redeem("salam", "bita"), w.redeem("salam", "ali")}
	first := w.apply(batch...)
	os := w.apply(asAgain(batch)...)
	w.replayed(os[0], w.done(first[0]))
	w.refused(os[1], fault.ErrSoldOut)
	w.refused(os[2], fault.ErrAlreadyRedeemed)
	w.amend(l.Voucher, voucher.Patch{Limit: new(int64(2))})
	os = w.apply(asAgain(batch)...)
	w.replayed(os[0], first[0])
	w.equal("rank", w.done(os[1]).Redemption.Rank, int64(2))
	w.refused(os[2], fault.ErrAlreadyRedeemed)
}

func rolledBackStays(w *world) {
	w.shared("salam", 1)
	redeem := w.redeem("salam", "ali")
	back := w.rollback(w.done(w.do(redeem)).Redemption)
	undone := w.done(w.do(back))
	os := w.apply(asAgain([]store.Command{redeem, back})...)
	w.replayed(os[0], store.Outcome{Redemption: undone.Redemption})
	w.replayed(os[1], undone)
	w.holds("ali", 0)
	w.equal("uses", w.look("salam").Voucher.Redeemed, int64(0))
}

func idTwiceInBatch(w *world) {
	w.shared("salam", 5)
	pay := w.pay("bita", 9)
	batch := asAgain([]store.Command{w.redeem("salam", "ali"), pay})
	os := w.apply(batch[0], batch[1], batch[0], batch[1])
	w.replayed(os[2], w.done(os[0]))
	w.replayed(os[3], w.done(os[1]))
	w.holds("ali", credit)
	w.holds("bita", 9)
}

func idBeforeKey(w *world) {
	w.shared("salam", 5)
	redeem := w.keyed("salam", "ali", "k", 1)
	pay := w.pay("ali", 9)
	pay.Key, pay.Fingerprint = "p", fingerprint(1)
	first := w.apply(redeem, pay)
	os := w.apply(asAgain([]store.Command{redeem, pay})...)
	w.replayed(os[0], first[0])
	w.replayed(os[1], first[1])
	// The same request by another attempt, whose own fate was unknown too: its id is new, its key is not.
	other, paid := w.keyed("salam", "ali", "k", 1), *pay
	paid.ID = w.id()
	os = w.apply(asAgain([]store.Command{other, &paid})...)
	w.replayed(os[0], first[0])
	w.replayed(os[1], first[1])
}

func callerLeft(w *world) {
	w.shared("salam", 5)
	ctx, cancel := context.WithCancel(w.t.Context())
	cancel()
	batch := []store.Command{w.redeem("salam", "ali"), w.pay("bita", 9)}
	_, err := w.s.Apply(ctx, batch)
	if err != nil && !errors.Is(err, store.ErrNotApplied) && !errors.Is(err, store.ErrFateUnknown) {
		w.t.Fatalf("an error that does not say what became of the batch: %v", err)
	}
	if errors.Is(err, store.ErrNotApplied) {
		w.holds("ali", 0)
	}
	for _, o := range w.apply(asAgain(batch)...) {
		w.equal("refusal", o.Refusal, (*fault.Error)(nil))
	}
	w.holds("ali", credit)
	w.holds("bita", 9)
}
