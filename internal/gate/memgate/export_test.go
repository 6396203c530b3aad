package memgate

import (
	"fmt"

	"scrip/internal/id"
)

// FloorsMax is for the tests, like all in this file.
const FloorsMax = floorsMax

// Facts counts the facts, after the cache has done what it put off.
func (g *Gate) Facts() int {
	g.facts.CleanUp()
	return g.facts.EstimatedSize()
}

// Filters counts the filters and their bytes, as they are booked.
func (g *Gate) Filters() (n, bytes int) {
	g.books.mu.Lock()
	defer g.books.mu.Unlock()
	return len(g.books.held), g.books.bytes
}

// Floors counts the campaigns' floors.
func (g *Gate) Floors() int {
	g.floors.mu.RLock()
	defer g.floors.mu.RUnlock()
	return len(g.floors.of)
}

// Audit compares the books with what is in the cache. Nothing else may happen meanwhile.
func (g *Gate) Audit() error {
	g.facts.CleanUp()
	bytes, filters, closed := 0, 0, map[id.ID]bool{}
	for key, e := range g.facts.All() {
		s := e.state.Load()
		switch {
		case e.key != key || s.fact.Key != key:
			return fmt.Errorf("%q is booked as %q with a fact about %q", key, e.key, s.fact.Key)
		case e.dead:
			return fmt.Errorf("%q is in the cache, and said to be forgotten", key)
		case s.closed() && g.books.byVoucher[s.fact.Voucher] != e:
			return fmt.Errorf("%q is closed, and not found by its voucher", key)
		case (s.winners == nil) != (g.books.held[e] == 0):
			return fmt.Errorf("%q: filter %v, %d bytes booked", key, s.winners != nil, g.books.held[e])
		}
		if s.winners != nil {
			filters++
			bytes += s.winners.Bytes()
		}
		if e.booked != (id.ID{}) {
			closed[e.booked] = true
		}
	}
	if filters != len(g.books.held) || bytes != g.books.bytes || bytes > g.books.bytesMax {
		return fmt.Errorf("%d filters of %d bytes, booked %d of %d, bound %d", filters, bytes, len(g.books.held), g.books.bytes, g.books.bytesMax)
	}
	if len(closed) != len(g.books.byVoucher) {
		return fmt.Errorf("%d vouchers can be found, %d are there", len(g.books.byVoucher), len(closed))
	}
	return nil
}
