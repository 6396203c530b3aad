package access

import (
	"time"
	"unicode"
	"unicode/utf8"

	"scrip/internal/fault"
	"scrip/internal/id"
)

// Key is a key as it is stored: all but its secret.
type Key struct {
	ID     id.ID
	Name   string // for people, 1 to 100 printable characters; not unique
	Kind   Kind
	Scopes Scopes // of a publishable key always 0: its rights are fixed
	// Hash is the SHA-256 of the whole secret. The secret has 256 random bits, so that nothing slower and
	// no salt is needed: there is no list of likely secrets to try.
	Hash [32]byte
	Tail string // the secret's last TailLength characters, to recognise it by

	// Limits of this key alone; 0: the server's default for its kind.
	RatePerSecond int64
	Burst         int64

	Replaces   id.ID // the key that this one was rotated from, zero for none
	CreatedAt  time.Time
	ExpiresAt  time.Time // zero: never
	RevokedAt  time.Time // zero: not revoked
	LastUsedAt time.Time // zero: never used; it lags behind by up to half a minute
}

// TailLength is how much of a secret may be shown.
const TailLength = 4

// Limits of what a key may carry.
const (
	nameLengthMax = 100       // characters
	rateMax       = 1_000_000 // requests a second, and requests at once
)

// Usable reports whether the key opens anything at a moment. An expiry is the first moment at which the
// key is no longer usable.
func (k *Key) Usable(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}

// Status is what a key is at a moment, in one word: active, expired or revoked.
func (k *Key) Status(now time.Time) string {
	switch {
	case !k.RevokedAt.IsZero():
		return "revoked"
	case !k.Usable(now):
		return "expired"
	default:
		return "active"
	}
}

// Validate refuses a key that could never be right.
func (k *Key) Validate() error {
	if err := validName(k.Name); err != nil {
		return err
	}
	switch {
	case k.Kind == Publishable && k.Scopes != 0:
		return fault.ErrInvalidRequest.Says("A publishable key has no scopes: it can validate and redeem, and no more.").On("scopes")
	case k.Kind == Secret && (k.Scopes == 0 || k.Scopes&^All != 0):
		return errScopes()
	case k.Kind != Secret && k.Kind != Publishable:
		return fault.ErrInvalidRequest.Says("A key's kind is secret or publishable.").On("kind")
	}
	if !k.ExpiresAt.IsZero() && !k.CreatedAt.IsZero() && !k.CreatedAt.Before(k.ExpiresAt) {
		return errExpiry()
	}
	return validLimits(k.RatePerSecond, k.Burst)
}

// Persian is written with a non-joiner, and some of India's scripts with a joiner, inside words.
const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
)

func validName(name string) error {
	n := utf8.RuneCountInString(name)
	if n == 0 || n > nameLengthMax || !utf8.ValidString(name) {
		return errName()
	}
	for _, c := range name {
		if !unicode.IsPrint(c) && c != nonJoiner && c != joiner {
			return errName()
		}
	}
	return nil
}

func errName() *fault.Error {
	return fault.ErrInvalidRequest.Says("A key's name has 1 to 100 printable characters.").On("name")
}

func errExpiry() *fault.Error {
	return fault.ErrInvalidRequest.Says("A key must expire in the future; to end it now, revoke it.").On("expires_at")
}

func validLimits(rate, burst int64) error {
	if rate < 0 || rate > rateMax {
		return fault.ErrInvalidLimit.Says("A rate is 1 to 1,000,000 requests a second; leave it out for the server's default.").On("rate_per_second")
	}
	if burst < 0 || burst > rateMax {
		return fault.ErrInvalidLimit.Says("A burst is 1 to 1,000,000 requests; leave it out for the server's default.").On("burst")
	}
	return nil
}

// KeyPatch changes a key; a nil member leaves things as they are. What a key opens can't be changed: a
// key with other rights is another key.
type KeyPatch struct {
	Name          *string
	ExpiresAt     *time.Time // the zero time: never
	RatePerSecond *int64     // 0: the server's default
	Burst         *int64     // 0: the server's default
	Revoke        bool
	// Force has it done even where no key with the scope admin would last. Amend, which sees one key, leaves
	// that to the store.
	Force bool
}

// Amend returns the key changed. It is pure; now is the store's clock. A revoked key stays as it is:
// revoking it once more changes nothing, and anything else is fault.ErrKeyRevoked.
func (k *Key) Amend(p KeyPatch, now time.Time) (Key, error) {
	out := *k
	if !k.RevokedAt.IsZero() {
		if p.Name != nil || p.ExpiresAt != nil || p.RatePerSecond != nil || p.Burst != nil {
			return out, fault.ErrKeyRevoked
		}
		return out, nil
	}
	if p.Name != nil {
		out.Name = *p.Name
	}
	if p.ExpiresAt != nil {
		if !p.ExpiresAt.IsZero() && !now.Before(*p.ExpiresAt) {
			return *k, errExpiry()
		}
		out.ExpiresAt = *p.ExpiresAt
	}
	if p.RatePerSecond != nil {
		out.RatePerSecond = *p.RatePerSecond
	}
	if p.Burst != nil {
		out.Burst = *p.Burst
	}
	if p.Revoke {
		out.RevokedAt = now
	}
	if err := out.Validate(); err != nil {
		return *k, err
	}
	return out, nil
}
