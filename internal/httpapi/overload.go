package httpapi

import (
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
)

// A request passes two counts on its way: of those whose body is on its way, and of those that are being judged.
// They are apart so that a crowd of clients who send their bodies byte by byte takes nothing from those whose
// request is here. Whoever finds a count at its bound is refused at once, before anything is read or decoded.
// What tells how the server is passes both.
//
// The bound that does the daily work is another, the length of the batcher's queue: it counts only what waits for a
// commit, and so leaves the refusals that cost nothing to those who lost. These are for what that queue
// can't see: reads that wait for a slow store, handlers that wait for a processor, streams of HTTP/2 by the
// hundred on one connection.

// count is how many there are of something that is bounded.
type count struct {
	now atomic.Int64
	max int64
}

// enter takes a place, or reports that there is none.
func (c *count) enter() bool {
	if c.now.Add(1) > c.max {
		c.now.Add(-1)
		return false
	}
	return true
}

func (c *count) leave() { c.now.Add(-1) }

// full reports whether there is no place; by the time that it is heard, there may be one.
func (c *count) full() bool { return c.now.Load() >= c.max }

// crowd counts requests under way.
type crowd struct {
	receiving count // their bodies are being read
	working   count // they are whole, and being judged
}

// vital reports whether a route answers however many requests there are.
func (rt *route) vital() bool { return rt.may.anyone || rt.path == "/metrics" }

// checkCrowd refuses a request that there would be no place for, before it costs anything.
func (x *exchange) checkCrowd() error {
	if !x.rt.vital() && x.s.crowd.working.full() {
		return fault.ErrOverloaded
	}
	return nil
}

// receive reads the body, in a place among those whose bodies are being read.
func (x *exchange) receive() error {
	if !x.s.crowd.receiving.enter() {
		return fault.ErrOverloaded
	}
	defer x.s.crowd.receiving.leave()
	return x.readAll(x.rt.body.bytesMax)
}

// work takes a place among those that are being judged, once; it is held until the answer is written.
func (x *exchange) work() error {
	if x.working || x.rt.vital() {
		return nil
	}
	if !x.s.crowd.working.enter() {
		return fault.ErrOverloaded
	}
	x.working = true
	return nil
}

// stopWorking gives the place back, if there is one.
func (x *exchange) stopWorking() {
	if x.working {
		x.working = false
		x.s.crowd.working.leave()
	}
}

// retrySpread is by how many seconds the wait of those who are told to come again differs, so that a crowd that
// was turned away at once does not come back at once.
const retrySpread = 3

// retryWaits are the values of Retry-After that a fault's usual second becomes.
//
//nolint:gochecknoglobals // made once
var retryWaits = [retrySpread][]string{{"1"}, {"2"}, {"3"}}

// retryAfterOf is when the caller of a fault may ask again. An allowance has a time of its own; of what is
// unavailable nobody knows, so chance decides.
func retryAfterOf(f *fault.Error) []string {
	if f.Kind == fault.Unavailable && f.Retry <= time.Second {
		return retryWaits[rand.N(retrySpread)] //nolint:gosec // jitter, not a secret
	}
	return []string{retryAfter(f.Retry)}
}

// Refusal is an answer of HTTP/1 for a connection that there is no room for: it was read from nobody, and so has
// no request to answer.
func Refusal(now time.Time) []byte {
	f := fault.ErrOverloaded
	requestID := id.New(now).Format(id.Request)
	body := appendProblem(nil, f, requestID, receipt{})
	head := "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: " + problemType[0] +
		"\r\nRetry-After: " + retryAfterOf(f)[0] + "\r\nX-Request-Id: " + requestID + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n"
	return append([]byte(head), body...)
}
