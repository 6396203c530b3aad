// Package keyring is the use case of keys: making, listing, changing, rotating and revoking them, reading
// the trail of administrative changes, and, on every request, telling from memory whose secret it carries.
// It promises that a secret is given out once and kept nowhere, and that nobody gives a key more than they
// have themselves. It must not know HTTP or SQL.
package keyring

import (
	"context"
	"crypto/rand"
	"io"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
)

// The contract's words, so that the edges need not see the store.
type (
	// Page asks for a part of a list.
	Page = store.Page
	// Event is one administrative change.
	Event = store.Event
	// EventFilter narrows a list of events.
	EventFilter = store.EventFilter
)

// ErrNotFirst says that there is a key already, so that a new one can't be the first.
var ErrNotFirst = store.ErrNotFirst

// OverlapMax bounds the time for which a rotated key goes on beside its successor.
const OverlapMax = store.OverlapMax

// DefaultOverlap is time enough to give the new secret to whoever holds the old one. A key that leaked is
// revoked, not rotated.
const DefaultOverlap = 24 * time.Hour

// Actions returns what the trail knows of, for whoever filters by it.
func Actions() []string {
	return []string{
		store.CampaignCreated, store.CampaignAmended, store.VoucherCreated, store.VoucherAmended,
		store.KeyCreated, store.KeyRotated, store.KeyAmended, store.KeyRevoked,
	}
}

// Store is what the use case needs of a store.
type Store interface {
	store.Keys
	store.Trail
}

// Config says how the service works; zero members are the defaults.
type Config struct {
	// Clock tells the time by which a key's status is shown and a new key must expire in the future: Ring.Now, which
	// is the store's. nil is time.Now.
	Clock  func() time.Time
	Random io.Reader // nil: crypto/rand's
	// Changed is called after each change of a key, so that this replica obeys at once: Ring.Refresh. Its
	// error is no error of the change, which the ring hears of a moment later.
	Changed func(context.Context) error
}

// Service administers keys. It is safe for concurrent use.
type Service struct {
	cfg   Config
	store Store
}

// New returns the service.
func New(cfg Config, s Store) *Service {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Changed == nil {
		cfg.Changed = func(context.Context) error { return nil }
	}
	return &Service{cfg: cfg, store: s}
}

// NewKey asks for a key.
type NewKey struct {
	Name          string
	Kind          access.Kind
	Scopes        access.Scopes // of a publishable key: none
	ExpiresAt     time.Time     // zero: never
	RatePerSecond int64         // 0: the server's default
	Burst         int64         // 0: the server's default
}

// Made is a key with its secret, which is shown this once.
type Made struct {
	Key      access.Key
	Secret   string
	Replaced *access.Key // by a rotation; nil otherwise
}

// Create makes a key. giver is what its maker has: nobody gives more than that.
func (s *Service) Create(ctx context.Context, n NewKey, giver access.Scopes, by access.By) (Made, error) {
	k, secret, err := s.fresh(n)
	if err != nil {
		return Made{}, err
	}
	if !giver.Covers(n.Scopes) {
		return Made{}, fault.ErrForbidden.Says("A key can't give more than it has itself.").On("scopes")
	}
	made, err := s.store.CreateKey(ctx, k, false, by)
	if err != nil {
		return Made{}, err
	}
	s.changed(ctx)
	return Made{Key: made, Secret: secret}, nil
}

// CreateFirst makes a key where there is none at all, usable or not, and otherwise returns ErrNotFirst.
// keep is called with the secret before the key is stored, as a key whose secret is lost would lock
// everybody out; where the key was not stored in the end, the secret opens nothing.
func (s *Service) CreateFirst(ctx context.Context, n NewKey, keep func(secret string) error, by access.By) (access.Key, error) {
	k, secret, err := s.fresh(n)
	if err != nil {
		return access.Key{}, err
	}
	if err := keep(secret); err != nil {
		return access.Key{}, err
	}
	made, err := s.store.CreateKey(ctx, k, true, by)
	if err != nil {
		return access.Key{}, err
	}
	s.changed(ctx)
	return made, nil
}

// Any reports whether a key was ever made, be it expired or revoked.
func (s *Service) Any(ctx context.Context) (bool, error) {
	ks, _, err := s.store.ListKeys(ctx, Page{Limit: 1})
	return len(ks) > 0, err
}

