package customer_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"scrip/internal/customer"
	"scrip/internal/fault"
)

const mobile = "+989121234567"

func TestOneMobileIsOneCustomer(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		mobile, "09121234567", "00989121234567", "989121234567",
		"+98 912 123 4567", "+98-912-123-4567", "(+98) 912 1234567", "(0912) 123-4567", "0912.123.4567", " 09121234567\r\n",
		"0912 123 45 67", "+ 98 9121234567", "0098 (912) 1234567", "+98 (0)912 123 4567", "+9809121234567", "00980912 1234567",
		"۰۹۱۲۱۲۳۴۵۶۷", "٠٩١٢١٢٣٤٥٦٧", "+۹۸۹۱۲۱۲۳۴۵۶۷", "۰۹12-١٢٣-4567", "۰۹۱۲\u200c۱۲۳\u00a0۴۵۶۷", "\u00a009121234567",
		"\u200e09121234567", "\u202a+98 912 123 4567\u202c", "\u2066\u200f0912\u200e123\u200d4567\u2069 ", "\ufeff09121234567\u061c", "\u202b \u202e\u202d0\u2067۹۱۲\u2068 123 4567",
	} {
		if got, err := customer.Normalise(in); err != nil || got != mobile {
			t.Errorf("Normalise(%q) = %q, %v; want %s", in, got, err, mobile)
		}
	}
}

func TestNormalise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"the seed's first example has 12 digits", "093648644710", "093648644710"},
		{"the seed's first example in Persian digits", "۰۹۳۶۴۸۶۴۴۷۱۰", "093648644710"},
		{"the seed's second example", "09120401761", "+989120401761"},
		{"Berlin", "+49 (30) 123-456", "+4930123456"},
		{"London with 00", "0044 20 7183 8750", "+442071838750"},
		{"a Tehran land line", "+98 21 12345678", "+982112345678"},
		{"8 digits", "+12345678", "+12345678"},
		{"15 digits", "00123456789012345", "+123456789012345"},
		{"7 digits", "+1234567", "+1234567"},
		{"7 separated digits", "+123-4567", "+123-4567"},
		{"16 digits", "+1234567890123456", "+1234567890123456"},
		{"16 digits with 00", "001234567890123456", "001234567890123456"},
		{"a zero first", "+01234567890", "+01234567890"},
		{"three zeros", "00049301234567", "00049301234567"},
		{"an Iranian mobile, one digit short", "0912123456", "0912123456"},
		{"one digit short with separators", "0912-123-456", "0912-123-456"},
		{"98 and one digit too many", "9891212345678", "9891212345678"},
		{"98 without 9", "982112345678", "982112345678"},
		{"without its zero", "9121234567", "9121234567"},
		{"plus in the middle", "0912+1234567", "0912+1234567"},
		{"two pluses", "++989121234567", "++989121234567"},
		{"plus at the end", "989121234567+", "989121234567+"},
		{"plus alone", "+", "+"},
		{"an extension", "09121234567#12", "09121234567#12"},
		{"slashes are no separators", "0912/1234567", "0912/1234567"},
		{"a UUID", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"},
		{"an address keeps its case", " Sara@Example.com ", "Sara@Example.com"},
		{"a name with spaces", "Sara  Ahmadi", "Sara  Ahmadi"},
		{"a Persian name", "سارا احمدی ۲", "سارا احمدی 2"},
		{"an emoji", "🎉", "🎉"},
		{"one character", "x", "x"},
		{"marks around a name", "\u200fSara\u200e \u202c", "Sara"},
		{"marks around what is no number", "\u202a093648644710\u202c", "093648644710"},
		{"digits", "42", "42"},
		{"128 characters", strings.Repeat("س", 128), strings.Repeat("س", 128)},
		{"128 of four bytes", strings.Repeat("𐎠", 128), strings.Repeat("𐎠", 128)},
		{"white space around 128", strings.Repeat(" ", 500) + strings.Repeat("x", 128), strings.Repeat("x", 128)},
		{"a number among many separators", strings.Repeat("-", 900) + "09121234567", mobile},
	} {
		if got, err := customer.Normalise(c.in); err != nil || got != c.want {
			t.Errorf("%s: Normalise(%q) = %q, %v; want %q", c.name, c.in, got, err, c.want)
		}
	}
}

