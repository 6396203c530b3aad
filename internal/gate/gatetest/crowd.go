package gatetest

import (
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scrip/internal/gate"
	"scrip/internal/voucher"
)

func crowdWish(t testing.TB, open Open) {
	b := newBench(t, open)
	f := fact(voucher.SoldOut, 1)
	b.learn(f)
	for _, step := range []struct {
		name string
		want gate.Want
		then func()
	}{
		{"of a voucher just closed", gate.WantWinners, func() { b.won(f, winner); b.clock.pass(half + 1) }},
		{"of a fact growing old", gate.WantFact, func() { b.clock.pass(time.Minute) }},
		{"of a fact expired", gate.WantFact, func() { b.learn(f) }},
		{"of a fact renewed", 0, func() {}},
	} {
		var wg sync.WaitGroup
		var wishes atomic.Int64
		start := make(chan struct{})
		for range 1000 {
			wg.Go(func() {
				<-start
				switch d := b.Admit(code, loser); d.Want {
				case 0:
				case step.want:
					wishes.Add(1)
				default:
					t.Errorf("%s: a caller wants %s", step.name, wantString(d.Want))
				}
			})
		}
		close(start)
		wg.Wait()
		if n := wishes.Load(); n != 1 && step.want != 0 {
			t.Fatalf("%s: %d callers want %s, want one", step.name, n, wantString(step.want))
		}
		step.then()
	}
}

// crowdObeys opens and closes a voucher over and over, while others bring old news, and everybody asks:
// between two changes each decision is the last one's.
func crowdObeys(t testing.TB, open Open) {
	versions := int64(1000)
	if testing.Short() {
		versions = 200
	}
	at := func(version int64) voucher.Fact {
		if version%2 == 0 {
			return fact(voucher.SoldOut, version)
		}
		return fact(voucher.Open, version)
	}
	b := newBench(t, open)
	won := winners(t, winner)
	var begun, settled, checked atomic.Int64
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		for v := int64(1); v <= versions; v++ {
			seen := checked.Load()
			begun.Store(v)
			f := at(v)
			b.learn(f)
			b.SettleWinners(f, won)
			settled.Store(v)
			for i := 0; checked.Load() == seen && i < 20; i++ { // let somebody ask
				runtime.Gosched()
			}
		}
	})
	forever := func(f func()) {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					f()
					runtime.Gosched() // on one core, let the others
				}
			}
		})
	}
	for range 2 {
		forever(func() { // late news, as late as may be
			f := at(rand.Int64N(settled.Load() + 1)) //nolint:gosec // any will do
			b.learn(f, voucher.UnknownFact(code))
			b.SettleWinners(f, won)
		})
	}
	for range 3 {
		forever(func() {
			v := settled.Load()
			lost, mine := b.Admit(code, loser), b.Admit(code, winner)
			if mine.Refusal != nil {
				t.Errorf("a winner is refused: %v", mine.Refusal)
			}
			if v == 0 || begun.Load() != v {
				return
			}
			checked.Add(1)
			if refused, want := lost.Refusal != nil, at(v).Status == voucher.SoldOut; refused != want {
				t.Errorf("version %d, %v: refusal %v", v, at(v).Status, lost.Refusal)
			}
		})
	}
	wg.Wait()
	if checked.Load() == 0 {
		t.Log("nobody got a word in between two changes")
	}
}

// crowdStress does everything at once, for the race detector, and to see that what never closes never
// refuses and that who has won is never refused.
func crowdStress(t testing.TB, open Open) {
	const codes, workers = 64, 8
	rounds := 2000
	if testing.Short() {
		rounds = 500
	}
	b := newBench(t, open)
	won := winners(t, winner)
	key := func(n uint64) string { return "CODE" + strconv.FormatUint(n, 10) }
	about := func(n uint64) voucher.Fact {
		s := voucher.Status(n % 7)
		if s == voucher.Unknown {
			return voucher.UnknownFact(key(n))
		}
		f := factAbout(key(n), uint16(n), s, rand.Int64N(4)) //nolint:gosec // below 64
		if n%2 == 0 {
			f.Customer = owner
		}
		return f
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range rounds {
				n := rand.Uint64N(codes) //nolint:gosec // any will do
				f := about(n)
				switch rand.IntN(16) { //nolint:gosec // any will do
				case 0:
					b.clock.pass(10 * time.Millisecond)
				case 1:
					b.SettleCampaign(f.Campaign, rand.Int64N(3)) //nolint:gosec // any will do
				case 2, 3:
					b.SettleWinners(f, won)
				case 4, 5, 6:
					b.hear(rand.N(2*voucher.FactFreshFor), f, about((n+1)%codes)) //nolint:gosec // any will do
				default:
					d := b.Admit(key(n), winner)
					if d.Refusal != nil && f.Status != voucher.Unknown {
						t.Errorf("a winner is refused: %v", d.Refusal)
					}
					for _, customer := range []string{loser, owner} {
						if d := b.Admit(key(n), customer); d.Refusal != nil && !alike(d.Refusal, f.Refusal(customer)) {
							t.Errorf("%v refuses %s with %v", f.Status, customer, d.Refusal)
						}
					}
				}
			}
		})
	}
	wg.Wait()
}
