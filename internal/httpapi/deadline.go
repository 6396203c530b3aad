package httpapi

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"scrip/internal/fault"
)

// deadlines hands out contexts that end after a timeout, one for all requests of the same short time: a
// context and a timer of its own cost a request about a microsecond, which is a tenth of the whole hot
// path. A request has its timeout and up to a sixteenth more.
//
// These contexts do not end when the client goes away. What is under way in the store goes on: it happens or it
// does not, and the client who asks again is told. What still waits for its batch is not started for a
// client who has gone: the batcher asks the request's own context for that, as it forms the batch.
type deadlines struct {
	timeout time.Duration
	step    time.Duration
	current atomic.Pointer[slot]
}

type slot struct {
	ctx    context.Context //nolint:containedctx // shared by requests, none of which owns it
	cancel context.CancelFunc
	until  time.Time // requests that begin before this take it
}

const deadlineSlots = 16

func newDeadlines(timeout time.Duration) *deadlines {
	return &deadlines{timeout: timeout, step: timeout / deadlineSlots}
}

// from returns a context for a request that begins now.
func (d *deadlines) from(now time.Time) context.Context {
	s := d.current.Load()
	if s != nil && now.Before(s.until) {
		return s.ctx
	}
	fresh := &slot{until: now.Add(d.step)}
	//nolint:forbidigo // belongs to no single request
	fresh.ctx, fresh.cancel = context.WithDeadline(context.Background(), now.Add(d.timeout+d.step))
	if d.current.CompareAndSwap(s, fresh) {
		return fresh.ctx // its timer ends it; requests may hold it until then
	}
	fresh.cancel()
	return d.current.Load().ctx
}

// waiting is the context of what changes something, or comes in crowds. A client that is less patient than we
// are has one of its own.
func (x *exchange) waiting() context.Context {
	if x.patience == 0 {
		return x.s.deadlines.from(x.started)
	}
	if x.limit == nil {
		until := x.onStep(x.started.Add(x.patience))
		x.limit, x.endLimit = context.WithDeadline(context.WithoutCancel(x.r.Context()), until)
	}
	return x.limit
}

// reading is the context of a look: it ends with its client as well.
func (x *exchange) reading() (context.Context, context.CancelFunc) {
	timeout := x.s.cfg.RequestTimeout
	if x.patience != 0 {
		timeout = x.patience
	}
	return context.WithDeadline(x.r.Context(), x.started.Add(timeout))
}

// askPatience reads how long the client waits, in seconds as in "Request-Timeout: 2.5", from when its request was
// here. It can only shorten the server's own timeout. What tells how the server is waits for nothing.
func (x *exchange) askPatience() error {
	given, ok := x.r.Header["Request-Timeout"]
	if !ok || x.rt.vital() {
		return nil
	}
	var timeout time.Duration
	if len(given) == 1 {
		timeout = parsePatience(given[0])
	}
	if timeout == 0 {
		return fault.ErrInvalidRequest.Says("A Request-Timeout is a number of seconds above zero, such as 2.5.").On("Request-Timeout")
	}
	if timeout < x.s.cfg.RequestTimeout {
		x.patience = timeout
	}
	return nil
}

// patienceLengthMax is more digits than anybody means: 31 years, to the nanosecond.
const patienceLengthMax = 20

// parsePatience reads seconds, whole or with a fraction, in digits alone; zero is for everything else. What is
// too long to be a Duration is as long as one can be.
func parsePatience(s string) time.Duration {
	if len(s) > patienceLengthMax || strings.Trim(s, "0123456789.") != "" {
		return 0
	}
	seconds, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || seconds <= 0:
		return 0
	case seconds >= maxPatience.Seconds():
		return maxPatience
	default:
		return max(1, time.Duration(seconds*float64(time.Second)))
	}
}

// maxPatience is above any --request-timeout.
const maxPatience = time.Hour
