package sqlitestore

import (
	"context"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"scrip/internal/access"
	"scrip/internal/store"
)

const eventColumns = " e.id, e.at, e.actor_key, e.actor_name, e.request_id, e.action, e.object, e.was, e.became "

func (q *stmt) nextEvent() store.Event {
	return store.Event{
		ID: q.nextID(), At: q.nextTime(),
		By:     access.By{Key: q.nextID(), Name: q.nextText(), RequestID: q.nextText()},
		Action: q.nextText(), Object: q.nextText(), Before: q.nextText(), After: q.nextText(),
	}
}

const addEventQuery = `INSERT INTO audit_event (id, at, actor_key, actor_name, request_id, action, object, was, became)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

// event binds all of an event, in the order of addEventQuery.
func (q *stmt) event(e *store.Event) *stmt {
	return q.id(e.ID).int(e.At.UnixMicro()).optional(e.By.Key).text(e.By.Name).text(e.By.RequestID).
		text(e.Action).text(e.Object).text(e.Before).text(e.After)
}

// recorded writes the events of a change in its own transaction. It takes what the contract's makers of events return.
func (w *writer) recorded(events []store.Event, err error) error {
	if err != nil {
		return err
	}
	for i := range events {
		if err := w.stmt(addEventQuery).event(&events[i]).exec(); err != nil {
			return fmt.Errorf("record %s of %s: %w", events[i].Action, events[i].Object, err)
		}
	}
	return nil
}

// stmt is a statement of what administrators do, which need not be ready at every start: the connection keeps it once
// it was used.
func (w *writer) stmt(query string) *stmt {
	s, err := w.conn.Prepare(query)
	if err != nil {
		return &stmt{s: &sqlite.Stmt{}, err: fmt.Errorf("prepare %q: %w", query, err)}
	}
	return &stmt{s: s}
}

// ListEvents returns a page, newest first.
func (s *Store) ListEvents(ctx context.Context, f store.EventFilter, p store.Page) (es []store.Event, more bool, err error) {
	l := list[store.Event]{
		columns: eventColumns, from: "FROM audit_event e", order: "e.id",
		bind: func(*stmt) {},
		next: func(q *stmt) store.Event { return q.nextEvent() },
	}
	switch {
	case f.Object != "":
		l.where, l.bind = "e.object = ?", func(q *stmt) { q.text(f.Object) }
	case !f.Actor.IsZero():
		l.where, l.bind = "e.actor_key = ?", func(q *stmt) { q.id(f.Actor) }
	case f.Action != "":
		l.where, l.bind = "e.action = ?", func(q *stmt) { q.text(f.Action) }
	}
	err = s.readLong(ctx, func(r *reader) error {
		return r.snapshot(func() (err error) {
			es, more, err = l.byID(r, p)
			return err
		})
	})
	return es, more, err
}

// PruneEvents removes the oldest events from before a time. The trigger that keeps them is told so by a mark that no
// other transaction sees.
func (s *Store) PruneEvents(_ context.Context, before time.Time, limit int) (n int, err error) {
	if err := store.CheckPrune(limit); err != nil {
		return 0, err
	}
	err = s.write(func(w *writer) error {
		if err := w.stmt("UPDATE audit_guard SET pruning = 1").execOne(w.conn); err != nil {
			return err
		}
		// Ids rise with time, to the millisecond: the bound ends the walk where nothing older can follow.
		err := w.stmt("DELETE FROM audit_event WHERE id IN (SELECT id FROM audit_event WHERE id < ? AND at < ? ORDER BY id LIMIT ?)").
			id(store.PruneBound(before)).int(before.UnixMicro()).int(int64(limit)).exec()
		if err != nil {
			return err
		}
		n = w.conn.Changes()
		return w.stmt("UPDATE audit_guard SET pruning = 0").execOne(w.conn)
	})
	if err != nil {
		return 0, fmt.Errorf("prune the trail: %w", err)
	}
	return n, nil
}
