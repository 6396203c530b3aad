package code_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"scrip/internal/code"
)

func TestMask(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                          "",
		"A":                         "•",
		"salam":                     "•••••",
		"SALAM1":                    "••••••",
		"SALAM12":                   "•••AM12",
		"K7M2PQ4T9XYZ":              "••••••••9XYZ",
		"سلام\u200cدنیا":            "•••••دنیا",
		"بهار":                      "••••",
		"ABCD\nEFG":                 "••••" + "•EFG",
		"ABCDEFG\xff":               "••••EFG•",
		"\xff\xfe\xfd":              "•••",
		strings.Repeat("x", 10_000): strings.Repeat("•", 64) + "xxxx",
	} {
		if got := code.Mask(in); got != want {
			t.Errorf("Mask(%.20q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add("K7M2PQ4T9XYZ")
	f.Add("\xffسلام\x00")
	f.Fuzz(func(t *testing.T, s string) {
		got := code.Mask(s)
		n, shown := utf8.RuneCountInString(s), 0
		for _, r := range got {
			if !unicode.IsPrint(r) {
				t.Fatalf("Mask(%q) = %q can't be printed", s, got)
			}
			if r != '•' {
				shown++
			}
		}
		if shown > 4 || (n <= 6 && shown > 0) {
			t.Fatalf("Mask(%q) = %q shows %d characters", s, got, shown)
		}
		if masked := utf8.RuneCountInString(got); masked != min(n, 68) {
			t.Fatalf("Mask(%q) has %d characters, want %d", s, masked, min(n, 68))
		}
	})
}
