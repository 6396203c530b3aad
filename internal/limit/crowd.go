package limit

import (
	"sync/atomic"
	"time"
)

// crowd knows which codes a crowd asks for. What everybody types is no secret: it was read out. A guesser
// asks for many codes a few times; a crowd asks for a few codes many times. So a code that takes a tenth of
// all attempts, and at least a hundred of them, within the last ten to twenty seconds is the crowd's, and
// stays so for ten minutes.
//
// A guesser who plays the crowd pays for it: no code becomes the crowd's for less than a hundred attempts, and after
// the first ten each one makes the next a ninth dearer. So n attempts within a window buy at most
// 10 + 9.5 ln(n/1000) codes: 20 for 3,000 and 54 for 100,000.
//
// Attempts are counted in a sketch of a fixed size that can only count too many: by some thousandths of all
// attempts, which is far from a tenth.
type crowd struct {
	seed   uint64
	window [2]window // by turns
	marks  [marksMax]atomic.Pointer[mark]
}

const (
	crowdWindow = 10 * time.Second
	crowdStays  = 10 * time.Minute
	crowdMin    = 100 // attempts
	crowdShare  = 10  // one in so many
	marksMax    = 256
	sketchWidth = 4096
)

// window counts the attempts of ten seconds. A race at its turn loses or adds a few.
type window struct {
	number atomic.Int64
	total  atomic.Int64
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
	total := w.total.Add(1)
	n := int64(min(w.counts[0][a].Add(1), w.counts[1][b].Add(1)))
	if before.number.Load() == number-1 {
		total += before.total.Load()
		n += int64(min(before.counts[0][a].Load(), before.counts[1][b].Load()))
	}
	cell := &c.marks[h>>16%marksMax]
	known := cell.Load()
	marked := known != nil && known.code == code && known.until > now
	if n >= crowdMin && n*crowdShare >= total {
		if !marked || known.until-now < int64(crowdStays/2) {
			cell.Store(&mark{code: code, until: now + int64(crowdStays)})
		}
		return true
	}
	return marked
}

func (w *window) reset() {
	w.total.Store(0)
	for i := range w.counts {
		for j := range w.counts[i] {
			w.counts[i][j].Store(0)
		}
	}
}
