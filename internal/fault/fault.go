// Package fault holds the closed set of things that can go wrong in Scrip and the stable public code
// of each. It promises that a code never changes its meaning or its kind; clients and scripts read the
// code, never the message. It must not know HTTP: the edge maps a Kind to a status in one place.
package fault

import (
	"errors"
	"time"
)

// Kind is the closed classification of faults. Every Code has exactly one Kind.
type Kind uint8

// The kinds, by what the caller can do about them.
const (
	Internal     Kind = iota // a defect on our side; nothing the caller can mend
	Invalid                  // the request itself is wrong; the same request will always be
	Refused                  // a valid request that the rules turn down; a final answer with no effect
	NotFound                 // what the request names is not there
	Conflict                 // the request contradicts what is already recorded
	TooLarge                 // the request exceeds a size limit
	Unsupported              // the media type is not one we take
	WrongMethod              // the route exists, but not for this method
	Unauthorized             // no valid key
	Forbidden                // a valid key without the right
	Limited                  // too many requests from this caller
	Unavailable              // nothing was done; the same request may succeed later
)

// Code is the stable, public name of a fault, as it stands in a problem's "code".
type Code string

// Error is a fault. Two faults are the same (errors.Is) when their codes are equal.
type Error struct {
	Kind    Kind
	Code    Code
	Message string        // safe to show to anybody; says what to do where there is something to do
	Field   string        // the offending member of the request, if there is one
	Retry   time.Duration // for Unavailable and Limited: ask again after this long; 0 says nothing
	Err     error         // the cause, for the log only; never shown
}

// Error returns the message and, for the log, the cause behind it.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is a fault of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// With returns a copy of e with a cause for the log.
func (e *Error) With(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// Says returns a copy of e with another message, for a message that names a value.
func (e *Error) Says(message string) *Error {
	c := *e
	c.Message = message
	return &c
}

// On returns a copy of e that names the offending member of the request.
func (e *Error) On(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// After returns a copy of e that asks the caller to come again after d.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.Retry = d
	return &c
}

// Retryable reports whether the same request may succeed later without a change.
func (e *Error) Retryable() bool { return e.Kind == Unavailable || e.Kind == Limited }

// From returns err as a fault: err itself or one it wraps, and otherwise ErrInternal with err as its
// cause. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return ErrInternal.With(err)
}
