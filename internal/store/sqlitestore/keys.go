package sqlitestore

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
)

const accessKeyColumns = ` k.id, k.name, k.kind, k.scopes, k.hash, k.tail, k.rate_per_second, k.burst, k.replaces,
	k.created_at, k.expires_at, k.revoked_at, k.last_used_at `

func (q *stmt) nextAccessKey() access.Key {
	return access.Key{
		ID: q.nextID(), Name: q.nextText(),
		Kind:   access.Kind(q.nextInt()),   //nolint:gosec // written from a Kind
		Scopes: access.Scopes(q.nextInt()), //nolint:gosec // written from Scopes
		Hash:   q.nextHash(), Tail: q.nextText(), RatePerSecond: q.nextInt(), Burst: q.nextInt(), Replaces: q.nextID(),
		CreatedAt: q.nextTime(), ExpiresAt: q.nextTime(), RevokedAt: q.nextTime(), LastUsedAt: q.nextTime(),
	}
}

func (q *stmt) nextHash() (v [32]byte) {
	q.col++
	q.s.ColumnBytes(q.col, v[:])
	return v
}

// optional binds an id that may be absent: NULL for the zero id.
func (q *stmt) optional(v id.ID) *stmt {
	if v.IsZero() {
		return q.null()
	}
	return q.id(v)
}

