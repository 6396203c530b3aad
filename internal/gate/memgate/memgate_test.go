package memgate_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"scrip/internal/fault"
	"scrip/internal/gate"
	"scrip/internal/gate/gatetest"
	"scrip/internal/gate/memgate"
	"scrip/internal/voucher"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	gatetest.Run(t, func(t testing.TB, clock func() time.Time) gate.Gate {
		t.Helper()
		g, err := memgate.New(memgate.Config{Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		return g
	})
}

// bench is a gate on a clock that the test moves.
type bench struct {
	*memgate.Gate
	t   *testing.T
	mu  sync.Mutex
	now time.Time
}

func newBench(t *testing.T, cfg memgate.Config) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 3, 20, 20, 0, 0, 0, time.UTC)}
	cfg.Clock = b.clock
	g, err := memgate.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	b.Gate = g
	t.Cleanup(func() {
		if err := g.Audit(); err != nil {
			t.Error(err)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		if n := g.Facts(); n != 0 {
			t.Errorf("%d facts in a closed gate", n)
		}
		if n, bytes := g.Filters(); n != 0 || bytes != 0 {
			t.Errorf("%d filters of %d bytes in a closed gate", n, bytes)
		}
	})
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) learn(fs ...voucher.Fact) { b.Settle(b.clock(), fs...) }

func TestNewRefusesBoundsBelowZero(t *testing.T) {
	for _, cfg := range []memgate.Config{{FactsMax: -1}, {WinnersBytesMax: -1}} {
		if _, err := memgate.New(cfg); err == nil {
			t.Errorf("New(%+v) makes a gate", cfg)
		}
	}
}

func TestRealClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := memgate.New(memgate.Config{})
		if err != nil {
			t.Fatal(err)
		}
		g.Settle(time.Now(), voucher.UnknownFact("NOSUCH"))
		time.Sleep(voucher.FactFreshFor - 1)
		if d := g.Admit("NOSUCH", "anybody"); d.Refusal != fault.ErrVoucherNotFound || d.Want != gate.WantFact {
			t.Errorf("a nanosecond before it expires: %+v", d)
		}
		time.Sleep(time.Nanosecond)
		if d := g.Admit("NOSUCH", "anybody"); d.Refusal != nil {
			t.Errorf("when it expires: %v", d.Refusal)
		}
		asked := time.Now()
		time.Sleep(voucher.FactFreshFor / 2)
		g.Settle(asked, voucher.UnknownFact("NOSUCH"))
		time.Sleep(voucher.FactFreshFor/2 - 1)
		if d := g.Admit("NOSUCH", "anybody"); d.Refusal == nil {
			t.Error("a nanosecond before it expires again: a pass")
		}
		time.Sleep(time.Nanosecond)
		if d := g.Admit("NOSUCH", "anybody"); d.Refusal != nil {
			t.Errorf("when it expires again: %v", d.Refusal)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAdmitAllocatesNothing(t *testing.T) {
	b := newBench(t, memgate.Config{})
	w, loser := winnersOf(t, 1000)
	f, mine := factOf("SOLD", 1, 1, voucher.SoldOut), factOf("MINE", 4, 1, voucher.SoldOut)
	mine.Customer = "09350000000"
	b.learn(f, mine, factOf("OPEN", 2, 1, voucher.Open), factOf("WISH", 3, 1, voucher.Ended), voucher.UnknownFact("NOSUCH"))
	b.SettleWinners(f, w)
	b.SettleWinners(mine, w)
	b.pass(voucher.FactFreshFor * 3 / 4)
	for _, key := range []string{"SOLD", "MINE", "OPEN", "WISH", "NOSUCH", "NEVER HEARD OF"} {
		for _, customer := range []string{loser, "09121000001", mine.Customer} {
			if n := testing.AllocsPerRun(1000, func() { b.Admit(key, customer) }); n != 0 {
				t.Errorf("Admit(%s, %s) allocates %v times", key, customer, n)
			}
		}
	}
}

// The refusals are the sentinels themselves: nothing is made per request.
func TestRefusalsAreSentinels(t *testing.T) {
	b := newBench(t, memgate.Config{})
	for n, s := range []voucher.Status{voucher.Unknown, voucher.NotStarted, voucher.Ended, voucher.Disabled, voucher.SoldOut, voucher.Spent} {
		f := factOf(s.String(), n, 1, s)
		b.learn(f)
		w, loser := winnersOf(t, 3)
		b.SettleWinners(f, w)
		if d := b.Admit(f.Key, loser); d.Refusal != s.Refusal() {
			t.Errorf("%v is refused with %v", s, d.Refusal)
		}
		if s == voucher.Unknown {
			continue
		}
		f.Customer, f.Version.Voucher = "09350000000", 2
		b.learn(f)
		b.SettleWinners(f, w)
		if d := b.Admit(f.Key, loser); d.Refusal != fault.ErrAssigned {
			t.Errorf("%v, to a stranger, is refused with %v", s, d.Refusal)
		}
	}
}

func TestNonsenseIsNotLearned(t *testing.T) {
	b := newBench(t, memgate.Config{})
	long := strings.Repeat("۹", 64) + strings.Repeat("x", 129) // 257 bytes
	b.learn(
		voucher.UnknownFact(""),
		voucher.UnknownFact(long),
		factOf("INVALID", 1, 1, voucher.Spent+1),
		voucher.Fact{},
	)
	b.SettleWinners(factOf("", 2, 1, voucher.SoldOut), nil)
	if n := b.Facts(); n != 0 {
		t.Errorf("%d facts", n)
	}
	b.learn(voucher.UnknownFact(long[:256]))
	if n := b.Facts(); n != 1 {
		t.Errorf("%d facts, want one: a key may have 256 bytes", n)
	}
	b.SettleWinners(factOf("", 2, 1, voucher.SoldOut), nil)
}

// A database put back from a copy may give a code to another voucher. The later word counts.
func TestAnotherVoucherUnderTheSameKey(t *testing.T) {
	b := newBench(t, memgate.Config{})
	w, loser := winnersOf(t, 3)
	before, after := factOf("CODE", 1, 9, voucher.SoldOut), factOf("CODE", 2, 1, voucher.Ended)
	b.learn(before)
	b.SettleWinners(before, w)
	b.learn(after) // asked no later
	if d := b.Admit("CODE", loser); d.Refusal != fault.ErrSoldOut {
		t.Errorf("refusal %v", d.Refusal)
	}
	b.pass(1)
	b.learn(after)
	if d := b.Admit("CODE", loser); d.Refusal != nil || d.Want != gate.WantWinners {
		t.Errorf("refusal %v", d.Refusal)
	}
	b.SettleWinners(after, w)
	if d := b.Admit("CODE", loser); d.Refusal != fault.ErrExpired {
		t.Errorf("refusal %v", d.Refusal)
	}
}
