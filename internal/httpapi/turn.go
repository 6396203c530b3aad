package httpapi

import "runtime"

// turns lets few requests run at once, so that the others wait aside instead of in line for a processor.
//
// Go runs goroutines first come, first served. Thousands of requests that can all be answered at once, as all are
// that are turned away, would stand before the one goroutine that commits each time that it comes back from the
// disk: the commits would starve, and with them the requests that were let in. A request whose turn it is not yet
// takes no place in that line. It has its turn from when it is here as a whole until it waits for something, or is
// answered; one that was answered by a commit goes without.
type turns chan struct{}

// turnsEach is how many requests there are to a processor: enough that none is idle while one of them is held up
// by a lock.
const turnsEach = 2

func newTurns() turns { return make(turns, turnsEach*runtime.GOMAXPROCS(0)) }

// takeTurn waits for the request's turn, once.
func (x *exchange) takeTurn() {
	if x.hadTurn || x.rt.vital() {
		return
	}
	x.s.turns <- struct{}{}
	x.inTurn, x.hadTurn = true, true
}

// endTurn lets the next one run.
func (x *exchange) endTurn() {
	if x.inTurn {
		<-x.s.turns
		x.inTurn = false
	}
}
