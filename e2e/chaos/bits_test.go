package chaos_test

import "math/bits"

// bitsMax is how many redemptions a code, or a wallet, may have in one episode.
const bitsMax = 512

// bitset is a set of small numbers that can be compared.
type bitset [bitsMax / 64]uint64

func (s bitset) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// with is the set and one number.
func (s bitset) with(i int) bitset {
	s[i/64] |= 1 << (i % 64)
	return s
}

func (s bitset) count() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}
