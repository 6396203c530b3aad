package limit

import (
	"sync/atomic"
	"time"
)

// crowd knows which codes a crowd asks for. What everybody types is no secret: it was read out. A guesser
// asks for many codes a few times; a crowd asks for a few codes many times. So a code that is asked for a hundred times
// within the last ten to twenty seconds, and has a tenth of the attempts at all codes that compete for this, is the
// crowd's, and stays so for ten minutes and for as long as a hundred ask.
//
// A code competes from its fiftieth attempt on and until it is the crowd's. So neither a flood of guesses at codes that
// are asked for once each, nor the other codes that the crowd asks for, make it harder for a code to be known.
//
// A guesser who plays the crowd pays for it: no code becomes the crowd's for less than a hundred attempts, and after
// the first ten each one makes the next a ninth dearer. So n attempts within a window buy at most
// 10 + 9.5 ln(n/1000) codes: 20 for 3,000 and 54 for 100,000.
//
// Attempts are counted in a sketch of a fixed size that can only count too many: by one for each sixteen thousand of all
// attempts, so that it takes 40,000 a second at least to let a code compete that few ask for. Then the share holds.
type crowd struct {
	seed   uint64
	window [2]window // by turns
	marks  [marksMax]atomic.Pointer[mark]
}

const (
	crowdWindow = 10 * time.Second
	crowdStays  = 10 * time.Minute
	crowdMin    = 100 // attempts
	crowdLight  = 50  // attempts from which on a code competes
	crowdShare  = 10  // one in so many
	marksMax    = 256
	sketchWidth = 1 << 14
)

// window counts the attempts of ten seconds. A race at its turn loses or adds a few.
type window struct {
	number atomic.Int64
	rivals atomic.Int64 // attempts at codes that compete
	counts [2][sketchWidth]atomic.Int32
}

// mark is a code that is the crowd's until a time.
type mark struct {
	code  uint64
	until int64
}

func (c *crowd) open(seed uint64) { c.seed = seed }

// asked counts an attempt at a code, and reports whether the code is the crowd's.
func (c *crowd) asked(code uint64, now int64) bool {
	number := now/int64(crowdWindow) + 1
	w, before := &c.window[number%2], &c.window[1-number%2]
	if was := w.number.Load(); was < number && w.number.CompareAndSwap(was, number) {
		w.reset()
	}
	h := mix(code ^ c.seed)
	a, b := h%sketchWidth, h>>32%sketchWidth
	n := int64(min(w.counts[0][a].Add(1), w.counts[1][b].Add(1)))
	late := before.number.Load() == number-1
	if late {
		n += int64(min(before.counts[0][a].Load(), before.counts[1][b].Load()))
	}
	cell := c.cell(code, h, now)
	if known := cell.Load(); known != nil && known.code == code && known.until > now {
		if n >= crowdMin && known.until-now < int64(crowdStays/2) {
			cell.Store(&mark{code: code, until: now + int64(crowdStays)})
		}
		return true
	}
	var rivals int64
	switch {
	case n < crowdLight:
		return false
	case n == crowdLight:
		rivals = w.rivals.Add(crowdLight)
	default:
		rivals = w.rivals.Add(1)
	}
	if late {
		rivals += before.rivals.Load()
	}
	if n < crowdMin || n*crowdShare < rivals {
		return false
	}
	cell.Store(&mark{code: code, until: now + int64(crowdStays)})
	return true
}

// cell is where the code's mark is or, of the two places that it may have, the one that is over sooner: two codes
// that met in one place would make room for each other with each attempt.
func (c *crowd) cell(code, h uint64, now int64) *atomic.Pointer[mark] {
	first, second := &c.marks[h>>16%marksMax], &c.marks[h>>48%marksMax]
	a := first.Load()
	if a != nil && a.code == code {
		return first
	}
	b := second.Load()
	switch {
	case b != nil && b.code == code:
		return second
	case a == nil || b != nil && a.until <= b.until || a.until <= now:
		return first
	default:
		return second
	}
}

func (w *window) reset() {
	w.rivals.Store(0)
	for i := range w.counts {
		for j := range w.counts[i] {
			w.counts[i][j].Store(0)
		}
	}
}
