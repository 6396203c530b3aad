package gatetest

import (
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/gate"
	"scrip/internal/voucher"
)

func notKnownPasses(t testing.TB, open Open) {
	b := newBench(t, open)
	if d := b.Admit(code, loser); d != (gate.Decision{}) {
		t.Fatalf("of a code that nothing is known of, the gate says %+v", d)
	}
	b.learn(factAbout("OTHER", 2, voucher.SoldOut, 1), voucher.UnknownFact("ANOTHER"))
	b.passes(code, loser)
}

func openPasses(t testing.TB, open Open) {
	b := newBench(t, open)
	b.learn(fact(voucher.Open, 1))
	b.passes(code, loser)
	b.clock.pass(voucher.FactFreshFor * 3 / 4)
	b.passes(code, loser)
	b.clock.pass(voucher.FactFreshFor)
	b.passes(code, loser)
}

func unknownRefused(t testing.TB, open Open) {
	b := newBench(t, open)
	b.learn(voucher.UnknownFact(code))
	b.refuses(code, loser, fault.ErrVoucherNotFound)
	b.wishes(0)
	b.passes(code+"2", loser)
	b.clock.pass(voucher.FactFreshFor)
	b.passes(code, loser)
}

func closedRefusesLosers(t testing.TB, open Open) {
	for _, status := range closedStatuses() {
		b := newBench(t, open)
		f := fact(status, 1)
		b.learn(f)
		d := b.Admit(code, loser)
		if d.Refusal != nil || d.Want != gate.WantWinners {
			t.Fatalf("%v, its winners not known: refusal %v, wants %s; want a pass that wants the winners", status, d.Refusal, wantString(d.Want))
		}
		b.passes(code, winner)
		b.won(f, winner)
		b.refuses(code, loser, status.Refusal())
		b.passes(code, winner)
	}
}

func factGrowsOld(t testing.TB, open Open) {
	b := newBench(t, open)
	f, unknown := fact(voucher.SoldOut, 1), voucher.UnknownFact("NOSUCH")
	b.learn(f, unknown)
	b.won(f, winner)
	b.clock.pass(voucher.FactFreshFor - 1)
	b.refuses(code, loser, fault.ErrSoldOut)
	b.refuses("NOSUCH", loser, fault.ErrVoucherNotFound)
	b.clock.pass(1)
	b.passes(code, loser)
	b.passes("NOSUCH", loser)
	b.clock.pass(time.Hour)
	b.passes(code, loser)

	b.learn(f, unknown)
	b.refuses(code, loser, fault.ErrSoldOut)
	b.refuses("NOSUCH", loser, fault.ErrVoucherNotFound)
}

func ageCountsFromQuestion(t testing.TB, open Open) {
	const ago = voucher.FactFreshFor * 3 / 4
	b := newBench(t, open)
	b.clock.pass(time.Minute)
	f := fact(voucher.Disabled, 1)
	b.hear(ago, f, voucher.UnknownFact("NOSUCH"))
	b.won(f, winner)
	b.refuses(code, loser, fault.ErrDisabled)
	b.clock.pass(voucher.FactFreshFor - ago)
	b.passes(code, loser)
	b.passes("NOSUCH", loser)

	// So long on its way that it is old when it comes.
	b.hear(voucher.FactFreshFor, f, voucher.UnknownFact("NOSUCH"))
	b.passes(code, loser)
	b.passes("NOSUCH", loser)
}

func factTimeIsBounded(t testing.TB, open Open) {
	for _, c := range []struct {
		name          string
		says, has     time.Duration
		askedInFuture time.Duration
	}{
		{"less than usual, because it will start soon", 300 * time.Millisecond, 300 * time.Millisecond, 0},
		{"more than allowed", time.Hour, voucher.FactFreshFor, 0},
		{"none", 0, 0, 0},
		{"less than none", -time.Hour, 0, 0},
		{"asked in the future", voucher.FactFreshFor, voucher.FactFreshFor, time.Hour},
	} {
		b := newBench(t, open)
		f := fact(voucher.NotStarted, 1)
		f.FreshFor = c.says
		b.hear(-c.askedInFuture, f)
		b.won(f, winner)
		if c.has > 0 {
			b.clock.pass(c.has - 1)
			b.refuses(code, loser, fault.ErrNotActive)
			b.clock.pass(1)
		}
		if d := b.Admit(code, loser); d.Refusal != nil {
			t.Fatalf("%s: refuses after %v", c.name, c.has)
		}
	}
}
