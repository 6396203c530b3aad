package access_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"math/big"
	"strings"
	"testing"

	"scrip/internal/access"
	"scrip/internal/fault"
)

// FuzzKey reads any text as a key's secret and as a list of scopes. What is read is what plain arithmetic says, a secret that
// is made of any bits is read, and none of its neighbours is.
func FuzzKey(f *testing.F) {
	made, _, _, err := access.NewSecret(access.Secret, bytes.NewReader(make([]byte, 32)))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{made, "pk_" + made[3:], strings.ToUpper(made), made + "0", made[:len(made)-1] + "\xff", "", "sk_", "redeem,read", "admin, admin", ",", "all"} {
		f.Add(s, []byte("32 bytes that nobody could guess"), uint(7), byte('x'))
	}
	f.Fuzz(func(t *testing.T, s string, random []byte, at uint, other byte) {
		checkSecret(t, s)
		checkScopes(t, s)
		var bits [32]byte
		copy(bits[:], random)
		for _, kind := range []access.Kind{access.Secret, access.Publishable} {
			secret, hash, tail, err := access.NewSecret(kind, bytes.NewReader(bits[:]))
			if err != nil || len(secret) != access.SecretLength || !strings.HasSuffix(secret, tail) || len(tail) != access.TailLength {
				t.Fatalf("%q with the tail %q: %v", secret, tail, err)
			}
			if k, h, err := access.Parse(secret); err != nil || k != kind || h != hash {
				t.Fatalf("%q is read as %v, %v", secret, k, err)
			}
			neighbour := []byte(secret)
			neighbour[at%uint(len(neighbour))] = other
			if _, _, err := access.Parse(string(neighbour)); err == nil && string(neighbour) != secret {
				t.Fatalf("%q passes beside %q", neighbour, secret)
			}
		}
	})
}

// checkSecret compares Parse with numbers of any size and hash/crc32.
func checkSecret(t *testing.T, s string) {
	t.Helper()
	kind, hash, err := access.Parse(s)
	if ok := plainSecret(s); (err == nil) != ok {
		t.Fatalf("%q is read with %v; by plain arithmetic %v", s, err, ok)
	}
	if err != nil {
		if !errors.Is(err, fault.ErrUnauthorized) || hash != [32]byte{} || kind != 0 || strings.Contains(err.Error(), "k_") {
			t.Fatalf("%q: %v", s, err)
		}
		return
	}
	if hash != sha256.Sum256([]byte(s)) || (kind == access.Publishable) != strings.HasPrefix(s, "pk_") {
		t.Fatalf("%q is read as %v with %x", s, kind, hash)
	}
}

func plainSecret(s string) bool {
	if len(s) != 61 || s[:3] != "sk_" && s[:3] != "pk_" {
		return false
	}
	check := new(big.Int)
	for i, c := range []byte(s[3:]) {
		digit := strings.IndexByte("0123456789abcdefghjkmnpqrstvwxyz", c)
		if digit < 0 {
			return false
		}
		if i >= 52 {
			check.Add(check.Mul(check, big.NewInt(32)), big.NewInt(int64(digit)))
		}
	}
	return check.Uint64() == uint64(crc32.ChecksumIEEE([]byte(s[:55]))>>2)
}

// checkScopes holds that scopes are read as they are written.
func checkScopes(t *testing.T, s string) {
	t.Helper()
	scopes, err := access.ParseScopes(s)
	if err != nil {
		if !errors.Is(err, fault.ErrInvalidRequest) || scopes != 0 {
			t.Fatalf("%q is read as %v, %v", s, scopes, err)
		}
		return
	}
	if again, err := access.ParseScopes(scopes.String()); err != nil || again != scopes || scopes == 0 || scopes&^access.All != 0 {
		t.Fatalf("%q is read as %v, and that as %v, %v", s, scopes, again, err)
	}
}
