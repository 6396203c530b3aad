package gate_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// FuzzWinners makes a filter of any customers, given and counted, in any order. No winner is ever denied, repeats
// change nothing, a few winners are told from strangers exactly, and the filter stays as small as it says.
func FuzzWinners(f *testing.F) {
	f.Add("09121234567,09350000002", uint16(0))
	f.Add("", uint16(17))
	f.Add("سارا,\xff,,a,a", uint16(16))
	f.Add(strings.Repeat("a,", 40)+"b", uint16(500))
	f.Fuzz(func(t *testing.T, names string, more uint16) {
		customers := strings.Split(names, ",")
		for i := range more % 512 {
			customers = append(customers, names+strconv.Itoa(int(i)))
		}
		w := winnersOf(t, customers...)
		for _, c := range customers {
			if !w.MayHold(c) {
				t.Fatalf("of %d winners, %q is denied", len(customers), c)
			}
		}
		twice := slices.Concat(customers, customers)
		slices.Reverse(twice)
		if again := winnersOf(t, twice...); again.Bytes() != w.Bytes() {
			t.Fatalf("%d bytes, with repeats %d", w.Bytes(), again.Bytes())
		}
		slices.Sort(customers)
		customers = slices.Compact(customers)
		if stranger := strings.Join(customers, "+") + "+"; len(customers) <= 16 && w.MayHold(stranger) && !slices.Contains(customers, stranger) {
			t.Fatalf("%q passes for one of %q", stranger, customers)
		}
		if most := 2048 + 16*len(customers); w.Bytes() > most {
			t.Fatalf("%d bytes for %d winners", w.Bytes(), len(customers))
		}
	})
}