// fresh is a new key with its secret, as it may be stored.
func (s *Service) fresh(n NewKey) (access.Key, string, error) {
	now := s.cfg.Clock()
	k := access.Key{
		ID: id.New(now), Name: n.Name, Kind: n.Kind, Scopes: n.Scopes, ExpiresAt: precise(n.ExpiresAt),
		RatePerSecond: n.RatePerSecond, Burst: n.Burst, CreatedAt: precise(now), // the store sets its own
	}
	if err := k.Validate(); err != nil {
		return k, "", err
	}
	secret, hash, tail, err := access.NewSecret(n.Kind, s.cfg.Random)
	if err != nil {
		return k, "", err
	}
	k.Hash, k.Tail = hash, tail
	return k, secret, nil
}

// precise is a time as every store keeps it: in UTC, to the microsecond.
func precise(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// changed tells the ring.
func (s *Service) changed(ctx context.Context) {
	_ = s.cfg.Changed(ctx) // the ring asks again by itself
}

// Now is the time by which a key's status is to be shown.
func (s *Service) Now() time.Time { return s.cfg.Clock() }

// Get returns a key, or fault.ErrKeyNotFound.
func (s *Service) Get(ctx context.Context, key id.ID) (access.Key, error) {
	return s.store.Key(ctx, key)
}

// List returns a page of keys, newest first, and whether there is more: usable, expired and revoked ones.
func (s *Service) List(ctx context.Context, p Page) ([]access.Key, bool, error) {
	return s.store.ListKeys(ctx, p)
}

// Amend changes a key's name, expiry and limits. To revoke it, call Revoke. Without p.Force, an expiry that would leave no key
// with the scope admin for long is fault.ErrLastAdminKey.
func (s *Service) Amend(ctx context.Context, key id.ID, p access.KeyPatch, by access.By) (access.Key, error) {
	if p.ExpiresAt != nil {
		t := precise(*p.ExpiresAt)
		p.ExpiresAt = &t
	}
	p.Revoke = false
	k, err := s.store.AmendKey(ctx, key, p, by)
	if err != nil {
		return access.Key{}, err
	}
	s.changed(ctx)
	return k, nil
}

// Rotation asks for a successor of a key.
type Rotation struct {
	Overlap time.Duration // for which the old key goes on, 0 to OverlapMax
	// ExpiresAt is when the new key expires: the zero time for never, nil for as the old one, which must
	// then be never.
	ExpiresAt *time.Time
	Force     bool // even where the last key with the scope admin then ends soon
}

// Rotate makes a key with another secret that may do what the old one may, and lets the old one expire.
func (s *Service) Rotate(ctx context.Context, old id.ID, r Rotation, giver access.Scopes, by access.By) (Made, error) {
	was, err := s.store.Key(ctx, old)
	if err != nil {
		return Made{}, err
	}
	if !was.RevokedAt.IsZero() {
		return Made{}, fault.ErrKeyRevoked
	}
	if !giver.Covers(was.Scopes) {
		return Made{}, fault.ErrForbidden.Says("A key can't give more than it has itself.")
	}
	n := NewKey{Name: was.Name, Kind: was.Kind, Scopes: was.Scopes, RatePerSecond: was.RatePerSecond, Burst: was.Burst}
	switch {
	case r.ExpiresAt != nil:
		n.ExpiresAt = *r.ExpiresAt
	case !was.ExpiresAt.IsZero():
		return Made{}, fault.ErrInvalidRequest.Says("This key expires: say when its successor does, null for never.").On("expires_at")
	}
	next, secret, err := s.fresh(n)
	if err != nil {
		return Made{}, err
	}
	next.Replaces = old
	made, replaced, err := s.store.RotateKey(ctx, old, next, store.Rotation{Overlap: r.Overlap, Force: r.Force}, by)
	if err != nil {
		return Made{}, err
	}
	s.changed(ctx)
	return Made{Key: made, Secret: secret, Replaced: &replaced}, nil
}

// Revoke ends a key, for ever: on this replica with the next request, on all within a second. Revoking
// it again changes nothing. Without force, the last usable key with the scope admin stays: fault.ErrLastAdminKey. The store
// judges that, in one series over all replicas.
func (s *Service) Revoke(ctx context.Context, key id.ID, force bool, by access.By) (access.Key, error) {
	k, err := s.store.AmendKey(ctx, key, access.KeyPatch{Revoke: true, Force: force}, by)
	if err != nil {
		return access.Key{}, err
	}
	s.changed(ctx)
	return k, nil
}

// Events returns a page of the trail, newest first, and whether there is more.
func (s *Service) Events(ctx context.Context, f EventFilter, p Page) ([]Event, bool, error) {
	return s.store.ListEvents(ctx, f, p)
}
