package pgstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
)

// Whoever changes keys locks the one row of key_ring first: changes of keys stand in one series, over all servers, and
// "the first key" means the first.

const accessKeyColumns = ` k.id, k.name, k.kind, k.scopes, k.hash, k.tail, k.rate_per_second, k.burst, k.replaces,
	k.created_at, k.expires_at, k.revoked_at, k.last_used_at `

const (
	accessKeyFrom = " FROM api_key k "
	accessKeyByID = "SELECT" + accessKeyColumns + accessKeyFrom + "WHERE k.id = $1"
)

func scanAccessKey(row pgx.CollectableRow) (k access.Key, err error) {
	var hash []byte
	var scopes int32
	err = row.Scan((*uid)(&k.ID), &k.Name, (*uint8)(&k.Kind), &scopes, &hash, &k.Tail, &k.RatePerSecond, &k.Burst, (*uid)(&k.Replaces),
		(*instant)(&k.CreatedAt), (*instant)(&k.ExpiresAt), (*instant)(&k.RevokedAt), (*instant)(&k.LastUsedAt))
	k.Scopes = access.Scopes(scopes) //nolint:gosec // written from Scopes
	if err == nil && copy(k.Hash[:], hash) != len(k.Hash) {
		err = fmt.Errorf("the hash of %s has %d bytes", k.ID.Format(id.Key), len(hash))
	}
	return k, err
}

// optional is an id as it is stored where its zero means none: null.
func optional(v id.ID) pgtype.UUID { return pgtype.UUID{Bytes: v, Valid: !v.IsZero()} }

