package gate

import (
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/FastFilter/xorfilter"
)

// Winners is a set of customers that may say "perhaps" of a stranger (once in 256) and never "no" of a
// member: a binary fuse filter of 8 bits (Graf and Lemire, "Binary Fuse Filters", 2022), about nine bits
// a winner. A few are kept as plain hashes.
type Winners struct {
	few    []uint64
	filter *xorfilter.BinaryFuse8
}

// fewMax is where a filter (which has a fixed overhead) becomes smaller than eight bytes a winner.
const fewMax = 16

//nolint:gochecknoglobals // one random seed a process: nobody can prepare customers that collide
var seed = maphash.MakeSeed()

// HashCustomer is a customer as Winners counts it, for this process only.
func HashCustomer(customer string) uint64 { return maphash.String(seed, customer) }

// NewWinners builds the set from HashCustomer of each winner, in any order, repeats allowed. It reorders
// its argument.
func NewWinners(hashes []uint64) (*Winners, error) {
	slices.Sort(hashes)
	hashes = slices.Compact(hashes)
	if len(hashes) <= fewMax {
		return &Winners{few: slices.Clone(hashes)}, nil
	}
	f, err := xorfilter.PopulateBinaryFuse8(hashes)
	if err != nil {
		return nil, fmt.Errorf("build the winners' filter of %d: %w", len(hashes), err)
	}
	return &Winners{filter: f}, nil
}

// MayHold reports false only for a customer who is surely not a winner.
func (w *Winners) MayHold(customer string) bool {
	h := HashCustomer(customer)
	if w.filter != nil {
		return w.filter.Contains(h)
	}
	_, found := slices.BinarySearch(w.few, h)
	return found
}

// Bytes is the memory it holds, about.
func (w *Winners) Bytes() int {
	n := 64 + 8*len(w.few)
	if w.filter != nil {
		n += len(w.filter.Fingerprints)
	}
	return n
}