func TestNormaliseRefuses(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"empty":                 "",
		"white space":           " \t\r\n\u00a0\u3000",
		"129 characters":        strings.Repeat("x", 129),
		"129 Persian letters":   strings.Repeat("س", 129),
		"10,000 characters":     strings.Repeat("1", 10_000),
		"1025 bytes":            strings.Repeat(" ", 1025-11) + "09121234567",
		"NUL":                   "sara\x00",
		"a line end within":     "sara\nahmadi",
		"a tab within":          "sara\tahmadi",
		"a tab in a number":     "0912\t1234567",
		"escape":                "\x1b[31msara",
		"delete":                "sara\x7f",
		"a C1 control":          "sara\u0085x",
		"no-break space":        "sara\u00a0ahmadi",
		"ZWNJ alone":            "\u200c",
		"marks alone":           "\u200f \u200e\ufeff",
		"a joiner in a name":    "علی\u200cرضا",
		"a mark in no number":   "0936\u200e48644710",
		"right-to-left over":    "sara\u202eidamha",
		"line separator":        "sara\u2028ahmadi",
		"private use":           "\ue000",
		"unassigned":            "\U000e0080",
		"not UTF-8":             "sara\xff",
		"a number not in UTF-8": "09121234567\xd9",
		"surrogate":             "\xed\xa0\x80",
	} {
		if got, err := customer.Normalise(in); !errors.Is(err, fault.ErrInvalidCustomer) || got != "" {
			t.Errorf("%s: Normalise(%.40q) = %q, %v", name, in, got, err)
		}
	}
}

func TestNormaliseAllocates(t *testing.T) {
	for _, c := range []struct {
		in   string
		most float64
	}{
		{mobile, 0},
		{"093648644710", 0},
		{"user-4711", 0},
		{strings.Repeat("1", 10_000), 0},
		{"09121234567", 1},
		{"+98 912 123 4567", 1},
	} {
		if n := testing.AllocsPerRun(100, func() { _, _ = customer.Normalise(c.in) }); n > c.most {
			t.Errorf("Normalise(%.20q) allocates %v times, want at most %v", c.in, n, c.most)
		}
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                          "",
		"x":                         "•",
		"1234567":                   "•••••••",
		"12345678":                  "123•••78",
		mobile:                      "+98••••••••67",
		"سارا احمدی":                "سار•••••دی",
		"\nb\xffdefgh":              "•b••••gh",
		strings.Repeat("x", 10_000): "xxx" + strings.Repeat("•", 123) + "xx",
	} {
		if in == "\nb\xffdefgh" {
			want = "•b••••gh"
		}
		if got := customer.Mask(in); got != want {
			t.Errorf("Mask(%.20q) = %q, want %q", in, got, want)
		}
	}
}

// checkNormal holds Normalise(s) to its promises.
func checkNormal(t *testing.T, s string) {
	t.Helper()
	got, err := customer.Normalise(s)
	if err != nil {
		if !errors.Is(err, fault.ErrInvalidCustomer) || got != "" {
			t.Fatalf("Normalise(%q) = %q, %v", s, got, err)
		}
		return
	}
	if n := utf8.RuneCountInString(got); n < 1 || n > 128 || strings.TrimSpace(got) != got || !utf8.ValidString(got) {
		t.Fatalf("Normalise(%q) = %q", s, got)
	}
	for _, r := range got {
		if !unicode.IsPrint(r) || ('۰' <= r && r <= '۹') || ('٠' <= r && r <= '٩') {
			t.Fatalf("Normalise(%q) = %q holds %q", s, got, r)
		}
	}
	if again, err := customer.Normalise(got); err != nil || again != got {
		t.Fatalf("Normalise(%q) = %q, which becomes %q, %v", s, got, again, err)
	}
}

func BenchmarkNormalise(b *testing.B) {
	for _, c := range []struct{ name, in string }{
		{"normal", mobile},
		{"national", "09121234567"},
		{"separated", "+98 (0)912 123-4567"},
		{"persian", "۰۹۱۲۱۲۳۴۵۶۷"},
		{"opaque", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"},
		{"too long", strings.Repeat("1", 10_000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = customer.Normalise(c.in)
			}
		})
	}
}
