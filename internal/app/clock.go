package app

import "time"

// wallClock is the clock that a server's parts are given: the machine's. Nothing that decides about money
// depends on it but the embedded store's windows; PostgreSQL has a clock of its own. The chaos tests move it.
func wallClock() time.Time {
	now := time.Now()
	// gofail: var clockMoved string
	// now = moved(now, clockMoved)
	return now
}
