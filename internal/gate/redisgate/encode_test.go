package redisgate_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scrip/internal/gate/redisgate"
	"scrip/internal/voucher"
)

func TestTermsAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := anyFact(rt, "SALAM")
		f.FreshFor = rapid.SampledFrom([]time.Duration{0, time.Microsecond, time.Millisecond, voucher.FactFreshFor}).Draw(rt, "fresh for")
		f.Customer = rapid.StringOfN(rapid.Rune(), 0, 128, 512).Draw(rt, "customer")
		value := redisgate.EncodeTerms(f)
		if len(value) > 1024 {
			rt.Fatalf("%d bytes", len(value))
		}
		got, err := redisgate.DecodeTerms("SALAM", value)
		if err != nil {
			rt.Fatalf("%q: %v", value, err)
		}
		want := f
		want.Remaining = math.MaxInt64 // not told
		if f.Status == voucher.SoldOut {
			want.Remaining = 0
		}
		if got != want {
			rt.Fatalf("%q is read as\n%+v, want\n%+v", value, got, want)
		}
	})
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ code, name string }{
		{"SALAM1404", "p:{SALAM1404}:terms"},
		{"A}B{", "p:{~QX1Cew}:terms"},
		{"salam", "p:{~c2FsYW0}:terms"},
	} {
		if got := redisgate.Terms("p", c.code); got != c.name {
			t.Errorf("%q is named %s", c.code, got)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		code := string(rapid.SliceOfN(rapid.Byte(), 1, 256).Draw(rt, "code"))
		name := redisgate.Terms("p", code)
		if strings.Count(name, "{") != 1 || strings.Count(name, "}") != 1 || strings.ContainsAny(name, "*?[]\\ ") {
			rt.Fatalf("%q is named %s", code, name)
		}
		if got, ok := redisgate.CodeOf("p", name); !ok || got != code {
			rt.Fatalf("%q is named %s, which is read as %q", code, name, got)
		}
	})
	for _, name := range []string{
		"", "p:{}:terms", "p:{~}:terms", "p:{~QQ}:terms", "p:{~!}:terms", "p:{salam}:terms", "q:{A}:terms", "p:{A}:left",
		"p:{" + strings.Repeat("A", 257) + "}:terms",
	} {
		if code, ok := redisgate.CodeOf("p", name); ok {
			t.Errorf("%s is read as %q", name, code)
		}
	}
}
