package gatetest

import (
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/voucher"
)

func campaignChanged(t testing.TB, open Open) {
	for _, status := range closedStatuses() {
		b := newBench(t, open)
		f, sister, other := fact(status, 1), factAbout("SISTER", 2, status, 9), factAbout("OTHER", 3, status, 1)
		sister.Campaign = f.Campaign
		b.learn(f, sister, other, voucher.UnknownFact("NOSUCH"))
		for _, f := range []voucher.Fact{f, sister, other} {
			b.won(f, winner)
		}
		b.SettleCampaign(f.Campaign, 1) // the version that the facts are of
		b.refuses(code, loser, status.Refusal())
		b.refuses("SISTER", loser, status.Refusal())

		b.SettleCampaign(f.Campaign, 2)
		b.passes(code, loser)
		b.passes("SISTER", loser) // its voucher's version is higher, and says nothing about the campaign
		b.refuses("OTHER", loser, status.Refusal())
		b.refuses("NOSUCH", loser, fault.ErrVoucherNotFound)

		f.Version.Campaign = 2
		b.learn(f)
		b.passes(code, loser) // winners first
		b.won(f, winner)
		b.refuses(code, loser, status.Refusal())
		b.passes(code, winner)
	}
}

func campaignLateFacts(t testing.TB, open Open) {
	b := newBench(t, open)
	f := fact(voucher.Disabled, 5)
	b.SettleCampaign(f.Campaign, 2)
	for range 3 { // nothing was known when it was changed
		b.learn(f)
		b.won(f, winner)
		b.passes(code, loser)
		b.clock.pass(half)
	}
	f.Version.Campaign = 2
	b.learn(f)
	b.won(f, winner)
	b.refuses(code, loser, fault.ErrDisabled)

	// But that there is such a voucher at all is news, however old.
	b = newBench(t, open)
	b.learn(voucher.UnknownFact(code))
	b.SettleCampaign(f.Campaign, 2)
	b.learn(fact(voucher.SoldOut, 1))
	b.passes(code, loser)
}

func campaignFloorRises(t testing.TB, open Open) {
	b := newBench(t, open)
	f := fact(voucher.Disabled, 1)
	f.Version.Campaign = 3
	b.learn(f)
	b.won(f, winner)
	b.SettleCampaign(f.Campaign, 4)
	b.SettleCampaign(f.Campaign, 2)
	b.passes(code, loser)
	b.learn(f)
	b.passes(code, loser)
}

// However many there are, and whatever a driver does about them, none is overlooked.
func campaignsManyAtOnce(t testing.TB, open Open) {
	const many = 10_000
	b := newBench(t, open)
	f := fact(voucher.Disabled, 1)
	b.learn(f)
	b.won(f, winner)
	b.SettleCampaign(f.Campaign, 2)
	for i := range many {
		b.SettleCampaign(idOf(9, uint16(i)), 2)
	}
	b.passes(code, loser)

	b.clock.pass(time.Minute)
	f.Version.Campaign = 2
	b.learn(f)
	b.won(f, winner)
	b.refuses(code, loser, fault.ErrDisabled)
}

func closedGate(t testing.TB, open Open) {
	b := newBench(t, open)
	f := fact(voucher.SoldOut, 1)
	b.learn(f, voucher.UnknownFact("NOSUCH"))
	b.won(f, winner)
	for range 2 {
		if err := b.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
		b.passes(code, loser)
		b.passes("NOSUCH", loser)
		b.learn(f, voucher.UnknownFact("NOSUCH"))
		b.won(f, winner)
		b.SettleCampaign(f.Campaign, 2)
		b.passes(code, loser)
		b.passes("NOSUCH", loser)
	}
}
