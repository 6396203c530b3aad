package gatetest

import (
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/gate"
	"scrip/internal/voucher"
)

const owner = "09190000003"

// assigned is a fact about a voucher that is published to the owner.
func assigned(s voucher.Status, version int64) voucher.Fact {
	f := fact(s, version)
	f.Customer = owner
	return f
}

func assignedTellsStrangers(t testing.TB, open Open) {
	for _, status := range closedStatuses() {
		b := newBench(t, open)
		f := assigned(status, 1)
		b.learn(f)
		if d := b.Admit(code, loser); d.Refusal != nil || d.Want != gate.WantWinners {
			t.Fatalf("%v, its winners not known: a stranger is refused with %v, wants %s; it may have been theirs before", status, d.Refusal, wantString(d.Want))
		}
		b.won(f, winner)
		for range 3 {
			b.refuses(code, loser, fault.ErrAssigned)
			b.refuses(code, owner, status.Refusal())
			b.passes(code, winner) // it was theirs when they won
			b.clock.pass(half)
			b.learn(f)
		}
		b.clock.pass(voucher.FactFreshFor - 1)
		b.refuses(code, loser, fault.ErrAssigned)
		b.clock.pass(1)
		b.passes(code, loser)
		b.passes(code, owner)
	}
}

func assignedOpenPasses(t testing.TB, open Open) {
	b := newBench(t, open)
	f := assigned(voucher.Open, 1)
	b.learn(f)
	b.won(f)
	b.passes(code, loser) // the store will say it
	b.passes(code, owner)
	b.wishes(0)
}

// Whom it is published to changes with the version, and never with late news.
func assignedChanges(t testing.TB, open Open) {
	b := newBench(t, open)
	everybodys, owners, losers := fact(voucher.SoldOut, 1), assigned(voucher.SoldOut, 2), assigned(voucher.SoldOut, 3)
	losers.Customer = loser
	for _, f := range []voucher.Fact{everybodys, owners, losers} {
		b.learn(f)
		b.won(f, winner)
		for range 2 {
			for _, customer := range []string{owner, loser} {
				want := fault.ErrSoldOut
				if f.Customer != "" && f.Customer != customer {
					want = fault.ErrAssigned
				}
				b.refuses(code, customer, want)
			}
			b.clock.pass(time.Millisecond)
			b.learn(everybodys)
			b.learn(f)
		}
	}
}
