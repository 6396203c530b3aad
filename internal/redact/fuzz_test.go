package redact_test

import (
	"strings"
	"testing"

	"scrip/internal/redact"
)

// FuzzText masks any text around any secret. It never panics, masks twice as it masks once, and no secret is left, wherever
// it stands; and nothing is left of any value of a request.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "://", "://u:", "@", "password=", "\"", "+", "۰", "sk_", "bearer ", "-----BEGIN PRIVATE KEY-----", "\xff", "xxxxx"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, before, behind string) {
		const digits = "123456789"
		for _, secret := range []string{"sk_" + digits + "s3cr3t", "postgres://u:s3cr3t@h", "password=s3cr3t", "+98912s3" + digits} {
			text := before + " " + secret + " " + behind
			got := redact.Text(text)
			if len(text) < 64<<10 && !strings.Contains(before+behind, "s3") && strings.Contains(got, "s3cr3t") {
				t.Fatalf("%q becomes %q", text, got)
			}
			if again := redact.Text(got); again != got {
				t.Fatalf("%q becomes %q, and that %q", text, got, again)
			}
		}
		if got := redact.Values(before+behind, []string{behind}); len(behind) >= 4 && !strings.Contains(behind, "x") && strings.Contains(got, behind) {
			t.Fatalf("%q without %q is %q", before+behind, behind, got)
		}
	})
}
