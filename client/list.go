package client

import (
	"fmt"
	"iter"
	"net/url"
)

// Page asks for a part of a list. Lists run from the newest to the oldest.
type Page struct {
	Limit         int    // 1 to 100; 0 leaves it to the server
	StartingAfter string // only what is older than the object with this id
	EndingBefore  string // only what is newer; not both
}

func (p Page) values() url.Values {
	return page(url.Values{}, p.Limit, p.StartingAfter, p.EndingBefore)
}

// List is a part of a list.
type List[T any] struct {
	Object  string `json:"object"`
	Data    []T    `json:"data"`
	HasMore bool   `json:"has_more"` // in the direction that was asked for
}

// walk yields the objects of one page after the other, from the newest to the oldest. It ends at the
// first error, which it yields.
func walk[T any](p Page, read func(Page) (*List[T], error), id func(*T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if p.Limit == 0 {
			p.Limit = 100 // the most a page has: the fewest round trips
		}
		for {
			list, err := read(p)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for i := range list.Data {
				if !yield(list.Data[i], nil) {
					return
				}
			}
			if !list.HasMore || len(list.Data) == 0 || p.EndingBefore != "" {
				return
			}
			last := id(&list.Data[len(list.Data)-1])
			if last == p.StartingAfter { // it would be asked for ever
				var none T
				yield(none, fmt.Errorf("scrip: the list does not go on behind %.80q", last))
				return
			}
			p.StartingAfter = last
		}
	}
}

func setIf(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func orNil[T any](out *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return out, nil
}
