package redact_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"scrip/internal/redact"
)

func TestText(t *testing.T) {
	t.Parallel()
	const key = "0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjkmnpqrs"
	for in, want := range map[string]string{ //nolint:gosec // the passwords are of nobody
		"":                                                  "",
		"the store did not apply a batch":                   "the store did not apply a batch",
		"sk_" + key + " is no key":                          "sk_xxxxx is no key",
		"a key pk_short, and risk_1":                        "a key pk_xxxxx, and risk_1",
		"dial postgres://scrip:s3cr3t@db/scrip":             "dial postgres://scrip:xxxxx@db/scrip",
		"redis://:p@ss/w:rd@cache:6379 failed":              "redis://:xxxxx@cache:6379 failed",
		"http://127.0.0.1:8000/x":                           "http://127.0.0.1:8000/x",
		"host=db password=s3cr3t user=scrip":                "host=db password=xxxxx user=scrip",
		"password = 's3 cr3t' user=x":                       "password = xxxxx user=x",
		`{"api_key": "s3cr3t"}`:                             `{"api_key": xxxxx}`,
		"?sslmode=disable&sslpassword=s3cr3t&a":             "?sslmode=disable&sslpassword=xxxxx&a",
		"password authentication failed for user \"scrip\"": "password authentication failed for user \"scrip\"",
		"Authorization: Bearer s3cr3t.s3cr3t":               "Authorization: xxxxx",
		"it sent bearer s3cr3ts3cr3t":                       "it sent bearer xxxxx",
		"Idempotency-Key: order-4711":                       "Idempotency-Key: xxxxx",
		"the wallet of 09121234567":                         "the wallet of xxxxx",
		"the wallet of +989121234567, too":                  "the wallet of xxxxx, too",
		"989121234567, 00989121234567; ۰۹۱۲۱۲۳۴۵۶۷/٠٩١٢١٢٣٤٥٦٧": "xxxxx, xxxxx; xxxxx/xxxxx",
		"093648644710 has 12 digits":                                              "xxxxx has 12 digits",
		"rdm_01h455vb4pex5vsknk084sn02q took 1234567890 µs":                       "rdm_01h455vb4pex5vsknk084sn02q took 1234567890 µs",
		"a\n-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----\nb": "a\nxxxxx\nb",
		strings.Repeat("a", 100_000):                                              strings.Repeat("a", 64<<10) + "…",
	} {
		if got := redact.Text(in); got != want {
			t.Errorf("%.80q\n becomes %.80q\n    want %.80q", in, got, want)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text   string
		values []string
		want   string
	}{
		{"code SALAM77 of ali", []string{"SALAM77", "ali"}, "code xxxxx of ali"},
		{"code SALAM77X", []string{"SALAM", "SALAM77X"}, "code xxxxx"},
		{`key "a\nbcd" twice a` + "\n" + "bcd", []string{"a\nbcd"}, `key "xxxxx" twice xxxxx`},
		{"xxxxx", []string{"xxxxx"}, "xxxxx"},
		{"nothing", nil, "nothing"},
	} {
		if got := redact.Values(c.text, c.values); got != c.want {
			t.Errorf("%q without %q is %q, want %q", c.text, c.values, got, c.want)
		}
	}
}

func TestPanic(t *testing.T) {
	t.Parallel()
	caught := func(f func()) (v any) {
		defer func() { v = recover() }()
		f()
		return nil
	}
	if got := redact.Panic(caught(func() { _ = []int{}[len(t.Name())] })); !strings.Contains(got, "index out of range") {
		t.Error(got)
	}
	for _, v := range []any{"code SALAM77", errors.New("code SALAM77"), []byte("SALAM77")} {
		if got := redact.Panic(v); strings.Contains(got, "SALAM77") || !strings.Contains(got, "type") {
			t.Error(got)
		}
	}
}

type valuer struct{}

func (valuer) LogValue() slog.Value { return slog.StringValue("pk_s3cr3t") }

// Whatever way something takes into the log, it passes the net; numbers, groups and names stay what they are.
func TestHandler(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler {
			return slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})
		},
		"json": func(b *bytes.Buffer) slog.Handler {
			return slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})
		},
	} {
		var b bytes.Buffer
		log := slog.New(redact.Handler(make(&b))).With("with", "sk_s3cr3t").WithGroup("group").With("in", "password=s3cr3t")
		log.DebugContext(t.Context(), "message of redis://:s3cr3t@h", "text", "sk_s3cr3t", "err", errors.New("bearer s3cr3ts3cr3t"),
			slog.Group("deep", "text", "token: s3cr3t"), "valuer", valuer{}, "any", []string{"pk_s3cr3t"}, "size", 9121234567)
		line := b.String()
		if strings.Contains(line, "s3cr3t") || strings.Count(line, redact.Mask) != 8 {
			t.Errorf("%s: %s", name, line)
		}
		for _, want := range []string{"group", "deep", "9121234567"} {
			if !strings.Contains(line, want) {
				t.Errorf("%s: no %s in %s", name, want, line)
			}
		}
	}
	quiet := slog.New(redact.Handler(slog.NewTextHandler(&bytes.Buffer{}, nil)))
	if quiet.Enabled(t.Context(), slog.LevelDebug) {
		t.Error("what the log does not want is enabled")
	}
}
