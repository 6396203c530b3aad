package httpapi

import (
	"net/http"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/keyring"
)

// A key is made without an Idempotency-Key: its secret is nowhere to be read again, and so can't be in a
// second answer. Who lost the answer revokes the key and makes another.
type keyRequest struct {
	Name          string             `json:"name"`
	Kind          optional[string]   `json:"kind"`
	Scopes        optional[[]string] `json:"scopes"`
	ExpiresAt     instant            `json:"expires_at"`
	RatePerSecond nullable[number]   `json:"rate_per_second"`
	Burst         nullable[number]   `json:"burst"`
}

func (r *keyRequest) key() (keyring.NewKey, error) {
	n := keyring.NewKey{Name: r.Name, Kind: access.Secret, ExpiresAt: r.ExpiresAt.value}
	var err error
	if kind := r.Kind.pointer(); kind != nil {
		if n.Kind, err = access.ParseKind(*kind); err != nil {
			return n, err
		}
	}
	if names := r.Scopes.pointer(); names != nil && len(*names) > 0 {
		if n.Scopes, err = access.ScopesOf(*names); err != nil {
			return n, err
		}
	}
	if n.RatePerSecond, err = r.RatePerSecond.value.limit("rate_per_second"); err != nil {
		return n, err
	}
	n.Burst, err = r.Burst.value.limit("burst")
	return n, err
}

func (s *server) createKey(x *exchange) error {
	var req keyRequest
	if err := x.decode(&req); err != nil {
		return err
	}
	n, err := req.key()
	if err != nil {
		return err
	}
	made, err := s.svc.Keys.Create(x.waiting(), n, x.caller.Scopes, x.by())
	if err != nil {
		return err
	}
	x.status = http.StatusCreated
	x.out = appendMadeKey(x.out, &made, made.Key.CreatedAt)
	return nil
}

func (s *server) listKeys(x *exchange) error {
	_, page, err := x.pageQuery(id.Key)
	if err != nil {
		return err
	}
	ctx, cancel := x.reading()
	defer cancel()
	ks, more, err := s.svc.Keys.List(ctx, page)
	if err != nil {
		return err
	}
	now := s.svc.Keys.Now()
	x.out = appendList(x.out, ks, more, func(dst []byte, k *access.Key) []byte { return appendKey(dst, k, now) })
	return nil
}

func (s *server) getKey(x *exchange) error {
	if _, err := x.query(); err != nil {
		return err
	}
	of, err := x.pathID("key", id.Key)
	if err != nil {
		return err
	}
	ctx, cancel := x.reading()
	defer cancel()
	k, err := s.svc.Keys.Get(ctx, of)
	if err != nil {
		return err
	}
	x.out = appendKey(x.out, &k, s.svc.Keys.Now())
	return nil
}

type keyPatch struct {
	Name          nullable[string] `json:"name"`
	ExpiresAt     instant          `json:"expires_at"`
	RatePerSecond nullable[number] `json:"rate_per_second"`
	Burst         nullable[number] `json:"burst"`
	Force         bool             `json:"force"`
}

func (r *keyPatch) patch() (access.KeyPatch, error) {
	p := access.KeyPatch{Name: r.Name.pointer(), ExpiresAt: r.ExpiresAt.pointer(), Force: r.Force}
	if err := notNull(r.Name.null, "name"); err != nil {
		return p, err
	}
	if r.RatePerSecond.given {
		n, err := r.RatePerSecond.value.limit("rate_per_second")
		if err != nil {
			return p, err
		}
		p.RatePerSecond = &n
	}
	if r.Burst.given {
		n, err := r.Burst.value.limit("burst")
		if err != nil {
			return p, err
		}
		p.Burst = &n
	}
	return p, nil
}

func (s *server) patchKey(x *exchange) error {
	of, err := x.pathID("key", id.Key)
	if err != nil {
		return err
	}
	var req keyPatch
	if err := x.decode(&req); err != nil {
		return err
	}
	patch, err := req.patch()
	if err != nil {
		return err
	}
	k, err := s.svc.Keys.Amend(x.waiting(), of, patch, x.by())
	if err != nil {
		return err
	}
	x.out = appendKey(x.out, &k, s.svc.Keys.Now())
	return nil
}

