package access_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"

	"scrip/internal/access"
	"scrip/internal/fault"
)

func TestSecretsAreReadBack(t *testing.T) {
	t.Parallel()
	for _, kind := range []access.Kind{access.Secret, access.Publishable} {
		seen := map[string]bool{}
		for range 500 {
			secret, hash, tail, err := access.NewSecret(kind, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if len(secret) != access.SecretLength || seen[secret] || !strings.HasSuffix(secret, tail) || len(tail) != access.TailLength {
				t.Fatalf("secret %q, tail %q", secret, tail)
			}
			seen[secret] = true
			if hash != sha256.Sum256([]byte(secret)) {
				t.Fatalf("the hash of %q is not that of the whole secret", secret)
			}
			gotKind, gotHash, err := access.Parse(secret)
			if err != nil || gotKind != kind || gotHash != hash {
				t.Fatalf("Parse(%q) = %v, %x, %v", secret, gotKind, gotHash, err)
			}
			if gotHash, ok := access.Hash(secret); !ok || gotHash != hash {
				t.Fatalf("Hash(%q) = %x, %v", secret, gotHash, ok)
			}
			if _, ok := access.Hash(secret[1:]); ok {
				t.Fatal("a text that is too short has a hash")
			}
		}
	}
}

// The form is public: scanners of source code are told of it, so it can't change.
func TestSecretForm(t *testing.T) {
	t.Parallel()
	zeros, _, _, err := access.NewSecret(access.Secret, bytes.NewReader(make([]byte, 32)))
	if err != nil || zeros != "sk_"+strings.Repeat("0", 52)+"nk4tf9" {
		t.Errorf("%q, %v", zeros, err)
	}
	ones, _, _, err := access.NewSecret(access.Publishable, bytes.NewReader(bytes.Repeat([]byte{0xff}, 32)))
	if err != nil || !strings.HasPrefix(ones, "pk_"+strings.Repeat("z", 51)+"g") {
		t.Errorf("%q, %v", ones, err)
	}
	if _, _, _, err := access.NewSecret(access.Secret, bytes.NewReader(make([]byte, 31))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("with too little randomness: %v", err)
	}
}

// One wrong character anywhere, or two neighbours that changed places, is told by the checksum.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	secret, _, _, err := access.NewSecret(access.Secret, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	bad := []string{
		"", "sk_", secret[1:], secret + "0", secret + "\n", " " + secret, strings.ToUpper(secret),
		"pk_" + secret[3:], "rk_" + secret[3:], strings.Repeat("0", access.SecretLength), strings.Repeat("\xff", access.SecretLength),
		secret[:access.SecretLength-6] + strings.Repeat("\xff", 6),
	}
	for at := range len(secret) {
		for _, c := range []byte("09azl\x00\xff") {
			if secret[at] != c {
				bad = append(bad, secret[:at]+string([]byte{c})+secret[at+1:])
			}
		}
		if at > 0 && secret[at] != secret[at-1] {
			bad = append(bad, secret[:at-1]+secret[at:at+1]+secret[at-1:at]+secret[at+1:])
		}
	}
	for _, text := range bad {
		if kind, hash, err := access.Parse(text); !errors.Is(err, fault.ErrUnauthorized) || kind != 0 || hash != [32]byte{} {
			t.Errorf("Parse(%q) = %v, %x, %v", text, kind, hash, err)
		}
	}
}

func TestParseDoesNotAllocate(t *testing.T) {
	secret, _, _, err := access.NewSecret(access.Secret, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wrong := secret[:access.SecretLength-1] + "l"
	if n := testing.AllocsPerRun(1000, func() {
		if _, _, err := access.Parse(secret); err != nil {
			t.Error(err)
		}
		if _, _, err := access.Parse(wrong); err == nil {
			t.Error("a wrong secret passes")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParse(b *testing.B) {
	secret, _, _, err := access.NewSecret(access.Secret, rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := access.Parse(secret); err != nil {
			b.Fatal(err)
		}
	}
}
