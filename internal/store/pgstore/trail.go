package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/id"
	"scrip/internal/store"
)

const (
	eventColumns = " e.id, e.at, e.actor_key, e.actor_name, e.request_id, e.action, e.object, e.was, e.became "
	eventFrom    = " FROM audit_event e "
)

func scanEvent(row pgx.CollectableRow) (e store.Event, err error) {
	err = row.Scan((*uid)(&e.ID), (*instant)(&e.At), (*uid)(&e.By.Key), &e.By.Name, &e.By.RequestID,
		&e.Action, &e.Object, &e.Before, &e.After)
	return e, err
}

// addEventsQuery adds events; one without an actor has a null there.
const addEventsQuery = `INSERT INTO audit_event (id, at, actor_key, actor_name, request_id, action, object, was, became)
	SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])`

// queueEvents queues the events of a change in its own transaction: one statement, however many.
func queueEvents(b *pgx.Batch, events []store.Event) {
	queueEventsBy(b, addEventsQuery, pointers(events))
}

func queueEventsBy(b *pgx.Batch, query string, rows []*store.Event) {
	type r = *store.Event
	b.Queue(query,
		col[uids](rows, func(e r) id.ID { return e.ID }), col[instants](rows, func(e r) time.Time { return e.At }),
		col[uids](rows, func(e r) id.ID { return e.By.Key }), col[texts](rows, func(e r) string { return e.By.Name }),
		col[texts](rows, func(e r) string { return e.By.RequestID }), col[texts](rows, func(e r) string { return e.Action }),
		col[texts](rows, func(e r) string { return e.Object }), col[texts](rows, func(e r) string { return e.Before }),
		col[texts](rows, func(e r) string { return e.After }))
}

func pointers[T any](values []T) []*T {
	out := make([]*T, len(values))
	for i := range values {
		out[i] = &values[i]
	}
	return out
}

func eventList(f store.EventFilter) list[store.Event] {
	l := list[store.Event]{columns: eventColumns, from: eventFrom, order: "e.id", scan: scanEvent}
	switch {
	case f.Object != "":
		l.owner, l.args = "e.object", []any{f.Object}
	case !f.Actor.IsZero():
		l.owner, l.args = "e.actor_key", []any{[16]byte(f.Actor)}
	case f.Action != "":
		l.owner, l.args = "e.action", []any{f.Action}
	}
	return l
}

// ListEvents returns a page, newest first.
func (s *Store) ListEvents(ctx context.Context, f store.EventFilter, p store.Page) ([]store.Event, bool, error) {
	l := eventList(f)
	es, more, _, err := l.byID(ctx, s, p)
	if err != nil {
		return nil, false, fmt.Errorf("list audit events: %w", err)
	}
	return es, more, nil
}

// pruneQuery removes the oldest events of those that are old enough. Ids rise with time, to the millisecond: the bound
// ends the walk where nothing older can follow. What another server is removing is passed over.
const pruneQuery = `DELETE FROM audit_event WHERE id = ANY (ARRAY(
	SELECT e.id FROM audit_event e WHERE e.id < $1 AND e.at < $2 ORDER BY e.id LIMIT $3 FOR UPDATE SKIP LOCKED))`

// pruneAllowed tells the trigger that keeps events, for this transaction alone.
const pruneAllowed = "SELECT set_config('scrip.prune', 'on', true)"

// PruneEvents removes the oldest events from before a time.
func (s *Store) PruneEvents(ctx context.Context, before time.Time, limit int) (n int, err error) {
	if err := store.CheckPrune(limit); err != nil {
		return 0, err
	}
	err = s.tx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, pruneAllowed); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, pruneQuery, [16]byte(store.PruneBound(before)), before, limit)
		n = int(tag.RowsAffected())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("prune the trail: %w", err)
	}
	return n, nil
}
