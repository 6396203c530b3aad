package gate_test

import (
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"scrip/internal/gate"
)

func hashesOf(customers ...string) []uint64 {
	hashes := make([]uint64, 0, len(customers))
	for _, c := range customers {
		hashes = append(hashes, gate.HashCustomer(c))
	}
	return hashes
}

func mobiles(prefix string, n int) []string {
	customers := make([]string, n)
	for i := range customers {
		customers[i] = prefix + strconv.Itoa(1_000_000+i)
	}
	return customers
}

func winnersOf(tb testing.TB, customers ...string) *gate.Winners {
	tb.Helper()
	w, err := gate.NewWinners(hashesOf(customers...))
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

// The one promise that money rests on.
func TestWinnersHoldEveryWinner(t *testing.T) {
	// Around where a list becomes a filter, and where the filter's segments grow.
	sizes := []int{0, 1, 2, 15, 16, 17, 18, 100, 999, 1000, 1001, 4096, 10_000, 100_000}
	if !testing.Short() {
		sizes = append(sizes, 1_000_000)
	}
	for _, n := range sizes {
		customers := mobiles("0912", n)
		w := winnersOf(t, customers...)
		for _, c := range customers {
			if !w.MayHold(c) {
				t.Fatalf("of %d winners, %s is denied", n, c)
			}
		}
	}
}

func TestWinnersHoldEveryWinnerOfAnySet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		customers := rapid.SliceOfN(rapid.String(), 0, 200).Draw(t, "customers")
		customers = append(customers, customers[:len(customers)/2]...) // who won twice is there twice
		w, err := gate.NewWinners(hashesOf(customers...))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range customers {
			if !w.MayHold(c) {
				t.Fatalf("%q is denied", c)
			}
		}
	})
}

func TestWinnersTakeRepeatsInAnyOrder(t *testing.T) {
	customers := mobiles("0912", 5000)
	hashes := hashesOf(slices.Concat(customers, customers, customers[:100])...)
	slices.Reverse(hashes)
	w, err := gate.NewWinners(hashes)
	if err != nil {
		t.Fatal(err)
	}
	if once := winnersOf(t, customers...); w.Bytes() != once.Bytes() {
		t.Errorf("%d bytes with repeats, %d without", w.Bytes(), once.Bytes())
	}
	for _, c := range customers {
		if !w.MayHold(c) {
			t.Fatalf("%s is denied", c)
		}
	}
	one := winnersOf(t, slices.Repeat([]string{"09121234567"}, 1000)...)
	if !one.MayHold("09121234567") || one.MayHold("09121234568") {
		t.Error("one who won a thousand times is not told from a stranger")
	}
}

func TestFewWinnersAreExact(t *testing.T) {
	w := winnersOf(t, mobiles("0912", 16)...)
	for _, c := range mobiles("0935", 100_000) {
		if w.MayHold(c) { // two 64-bit hashes that are equal: once in 10^13 runs
			t.Fatalf("the stranger %s may be a winner", c)
		}
	}
	if none := winnersOf(t); none.MayHold("") || none.MayHold("09121234567") {
		t.Error("of no winners, somebody may be one")
	}
}

// A stranger passes for a winner once in 256. Of 200,000, 781 are expected, with a standard deviation of
// 28; the bounds are ten deviations away on either side.
func TestWinnersMistakeFewStrangers(t *testing.T) {
	const strangers = 200_000
	for _, n := range []int{17, 1000, 50_000} {
		w := winnersOf(t, mobiles("0912", n)...)
		mistaken := 0
		for _, c := range mobiles("0935", strangers) {
			if w.MayHold(c) {
				mistaken++
			}
		}
		if mistaken < 500 || mistaken > 1060 {
			t.Errorf("of %d winners: %d of %d strangers pass, want about %d", n, mistaken, strangers, strangers/256)
		}
	}
}

func TestWinnersAreSmall(t *testing.T) {
	for n, most := range map[int]float64{1000: 1.6, 10_000: 1.4, 100_000: 1.25, 1_000_000: 1.15} {
		if testing.Short() && n > 100_000 {
			continue
		}
		w := winnersOf(t, mobiles("0912", n)...)
		if each := float64(w.Bytes()) / float64(n); each > most {
			t.Errorf("%d winners take %.2f bytes each, want %.2f at most", n, each, most)
		}
	}
}

func BenchmarkNewWinners(b *testing.B) {
	for _, n := range []int{16, 1000, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			hashes := hashesOf(mobiles("0912", n)...)
			mine := make([]uint64, n)
			b.ReportAllocs()
			bytes := 0
			for b.Loop() {
				copy(mine, hashes) // it is reordered
				w, err := gate.NewWinners(mine)
				if err != nil {
					b.Fatal(err)
				}
				bytes = w.Bytes()
			}
			b.ReportMetric(float64(bytes)/float64(n), "B/winner")
		})
	}
}

func BenchmarkMayHold(b *testing.B) {
	for _, n := range []int{16, 1000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			w := winnersOf(b, mobiles("0912", n)...)
			strangers := mobiles("0935", 1024)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				w.MayHold(strangers[i%len(strangers)])
			}
		})
	}
}
