package httpapi_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/httpapi"
	"scrip/internal/keyring"
	"scrip/internal/store/memstore"
)

// keys is the use case of keys on the bundle's store.
func (b *bundle) keys() *keyring.Service {
	b.tb.Helper()
	s, ok := b.store.(keyring.Store)
	if !ok {
		return nil
	}
	cfg := keyring.Config{Clock: b.now}
	if b.ring != nil {
		cfg.Changed = b.ring.Refresh
	}
	return keyring.New(cfg, s)
}

// setupKeyed is setup on a server that asks for keys, or, with open set, does so from the first key on.
func setupKeyed(tb testing.TB, open bool, change ...func(*httpapi.Config)) *bundle {
	tb.Helper()
	b := &bundle{tb: tb}
	b.now = b.clock
	s := memstore.New(memstore.Options{Clock: b.now})
	b.store = s
	ring, err := keyring.NewRing(tb.Context(), keyring.RingConfig{
		Every: time.Hour, Clock: b.now, OpenWhileEmpty: open, Log: slog.New(slog.DiscardHandler),
	}, s)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := ring.Close(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	b.ring = ring
	guarded := func(c *httpapi.Config) { c.Access = ring }
	b.redeemWith(s, append([]func(*httpapi.Config){guarded}, change...)...)
	return b
}

// key makes a secret key with some scopes, and returns what authenticates with it.
func (b *bundle) key(scopes access.Scopes) keyring.Made {
	b.tb.Helper()
	return b.newKey(keyring.NewKey{Name: "key of " + scopes.String(), Kind: access.Secret, Scopes: scopes})
}

// publishable makes a publishable key.
func (b *bundle) publishable() keyring.Made {
	b.tb.Helper()
	return b.newKey(keyring.NewKey{Name: "our app", Kind: access.Publishable})
}

func (b *bundle) newKey(n keyring.NewKey) keyring.Made {
	b.tb.Helper()
	made, err := b.svc.Keys.Create(b.tb.Context(), n, access.All, access.By{Name: access.NameCLI})
	if err != nil {
		b.tb.Fatal(err)
	}
	return made
}

// bearer is the header that presents a key.
func bearer(secret string) string { return "Authorization: Bearer " + secret }
