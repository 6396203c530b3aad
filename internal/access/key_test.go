package access_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
)

var noon = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)

func TestScopesAreNamed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]access.Scopes{
		"redeem": access.Redeem, "read": access.Read, "campaigns": access.Campaigns, "wallets": access.Wallets, "admin": access.Admin,
		"read,redeem": access.Redeem | access.Read, "read,read": access.Read,
		"redeem,read,campaigns,wallets,admin": access.All,
	} {
		got, err := access.ParseScopes(text)
		if err != nil || got != want {
			t.Errorf("ParseScopes(%q) = %v, %v", text, got, err)
		}
		if again, err := access.ParseScopes(got.String()); err != nil || again != got {
			t.Errorf("ParseScopes(%q) = %v, %v", got, again, err)
		}
	}
	if got, err := access.ParseScopes(" wallets , read"); err != nil || got != access.Read|access.Wallets {
		t.Errorf("with space around them: %v, %v", got, err)
	}
	for _, text := range []string{"", ",", "root", "Read", "read,", "read;redeem", "*"} {
		if got, err := access.ParseScopes(text); !errors.Is(err, fault.ErrInvalidRequest) || got != 0 {
			t.Errorf("ParseScopes(%q) = %v, %v", text, got, err)
		}
	}
	// They are stored by their numbers.
	if access.Redeem != 1 || access.Read != 2 || access.Campaigns != 4 || access.Wallets != 8 || access.Admin != 16 ||
		access.Secret != 1 || access.Publishable != 2 {
		t.Error("a stored number has changed its meaning")
	}
}

func TestAllowsAndCovers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		has, other     access.Scopes
		allows, covers bool
	}{
		{access.Redeem, access.Redeem, true, true},
		{access.Redeem, access.Read, false, false},
		{access.Redeem, access.Redeem | access.Read, true, false},
		{access.Read | access.Wallets, access.Wallets, true, true},
		{access.Admin, access.Campaigns, true, true},
		{access.Admin, access.All, true, true},
		{access.All &^ access.Admin, access.Admin, false, false},
		{0, access.Redeem, false, false},
		{access.Redeem, 0, false, true},
	} {
		if got := c.has.Allows(c.other); got != c.allows {
			t.Errorf("%q allows %q: %v", c.has, c.other, got)
		}
		if got := c.has.Covers(c.other); got != c.covers {
			t.Errorf("%q covers %q: %v", c.has, c.other, got)
		}
	}
}

func TestKindsAreNamed(t *testing.T) {
	t.Parallel()
	for _, k := range []access.Kind{access.Secret, access.Publishable} {
		if got, err := access.ParseKind(k.String()); err != nil || got != k {
			t.Errorf("ParseKind(%q) = %v, %v", k, got, err)
		}
	}
	for _, name := range []string{"", "Secret", access.Kind(7).String()} {
		if _, err := access.ParseKind(name); !errors.Is(err, fault.ErrInvalidRequest) {
			t.Errorf("ParseKind(%q): %v", name, err)
		}
	}
}

func TestUsable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key  access.Key
		want string
	}{
		"plain":               {access.Key{}, "active"},
		"expires later":       {access.Key{ExpiresAt: noon.Add(1)}, "active"},
		"expires now":         {access.Key{ExpiresAt: noon}, "expired"},
		"expired":             {access.Key{ExpiresAt: noon.Add(-1)}, "expired"},
		"revoked":             {access.Key{RevokedAt: noon.Add(-1)}, "revoked"},
		"revoked by a clock":  {access.Key{RevokedAt: noon.Add(time.Hour)}, "revoked"},
		"revoked and expired": {access.Key{RevokedAt: noon, ExpiresAt: noon}, "revoked"},
	} {
		if got := c.key.Status(noon); got != c.want || c.key.Usable(noon) != (c.want == "active") {
			t.Errorf("%s: %s, usable %v", name, got, c.key.Usable(noon))
		}
	}
}

