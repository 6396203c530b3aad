package store

import (
	"context"
	"errors"
	"time"

	"scrip/internal/access"
	"scrip/internal/id"
)

// ErrNotFirst says that there is a key already, so that this one can't be the first.
var ErrNotFirst = errors.New("store: there is a key already")

// OverlapMax bounds the time for which a rotated key goes on beside the one that replaces it.
const OverlapMax = 30 * 24 * time.Hour

// Rotation says how a key is replaced.
type Rotation struct {
	Overlap time.Duration // for which the old key goes on
	Force   bool          // even where the last key with the scope admin then ends soon
}

// Keys keeps the API keys. A key's secret is never here, only its hash. A key that was revoked or has expired stays,
// so that the trail's ids go on naming something.
type Keys interface {
	// CreateKey stores a key; its times but ExpiresAt are the store's. With first set, it stores it only where there
	// is no key at all yet, usable or not, and otherwise returns ErrNotFirst: of two servers that start at once, one
	// makes the first key. It does not ask Validate; its caller has. After an error that leaves its fate open, Key tells
	// whether the id is there. The same holds for RotateKey.
	CreateKey(ctx context.Context, k access.Key, first bool, by access.By) (access.Key, error)
	// RotateKey stores next, which replaces old, and lets old expire after the overlap (0 to OverlapMax) by the store's clock
	// unless it expires sooner, as one unit. It is fault.ErrKeyNotFound for no such key, fault.ErrKeyRevoked for one that was
	// revoked, fault.ErrInvalidRequest for an overlap out of its bounds, and fault.ErrLastAdminKey as AmendKey is. It does not
	// ask next to validate itself.
	RotateKey(ctx context.Context, old id.ID, next access.Key, r Rotation, by access.By) (made, replaced access.Key, err error)
	// AmendKey changes one by access.Key.Amend and returns it changed, or fault.ErrKeyNotFound. Where that changes
	// nothing, nothing happens, and there is no event. Unless it is forced, it is fault.ErrLastAdminKey where the last usable
	// key with the scope admin would end by it (key_last.go); that is judged in series with all other changes of keys.
	AmendKey(ctx context.Context, key id.ID, p access.KeyPatch, by access.By) (access.Key, error)
	// Key returns one, or fault.ErrKeyNotFound.
	Key(ctx context.Context, key id.ID) (access.Key, error)
	// ListKeys returns a page, newest first: usable, expired and revoked ones.
	ListKeys(ctx context.Context, p Page) (ks []access.Key, more bool, err error)
	// Ring returns all keys that are neither revoked nor expired, with the store's clock, unless no key was made or
	// changed since the version that the caller has seen (0: none); then changed is false and keys is nil. Versions only
	// rise. That a key expires raises none: whoever holds a ring judges that by ExpiresAt. Where nothing has changed it
	// costs one cheap statement, so that it may be asked several times a second.
	Ring(ctx context.Context, seen int64) (keys []access.Key, version int64, now time.Time, changed bool, err error)
	// TouchKeys records when keys were last used, in one write; keys that are not there are passed over. It never moves
	// a time back, changes no version of Ring and is no event of the trail.
	TouchKeys(ctx context.Context, used map[id.ID]time.Time) error
}
