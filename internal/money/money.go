// Package money holds amounts: whole int64 numbers of a currency's minor unit, and the currencies of
// ISO 4217. It promises exact arithmetic: what does not fit is refused, never rounded, wrapped or made
// a float; where a rule must round (BasisPoints), it rounds down and says so. It must not know what
// the money is for, nor which amounts are sensible: zero and negative ones pass, and callers judge.
package money

// Amount is so many minor units of a currency: {1250, "EUR"} is 12.50 euro.
type Amount struct {
	Minor    int64
	Currency Currency
}

// basis is the number of basis points in a whole.
const basis = 10_000

// Add returns a + b, and false if that does not fit.
func Add(a, b int64) (int64, bool) {
	sum := a + b
	return sum, (sum > a) == (b > 0)
}

// Sub returns a - b, and false if that does not fit.
func Sub(a, b int64) (int64, bool) {
	diff := a - b
	return diff, (diff < a) == (b > 0)
}

// Mul returns a * b, and false if that does not fit.
func Mul(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	product := a * b
	// The signs catch the one quotient that overflows itself: the lowest int64 over -1.
	return product, (product < 0) == ((a < 0) != (b < 0)) && product/b == a
}

// BasisPoints returns bps ten-thousandths of minor, rounded down (towards minus infinity), exactly and
// without overflow. It holds bps to 0..10000, so that a part is never more than the whole.
func BasisPoints(minor, bps int64) int64 {
	bps = min(max(bps, 0), basis)
	// minor = q*basis + r with 0 <= r < basis, so minor*bps/basis = q*bps + r*bps/basis: q*bps is
	// whole, r*bps is below 10^8, and no product needs more than 64 bits.
	q, r := minor/basis, minor%basis
	if r < 0 {
		q, r = q-1, r+basis
	}
	return q*bps + r*bps/basis
}
