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
		read := f
		read.Version = at
		b.won(read)
		b.passes(code, winner)
	}
	other := factAbout("OTHER", 2, voucher.SoldOut, 5)
	other.Version = f.Version
	b.won(other)
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
	b.won(fact(voucher.Open, 1)) // it is open: the set is not final
	b.won(f)                     // it was closed to this reader, and is not to this gate
	b.passes(code, winner)
	b.learn(f)
	b.passes(code, winner)
	b.won(fact(voucher.Open, 1))
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
}

// Within one version the clock and the redemptions lead from status to status, and who has won meanwhile is not
// among those who had won before.
func winnersEndWithClosure(t testing.TB, open Open) {
	for _, c := range []struct{ was, then voucher.Status }{
		{voucher.NotStarted, voucher.SoldOut},
		{voucher.NotStarted, voucher.Spent},
		{voucher.NotStarted, voucher.Ended},
		{voucher.SoldOut, voucher.Ended},
		{voucher.Spent, voucher.Ended},
	} {
		for _, opened := range []bool{true, false} { // this replica saw it open, or not
			b := newBench(t, open)
			f, after := fact(c.was, 1), fact(c.then, 1)
			b.learn(f)
			b.wishes(gate.WantWinners)
			b.won(f)
			b.refuses(code, winner, c.was.Refusal())
			b.clock.pass(half)
			if opened && c.was == voucher.NotStarted {
				b.learn(fact(voucher.Open, 1))
				b.passes(code, winner)
			}
			b.learn(after)
			if d := b.Admit(code, winner); d.Refusal != nil || d.Want != gate.WantWinners {
				t.Fatalf("%v, then %v: refusal %v, wants %s; want a pass that wants the new winners", c.was, c.then, d.Refusal, wantString(d.Want))
			}
			b.won(after, winner)
			b.passes(code, winner)
			b.refuses(code, loser, c.then.Refusal())
		}
	}
}

func winnersOfStatus(t testing.TB, open Open) {
	for _, status := range closedStatuses() {
		b := newBench(t, open)
		f := fact(status, 1)
		b.learn(f)
		for _, other := range append(closedStatuses(), voucher.Open, voucher.Unknown) {
			if other != status {
				b.won(fact(other, 1))
				b.passes(code, winner)
			}
		}
		b.won(f, winner)
		b.refuses(code, loser, status.Refusal())
		for _, other := range append(closedStatuses(), voucher.Open, voucher.Unknown) {
			if other != status {
				b.won(fact(other, 1))
				b.passes(code, winner)
				b.refuses(code, loser, status.Refusal())
			}
		}
	}
}

// A reading may take as long as it likes, and come as often as it likes.
func winnersReadBeforeStart(t testing.TB, open Open) {
	for _, opened := range []bool{true, false} {
		b := newBench(t, open)
		f, after := fact(voucher.NotStarted, 1), fact(voucher.SoldOut, 1)
		b.learn(f)
		b.wishes(gate.WantWinners) // the reading begins, and finds nobody
		if opened {
			b.learn(fact(voucher.Open, 1))
			b.won(f)
			b.passes(code, winner)
		}
		b.learn(after)
		b.wishes(gate.WantWinners) // and another, that finds the winner
		for range 3 {
			b.won(f) // and here comes the first
			b.passes(code, winner)
			b.clock.pass(time.Minute)
			b.learn(after)
		}
		b.won(after, winner)
		b.won(f)
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
