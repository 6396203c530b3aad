package memgate_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"scrip/internal/gate"
	"scrip/internal/gate/memgate"
	"scrip/internal/voucher"
)

func TestFactsAreBounded(t *testing.T) {
	const factsMax = 10_000
	many := 1_000_000
	if testing.Short() || underRace {
		many = 100_000
	}
	b := newBench(t, memgate.Config{FactsMax: factsMax})
	w, loser := winnersOf(t, 3)
	popular := factOf("POPULAR", 1, 1, voucher.SoldOut)
	b.learn(popular)
	b.SettleWinners(popular, w)
	guesses := make([]voucher.Fact, 100)
	for i := 0; i < many; i += len(guesses) {
		for n := range guesses {
			guesses[n] = voucher.UnknownFact("GUESS" + strconv.Itoa(i+n))
		}
		b.learn(guesses...)
		for range 10 {
			if b.Admit("POPULAR", loser).Refusal == nil {
				t.Fatalf("after %d guesses the code that everybody asks for is forgotten", i)
			}
		}
	}
	if n := b.Facts(); n > factsMax {
		t.Errorf("%d guesses leave %d facts", many, n)
	}
	// Vouchers that exist take more room each, and no more altogether.
	for i := range many / 10 {
		f := factOf("CODE"+strconv.Itoa(i), 2+i, 1, voucher.SoldOut)
		b.learn(f)
		b.SettleWinners(f, w)
	}
	if n := b.Facts(); n > factsMax {
		t.Errorf("%d vouchers leave %d facts", many/10, n)
	}
	if n, bytes := b.Filters(); n > factsMax || bytes > n*w.Bytes() {
		t.Errorf("%d filters of %d bytes", n, bytes)
	}
}

// What is forgotten must not come back older than it was.
func TestForgottenIsNotContradicted(t *testing.T) {
	for _, late := range []voucher.Fact{
		factOf("CODE", 1, 1, voucher.SoldOut),
		voucher.UnknownFact("CODE"),
	} {
		b := newBench(t, memgate.Config{FactsMax: 100})
		w, loser := winnersOf(t, 3)
		asked := b.clock() // a question that will take long
		b.pass(time.Millisecond)
		b.learn(factOf("CODE", 1, 2, voucher.Open))
		b.pass(time.Millisecond)
		for i := range 10_000 {
			b.learn(voucher.UnknownFact("GUESS" + strconv.Itoa(i)))
		}
		b.Settle(asked, late)
		b.SettleWinners(late, w)
		d := b.Admit("CODE", loser)
		if d.Refusal != nil {
			t.Fatalf("%v: refused for old news, after the new was forgotten", late.Status)
		}
		if d.Want != gate.WantFact || d.Fact.Version != late.Version {
			t.Fatalf("%v: %+v; was it forgotten at all?", late.Status, d)
		}
		// Nor can it be renewed by what is as old.
		b.Settle(asked.Add(time.Millisecond/2), late)
		if d := b.Admit("CODE", loser); d.Refusal != nil {
			t.Fatalf("%v: refused for old news, told twice", late.Status)
		}
		b.learn(late) // a question asked now gets true news, whatever it says
		b.SettleWinners(late, w)
		if d := b.Admit("CODE", loser); d.Refusal != late.Status.Refusal() {
			t.Fatalf("%v: refusal %v", late.Status, d.Refusal)
		}
	}
}

func TestFloorsAreBounded(t *testing.T) {
	b := newBench(t, memgate.Config{})
	w, loser := winnersOf(t, 3)
	f := factOf("CODE", 1, 1, voucher.SoldOut)
	b.learn(f)
	b.SettleWinners(f, w)
	for i := range 5 * memgate.FloorsMax {
		if i%100 == 0 { // many within a second at first, and then fewer
			b.pass(time.Duration(i/memgate.FloorsMax) * 10 * time.Millisecond)
		}
		b.SettleCampaign(idOf(9, i), 5)
	}
	if n := b.Floors(); n > memgate.FloorsMax {
		t.Errorf("%d floors", n)
	}
	b.pass(time.Minute)
	b.learn(f)
	if d := b.Admit("CODE", loser); d.Refusal == nil {
		t.Error("a loser of a campaign that never changed passes")
	}
}

// closeCode settles a sold-out voucher and, if given, its winners.
func closeCode(b *bench, n int, w *gate.Winners) voucher.Fact {
	f := factOf("CODE"+strconv.Itoa(n), n, 1, voucher.SoldOut)
	b.learn(f)
	if w != nil {
		b.SettleWinners(f, w)
	}
	return f
}

