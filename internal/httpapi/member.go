package httpapi

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"scrip/internal/fault"
)

// optional is a member that may be missing. Null is of the wrong type, as it is of every member whose type does not take
// it by itself: see noNull.
type optional[T any] struct {
	given bool // it is there
	value T
}

// UnmarshalJSONFrom reads the member.
func (o *optional[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	o.given = true
	return json.UnmarshalDecode(d, &o.value)
}

// pointer is the value, nil where there is none.
func (o *optional[T]) pointer() *T {
	if !o.given {
		return nil
	}
	return &o.value
}

// nullable is a member that may be missing or null, which a merge patch tells apart. Its value is zero where it is null.
type nullable[T any] struct {
	given bool // it is there
	null  bool
	value T
}

// UnmarshalJSONFrom reads the member.
func (n *nullable[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	n.given = true
	if d.PeekKind() == 'n' {
		n.null = true
		_, err := d.ReadToken()
		return err
	}
	return json.UnmarshalDecode(d, &n.value)
}

// pointer is the value, nil where there is none.
func (n *nullable[T]) pointer() *T {
	if !n.given || n.null {
		return nil
	}
	return &n.value
}

// number is a whole number that may be missing. What is a number but not a whole one within
// int64 reads as zero: every number that we take is at least one, so that it is refused where it is
// used, each by its own code, and one bad item of a batch does not spoil the others.
type number struct {
	given bool
	value int64
}

// UnmarshalJSONFrom reads the number.
func (n *number) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	n.given = true
	if d.PeekKind() != '0' {
		if _, err := d.ReadValue(); err != nil { // not JSON at all says more than the wrong type
			return err
		}
		return fault.ErrInvalidRequest.Says("This must be a whole number.")
	}
	text, err := d.ReadValue()
	if err != nil {
		return err
	}
	if n.value, err = strconv.ParseInt(string(text), 10, 64); err != nil {
		n.value = 0
	}
	return nil
}

// amount is the number as minor units, zero where it is missing.
func (n number) amount(field string) (int64, error) {
	if n.given && n.value <= 0 {
		return 0, fault.ErrInvalidAmount.On(field)
	}
	return n.value, nil
}

// limit is the number as a limit, zero (for none) where it is missing.
func (n number) limit(field string) (int64, error) {
	if n.given && n.value <= 0 {
		return 0, fault.ErrInvalidLimit.On(field)
	}
	return n.value, nil
}

// instant is a time that may be missing or null.
type instant struct {
	given bool
	null  bool
	value time.Time
}

var errTime = fault.ErrInvalidRequest.Says("This must be a time as RFC 3339 has it, as in 2026-03-20T12:00:00Z, from 1970 to 9999.")

// UnmarshalJSONFrom reads the time, in UTC and whole microseconds, which is what a store keeps.
func (i *instant) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	i.given = true
	switch d.PeekKind() {
	case 'n':
		i.null = true
		_, err := d.ReadToken()
		return err
	case '"':
		t, err := d.ReadToken()
		if err != nil {
			return err
		}
		at, err := time.Parse(time.RFC3339, t.String())
		at = at.UTC().Truncate(time.Microsecond)
		if err != nil || at.Year() < 1970 || at.Year() > 9999 {
			return errTime
		}
		i.value = at
		return nil
	default:
		if _, err := d.ReadValue(); err != nil {
			return err
		}
		return errTime
	}
}

// pointer is the time, nil where the member is missing; null is the zero time, which removes a bound.
func (i *instant) pointer() *time.Time {
	if !i.given {
		return nil
	}
	return &i.value
}
