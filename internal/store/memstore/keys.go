package memstore

import (
	"context"
	"errors"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
)

// keyring is the API keys, with the version of Ring.
type keyring struct {
	keys    map[id.ID]*access.Key
	version int64
}

func newKeyring() keyring { return keyring{keys: map[id.ID]*access.Key{}, version: 1} }

// CreateKey stores a key.
func (s *Store) CreateKey(_ context.Context, k access.Key, first bool, by access.By) (access.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return access.Key{}, errClosed
	}
	if first && len(s.ring.keys) > 0 {
		return access.Key{}, store.ErrNotFirst
	}
	k = store.NewKey(k, s.now())
	if err := s.unlike(&k); err != nil {
		return access.Key{}, err
	}
	events, err := store.KeyCreationEvents(&k, by)
	if err != nil {
		return access.Key{}, err
	}
	s.keep(k)
	s.record(events)
	return k, nil
}

// RotateKey stores a key and lets the one that it replaces expire.
func (s *Store) RotateKey(_ context.Context, old id.ID, next access.Key, r store.Rotation, by access.By) (made, replaced access.Key, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return access.Key{}, access.Key{}, errClosed
	}
	before, known := s.ring.keys[old]
	if !known {
		return access.Key{}, access.Key{}, fault.ErrKeyNotFound
	}
	if made, replaced, err = store.RotatedKeys(*before, next, r, s.othersEnd(old), s.now()); err != nil {
		return access.Key{}, access.Key{}, err
	}
	if err := s.unlike(&made); err != nil {
		return access.Key{}, access.Key{}, err
	}
	events, err := store.KeyRotationEvents(before, &replaced, &made, by)
	if err != nil {
		return access.Key{}, access.Key{}, err
	}
	s.keep(replaced)
	s.keep(made)
	s.record(events)
	return made, replaced, nil
}

// AmendKey changes one and returns it changed.
func (s *Store) AmendKey(_ context.Context, of id.ID, p access.KeyPatch, by access.By) (access.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return access.Key{}, errClosed
	}
	before, known := s.ring.keys[of]
	if !known {
		return access.Key{}, fault.ErrKeyNotFound
	}
	now := s.now()
	after, changed, err := store.AmendedKey(*before, p, s.othersEnd(of), now)
	if err != nil || !changed {
		return after, err
	}
	events, err := store.KeyEvents(before, &after, by, now)
	if err != nil {
		return access.Key{}, err
	}
	s.keep(after)
	s.record(events)
	return after, nil
}

// Key returns one.
func (s *Store) Key(_ context.Context, of id.ID) (access.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, known := s.ring.keys[of]
	if !known {
		return access.Key{}, fault.ErrKeyNotFound
	}
	return *k, nil
}

// ListKeys returns a page, newest first.
func (s *Store) ListKeys(_ context.Context, p store.Page) ([]access.Key, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return pageOf(s.ring.keys, p, func(*access.Key) bool { return true })
}

// Ring returns the usable keys, if any key has changed.
func (s *Store) Ring(_ context.Context, seen int64) (keys []access.Key, version int64, now time.Time, changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now = s.now()
	if seen == s.ring.version {
		return nil, s.ring.version, now, false, nil
	}
	for _, k := range s.ring.keys {
		if k.Usable(now) {
			keys = append(keys, *k)
		}
	}
	return keys, s.ring.version, now, true, nil
}

// TouchKeys records when keys were last used.
func (s *Store) TouchKeys(_ context.Context, used map[id.ID]time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	for of, at := range used {
		if k, known := s.ring.keys[of]; known && k.LastUsedAt.Before(micro(at)) {
			k.LastUsedAt = micro(at)
		}
	}
	return nil
}

// othersEnd is when the last key with the scope admin ends, but for one. The caller holds the mutex.
func (s *Store) othersEnd(but id.ID) (last time.Time) {
	for of, k := range s.ring.keys {
		if end := store.AdminEnd(k); of != but && end.After(last) {
			last = end
		}
	}
	return last
}

var errTwice = errors.New("memstore: a key with this id or this secret is there already")

// unlike refuses a key that is like another one.
func (s *Store) unlike(k *access.Key) error {
	for _, other := range s.ring.keys {
		if other.ID == k.ID || other.Hash == k.Hash {
			return errTwice
		}
	}
	return nil
}

// keep stores a key, new or changed.
func (s *Store) keep(k access.Key) {
	s.ring.keys[k.ID] = &k
	s.ring.version++
}
