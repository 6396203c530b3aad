package ledger_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"scrip/internal/ledger"
)

func TestSumEqualsBigArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOf(rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64, 0, -1, 1}))).Draw(t, "amounts")
		var sum, left, right ledger.Sum
		want := new(big.Int)
		for i, a := range amounts {
			sum = sum.Add(a)
			want.Add(want, big.NewInt(a))
			if i%2 == 0 {
				left = left.Add(a)
			} else {
				right = right.Add(a)
			}
		}
		if sum.String() != want.String() {
			t.Fatalf("got %s, want %s", sum, want)
		}
		if left.Plus(right) != sum {
			t.Fatalf("got %s, want %s", left.Plus(right), sum)
		}
	})
}