func TestFilterThatWasNotUsedForLongestGoes(t *testing.T) {
	w, loser := winnersOf(t, 1000)
	b := newBench(t, memgate.Config{WinnersBytesMax: 3*w.Bytes() + 1})
	var fs []voucher.Fact
	for n := range 3 {
		fs = append(fs, closeCode(b, n, w))
		b.pass(time.Second)
	}
	refused := func(n int) bool { return b.Admit(fs[n].Key, loser).Refusal != nil }
	b.learn(fs...)
	for _, n := range []int{2, 0} { // so that 1 is the one that was not used for longest
		if !refused(n) {
			t.Fatalf("%d passes", n)
		}
		b.pass(100 * time.Millisecond)
	}
	fs = append(fs, closeCode(b, 3, w))
	b.learn(fs...)
	if !refused(0) || refused(1) || !refused(2) || !refused(3) {
		t.Fatalf("refused: %v, %v, %v, %v; want all but the second", refused(0), refused(1), refused(2), refused(3))
	}
	if n, bytes := b.Filters(); n != 3 || bytes != 3*w.Bytes() {
		t.Errorf("%d filters of %d bytes", n, bytes)
	}

	// It came a while ago, but not a minute: the losers pass in peace.
	if d := b.Admit(fs[1].Key, loser); d.Want != 0 {
		t.Fatalf("wants %d", d.Want)
	}
	b.pass(time.Minute)
	b.learn(fs...)
	if d := b.Admit(fs[1].Key, loser); d.Want != gate.WantWinners {
		t.Fatalf("after a minute, wants %d", d.Want)
	}
	b.SettleWinners(fs[1], w)
	if !refused(1) {
		t.Fatal("its winners came again, and a loser passes")
	}

	// Another closure has no use for the old one's, be it of a new version or not.
	fs[1].Status = voucher.Ended
	b.learn(fs[1])
	if n, bytes := b.Filters(); n != 2 || bytes != 2*w.Bytes() {
		t.Errorf("%d filters of %d bytes", n, bytes)
	}
	b.SettleWinners(fs[1], w)
	fs[1].Version.Voucher++
	b.learn(fs[1])
	if n, bytes := b.Filters(); n != 2 || bytes != 2*w.Bytes() {
		t.Errorf("%d filters of %d bytes", n, bytes)
	}
}

// However many filters fight for the room, each is read once a minute at most.
func TestFiltersDoNotThrash(t *testing.T) {
	const codes, seconds = 8, 600
	w, loser := winnersOf(t, 1000)
	b := newBench(t, memgate.Config{WinnersBytesMax: codes / 2 * w.Bytes()})
	var fs []voucher.Fact
	for n := range codes {
		fs = append(fs, closeCode(b, n, nil))
	}
	reads, refusals := 0, 0
	for range 2 * seconds {
		b.pass(time.Second / 2)
		b.learn(fs...)
		for _, f := range fs {
			d := b.Admit(f.Key, loser)
			if d.Refusal != nil {
				refusals++
			}
			if d.Want&gate.WantWinners != 0 {
				reads++
				b.SettleWinners(f, w)
			}
		}
	}
	if most := codes * (seconds/60 + 1); reads > most {
		t.Errorf("%d readings in %d seconds, want %d at most", reads, seconds, most)
	}
	if all := 2 * seconds * codes; refusals < all/4 {
		t.Errorf("%d of %d losers are refused, though half of the filters fit", refusals, all)
	}
}

func TestFilterLargerThanTheWholeBudget(t *testing.T) {
	w, loser := winnersOf(t, 1000)
	b := newBench(t, memgate.Config{WinnersBytesMax: w.Bytes() - 1})
	small, _ := winnersOf(t, 3)
	other := closeCode(b, 2, small)
	f := closeCode(b, 1, nil)
	if d := b.Admit(f.Key, loser); d.Want != gate.WantWinners {
		t.Fatalf("wants %d", d.Want)
	}
	b.SettleWinners(f, w)
	wishes := 0
	for range 5 * 60 {
		if d := b.Admit(f.Key, loser); d.Refusal != nil {
			t.Fatal("a loser is refused without a filter")
		} else if d.Want&gate.WantWinners != 0 {
			wishes++
			b.SettleWinners(f, w)
		}
		if b.Admit(other.Key, loser).Refusal == nil {
			t.Fatal("another filter had to go for one that does not fit")
		}
		b.pass(time.Second)
		b.learn(f, other)
	}
	if wishes != 4 {
		t.Errorf("%d wishes in five minutes, after one at the start", wishes)
	}
	f.Version.Voucher++ // another set of winners may be smaller
	b.learn(f)
	if d := b.Admit(f.Key, loser); d.Want != gate.WantWinners {
		t.Errorf("of the next version wants %d", d.Want)
	}
}

// A cache that forgets all the time, in many hands, keeps its books.
func TestBooksUnderFire(t *testing.T) {
	const codes, workers = 300, 4
	rounds := 20_000
	if testing.Short() {
		rounds = 4_000
	}
	small, loser := winnersOf(t, 3)
	large, _ := winnersOf(t, 1000)
	b := newBench(t, memgate.Config{FactsMax: 100, WinnersBytesMax: 3 * large.Bytes()})
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range rounds {
				n := rand.IntN(codes) //nolint:gosec // any will do
				key := "CODE" + strconv.Itoa(n)
				f := factOf(strings.Clone(key), n, rand.Int64N(3), voucher.Status(rand.IntN(7))) //nolint:gosec // any will do
				switch rand.IntN(8) {                                                            //nolint:gosec // any will do
				case 0:
					b.pass(time.Millisecond)
					b.SettleWinners(f, large)
				case 1, 2:
					b.SettleWinners(f, small)
				case 3, 4, 5:
					b.learn(f)
				default:
					b.Admit(key, loser)
				}
			}
		})
	}
	wg.Wait()
	if n := b.Facts(); n > 100 {
		t.Errorf("%d facts", n)
	}
	if err := b.Audit(); err != nil {
		t.Error(err)
	}
}
