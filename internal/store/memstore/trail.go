package memstore

import (
	"bytes"
	"context"
	"slices"
	"time"

	"scrip/internal/id"
	"scrip/internal/store"
)

// record adds events to the trail. The caller holds the mutex, and has changed what they tell of.
func (s *Store) record(events []store.Event) {
	for _, e := range events {
		s.trail[e.ID] = &e
	}
}

// ListEvents returns a page, newest first.
func (s *Store) ListEvents(_ context.Context, f store.EventFilter, p store.Page) ([]store.Event, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return pageOf(s.trail, p, func(e *store.Event) bool {
		return (f.Object == "" || e.Object == f.Object) && (f.Actor.IsZero() || e.By.Key == f.Actor) &&
			(f.Action == "" || e.Action == f.Action)
	})
}

// PruneEvents removes the oldest events from before a time.
func (s *Store) PruneEvents(_ context.Context, before time.Time, limit int) (int, error) {
	if err := store.CheckPrune(limit); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, errClosed
	}
	var old []id.ID
	for of, e := range s.trail {
		if e.At.Before(micro(before)) {
			old = append(old, of)
		}
	}
	slices.SortFunc(old, func(a, b id.ID) int { return bytes.Compare(a[:], b[:]) })
	old = old[:min(len(old), limit)]
	for _, of := range old {
		delete(s.trail, of)
	}
	return len(old), nil
}