func TestKeyValidate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*access.Key)
		field  string // "" where the key is right
	}{
		"right":                 {func(*access.Key) {}, ""},
		"publishable":           {func(k *access.Key) { k.Kind, k.Scopes = access.Publishable, 0 }, ""},
		"Persian":               {func(k *access.Key) { k.Name = "فروشگاه\u200cها ۱" }, ""},
		"a long name":           {func(k *access.Key) { k.Name = strings.Repeat("ژ", 100) }, ""},
		"limits":                {func(k *access.Key) { k.RatePerSecond, k.Burst = 1_000_000, 1 }, ""},
		"no name":               {func(k *access.Key) { k.Name = "" }, "name"},
		"too long a name":       {func(k *access.Key) { k.Name = strings.Repeat("x", 101) }, "name"},
		"a line in the name":    {func(k *access.Key) { k.Name = "a\nb" }, "name"},
		"no text":               {func(k *access.Key) { k.Name = "a\xff" }, "name"},
		"no kind":               {func(k *access.Key) { k.Kind = 0 }, "kind"},
		"no scopes":             {func(k *access.Key) { k.Scopes = 0 }, "scopes"},
		"unknown scopes":        {func(k *access.Key) { k.Scopes = 1 << 9 }, "scopes"},
		"scopes of publishable": {func(k *access.Key) { k.Kind = access.Publishable }, "scopes"},
		"a negative rate":       {func(k *access.Key) { k.RatePerSecond = -1 }, "rate_per_second"},
		"too much of a rate":    {func(k *access.Key) { k.RatePerSecond = 1_000_001 }, "rate_per_second"},
		"a negative burst":      {func(k *access.Key) { k.Burst = -1 }, "burst"},
		"expired when made":     {func(k *access.Key) { k.ExpiresAt = noon }, "expires_at"},
	} {
		k := access.Key{Name: "shop", Kind: access.Secret, Scopes: access.Redeem, CreatedAt: noon}
		c.change(&k)
		err := k.Validate()
		if c.field == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if f := fault.From(err); f == nil || f.Kind != fault.Invalid || f.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeyAmend(t *testing.T) {
	t.Parallel()
	base := access.Key{Name: "shop", Kind: access.Secret, Scopes: access.Redeem, CreatedAt: noon.Add(-time.Hour)}
	later, never, past := noon.Add(time.Minute), time.Time{}, noon
	rate, burst, none := int64(50), int64(100), int64(0)
	name, bad := "till 4", ""

	got, err := base.Amend(access.KeyPatch{Name: &name, ExpiresAt: &later, RatePerSecond: &rate, Burst: &burst}, noon)
	if err != nil || got.Name != name || !got.ExpiresAt.Equal(later) || got.RatePerSecond != rate || got.Burst != burst || !got.RevokedAt.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = got.Amend(access.KeyPatch{ExpiresAt: &never, RatePerSecond: &none, Burst: &none}, noon)
	if err != nil || !got.ExpiresAt.IsZero() || got.RatePerSecond != 0 || got.Burst != 0 || got.Name != name {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := base.Amend(access.KeyPatch{}, noon); err != nil || got != base {
		t.Errorf("an empty patch: %+v, %v", got, err)
	}
	for what, p := range map[string]access.KeyPatch{"a past expiry": {ExpiresAt: &past}, "no name": {Name: &bad}} {
		if got, err := base.Amend(p, noon); !errors.Is(err, fault.ErrInvalidRequest) || got != base {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	revoked, err := base.Amend(access.KeyPatch{Revoke: true}, noon)
	if err != nil || !revoked.RevokedAt.Equal(noon) {
		t.Fatalf("%+v, %v", revoked, err)
	}
	if again, err := revoked.Amend(access.KeyPatch{Revoke: true}, noon.Add(time.Hour)); err != nil || again != revoked {
		t.Errorf("revoked twice: %+v, %v", again, err)
	}
	if got, err := revoked.Amend(access.KeyPatch{Name: &name}, noon); !errors.Is(err, fault.ErrKeyRevoked) || got != revoked {
		t.Errorf("a revoked key takes a name: %+v, %v", got, err)
	}
	// An expired key may live again: its expiry is a date, not a decision.
	expired := base
	expired.ExpiresAt = noon.Add(-time.Minute)
	if got, err := expired.Amend(access.KeyPatch{ExpiresAt: &later}, noon); err != nil || !got.Usable(noon) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := expired.Amend(access.KeyPatch{Name: &name}, noon); err != nil || got.Name != name {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCaller(t *testing.T) {
	t.Parallel()
	k := access.Key{Name: "app", Kind: access.Publishable, RatePerSecond: 5, Burst: 9}
	if got := k.Caller(); got != (access.Caller{Name: "app", Kind: access.Publishable, RatePerSecond: 5, Burst: 9}) {
		t.Errorf("%+v", got)
	}
}
