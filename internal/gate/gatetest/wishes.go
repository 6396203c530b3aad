package gatetest

import (
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/gate"
	"scrip/internal/voucher"
)

// The bounds that the suite holds "about" to.
const (
	half          = voucher.FactFreshFor / 2
	askAgainMin   = 100 * time.Millisecond // nobody else is asked for a fact that soon,
	askAgainMax   = 400 * time.Millisecond // and somebody else is by then
	fetchAgainMin = 500 * time.Millisecond // the same, of winners
	fetchAgainMax = 1500 * time.Millisecond
)

func oneRenews(t testing.TB, open Open) {
	for _, status := range []voucher.Status{voucher.SoldOut, voucher.Unknown} {
		b := newBench(t, open)
		f := fact(status, 1)
		if status == voucher.Unknown {
			f = voucher.UnknownFact(code)
		}
		b.learn(f)
		b.won(f, winner)
		b.clock.pass(half)
		b.wishes(0)
		b.clock.pass(1)
		b.wishes(gate.WantFact)
		b.wishes(0)
		b.clock.pass(askAgainMin)
		b.wishes(0)
		b.clock.pass(askAgainMax - askAgainMin)
		b.wishes(gate.WantFact)
		b.wishes(0)

		b.learn(f)
		b.clock.pass(half)
		b.refuses(code, loser, status.Refusal()) // it lives on, and its winners with it
		b.wishes(0)
		b.clock.pass(1)
		b.wishes(gate.WantFact)
	}
}

func floodIsRefusedThroughout(t testing.TB, open Open) {
	const tick = time.Millisecond
	b := newBench(t, open)
	f := fact(voucher.SoldOut, 1)
	b.learn(f)
	b.won(f, winner)
	asks := 0
	var asked, answered time.Time
	for range 10 * voucher.FactFreshFor / tick {
		b.clock.pass(tick)
		if now := b.clock.Now(); !answered.IsZero() && now.After(answered) {
			b.Settle(asked, f)
			answered = time.Time{}
		}
		d := b.Admit(code, loser)
		if d.Refusal == nil {
			t.Fatal("a loser passes in the middle of a flood")
		}
		if d.Want&gate.WantFact == 0 {
			continue
		}
		// Every third answer is lost; the others take a while.
		if asks++; asks%3 != 0 {
			asked = b.clock.Now()
			answered = asked.Add(50 * time.Millisecond)
		}
	}
	if asks < 10 || asks > 40 {
		t.Fatalf("%d questions in ten seconds", asks)
	}
}

func expiredIsWishedFor(t testing.TB, open Open) {
	b := newBench(t, open)
	f := fact(voucher.SoldOut, 1)
	b.learn(f)
	b.won(f, winner)
	b.clock.pass(time.Minute)
	b.wishes(gate.WantFact)
	b.wishes(0)
	b.clock.pass(askAgainMax)
	b.wishes(gate.WantFact)
	b.passes(code, loser)
	b.learn(f)
	b.refuses(code, loser, fault.ErrSoldOut)
}

func oneFetchesWinners(t testing.TB, open Open) {
	b := newBench(t, open)
	f := fact(voucher.SoldOut, 1)
	b.learn(f)
	b.wishes(gate.WantWinners)
	b.wishes(0)
	b.clock.pass(fetchAgainMin)
	b.learn(f)
	b.wishes(0)
	b.clock.pass(fetchAgainMax - fetchAgainMin)
	b.learn(f)
	b.wishes(gate.WantWinners)
	b.wishes(0)
	b.won(f, winner)
	b.wishes(0)
	b.clock.pass(fetchAgainMax)
	b.learn(f)
	b.wishes(0)
	b.refuses(code, loser, fault.ErrSoldOut)

	// Of another closure they are wished for at once.
	b.learn(fact(voucher.Ended, 1))
	b.wishes(gate.WantWinners)
	b.wishes(0)
	b.learn(fact(voucher.SoldOut, 2))
	b.wishes(gate.WantWinners)
	b.learn(fact(voucher.Open, 3), fact(voucher.SoldOut, 3))
	b.wishes(gate.WantWinners)
}

func wishesSayWhat(t testing.TB, open Open) {
	b := newBench(t, open)
	f := fact(voucher.SoldOut, 7)
	b.learn(f)
	same := func(d gate.Decision) bool {
		return d.Fact.Key == f.Key && d.Fact.Voucher == f.Voucher && d.Fact.Version == f.Version && d.Fact.Status == f.Status
	}
	if d := b.Admit(code, loser); d.Want != gate.WantWinners || !same(d) {
		t.Fatalf("wants %s about %+v", wantString(d.Want), d.Fact)
	}
	b.won(f, winner)
	b.clock.pass(half + 1)
	if d := b.Admit(code, loser); d.Want != gate.WantFact || !same(d) {
		t.Fatalf("wants %s about %+v", wantString(d.Want), d.Fact)
	}
	b.learn(voucher.UnknownFact("NOSUCH"))
	b.clock.pass(half + 1)
	if d := b.Admit("NOSUCH", loser); d.Want != gate.WantFact || d.Fact.Key != "NOSUCH" {
		t.Fatalf("wants %s about %+v", wantString(d.Want), d.Fact)
	}
}
