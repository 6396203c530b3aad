package store

import (
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
)

// What becomes of a key, as pure functions, for drivers: the time is the store's, and all times are as a store keeps
// them.

// NewKey is a key as it is made.
func NewKey(k access.Key, now time.Time) access.Key {
	k.CreatedAt, k.ExpiresAt, k.RevokedAt, k.LastUsedAt = now, precise(k.ExpiresAt), time.Time{}, time.Time{}
	return k
}

// RotatedKeys are next, made now in place of old, and old, which expires after the overlap unless it does sooner. others is the
// latest AdminEnd of the keys that stand beside old.
func RotatedKeys(old, next access.Key, r Rotation, others, now time.Time) (made, replaced access.Key, err error) {
	if r.Overlap < 0 || r.Overlap > OverlapMax {
		return made, replaced, fault.ErrInvalidRequest.Says("An overlap is 0 seconds to 30 days.").On("overlap_seconds")
	}
	if !old.RevokedAt.IsZero() {
		return made, replaced, fault.ErrKeyRevoked
	}
	made, replaced = NewKey(next, now), old
	made.Replaces = old.ID
	if end := precise(now.Add(r.Overlap)); replaced.ExpiresAt.IsZero() || end.Before(replaced.ExpiresAt) {
		replaced.ExpiresAt = end
	}
	err = spared(latest(others, AdminEnd(&old)), latest(others, AdminEnd(&replaced), AdminEnd(&made)), now, r.Force)
	if err != nil {
		return access.Key{}, access.Key{}, err
	}
	return made, replaced, nil
}

// AmendedKey is a key changed by a patch, and whether that changed anything. others is the latest AdminEnd of the keys that
// stand beside it.
func AmendedKey(before access.Key, p access.KeyPatch, others, now time.Time) (after access.Key, changed bool, err error) {
	if p.ExpiresAt != nil {
		at := precise(*p.ExpiresAt)
		p.ExpiresAt = &at
	}
	if after, err = before.Amend(p, now); err != nil {
		return access.Key{}, false, err
	}
	if err := spared(latest(others, AdminEnd(&before)), latest(others, AdminEnd(&after)), now, p.Force); err != nil {
		return access.Key{}, false, err
	}
	same := after.Name == before.Name && after.RatePerSecond == before.RatePerSecond && after.Burst == before.Burst &&
		after.ExpiresAt.Equal(before.ExpiresAt) && after.RevokedAt.Equal(before.RevokedAt)
	return after, !same, nil
}

// precise is a time as every store keeps it: in UTC, in whole microseconds.
func precise(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
