package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/keyring"
)

var cli = access.By{Name: access.NameCLI}

func TestCreate(t *testing.T) {
	t.Parallel()
	s := newStore()
	svc := keyring.New(keyring.Config{}, s)
	until := time.Now().Add(24 * time.Hour)
	made, err := svc.Create(t.Context(), keyring.NewKey{
		Name: "shop", Kind: access.Secret, Scopes: access.Read, ExpiresAt: until, RatePerSecond: 5, Burst: 6,
	}, access.All, cli)
	if err != nil {
		t.Fatal(err)
	}
	_, hash, err := access.Parse(made.Secret)
	k := made.Key
	if err != nil || k.Hash != hash || k.Tail != made.Secret[len(made.Secret)-4:] || k.RatePerSecond != 5 || k.Burst != 6 || made.Replaced != nil ||
		!k.ExpiresAt.Equal(until.Truncate(time.Microsecond)) {
		t.Errorf("%+v, %v", made, err)
	}
	if got, err := svc.Get(t.Context(), k.ID); err != nil || got != k {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := svc.Get(t.Context(), id.ID{}); !errors.Is(err, fault.ErrKeyNotFound) {
		t.Errorf("%v", err)
	}
	for name, n := range map[string]keyring.NewKey{
		"no name":           {Kind: access.Secret, Scopes: access.Read},
		"no kind":           {Name: "x", Scopes: access.Read},
		"no scopes":         {Name: "x", Kind: access.Secret},
		"already expired":   {Name: "x", Kind: access.Secret, Scopes: access.Read, ExpiresAt: time.Now().Add(-time.Hour)},
		"scopes for public": {Name: "x", Kind: access.Publishable, Scopes: access.Read},
	} {
		if _, err := svc.Create(t.Context(), n, access.All, cli); !errors.Is(err, fault.ErrInvalidRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if ks, more, err := svc.List(t.Context(), keyring.Page{Limit: 10}); err != nil || more || len(ks) != 1 {
		t.Errorf("%d keys, %v, %v", len(ks), more, err)
	}
}

// Nobody gives a key more than they have.
func TestNobodyGivesMore(t *testing.T) {
	t.Parallel()
	svc := keyring.New(keyring.Config{}, newStore())
	for _, c := range []struct {
		giver, wanted access.Scopes
		ok            bool
	}{
		{access.Admin, access.All, true},
		{access.Read, access.Read, true},
		{access.Read | access.Wallets, access.Wallets, true},
		{access.Read, access.Redeem, false},
		{access.All &^ access.Admin, access.Admin, false},
		{0, access.Read, false},
	} {
		n := keyring.NewKey{Name: "x", Kind: access.Secret, Scopes: c.wanted}
		made, err := svc.Create(t.Context(), n, c.giver, cli)
		if c.ok != (err == nil) || !c.ok && !errors.Is(err, fault.ErrForbidden) {
			t.Errorf("%q gives %q: %v", c.giver, c.wanted, err)
		}
		if !c.ok {
			if made, err = svc.Create(t.Context(), n, access.All, cli); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := svc.Rotate(t.Context(), made.Key.ID, keyring.Rotation{}, c.giver, cli); c.ok != (err == nil) {
			t.Errorf("%q rotates %q: %v", c.giver, c.wanted, err)
		}
	}
}

// The first key is made once, and never without its secret in safety.
func TestCreateFirst(t *testing.T) {
	t.Parallel()
	s := newStore()
	svc := keyring.New(keyring.Config{}, s)
	n := keyring.NewKey{Name: "first", Kind: access.Secret, Scopes: access.All}
	full := errors.New("the disk is full")
	if _, err := svc.CreateFirst(t.Context(), n, func(string) error { return full }, cli); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
	if known, err := svc.Any(t.Context()); err != nil || known {
		t.Errorf("a key whose secret is lost: %v, %v", known, err)
	}
	var kept string
	keep := func(secret string) error {
		kept = secret
		return nil
	}
	k, err := svc.CreateFirst(t.Context(), n, keep, cli)
	if _, hash, bad := access.Parse(kept); err != nil || bad != nil || k.Hash != hash {
		t.Errorf("%+v, %v, %v", k, err, bad)
	}
	if _, err := svc.Revoke(t.Context(), k.ID, true, cli); err != nil {
		t.Fatal(err)
	}
	if _, err := svc.CreateFirst(t.Context(), n, keep, cli); !errors.Is(err, keyring.ErrNotFirst) {
		t.Errorf("after a revoked one: %v", err)
	}
	if known, err := svc.Any(t.Context()); err != nil || !known {
		t.Errorf("%v, %v", known, err)
	}
}

// A successor has the rights of the key that it replaces; where that expires, its own end must be said.
func TestRotate(t *testing.T) {
	t.Parallel()
	s := newStore()
	svc := keyring.New(keyring.Config{}, s)
	old := create(t, s, keyring.NewKey{Name: "till", Kind: access.Secret, Scopes: access.Redeem | access.Read, RatePerSecond: 7, Burst: 8})
	made, err := svc.Rotate(t.Context(), old.Key.ID, keyring.Rotation{Overlap: time.Hour}, access.All, cli)
	if err != nil {
		t.Fatal(err)
	}
	k := made.Key
	if k.Name != "till" || k.Scopes != old.Key.Scopes || k.RatePerSecond != 7 || k.Burst != 8 || k.Replaces != old.Key.ID || k.Hash == old.Key.Hash ||
		!k.ExpiresAt.IsZero() || made.Replaced.ID != old.Key.ID || made.Replaced.ExpiresAt.IsZero() {
		t.Errorf("%+v", made)
	}
	if _, err := svc.Rotate(t.Context(), old.Key.ID, keyring.Rotation{}, access.All, cli); !errors.Is(err, fault.ErrInvalidRequest) {
		t.Errorf("a key that expires: %v", err)
	}
	never, later := time.Time{}, time.Now().Add(99*time.Hour)
	for name, end := range map[string]*time.Time{"never": &never, "later": &later} {
		made, err := svc.Rotate(t.Context(), old.Key.ID, keyring.Rotation{Overlap: time.Minute, ExpiresAt: end}, access.All, cli)
		if err != nil || !made.Key.ExpiresAt.Equal(end.Truncate(time.Microsecond)) {
			t.Errorf("%s: %+v, %v", name, made, err)
		}
	}
	if _, err := svc.Rotate(t.Context(), k.ID, keyring.Rotation{Overlap: keyring.OverlapMax + 1}, access.All, cli); !errors.Is(err, fault.ErrInvalidRequest) {
		t.Errorf("too long an overlap: %v", err)
	}
	if _, err := svc.Revoke(t.Context(), k.ID, false, cli); err != nil {
		t.Fatal(err)
	}
	if _, err := svc.Rotate(t.Context(), k.ID, keyring.Rotation{}, access.All, cli); !errors.Is(err, fault.ErrKeyRevoked) {
		t.Errorf("a revoked key: %v", err)
	}
	if _, err := svc.Rotate(t.Context(), id.ID{1}, keyring.Rotation{}, access.All, cli); !errors.Is(err, fault.ErrKeyNotFound) {
		t.Errorf("no key: %v", err)
	}
}

// The last key that can make another is spared, whatever else there is.
func TestRevokeSparesTheLastAdmin(t *testing.T) {
	t.Parallel()
	s := newStore()
	svc := keyring.New(keyring.Config{}, s)
	make1 := func(scopes access.Scopes) id.ID {
		t.Helper()
		return create(t, s, keyring.NewKey{Name: "x", Kind: access.Secret, Scopes: scopes}).Key.ID
	}
	one, two, reader := make1(access.Admin), make1(access.All), make1(access.Read)
	revoke := func(key id.ID, force bool) error {
		_, err := svc.Revoke(t.Context(), key, force, cli)
		return err
	}
	if err := errors.Join(revoke(reader, false), revoke(one, false), revoke(one, false)); err != nil {
		t.Error(err)
	}
	if err := revoke(two, false); !errors.Is(err, fault.ErrLastAdminKey) {
		t.Errorf("%v", err)
	}
	if k, err := svc.Get(t.Context(), two); err != nil || !k.RevokedAt.IsZero() {
		t.Errorf("%+v, %v", k, err)
	}
	if err := revoke(two, true); err != nil {
		t.Error(err)
	}
	if err := revoke(id.ID{1}, true); !errors.Is(err, fault.ErrKeyNotFound) {
		t.Errorf("%v", err)
	}
}

// A change stands though the ring could not be told of it.
func TestChangedIsNoPartOfTheChange(t *testing.T) {
	t.Parallel()
	told := 0
	s := newStore()
	svc := keyring.New(keyring.Config{
		Random: strings.NewReader(strings.Repeat("a", 32) + strings.Repeat("b", 32)),
		Changed: func(context.Context) error {
			told++
			return fmt.Errorf("number %d", told)
		},
	}, s)
	made, err := svc.Create(t.Context(), keyring.NewKey{Name: "x", Kind: access.Secret, Scopes: access.Read}, access.All, cli)
	if err != nil {
		t.Fatal(err)
	}
	name := "y"
	if _, err := svc.Amend(t.Context(), made.Key.ID, access.KeyPatch{Name: &name, Revoke: true}, cli); err != nil {
		t.Fatal(err)
	}
	if k, err := svc.Get(t.Context(), made.Key.ID); err != nil || k.Name != "y" || !k.RevokedAt.IsZero() {
		t.Errorf("%+v, %v", k, err)
	}
	if _, err := svc.Rotate(t.Context(), made.Key.ID, keyring.Rotation{}, access.All, cli); err != nil {
		t.Fatal(err)
	}
	if _, err := svc.Revoke(t.Context(), made.Key.ID, false, cli); err != nil {
		t.Fatal(err)
	}
	if told != 4 {
		t.Errorf("told %d times", told)
	}
}