// CreateKey stores a key.
func (s *Store) CreateKey(ctx context.Context, k access.Key, first bool, by access.By) (made access.Key, err error) {
	var taken bool
	err = s.tx(ctx, func(tx pgx.Tx) error {
		ring, err := s.lockRing(ctx, tx, id.ID{})
		if taken = first && ring.any; err != nil || taken {
			return err
		}
		made = store.NewKey(k, ring.now)
		events, err := store.KeyCreationEvents(&made, by)
		if err != nil {
			return err
		}
		b := ringChanged()
		queueAccessKey(b, &made)
		queueEvents(b, events)
		return tx.SendBatch(ctx, b).Close()
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
func (s *Store) RotateKey(ctx context.Context, old id.ID, next access.Key, r store.Rotation, by access.By) (made, replaced access.Key, err error) {
	err = s.tx(ctx, func(tx pgx.Tx) error {
		ring, err := s.lockRing(ctx, tx, old)
		if err != nil {
			return err
		}
		if ring.key == nil {
			return fault.ErrKeyNotFound
		}
		if made, replaced, err = store.RotatedKeys(*ring.key, next, r, ring.others, ring.now); err != nil {
			return err
		}
		events, err := store.KeyRotationEvents(ring.key, &replaced, &made, by)
		if err != nil {
			return err
		}
		b := ringChanged()
		queueAmendedKey(b, &replaced)
		queueAccessKey(b, &made)
		queueEvents(b, events)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return access.Key{}, access.Key{}, fmt.Errorf("rotate key %s: %w", old.Format(id.Key), err)
	}
	return made, replaced, nil
}

// AmendKey changes one by access.Key.Amend.
func (s *Store) AmendKey(ctx context.Context, key id.ID, p access.KeyPatch, by access.By) (after access.Key, err error) {
	err = s.tx(ctx, func(tx pgx.Tx) error {
		ring, err := s.lockRing(ctx, tx, key)
		if err != nil {
			return err
		}
		if ring.key == nil {
			return fault.ErrKeyNotFound
		}
		var changed bool
		if after, changed, err = store.AmendedKey(*ring.key, p, ring.others, ring.now); err != nil || !changed {
			return err
		}
		events, err := store.KeyEvents(ring.key, &after, by, ring.now)
		if err != nil {
			return err
		}
		b := ringChanged()
		queueAmendedKey(b, &after)
		queueEvents(b, events)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return access.Key{}, fmt.Errorf("amend key %s: %w", key.Format(id.Key), err)
	}
	return after, nil
}

// lockedRing is what stands before a change of keys.
type lockedRing struct {
	any    bool        // there are keys
	key    *access.Key // the one asked for, nil if it is not there
	others time.Time   // the latest store.AdminEnd of all but that one
	now    time.Time
}

// othersEndQuery reads when the last key with the scope admin ends, but for one; null where there is no other.
const othersEndQuery = `SELECT max(coalesce(k.expires_at, $2)) FROM api_key k
	WHERE k.id <> $1 AND k.revoked_at IS NULL AND k.scopes & $3 <> 0`

// lockRing locks the ring and reads one key, when the others end, the clock, and whether there are keys, in one round trip. Each is a
// statement of its own, which sees what was committed before it, also by whom the lock waited for.
func (s *Store) lockRing(ctx context.Context, tx pgx.Tx, key id.ID) (ring lockedRing, err error) {
	var clock time.Time
	b := &pgx.Batch{}
	b.Queue("SELECT 1 FROM key_ring FOR NO KEY UPDATE")
	b.Queue("SELECT EXISTS (SELECT FROM api_key)").QueryRow(func(row pgx.Row) error { return row.Scan(&ring.any) })
	b.Queue(accessKeyByID, [16]byte(key)).Query(func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, scanAccessKey)
		if len(found) > 0 {
			ring.key = &found[0]
		}
		return err
	})
	b.Queue(othersEndQuery, [16]byte(key), store.Endless(), int32(access.Admin)).
		QueryRow(func(row pgx.Row) error { return row.Scan((*instant)(&ring.others)) })
	b.Queue(clockQuery).QueryRow(func(row pgx.Row) error { return row.Scan((*instant)(&clock)) })
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return ring, err
	}
	ring.now = s.now(clock)
	return ring, nil
}

// ringChanged begins what a change of keys writes.
func ringChanged() *pgx.Batch {
	b := &pgx.Batch{}
	b.Queue("UPDATE key_ring SET version = version + 1")
	return b
}

func queueAccessKey(b *pgx.Batch, k *access.Key) {
	b.Queue(`INSERT INTO api_key (id, name, kind, scopes, hash, tail, rate_per_second, burst, replaces, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		[16]byte(k.ID), k.Name, int16(k.Kind), int32(k.Scopes), k.Hash[:], k.Tail, k.RatePerSecond, k.Burst, optional(k.Replaces),
		k.CreatedAt, bound(k.ExpiresAt))
}

// queueAmendedKey writes what of a key can change.
func queueAmendedKey(b *pgx.Batch, k *access.Key) {
	b.Queue("UPDATE api_key SET name = $2, rate_per_second = $3, burst = $4, expires_at = $5, revoked_at = $6 WHERE id = $1",
		[16]byte(k.ID), k.Name, k.RatePerSecond, k.Burst, bound(k.ExpiresAt), bound(k.RevokedAt))
}

// Key returns one.
func (s *Store) Key(ctx context.Context, key id.ID) (access.Key, error) {
	k, err := one(ctx, s, fault.ErrKeyNotFound, scanAccessKey, accessKeyByID, [16]byte(key))
	if err != nil {
		return access.Key{}, fmt.Errorf("read key %s: %w", key.Format(id.Key), err)
	}
	return k, nil
}

func accessKeyList() list[access.Key] {
	return list[access.Key]{columns: accessKeyColumns, from: accessKeyFrom, order: "k.id", scan: scanAccessKey}
}

// ListKeys returns a page, newest first.
func (s *Store) ListKeys(ctx context.Context, p store.Page) ([]access.Key, bool, error) {
	l := accessKeyList()
	ks, more, _, err := l.byID(ctx, s, p)
	if err != nil {
		return nil, false, fmt.Errorf("list keys: %w", err)
	}
	return ks, more, nil
}

// ringQuery is all that is asked while nothing changes: one row.
const ringQuery = "SELECT version, clock_timestamp() FROM key_ring"

// Ring returns the usable keys, if any key has changed. The version is read before the keys, by a statement of its own:
// keys that changed in between are told again by the next call, and none is missed.
func (s *Store) Ring(ctx context.Context, seen int64) (keys []access.Key, version int64, now time.Time, changed bool, err error) {
	type head struct {
		version int64
		clock   time.Time
	}
	h, err := one(ctx, s, fault.ErrInternal.With(errNoRing), func(row pgx.CollectableRow) (h head, err error) {
		err = row.Scan(&h.version, (*instant)(&h.clock))
		return h, err
	}, ringQuery)
	if err == nil && h.version != seen {
		changed = true
		keys, err = collect(ctx, s, scanAccessKey, "SELECT"+accessKeyColumns+accessKeyFrom+"WHERE k.revoked_at IS NULL")
	}
	if err != nil {
		return nil, 0, time.Time{}, false, fmt.Errorf("read the key ring: %w", err)
	}
	now = s.now(h.clock)
	keys = slices.DeleteFunc(keys, func(k access.Key) bool { return !k.Usable(now) })
	return keys, h.version, now, changed, nil
}

var errNoRing = errors.New("the row of key_ring is gone")

// touchQuery locks the keys in one order, so that two servers never wait for one another.
const touchQuery = `WITH used AS (
		SELECT k.id, u.at FROM api_key k JOIN unnest($1::uuid[], $2::timestamptz[]) u(id, at) ON u.id = k.id
		WHERE k.id = ANY($1) AND (k.last_used_at IS NULL OR k.last_used_at < u.at) ORDER BY k.id FOR NO KEY UPDATE OF k
	) UPDATE api_key k SET last_used_at = greatest(k.last_used_at, used.at) FROM used WHERE k.id = used.id`

// TouchKeys records when keys were last used.
func (s *Store) TouchKeys(ctx context.Context, used map[id.ID]time.Time) error {
	if len(used) == 0 {
		return nil
	}
	keys := uids(slices.SortedFunc(maps.Keys(used), func(a, b id.ID) int { return bytes.Compare(a[:], b[:]) }))
	times := make(instants, len(keys))
	for i, key := range keys {
		times[i] = used[key]
	}
	err := s.tx(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, touchQuery, keys, times)
		return err
	})
	if err != nil {
		return fmt.Errorf("record when %d keys were last used: %w", len(used), err)
	}
	return nil
}
