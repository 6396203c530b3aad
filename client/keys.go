package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// The kinds of keys.
const (
	KeySecret      = "secret"      // for servers, with scopes
	KeyPublishable = "publishable" // for apps and pages: it validates and redeems, and no more
)

// The scopes of secret keys.
const (
	ScopeRedeem    = "redeem"    // redeem, validate, roll back
	ScopeRead      = "read"      // look at everything but keys and audit events
	ScopeCampaigns = "campaigns" // make, change and look at campaigns and vouchers
	ScopeWallets   = "wallets"   // wallets
	ScopeAdmin     = "admin"     // keys, audit events and everything else
)

// The statuses of a key.
const (
	KeyActive  = "active"
	KeyExpired = "expired"
	KeyRevoked = "revoked"
)

// Key is who may call. Its secret is not in it.
type Key struct {
	ID            string     `json:"id"`
	Object        string     `json:"object"`
	Name          string     `json:"name"`
	Kind          string     `json:"kind"`   // KeySecret or KeyPublishable
	Scopes        []string   `json:"scopes"` // empty for a publishable key, whose rights are fixed
	Tail          string     `json:"tail"`   // the secret's last characters, to recognise it by
	Status        string     `json:"status"`
	RatePerSecond *int64     `json:"rate_per_second"` // nil for the server's default
	Burst         *int64     `json:"burst"`           // nil for the server's default
	Replaces      *string    `json:"replaces"`        // the key that it was rotated from
	CreatedAt     time.Time  `json:"created_at"`
	ExpiresAt     *time.Time `json:"expires_at"` // nil for never
	RevokedAt     *time.Time `json:"revoked_at"`
	LastUsedAt    *time.Time `json:"last_used_at"` // up to half a minute behind
}

// MadeKey is a new key with its secret, which no other answer will show.
type MadeKey struct {
	Key
	Secret   string `json:"secret"`
	Replaced *Key   `json:"replaced,omitempty"` // by a rotation, with the time at which it expires
}

// NewKey asks for a key.
type NewKey struct {
	Name          string     `json:"name"`
	Kind          string     `json:"kind,omitempty"`   // KeySecret where it is empty
	Scopes        []string   `json:"scopes,omitempty"` // of a secret key, at least one
	ExpiresAt     *time.Time `json:"expires_at,omitempty"`
	RatePerSecond *int64     `json:"rate_per_second,omitempty"`
	Burst         *int64     `json:"burst,omitempty"`
}

// CreateKey makes a key. It is not asked again by itself, with or without automatic keys: no answer shows
// a secret twice. Where the answer is lost, look for the key in the list and revoke it.
func (c *Client) CreateKey(ctx context.Context, n NewKey, o ...RequestOption) (*MadeKey, error) {
	out := &MadeKey{}
	_, err := c.into(ctx, call{method: http.MethodPost, path: "/v1/keys", body: n}, o, out)
	return orNil(out, err)
}

// Key returns one.
func (c *Client) Key(ctx context.Context, id string, o ...RequestOption) (*Key, error) {
	out := &Key{}
	_, err := c.into(ctx, get("/v1/keys/"+segment(id), nil), o, out)
	return orNil(out, err)
}

// Keys returns a page, newest first: active, expired and revoked ones.
func (c *Client) Keys(ctx context.Context, p Page, o ...RequestOption) (*List[Key], error) {
	out := &List[Key]{}
	_, err := c.into(ctx, get("/v1/keys", p.values()), o, out)
	return orNil(out, err)
}

// AllKeys walks over all pages from p on.
func (c *Client) AllKeys(ctx context.Context, p Page) iter.Seq2[Key, error] {
	return walk(p, func(p Page) (*List[Key], error) { return c.Keys(ctx, p) }, func(k *Key) string { return k.ID })
}

// KeyChange changes a key; a zero member stays as it is. What a key may do can't be changed.
type KeyChange struct {
	Name          Optional[string]    `json:"name,omitzero"`
	ExpiresAt     Optional[time.Time] `json:"expires_at,omitzero"`
	RatePerSecond Optional[int64]     `json:"rate_per_second,omitzero"`
	Burst         Optional[int64]     `json:"burst,omitzero"`
	Force         bool                `json:"force,omitempty"` // even where no key with the scope admin would last
}

// UpdateKey changes a key and returns it changed.
func (c *Client) UpdateKey(ctx context.Context, id string, change KeyChange, o ...RequestOption) (*Key, error) {
	out := &Key{}
	_, err := c.into(ctx, call{method: http.MethodPatch, path: "/v1/keys/" + segment(id), body: change}, o, out)
	return orNil(out, err)
}

// Rotation says how a key is replaced.
type Rotation struct {
	// OverlapSeconds is for how long the old key goes on; nil for a day.
	OverlapSeconds *int64 `json:"overlap_seconds,omitempty"`
	// ExpiresAt is when the new key expires, removed for never. It must be said where the old key expires.
	ExpiresAt Optional[time.Time] `json:"expires_at,omitzero"`
	// Force has it done even where no key with the scope admin would last, as the new one ends soon.
	Force bool `json:"force,omitempty"`
}

// RotateKey replaces a key by one with another secret and the same rights. Like CreateKey, it is never
// asked again by itself.
func (c *Client) RotateKey(ctx context.Context, id string, r Rotation, o ...RequestOption) (*MadeKey, error) {
	out := &MadeKey{}
	_, err := c.into(ctx, call{method: http.MethodPost, path: "/v1/keys/" + segment(id) + "/rotate", body: r}, o, out)
	return orNil(out, err)
}

// Revocation says how a key is ended.
type Revocation struct {
	Force bool `json:"force,omitempty"` // even where no key with the scope admin would last
}

// RevokeKey ends a key, on every replica within a second, and returns it. Revoking it again changes
// nothing.
func (c *Client) RevokeKey(ctx context.Context, id string, r Revocation, o ...RequestOption) (*Key, error) {
	out := &Key{}
	_, err := c.into(ctx, call{method: http.MethodPost, path: "/v1/keys/" + segment(id) + "/revoke", body: r, safe: true}, o, out)
	return orNil(out, err)
}
