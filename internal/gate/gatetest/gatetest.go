// Package gatetest holds every driver of package gate to the contract: what a gate may refuse, until when,
// and what it must never refuse. It knows no driver; a driver proves itself by one call of Run.
//
// It uses a clock of its own and never sleeps, so that a failure is one of the driver's.
package gatetest

import (
	"encoding/binary"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scrip/internal/fault"
	"scrip/internal/gate"
	"scrip/internal/id"
	"scrip/internal/voucher"
)

// Open makes a new, empty gate, with room for at least 10,000 facts and a MiB of winners, on this clock.
// The suite closes it.
type Open func(t testing.TB, clock func() time.Time) gate.Gate

// Run holds a driver to the contract.
func Run(t *testing.T, open func(t testing.TB, clock func() time.Time) gate.Gate) {
	t.Helper()
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) { c.run(t, open) })
	}
}

// check is one point of the contract.
type check struct {
	name string
	run  func(t testing.TB, open Open)
}

func checks() []check {
	return []check{
		{"what is not known passes", notKnownPasses},
		{"an open voucher passes", openPasses},
		{"an unknown code is refused", unknownRefused},
		{"a closed voucher refuses losers and lets winners through", closedRefusesLosers},
		{"a fact refuses until it is old", factGrowsOld},
		{"a fact's age counts from the question", ageCountsFromQuestion},
		{"a fact has no more and no less time than it says", factTimeIsBounded},

		{"one caller renews a fact when half of its time is gone", oneRenews},
		{"a flood never finds its fact expired", floodIsRefusedThroughout},
		{"an expired fact is wished for, by one caller", expiredIsWishedFor},
		{"one caller fetches the winners", oneFetchesWinners},
		{"a wish says what it is about", wishesSayWhat},

		{"a newer version replaces an older, never the reverse", versionsGoForward},
		{"within a version a voucher goes its way forward", stagesGoForward},
		{"a known voucher is never unknown again", knownStaysKnown},
		{"an open fact is kept against late news", openIsKept},
		{"late news does not make a fact older", askedGoesForward},

		{"only the winners of the fact's own version count", winnersOfVersion},
		{"only the winners of the fact's own status count", winnersOfStatus},
		{"winners are taken of a closed voucher only", winnersOfClosed},
		{"winners stay while the closure lasts", winnersStay},
		{"winners end with their closure", winnersEndWithClosure},
		{"winners read before the start are not taken for those of a later closure", winnersReadBeforeStart},
		{"of many, every winner passes and few strangers do", manyWinners},

		{"an assigned voucher's closed fact tells strangers that it is assigned", assignedTellsStrangers},
		{"an assigned voucher that is open passes", assignedOpenPasses},
		{"an assigned voucher can be assigned anew", assignedChanges},

		{"a changed campaign's facts are not used any more", campaignChanged},
		{"late facts of a changed campaign refuse nobody", campaignLateFacts},
		{"a campaign's floor only rises", campaignFloorRises},
		{"many campaigns changed at once", campaignsManyAtOnce},

		{"a closed gate lets pass and learns nothing", closedGate},
		{"of a crowd, one caller gets a wish", crowdWish},
		{"what was settled is obeyed by the next request, under fire", crowdObeys},
		{"all at once", crowdStress},
		{"model: no refusal without a true cause", model},
	}
}

// clock is the suite's time.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 20, 20, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is a gate under test, with the words that the checks are written in.
type bench struct {
	testing.TB
	gate.Gate
	clock *clock
}

func newBench(t testing.TB, open Open) *bench {
	t.Helper()
	c := newClock()
	b := &bench{TB: t, Gate: open(t, c.Now), clock: c}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

// learn settles facts that were asked for just now.
func (b *bench) learn(fs ...voucher.Fact) { b.Settle(b.clock.Now(), fs...) }

// hear settles facts that were asked for a while ago.
func (b *bench) hear(ago time.Duration, fs ...voucher.Fact) { b.Settle(b.clock.Now().Add(-ago), fs...) }

// won hands over the winners that were read when f held.
func (b *bench) won(f voucher.Fact, customers ...string) {
	b.Helper()
	b.SettleWinners(f, winners(b, customers...))
}

func (b *bench) refuses(key, customer string, want *fault.Error) {
	b.Helper()
	if d := b.Admit(key, customer); !alike(d.Refusal, want) {
		b.Fatalf("Admit(%q, %q) refuses with %v, want %v", key, customer, d.Refusal, want)
	}
}

func (b *bench) passes(key, customer string) {
	b.Helper()
	if d := b.Admit(key, customer); d.Refusal != nil {
		b.Fatalf("Admit(%q, %q) refuses with %v, want a pass", key, customer, d.Refusal)
	}
}

// wishes asks for the loser and expects this wish.
func (b *bench) wishes(want gate.Want) {
	b.Helper()
	if d := b.Admit(code, loser); d.Want != want {
		b.Fatalf("Admit wants %s, want %s (refusal: %v)", wantString(d.Want), wantString(want), d.Refusal)
	}
}

// alike reports whether there are two refusals, and they say the same.
func alike(a, b *fault.Error) bool { return a != nil && b != nil && a.Code == b.Code }

func wantString(w gate.Want) string {
	switch w {
	case 0:
		return "nothing"
	case gate.WantFact:
		return "the fact"
	case gate.WantWinners:
		return "the winners"
	default:
		return "wishes " + strconv.Itoa(int(w))
	}
}

const (
	winner = "09120000001"
	loser  = "09350000002"
	code   = "SALAM"
)

// fact is about the one voucher of most checks, at a version of the voucher's.
func fact(s voucher.Status, version int64) voucher.Fact { return factAbout(code, 1, s, version) }

func factAbout(key string, n uint16, s voucher.Status, version int64) voucher.Fact {
	f := voucher.Fact{
		Key: key, Voucher: idOf(1, n), Campaign: idOf(2, n),
		Version: voucher.Version{Campaign: 1, Voucher: version},
		Status:  s, FreshFor: voucher.FactFreshFor,
	}
	if s == voucher.Open || s == voucher.NotStarted {
		f.Remaining = 10
	}
	return f
}

// idOf is the id of thing number n of a kind.
func idOf(kind byte, n uint16) id.ID {
	i := id.ID{0: kind}
	binary.BigEndian.PutUint16(i[len(i)-2:], n)
	return i
}

// closedStatuses are those that refuse all but a voucher's winners.
func closedStatuses() []voucher.Status {
	return []voucher.Status{voucher.NotStarted, voucher.Ended, voucher.Disabled, voucher.SoldOut, voucher.Spent}
}

func winners(t rapid.TB, customers ...string) *gate.Winners {
	t.Helper()
	hashes := make([]uint64, 0, len(customers))
	for _, c := range customers {
		hashes = append(hashes, gate.HashCustomer(c))
	}
	w, err := gate.NewWinners(hashes)
	if err != nil {
		t.Fatalf("make a filter of %d winners: %v", len(customers), err)
	}
	return w
}
