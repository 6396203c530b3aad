package httpapi

import (
	"net/url"
	"strconv"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/redemption"
)

const pageLimitDefault = 20

// query is a request's query, in which every parameter is one that the route takes, and stands once.
type query struct{ values url.Values }

// query reads the parameters, which must be among those named.
func (x *exchange) query(names ...string) (query, error) {
	values, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return query{}, fault.ErrInvalidRequest.Says("The query can't be read; escape what is special in it.")
	}
	for name, vs := range values {
		known := false
		for _, n := range names {
			known = known || n == name
		}
		if !known {
			name = shown(name)
			return query{}, fault.ErrInvalidRequest.Says("There is no parameter " + strconv.Quote(name) + " that this route takes.").On(name)
		}
		if len(vs) != 1 {
			return query{}, fault.ErrInvalidRequest.Says("The parameter " + strconv.Quote(name) + " stands there twice.").On(name)
		}
	}
	return query{values}, nil
}

// pageQuery reads a list's parameters besides those named, with cursors of one kind of object.
func (x *exchange) pageQuery(prefix string, names ...string) (query, redemption.Page, error) {
	q, err := x.query(append(names, "limit", "starting_after", "ending_before")...)
	if err != nil {
		return q, redemption.Page{}, err
	}
	p := redemption.Page{Limit: pageLimitDefault}
	if text, ok := q.get("limit"); ok {
		p.Limit, err = strconv.Atoi(text)
		if err != nil || p.Limit < 1 || p.Limit > redemption.PageLimitMax {
			return q, p, fault.ErrInvalidRequest.Says("A page has 1 to 100 objects.").On("limit")
		}
	}
	if p.After, err = q.cursor("starting_after", prefix); err != nil {
		return q, p, err
	}
	if p.Before, err = q.cursor("ending_before", prefix); err != nil {
		return q, p, err
	}
	if !p.After.IsZero() && !p.Before.IsZero() {
		return q, p, fault.ErrInvalidCursor
	}
	return q, p, nil
}

func (q query) get(name string) (string, bool) {
	vs, ok := q.values[name]
	if !ok {
		return "", false
	}
	return vs[0], true
}

func (q query) cursor(name, prefix string) (id.ID, error) {
	text, ok := q.get(name)
	if !ok {
		return id.ID{}, nil
	}
	i, err := id.Parse(prefix, text)
	if err != nil {
		return id.ID{}, fault.ErrInvalidCursor.On(name)
	}
	return i, nil
}

// id is a parameter that names an object, zero where it is missing.
func (q query) id(name, prefix string) (id.ID, error) {
	text, ok := q.get(name)
	if !ok {
		return id.ID{}, nil
	}
	return parseID(prefix, text, name)
}

// pathID is the object that the path names.
func (x *exchange) pathID(name, prefix string) (id.ID, error) {
	return parseID(prefix, x.r.PathValue(name), name)
}

func parseID(prefix, text, field string) (id.ID, error) {
	i, err := id.Parse(prefix, text)
	if err != nil {
		return id.ID{}, fault.ErrInvalidID.Says("The id of a " + field + " looks like " + prefix + "_ and 26 letters and digits.").On(field)
	}
	return i, nil
}
