package httpapi

import (
	"slices"
	"strings"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/keyring"
)

// listAuditEvents shows the trail of administrative changes, which no route changes.
func (s *server) listAuditEvents(x *exchange) error {
	q, page, err := x.pageQuery(id.Event, "target", "key", "action")
	if err != nil {
		return err
	}
	filter, err := eventFilter(q)
	if err != nil {
		return err
	}
	ctx, cancel := x.reading()
	defer cancel()
	es, more, err := s.svc.Keys.Events(ctx, filter, page)
	if err != nil {
		return err
	}
	x.out = appendList(x.out, es, more, appendEvent)
	return nil
}

func eventFilter(q query) (keyring.EventFilter, error) {
	var f keyring.EventFilter
	given := 0
	for _, name := range []string{"target", "key", "action"} {
		if _, ok := q.get(name); ok {
			given++
		}
	}
	if given > 1 {
		return f, fault.ErrInvalidRequest.Says("Ask for the changes of one object, by one key or of one action, one at a time.")
	}
	if target, ok := q.get("target"); ok {
		if !changeable(target) {
			return f, fault.ErrInvalidID.Says("The target of a change is a campaign, a voucher or a key: cmp_, vch_ or key_ and 26 letters and digits.").On("target")
		}
		f.Object = target
	}
	if action, ok := q.get("action"); ok {
		if !slices.Contains(keyring.Actions(), action) {
			return f, fault.ErrInvalidRequest.Says("An action is one of " + strings.Join(keyring.Actions(), ", ") + ".").On("action")
		}
		f.Action = action
	}
	var err error
	f.Actor, err = q.id("key", id.Key)
	return f, err
}

// changeable reports whether text is an id of what administrators change.
func changeable(text string) bool {
	return slices.ContainsFunc([]string{id.Campaign, id.Voucher, id.Key}, func(prefix string) bool {
		_, err := id.Parse(prefix, text)
		return err == nil
	})
}

func appendEvent(dst []byte, e *keyring.Event) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, id.Event, e.ID)
	dst = append(dst, `,"object":"audit_event","action":`...)
	dst = appendText(dst, e.Action)
	dst = append(dst, `,"target":`...)
	dst = appendText(dst, e.Object)
	dst = append(dst, `,"actor":{"key":`...)
	dst = appendMaybeID(dst, id.Key, e.By.Key)
	dst = append(dst, `,"name":`...)
	dst = appendText(dst, e.By.Name)
	dst = append(dst, `},"request_id":`...)
	if e.By.RequestID == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendText(dst, e.By.RequestID)
	}
	dst = append(dst, `,"before":`...)
	dst = appendObject(dst, e.Before)
	dst = append(dst, `,"after":`...)
	dst = appendObject(dst, e.After)
	dst = append(dst, `,"created_at":`...)
	dst = appendTime(dst, e.At)
	return append(dst, '}')
}

// appendObject appends an object that the store keeps as JSON, null for none.
func appendObject(dst []byte, object string) []byte {
	if object == "" {
		return append(dst, "null"...)
	}
	return append(dst, object...)
}