type rotateRequest struct {
	Overlap   *int64  `json:"overlap_seconds"`
	ExpiresAt instant `json:"expires_at"`
	Force     bool    `json:"force"`
}

func (s *server) rotateKey(x *exchange) error {
	of, err := x.pathID("key", id.Key)
	if err != nil {
		return err
	}
	var req rotateRequest
	if err := x.decodeOptional(&req); err != nil {
		return err
	}
	r := keyring.Rotation{Overlap: keyring.DefaultOverlap, ExpiresAt: req.ExpiresAt.pointer(), Force: req.Force}
	if req.Overlap != nil {
		if *req.Overlap < 0 || *req.Overlap > int64(keyring.OverlapMax/time.Second) {
			return fault.ErrInvalidRequest.Says("An overlap is 0 to 2,592,000 seconds, which are 30 days.").On("overlap_seconds")
		}
		r.Overlap = time.Duration(*req.Overlap) * time.Second
	}
	made, err := s.svc.Keys.Rotate(x.waiting(), of, r, x.caller.Scopes, x.by())
	if err != nil {
		return err
	}
	x.status = http.StatusCreated
	x.out = appendMadeKey(x.out, &made, made.Key.CreatedAt)
	return nil
}

type revokeRequest struct {
	Force bool `json:"force"`
}

func (s *server) revokeKey(x *exchange) error {
	of, err := x.pathID("key", id.Key)
	if err != nil {
		return err
	}
	var req revokeRequest
	if err := x.decodeOptional(&req); err != nil {
		return err
	}
	k, err := s.svc.Keys.Revoke(x.waiting(), of, req.Force, x.by())
	if err != nil {
		return err
	}
	x.out = appendKey(x.out, &k, s.svc.Keys.Now())
	return nil
}

// appendMadeKey appends a new key with its secret, and what it replaces.
func appendMadeKey(dst []byte, m *keyring.Made, now time.Time) []byte {
	dst = appendKey(dst, &m.Key, now)
	dst = append(dst[:len(dst)-1], `,"secret":`...)
	dst = appendText(dst, m.Secret)
	if m.Replaced != nil {
		dst = append(dst, `,"replaced":`...)
		dst = appendKey(dst, m.Replaced, now)
	}
	return append(dst, '}')
}

// appendKey appends a key as it stands at a moment. Neither its secret nor its hash is in it.
func appendKey(dst []byte, k *access.Key, now time.Time) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, id.Key, k.ID)
	dst = append(dst, `,"object":"key","name":`...)
	dst = appendText(dst, k.Name)
	dst = append(dst, `,"kind":"`...)
	dst = append(dst, k.Kind.String()...)
	dst = append(dst, `","scopes":[`...)
	for i, name := range k.Scopes.Names() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, name)
	}
	dst = append(dst, `],"tail":`...)
	dst = appendText(dst, k.Tail)
	dst = append(dst, `,"status":"`...)
	dst = append(dst, k.Status(now)...)
	dst = append(dst, `","rate_per_second":`...)
	dst = appendCap(dst, k.RatePerSecond)
	dst = append(dst, `,"burst":`...)
	dst = appendCap(dst, k.Burst)
	dst = append(dst, `,"replaces":`...)
	dst = appendMaybeID(dst, id.Key, k.Replaces)
	dst = append(dst, `,"created_at":`...)
	dst = appendTime(dst, k.CreatedAt)
	dst = append(dst, `,"expires_at":`...)
	dst = appendBound(dst, k.ExpiresAt)
	dst = append(dst, `,"revoked_at":`...)
	dst = appendBound(dst, k.RevokedAt)
	dst = append(dst, `,"last_used_at":`...)
	dst = appendBound(dst, k.LastUsedAt)
	return append(dst, '}')
}

// appendMaybeID appends an id, null for none.
func appendMaybeID(dst []byte, prefix string, i id.ID) []byte {
	if i.IsZero() {
		return append(dst, "null"...)
	}
	return appendID(dst, prefix, i)
}
