package id_test

import (
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
)

// FuzzID reads any text as an id and writes any 16 bytes as one. An id has one spelling, which is the one that
// plain arithmetic gives; only a UUID of version 7 is read; and what New makes at any time is read back.
func FuzzID(f *testing.F) {
	f.Add(id.Redemption, "rdm_01h455vb4pex5vsknk084sn02q", int64(1_700_000_000_000))
	f.Add("", "_7zzzzzzzzzfzzvzzzzzzzzzzzz", int64(-1))
	f.Add("a_b", "a_b_0000000000e008000000000001", int64(1)<<62)
	f.Fuzz(func(t *testing.T, prefix, s string, milli int64) {
		i, err := id.Parse(prefix, s)
		want, ok := plainID(prefix, s)
		if i != want || (err == nil) != ok {
			t.Fatalf("Parse(%q, %q) = %x, %v; by plain arithmetic %x, %v", prefix, s, i, err, want, ok)
		}
		if err != nil && !errors.Is(err, fault.ErrInvalidID) {
			t.Fatalf("Parse(%q, %q): %v", prefix, s, err)
		}
		if got := i.Format(prefix); ok && got != s {
			t.Fatalf("Parse(%q, %q).Format = %q", prefix, s, got)
		}
		fresh := id.New(time.UnixMilli(milli))
		if got, err := id.Parse(prefix, fresh.Format(prefix)); err != nil || got != fresh {
			t.Fatalf("%x comes back as %x, %v", fresh, got, err)
		}
	})
}

// plainID is Parse with numbers of any size.
func plainID(prefix, s string) (id.ID, bool) {
	text, ok := strings.CutPrefix(s, prefix+"_")
	if !ok || len(text) != 26 {
		return id.ID{}, false
	}
	n := new(big.Int)
	for _, c := range []byte(text) {
		at := strings.IndexByte("0123456789abcdefghjkmnpqrstvwxyz", c)
		if at < 0 {
			return id.ID{}, false
		}
		n.Add(n.Mul(n, big.NewInt(32)), big.NewInt(int64(at)))
	}
	if n.BitLen() > 128 {
		return id.ID{}, false
	}
	var i id.ID
	n.FillBytes(i[:])
	if i[6]>>4 != 7 || i[8]>>6 != 0b10 {
		return id.ID{}, false
	}
	return i, true
}
