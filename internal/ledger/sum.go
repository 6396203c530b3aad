package ledger

import (
	"math/big"
	"math/bits"
)

// Sum is a 128-bit balance. A wallet fits an int64 by invariant 4, but an account that stands opposite to
// many wallets need not: it is exact for 2^64 transfers of any amount. The zero value is zero.
type Sum struct {
	// Hi and Lo are the two's complement, as a store may keep it: Hi*2^64 + Lo, Lo unsigned.
	Hi int64
	Lo uint64
}

// Add returns s + minor.
func (s Sum) Add(minor int64) Sum {
	lo, carry := bits.Add64(s.Lo, uint64(minor), 0)         //nolint:gosec // two's complement
	return Sum{Hi: s.Hi + minor>>63 + int64(carry), Lo: lo} //nolint:gosec // carry is 0 or 1
}

// Plus returns s + t.
func (s Sum) Plus(t Sum) Sum {
	lo, carry := bits.Add64(s.Lo, t.Lo, 0)
	return Sum{Hi: s.Hi + t.Hi + int64(carry), Lo: lo} //nolint:gosec // carry is 0 or 1
}

// String is the decimal form.
func (s Sum) String() string {
	v := new(big.Int).Lsh(big.NewInt(s.Hi), 64)
	return v.Add(v, new(big.Int).SetUint64(s.Lo)).String()
}
