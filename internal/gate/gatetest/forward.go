package gatetest

import (
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/voucher"
)

// inForce settles facts in this order, each asked for after the one before, and expects that want is in
// force then: a loser passes if it is open, and otherwise is refused as it says once its winners are there.
func inForce(t testing.TB, open Open, want voucher.Fact, fs ...voucher.Fact) {
	t.Helper()
	b := newBench(t, open)
	for _, f := range fs {
		b.learn(f)
		b.clock.pass(1) // the later one is asked for later
	}
	if want.Status.Refusal() == nil {
		b.passes(code, loser)
		b.wishes(0)
		return
	}
	b.won(want, winner)
	b.refuses(code, loser, want.Status.Refusal())
	b.passes(code, winner)
}

func versionsGoForward(t testing.TB, open Open) {
	for _, newer := range append(closedStatuses(), voucher.Open) {
		for _, older := range append(closedStatuses(), voucher.Open) {
			f, g := fact(newer, 5), fact(older, 4)
			inForce(t, open, f, f, g)
			inForce(t, open, f, g, f)
			inForce(t, open, f, g, f, g)
			f.Version = voucher.Version{Campaign: 3, Voucher: 4}
			inForce(t, open, f, f, g)
			inForce(t, open, f, g, f)
		}
	}
	// The newer version counts even if its question was asked first.
	b := newBench(t, open)
	b.clock.pass(time.Minute)
	b.learn(fact(voucher.SoldOut, 1))
	b.won(fact(voucher.SoldOut, 1), winner)
	b.hear(time.Second/2, fact(voucher.Open, 2))
	b.passes(code, loser)
}

func stagesGoForward(t testing.TB, open Open) {
	way := [][]voucher.Status{
		{voucher.NotStarted},
		{voucher.Open},
		{voucher.SoldOut, voucher.Spent},
		{voucher.Ended},
	}
	for i, earlier := range way {
		for _, later := range way[i+1:] {
			for _, e := range earlier {
				for _, l := range later {
					inForce(t, open, fact(l, 1), fact(e, 1), fact(l, 1))
					inForce(t, open, fact(l, 1), fact(l, 1), fact(e, 1))
					inForce(t, open, fact(l, 1), fact(e, 1), fact(l, 1), fact(e, 1))
				}
			}
		}
	}
	// Remaining does not make an open fact newer than a closed one.
	more := fact(voucher.Open, 1)
	more.Remaining = 1_000
	inForce(t, open, fact(voucher.SoldOut, 1), fact(voucher.SoldOut, 1), more)
}

func knownStaysKnown(t testing.TB, open Open) {
	unknown := voucher.UnknownFact(code)
	for _, s := range append(closedStatuses(), voucher.Open) {
		inForce(t, open, fact(s, 1), unknown, fact(s, 1))
		inForce(t, open, fact(s, 1), fact(s, 1), unknown)
		f := fact(s, 0)
		f.Version = voucher.Version{} // as low as the unknown's
		inForce(t, open, f, unknown, f, unknown)
	}
	// A voucher that is known counts even if its question was asked first.
	b := newBench(t, open)
	b.clock.pass(time.Minute)
	b.learn(unknown)
	b.hear(time.Second/2, fact(voucher.Open, 0))
	b.passes(code, loser)
}

func openIsKept(t testing.TB, open Open) {
	b := newBench(t, open)
	b.learn(fact(voucher.SoldOut, 1))
	b.won(fact(voucher.SoldOut, 1), winner)
	b.refuses(code, loser, fault.ErrSoldOut)
	b.learn(fact(voucher.Open, 2))
	for range 5 {
		b.clock.pass(time.Second)
		b.learn(fact(voucher.SoldOut, 1), voucher.UnknownFact(code))
		b.won(fact(voucher.SoldOut, 1), winner)
		b.passes(code, loser)
		b.wishes(0)
	}
}

func askedGoesForward(t testing.TB, open Open) {
	b := newBench(t, open)
	b.clock.pass(time.Minute)
	f, unknown := fact(voucher.SoldOut, 1), voucher.UnknownFact("NOSUCH")
	b.learn(f, unknown)
	b.won(f, winner)
	b.hear(voucher.FactFreshFor-1, f, unknown)
	b.clock.pass(voucher.FactFreshFor - 1)
	b.refuses(code, loser, fault.ErrSoldOut)
	b.refuses("NOSUCH", loser, fault.ErrVoucherNotFound)

	// A late fact does not lend its longer time to one that will change soon.
	soon := factAbout("SOON", 2, voucher.NotStarted, 1)
	soon.FreshFor = 100 * time.Millisecond
	b.learn(soon)
	b.won(soon, winner)
	late := soon
	late.FreshFor = 600 * time.Millisecond
	b.hear(500*time.Millisecond, late)
	b.clock.pass(100 * time.Millisecond)
	b.passes("SOON", loser)
}