const addAccessKeyQuery = `INSERT INTO api_key (id, name, kind, scopes, hash, tail, rate_per_second, burst, replaces,
	created_at, expires_at, revoked_at, last_used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// accessKey binds all of a key, in the order of addAccessKeyQuery.
func (q *stmt) accessKey(k *access.Key) *stmt {
	return q.id(k.ID).text(k.Name).int(int64(k.Kind)).int(int64(k.Scopes)).bytes(k.Hash[:]).text(k.Tail).
		int(k.RatePerSecond).int(k.Burst).optional(k.Replaces).
		bound(k.CreatedAt).bound(k.ExpiresAt).bound(k.RevokedAt).bound(k.LastUsedAt)
}

// CreateKey stores a key.
func (s *Store) CreateKey(_ context.Context, k access.Key, first bool, by access.By) (made access.Key, err error) {
	taken := false
	err = s.write(func(w *writer) error {
		if first {
			there, err := count(w.stmt("SELECT count(*) FROM api_key"))
			if taken = there > 0; err != nil || taken {
				return err
			}
		}
		made = store.NewKey(k, w.now)
		if err := w.insertAccessKey(&made); err != nil {
			return err
		}
		return w.recorded(store.KeyCreationEvents(&made, by))
	})
	switch {
	case err != nil:
		return access.Key{}, fmt.Errorf("create key %s: %w", k.ID.Format(id.Key), err)
	case taken:
		return access.Key{}, store.ErrNotFirst
	default:
		return made, nil
	}
}

// RotateKey stores a key and lets the one that it replaces expire.
func (s *Store) RotateKey(_ context.Context, old id.ID, next access.Key, r store.Rotation, by access.By) (made, replaced access.Key, err error) {
	err = s.write(func(w *writer) error {
		before, err := w.accessKey(old)
		if err != nil {
			return err
		}
		others, err := w.othersEnd(old)
		if err != nil {
			return err
		}
		if made, replaced, err = store.RotatedKeys(before, next, r, others, w.now); err != nil {
			return refused{fault.From(err)}
		}
		if err := w.updateAccessKey(&replaced); err != nil {
			return err
		}
		if err := w.insertAccessKey(&made); err != nil {
			return err
		}
		return w.recorded(store.KeyRotationEvents(&before, &replaced, &made, by))
	})
	if err != nil {
		return access.Key{}, access.Key{}, refusalOf(err)
	}
	return made, replaced, nil
}

// AmendKey changes one by access.Key.Amend.
func (s *Store) AmendKey(_ context.Context, key id.ID, p access.KeyPatch, by access.By) (after access.Key, err error) {
	err = s.write(func(w *writer) error {
		before, err := w.accessKey(key)
		if err != nil {
			return err
		}
		others, err := w.othersEnd(key)
		if err != nil {
			return err
		}
		var changed bool
		if after, changed, err = store.AmendedKey(before, p, others, w.now); err != nil {
			return refused{fault.From(err)}
		}
		if !changed {
			return nil
		}
		if err := w.updateAccessKey(&after); err != nil {
			return err
		}
		return w.recorded(store.KeyEvents(&before, &after, by, w.now))
	})
	if err != nil {
		return access.Key{}, refusalOf(err)
	}
	return after, nil
}

// accessKey reads a key within the running transaction.
func (w *writer) accessKey(key id.ID) (access.Key, error) {
	k, found, err := w.stmt("SELECT" + accessKeyColumns + "FROM api_key k WHERE k.id = ?").id(key).oneAccessKey()
	if err == nil && !found {
		err = refused{fault.ErrKeyNotFound}
	}
	return k, err
}

// othersEnd is when the last key with the scope admin ends, but for one, as store.AdminEnd says it: the zero time where
// there is no other.
func (w *writer) othersEnd(but id.ID) (end time.Time, err error) {
	q := w.stmt("SELECT max(ifnull(expires_at, ?)) FROM api_key WHERE id <> ? AND revoked_at IS NULL AND scopes & ? <> 0").
		int(store.Endless().UnixMicro()).id(but).int(int64(access.Admin))
	found, err := q.row()
	if err != nil || !found {
		return end, err
	}
	end = q.nextTime()
	return end, q.done()
}

func (q *stmt) oneAccessKey() (k access.Key, found bool, err error) {
	if found, err = q.row(); err != nil || !found {
		return k, false, err
	}
	k = q.nextAccessKey()
	return k, true, q.done()
}

func (w *writer) insertAccessKey(k *access.Key) error {
	if err := w.stmt(addAccessKeyQuery).accessKey(k).exec(); err != nil {
		return err
	}
	return w.ringChanged()
}

// updateAccessKey writes what of a key can change.
func (w *writer) updateAccessKey(k *access.Key) error {
	err := w.stmt("UPDATE api_key SET name = ?, rate_per_second = ?, burst = ?, expires_at = ?, revoked_at = ? WHERE id = ?").
		text(k.Name).int(k.RatePerSecond).int(k.Burst).bound(k.ExpiresAt).bound(k.RevokedAt).id(k.ID).execOne(w.conn)
	if err != nil {
		return err
	}
	return w.ringChanged()
}

func (w *writer) ringChanged() error {
	return w.stmt("UPDATE key_ring SET version = version + 1").execOne(w.conn)
}

// Key returns one.
func (s *Store) Key(ctx context.Context, key id.ID) (k access.Key, err error) {
	err = s.read(ctx, func(r *reader) error {
		read, found, err := r.stmt("SELECT" + accessKeyColumns + "FROM api_key k WHERE k.id = ?").id(key).oneAccessKey()
		if err == nil && !found {
			err = fault.ErrKeyNotFound
		}
		k = read
		return err
	})
	return k, err
}

// ListKeys returns a page, newest first.
func (s *Store) ListKeys(ctx context.Context, p store.Page) (ks []access.Key, more bool, err error) {
	l := list[access.Key]{
		columns: accessKeyColumns, from: "FROM api_key k", order: "k.id",
		bind: func(*stmt) {},
		next: func(q *stmt) access.Key { return q.nextAccessKey() },
	}
	err = s.readLong(ctx, func(r *reader) error {
		return r.snapshot(func() (err error) {
			ks, more, err = l.byID(r, p)
			return err
		})
	})
	return ks, more, err
}

// Ring returns the usable keys, if any key has changed. Where none has, it reads the one row of key_ring.
func (s *Store) Ring(ctx context.Context, seen int64) (keys []access.Key, version int64, now time.Time, changed bool, err error) {
	err = s.read(ctx, func(r *reader) error {
		if version, err = count(r.stmt("SELECT version FROM key_ring")); err != nil || version == seen {
			return err
		}
		return r.snapshot(func() error {
			var err error
			if version, err = count(r.stmt("SELECT version FROM key_ring")); err != nil {
				return err
			}
			q := r.stmt("SELECT" + accessKeyColumns + "FROM api_key k WHERE k.revoked_at IS NULL")
			return q.each(func() { keys = append(keys, q.nextAccessKey()) })
		})
	})
	if err != nil {
		return nil, 0, time.Time{}, false, fmt.Errorf("read the key ring: %w", err)
	}
	now = s.now()
	keys = slices.DeleteFunc(keys, func(k access.Key) bool { return !k.Usable(now) })
	return keys, version, now, version != seen, nil
}

// TouchKeys records when keys were last used.
func (s *Store) TouchKeys(_ context.Context, used map[id.ID]time.Time) error {
	if len(used) == 0 {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(used), func(a, b id.ID) int { return bytes.Compare(a[:], b[:]) })
	err := s.write(func(w *writer) error {
		q := w.stmt("UPDATE api_key SET last_used_at = ?1 WHERE id = ?2 AND (last_used_at IS NULL OR last_used_at < ?1)")
		for _, key := range keys {
			if err := q.int(used[key].UnixMicro()).id(key).exec(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record when %d keys were last used: %w", len(used), err)
	}
	return nil
}
