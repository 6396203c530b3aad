package client

import "encoding/json"

// Optional is a member of a change (a JSON merge patch): its zero value leaves the member as it is, Set
// gives it a value, and Remove takes it away, where it is a bound.
type Optional[T any] struct {
	given bool
	value *T
}

// Set gives a member a value.
func Set[T any](value T) Optional[T] { return Optional[T]{given: true, value: &value} }

// Remove takes a member away.
func Remove[T any]() Optional[T] { return Optional[T]{given: true} }

// IsZero reports whether the member stays as it is, and so is left out of the request.
func (o Optional[T]) IsZero() bool { return !o.given }

// MarshalJSON writes the value, or null for a removal.
func (o Optional[T]) MarshalJSON() ([]byte, error) { return json.Marshal(o.value) }
