package customer_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"scrip/internal/customer"
)

// FuzzCustomer takes any text for a customer. Its normal form is what a plain reading of the rules gives, is its own
// normal form, and is the same with Persian digits; its mask shows no more than it may.
func FuzzCustomer(f *testing.F) {
	for _, s := range []string{
		mobile, "0098(0)9121234567", "۰۹۱۲۱۲۳۴۵۶۷", "+00989121234567", "00 00 98", "(((", "+\u200c9", "\u202a0912\u200e123\u200d4567\u202c", "x\u200dy\u2069", " x\u00a0", "\xff", "00" + mobile, "\xffسلام\x00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkNormal(t, s)
		checkMask(t, s)
		want, ok := plainNormal(s)
		got, err := customer.Normalise(s)
		if got != want || (err == nil) != ok {
			t.Fatalf("Normalise(%q) = %q, %v; by the rules it is %q, %v", s, got, err, want, ok)
		}
		if err != nil {
			return
		}
		persian := strings.Map(func(r rune) rune {
			if '0' <= r && r <= '9' {
				return r - '0' + '۰'
			}
			return r
		}, got)
		if twin, err := customer.Normalise(persian); err != nil || twin != got {
			t.Fatalf("%q is %q, but %q is %q, %v", s, got, persian, twin, err)
		}
	})
}

var (
	separators = regexp.MustCompile(`[ \-.()\x{a0}\x{200c}-\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}\x{61c}\x{feff}]`)
	national   = regexp.MustCompile(`^0(9\d{9})$`)
	trunk      = regexp.MustCompile(`^(?:\+|00)980(9\d{9})$`)
	country    = regexp.MustCompile(`^98(9\d{9})$`)
	abroad     = regexp.MustCompile(`^(?:\+|00)([1-9]\d{7,14})$`)
)

// plainNormal is Normalise by its rules, written once more and without care for speed.
func plainNormal(s string) (string, bool) {
	if len(s) > 1024 || !utf8.ValidString(s) {
		return "", false
	}
	for i, twins := range []string{"۰٠", "۱١", "۲٢", "۳٣", "۴٤", "۵٥", "۶٦", "۷٧", "۸٨", "۹٩"} {
		for _, r := range twins {
			s = strings.ReplaceAll(s, string(r), string(rune('0'+i)))
		}
	}
	s = strings.TrimFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.Is(unicode.Bidi_Control, r) || strings.ContainsRune("\u200c\u200d\ufeff", r)
	})
	bare := separators.ReplaceAllString(s, "")
	for _, iranian := range []*regexp.Regexp{national, trunk, country} {
		if part := iranian.FindStringSubmatch(bare); part != nil {
			return "+98" + part[1], true
		}
	}
	if part := abroad.FindStringSubmatch(bare); part != nil {
		return "+" + part[1], true
	}
	n := utf8.RuneCountInString(s)
	hidden := strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
	if n == 0 || n > 128 || hidden {
		return "", false
	}
	return s, true
}

// checkMask holds Mask to its promises.
func checkMask(t *testing.T, s string) {
	t.Helper()
	got := customer.Mask(s)
	n, shown := utf8.RuneCountInString(s), 0
	for _, r := range got {
		if !unicode.IsPrint(r) {
			t.Fatalf("Mask(%q) = %q can't be printed", s, got)
		}
		if r != '•' {
			shown++
		}
	}
	if shown > 5 || (n < 8 && shown > 0) || utf8.RuneCountInString(got) != min(n, 128) {
		t.Fatalf("Mask(%q) = %q", s, got)
	}
}
