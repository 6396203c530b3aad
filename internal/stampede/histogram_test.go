package stampede

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsRiseAndHoldTheirMiddle(t *testing.T) {
	t.Parallel()
	before := -1
	for micro := range int64(1 << 16) {
		d := time.Duration(micro) * time.Microsecond
		b := bucketOf(d)
		if b < before || b > before+1 {
			t.Fatalf("%v is in bucket %d after bucket %d", d, b, before)
		}
		before = b
		if off := (middle(b) - d).Abs(); off > d/subBuckets {
			t.Fatalf("%v is shown as %v", d, middle(b))
		}
	}
	for _, d := range []time.Duration{-time.Second, 0, time.Hour, 1 << 62} {
		if b := bucketOf(d); b < 0 || b >= buckets {
			t.Errorf("%v is in bucket %d of %d", d, b, buckets)
		}
	}
}

func TestQuantilesAreThoseOfTheSortedList(t *testing.T) {
	t.Parallel()
	shares := []float64{0, .5, .9, .99, 1}
	for _, n := range []int{1, 2, 99, 100, 10_000} {
		r := rand.New(rand.NewPCG(1, uint64(n))) //nolint:gosec // a fixed seed
		var h histogram
		all := make([]time.Duration, n)
		for i := range all {
			all[i] = time.Duration(r.Int64N(int64(time.Second)))
			h.add(all[i])
		}
		slices.Sort(all)
		for i, got := range h.quantiles(shares...) {
			want := all[max(rankOf(shares[i], int64(n))-1, 0)]
			if off := (got - want).Abs(); off > want/subBuckets+time.Microsecond {
				t.Errorf("of %d: quantile %v is %v, want %v", n, shares[i], got, want)
			}
		}
	}
	var empty histogram
	if got := empty.quantiles(.5, .99); got[0] != 0 || got[1] != 0 {
		t.Errorf("of none: %v", got)
	}
}

func TestCountingDoesNotAllocate(t *testing.T) {
	var h histogram
	if n := testing.AllocsPerRun(100, func() { h.add(time.Millisecond) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
