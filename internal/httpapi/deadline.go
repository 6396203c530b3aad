package httpapi

import (
	"context"
	"sync/atomic"
	"time"
)

// deadlines hands out contexts that end after a timeout, one for all requests of the same short time: a
// context and a timer of its own cost a request about a microsecond, which is a tenth of the whole hot
// path. A request has its timeout and up to a sixteenth more.
//
// These contexts do not end when the client goes away. A request that was read is carried out, so that
// what a client sent has happened even if its connection breaks a moment later, and a crowd that is
// impatient does not waste the work already done for it.
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
