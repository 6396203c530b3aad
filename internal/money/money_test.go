package money_test

import (
	"math"
	"math/big"
	"testing"

	"scrip/internal/money"
)

// edges are the numbers at which int64 arithmetic goes wrong if it does.
func edges() []int64 {
	var all []int64
	for _, n := range []int64{0, 1, 2, 3, 7, 10, 99, 9999, 10_000, 10_001, 1 << 31, 1 << 32, 3037000499, 3037000500, math.MaxInt64 / 2, math.MaxInt64 - 1, math.MaxInt64} {
		all = append(all, n, -n)
	}
	return append(all, math.MinInt64, math.MinInt64/2, math.MinInt64+1, math.MaxInt64/10_000, math.MinInt64/10_000)
}

func TestArithmeticAgreesWithBigIntegers(t *testing.T) {
	t.Parallel()
	for _, a := range edges() {
		for _, b := range edges() {
			checkArithmetic(t, a, b)
		}
	}
}

func checkArithmetic(t *testing.T, a, b int64) {
	t.Helper()
	x, y := big.NewInt(a), big.NewInt(b)
	for _, op := range []struct {
		name string
		got  func(a, b int64) (int64, bool)
		want *big.Int
	}{
		{"Add", money.Add, new(big.Int).Add(x, y)},
		{"Sub", money.Sub, new(big.Int).Sub(x, y)},
		{"Mul", money.Mul, new(big.Int).Mul(x, y)},
	} {
		got, ok := op.got(a, b)
		if ok != op.want.IsInt64() || (ok && got != op.want.Int64()) {
			t.Errorf("%s(%d, %d) = %d, %v; want %v", op.name, a, b, got, ok, op.want)
		}
	}
}

func TestBasisPointsAgreesWithBigIntegers(t *testing.T) {
	t.Parallel()
	for _, minor := range edges() {
		for _, bps := range []int64{0, 1, 3, 250, 3333, 5000, 9999, 10_000} {
			checkBasisPoints(t, minor, bps)
		}
	}
}

func checkBasisPoints(t *testing.T, minor, bps int64) {
	t.Helper()
	// big's Div is Euclidean, which for a positive divisor is the floor.
	want := new(big.Int).Mul(big.NewInt(minor), big.NewInt(bps))
	want.Div(want, big.NewInt(10_000))
	if got := money.BasisPoints(minor, bps); !want.IsInt64() || got != want.Int64() {
		t.Errorf("BasisPoints(%d, %d) = %d, want %v", minor, bps, got, want)
	}
}

func TestBasisPoints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ minor, bps, want int64 }{
		{10_000, 2500, 2500},
		{99, 5000, 49},   // 49.5 rounds down
		{-99, 5000, -50}, // and down is down
		{1, 9999, 0},
		{math.MaxInt64, 10_000, math.MaxInt64},
		{math.MinInt64, 10_000, math.MinInt64},
		{500, -1, 0},       // never less than nothing
		{500, 20_000, 500}, // never more than all
		{500, math.MaxInt64, 500},
	} {
		if got := money.BasisPoints(c.minor, c.bps); got != c.want {
			t.Errorf("BasisPoints(%d, %d) = %d, want %d", c.minor, c.bps, got, c.want)
		}
	}
}

func BenchmarkBasisPoints(b *testing.B) {
	for b.Loop() {
		_ = money.BasisPoints(123_456_789, 1250)
	}
}
