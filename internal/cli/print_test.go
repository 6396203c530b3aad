package cli

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"scrip/internal/config"
	"scrip/internal/stampede"
)

// The commands that name some of the server's settings must name them as the server does.
func TestSettingsHaveOneName(t *testing.T) {
	t.Parallel()
	server := map[string]reflect.StructTag{}
	for f := range reflect.TypeFor[config.Config]().Fields() {
		server[f.Tag.Get("name")] = f.Tag
	}
	for _, command := range []reflect.Type{reflect.TypeFor[database](), reflect.TypeFor[codeCreateCmd](), reflect.TypeFor[redeemCmd]()} {
		for f := range command.Fields() {
			tag, ok := server[f.Tag.Get("name")]
			if !ok || f.Tag.Get("env") == "" {
				continue
			}
			// A default that is left out is the server's own.
			if f.Tag.Get("env") != tag.Get("env") || f.Tag.Get("default") != "" && f.Tag.Get("default") != tag.Get("default") {
				t.Errorf("%s.%s: %s, but the server has %s", command.Name(), f.Name, f.Tag, tag)
			}
		}
	}
}

func TestNumbersForPeople(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		minor    int64
		currency string
		want     string
	}{
		{0, "IRR", "0 IRR"},
		{100, "IRR", "1 IRR"},
		{12345, "EUR", "123.45 EUR"},
		{123456789, "EUR", "1,234,567.89 EUR"},
		{-100000, "EUR", "-1,000 EUR"},
		{1000, "JPY", "1,000 JPY"},
		{1001, "KWD", "1.001 KWD"},
		{-1 << 63, "IRR", "-92,233,720,368,547,758.08 IRR"},
	} {
		if got := amount(c.minor, c.currency); got != c.want {
			t.Errorf("%d %s: %q, want %q", c.minor, c.currency, got, c.want)
		}
	}
	for bp, want := range map[int64]string{1: "0.01", 10: "0.1", 1000: "10", 1250: "12.5", 1255: "12.55", 10000: "100"} {
		if got := trimZeros(bp); got != want {
			t.Errorf("%d: %q, want %q", bp, got, want)
		}
	}
}

func TestTheBarGrowsToItsEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p    stampede.Progress
		full int
		says string
	}{
		{stampede.Progress{Doing: "asking"}, 0, "  0%  0/s  0 winners  p50 0s  p99 0s"},
		{stampede.Progress{Doing: "asking", Done: 500, Total: 1000, Rate: 12345.6, Winners: 1, P50: 1234567, P99: 45 * time.Millisecond}, 12, "asking ████████████░░░░░░░░░░░░  50%  12,345/s  1 winner  p50 1.23ms  p99 45ms"},
		{stampede.Progress{Doing: "checking wallets", Done: 1000, Total: 1000, Winners: 2000, Failures: 3}, 24, "100%  0/s  2,000 winners  p50 0s  p99 0s  3 errors"},
	} {
		var b bytes.Buffer
		drawProgress(&b, c.p)
		if got := b.String(); strings.Count(got, "█") != c.full || !strings.Contains(got, c.says) || strings.Contains(got, "\n") || utf8.RuneCountInString(got) > 120 {
			t.Errorf("%+v: %q", c.p, got)
		}
	}
}
