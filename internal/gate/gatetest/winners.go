package gatetest

import (
	"strconv"
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/gate"
	"scrip/internal/voucher"
)

func winnersOfVersion(t testing.TB, open Open) {
	b := newBench(t, open)
	f := fact(voucher.SoldOut, 5)
	f.Version.Campaign = 5
	b.learn(f)
	for _, at := range []voucher.Version{
		{Campaign: 5, Voucher: 4},
		{Campaign: 5, Voucher: 6},
		{Campaign: 4, Voucher: 6},
		{Campaign: 6, Voucher: 4},
		{},
	} {
		b.SettleWinners(f.Voucher, at, winners(b))
		b.passes(code, winner)
	}
	b.SettleWinners(factAbout("OTHER", 2, voucher.SoldOut, 5).Voucher, f.Version, winners(b))
	b.passes(code, winner)

	b.won(f, winner)
	b.refuses(code, loser, fault.ErrSoldOut)

	// The next version has none until they come; the old ones come late.
	next := fact(voucher.SoldOut, 6)
	next.Version.Campaign = 5
	b.learn(next)
	b.passes(code, loser)
	b.won(f, winner)
	b.passes(code, loser)
	b.won(next, loser)
	b.refuses(code, winner, fault.ErrSoldOut)
	b.passes(code, loser)
	b.won(f, winner)
	b.passes(code, loser)
}

func winnersOfClosed(t testing.TB, open Open) {
	b := newBench(t, open)
	f := fact(voucher.SoldOut, 1)
	b.won(f) // nothing is known of it
	b.learn(f)
	b.passes(code, winner)

	b = newBench(t, open)
	b.learn(fact(voucher.Open, 1))
	b.won(f) // it is open: the set is not final
	b.passes(code, winner)
	b.learn(f)
	b.passes(code, winner)
}

func winnersStay(t testing.TB, open Open) {
	b := newBench(t, open)
	f := fact(voucher.SoldOut, 1)
	b.learn(f)
	b.won(f, winner)
	for range 100 {
		b.clock.pass(half)
		b.learn(f, fact(voucher.Open, 1), voucher.UnknownFact(code), fact(voucher.SoldOut, 0))
		b.refuses(code, loser, fault.ErrSoldOut)
		b.passes(code, winner)
	}
	b.clock.pass(time.Hour) // expired, and back
	b.passes(code, loser)
	b.learn(f)
	b.refuses(code, loser, fault.ErrSoldOut)
	b.learn(fact(voucher.Ended, 1)) // nobody can have won in between
	b.refuses(code, loser, fault.ErrExpired)
	b.passes(code, winner)
}

// A voucher opens by the clock, without a new version, and whoever wins then is not among those who had won
// before.
func winnersEndWithStart(t testing.TB, open Open) {
	for _, opened := range []bool{true, false} { // this replica saw it open, or not
		for _, then := range []voucher.Status{voucher.SoldOut, voucher.Spent, voucher.Ended} {
			b := newBench(t, open)
			f := fact(voucher.NotStarted, 1)
			b.learn(f)
			b.wishes(gate.WantWinners)
			b.won(f)
			b.refuses(code, winner, fault.ErrNotActive)
			b.clock.pass(half)
			if opened {
				b.learn(fact(voucher.Open, 1))
				b.passes(code, winner)
			}
			after := fact(then, 1)
			b.learn(after)
			if d := b.Admit(code, winner); d.Refusal != nil || d.Want != gate.WantWinners {
				t.Fatalf("not started, then %v: refusal %v, wants %s; want a pass that wants the new winners", then, d.Refusal, wantString(d.Want))
			}
			b.won(after, winner)
			b.passes(code, winner)
			b.refuses(code, loser, then.Refusal())
		}
	}
}

// readingMax is the longest that a reading of winners takes, and then is thrown away by who reads.
const readingMax = 30 * time.Second

func winnersReadBeforeStart(t testing.TB, open Open) {
	for _, opened := range []bool{true, false} {
		b := newBench(t, open)
		f, after := fact(voucher.NotStarted, 1), fact(voucher.SoldOut, 1)
		b.learn(f)
		b.wishes(gate.WantWinners) // the reading begins, and finds nobody
		if opened {
			b.learn(fact(voucher.Open, 1))
		}
		b.learn(after)
		b.passes(code, winner)
		b.won(after) // and here it comes
		b.passes(code, winner)
		b.clock.pass(readingMax - 1)
		b.learn(after)
		b.won(after) // or here
		b.passes(code, winner)

		b.clock.pass(readingMax)
		b.learn(after)
		b.wishes(gate.WantWinners)
		b.won(after, winner)
		b.passes(code, winner)
		b.refuses(code, loser, fault.ErrSoldOut)
	}
}

func manyWinners(t testing.TB, open Open) {
	b := newBench(t, open)
	f := fact(voucher.SoldOut, 1)
	b.learn(f)
	all := make([]string, 20_000)
	for i := range all {
		all[i] = "0912" + strconv.Itoa(1_000_000+i)
	}
	b.won(f, all...)
	for _, c := range all {
		b.passes(code, c)
	}
	passed := 0
	for i := range all {
		if b.Admit(code, "0935"+strconv.Itoa(1_000_000+i)).Refusal == nil {
			passed++
		}
	}
	// One in 256 is expected, 78. Twice that is eleven standard deviations away.
	if passed > 2*len(all)/256 {
		t.Fatalf("%d of %d strangers pass for winners", passed, len(all))
	}
}
