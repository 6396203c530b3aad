package store

import (
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
)

// The last key with the scope admin is not lost by mistake: without it nobody could make another but at the database.
// What is guarded is until when there is such a key at all, whichever it is. A change that brings that moment nearer than
// OverlapMax is refused unless it is forced: a revocation, an earlier expiry, or a rotation whose successor ends soon. A key
// that goes on for the overlap of its rotation is thus no reason to let its successor go. That time passes is no change.
//
// Drivers read the ends of the other keys in the transaction that makes the change, behind the lock that puts changes of
// keys in one series: of two servers that are asked for the last two keys at one moment, one refuses.

// Endless is the end of what does not end, for drivers that compare ends.
func Endless() time.Time { return time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC) }

// AdminEnd is until when a key can make others, for drivers: the zero time where it can't, or was revoked.
func AdminEnd(k *access.Key) time.Time {
	switch {
	case k.Scopes&access.Admin == 0 || !k.RevokedAt.IsZero():
		return time.Time{}
	case k.ExpiresAt.IsZero():
		return Endless()
	default:
		return k.ExpiresAt
	}
}

// spared refuses a change after which the last key with the scope admin ends sooner than before, and soon.
func spared(before, after, now time.Time, force bool) error {
	if force || !before.After(now) || !after.Before(before) || after.After(now.Add(OverlapMax)) {
		return nil
	}
	return fault.ErrLastAdminKey
}

// latest is the last of some ends.
func latest(ends ...time.Time) (last time.Time) {
	for _, end := range ends {
		if end.After(last) {
			last = end
		}
	}
	return last
}
