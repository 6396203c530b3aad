package code_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"scrip/internal/code"
	"scrip/internal/fault"
)

func TestNormalise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"lower case", "salam", "SA1AM"},
		{"upper case", "SALAM", "SA1AM"},
		{"capital i for l", "saIam", "SA1AM"},
		{"one for l", "sa1am", "SA1AM"},
		{"o and O", "oO0", "000"},
		{"all look-alikes", "ilILoO", "111100"},
		{"already normal", "SA1AM", "SA1AM"},
		{"one character", "x", "X"},
		{"separators", "\t sa-l_a.m \r\n", "SA1AM"},
		{"separators at the ends", "--salam..", "SA1AM"},
		{"ZWNJ and no-break space", "sa\u200cla\u00a0m", "SA1AM"},
		{"marks of direction around", "\u200f\u202asalam\u202c\u2069", "SA1AM"},
		{"marks of direction within", "sa\u200e\u202d\u202e-la\u061cm\u2066\u2067\u2068", "SA1AM"},
		{"marks before white space", "\u200e\r\nsalam\n\ufeff", "SA1AM"},
		{"joiners of no width", "sa\u200dla\u200cm", "SA1AM"},
		{"an accent behind a mark", "cafe\u200e\u0301", "CAFÉ"},
		{"ideographic space around", "\u3000salam\u2028", "SA1AM"},
		{"wide space within", "sa\u3000lam", "SA1AM"},
		{"ASCII digits", "0123456789", "0123456789"},
		{"Persian digits", "۰۱۲۳۴۵۶۷۸۹", "0123456789"},
		{"Arabic digits", "٠١٢٣٤٥٦٧٨٩", "0123456789"},
		{"full-width digits", "０１２３４５６７８９", "0123456789"},
		{"full-width letters", "ｓａｌａｍ－１", "SA1AM1"},
		{"superscript", "x²", "X2"},
		{"ligature", "ﬁn", "F1N"},
		{"Kelvin sign", "\u212a", "K"},
		{"dotless i", "ı", "1"},
		{"Persian word", "سلام", "سلام"},
		{"Arabic ye and kaf", "كيك", "کیک"},
		{"dotless ye", "علىعلي", "علیعلی"},
		{"presentation forms", "ﺳﻼﻡ", "سلام"},
		{"Persian word with a half space", "می\u200cخواهم", "میخواهم"},
		{"mixed", "نوروز-۱۴۰۵", "نوروز1405"},
		{"decomposed accent", "cafe\u0301", "CAFÉ"},
		{"composed accent", "café", "CAFÉ"},
		{"Cyrillic stays Cyrillic", "Олимп", "ОЛИМП"},
		{"final sigma", "λόγος", "ΛΌΓΟΣ"},
		{"digits of another script", "१२", "१२"},
		{"jamo that join when the separator goes", "\u1112-\u1161-\u11ab", "한"},
		{"64 characters", strings.Repeat("a", 64), strings.Repeat("A", 64)},
		{"64 of four bytes", strings.Repeat("𐎠", 64), strings.Repeat("𐎠", 64)},
		{"256 bytes with separators", strings.Repeat("a---", 64), strings.Repeat("A", 64)},
		{"64 that NFKC makes of fewer", strings.Repeat("ﷺ", 3) + "0123456789", strings.Repeat("صلیاللهعلیهوسلم", 3) + "0123456789"},
	} {
		got, err := code.Normalise(c.in)
		if err != nil || got != c.want {
			t.Errorf("%s: Normalise(%q) = %q, %v; want %q", c.name, c.in, got, err, c.want)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Salam": "Salam", "\u202aSa-lam\u202c\ufeff": "Sa-lam", "می\u200cخواهم\u200f": "می\u200cخواهم", "\u200e": "",
	} {
		if got := code.Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNormaliseRefuses(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"empty":                      "",
		"white space":                " \t\r\n",
		"separators":                 "-_. ",
		"non-ASCII separators":       "\u200c\u00a0\u200c",
		"65 characters":              strings.Repeat("a", 65),
		"65 normal characters":       strings.Repeat("A", 65),
		"65 Persian letters":         strings.Repeat("ی", 65),
		"65 that NFKC makes of five": strings.Repeat("ﷺ", 5),
		"257 bytes":                  strings.Repeat("-", 256) + "a",
		"257 bytes of white space":   strings.Repeat(" ", 256) + "a",
		"10,000 characters":          strings.Repeat("a", 10_000),
		"a line end within":          "sa\nlam",
		"NUL":                        "sa\x00lam",
		"punctuation":                "salam!",
		"plus":                       "sa+lam",
		"slash":                      "sa/lam",
		"quote":                      "sa'lam",
		"non-ASCII punctuation":      "سلام؟",
		"emoji":                      "salam🎉",
		"a lone mark":                "\u0301",
		"a mark that stays":          "x\u0301",
		"marks alone":                "\u200f\u200d\ufeff",
		"zero-width space":           "sa\u200blam",
		"soft hyphen":                "sa\u00adlam",
		"replacement character":      "sa\ufffdlam",
		"private use":                "\ue000",
		"unassigned":                 "\U000e0080",
		"not UTF-8":                  "salam\xff",
		"not UTF-8 in front":         "\xc3salam",
		"surrogate":                  "\xed\xa0\x80",
		"overlong":                   "\xc0\xaf",
		"cut short":                  "سلا\xd9",
	} {
		if got, err := code.Normalise(in); !errors.Is(err, fault.ErrInvalidCode) || got != "" {
			t.Errorf("%s: Normalise(%.40q) = %q, %v", name, in, got, err)
		}
	}
}

// Every character of Unicode (but for planes 4 to 13, which are empty), alone and between others, gives a key that is its own key or nothing.
func TestEveryCharacter(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if utf8.ValidRune(r) && (r < 0x40000 || r >= 0xe0000) {
			checkKey(t, string(r))
			checkKey(t, "A"+string(r)+"\u1161")
		}
	}
}

// checkKey holds Normalise(s) to its promises.
func checkKey(t *testing.T, s string) {
	t.Helper()
	key, err := code.Normalise(s)
	if err != nil {
		if !errors.Is(err, fault.ErrInvalidCode) || key != "" {
			t.Fatalf("Normalise(%q) = %q, %v", s, key, err)
		}
		return
	}
	if n := utf8.RuneCountInString(key); n < 1 || n > 64 || !utf8.ValidString(key) {
		t.Fatalf("Normalise(%q) = %q has %d characters", s, key, n)
	}
	for _, r := range key {
		if (!unicode.IsLetter(r) && !unicode.IsDigit(r)) || strings.ContainsRune("OIL", r) || ('a' <= r && r <= 'z') {
			t.Fatalf("Normalise(%q) = %q holds %q", s, key, r)
		}
	}
	if again, err := code.Normalise(key); err != nil || again != key {
		t.Fatalf("Normalise(%q) = %q, whose own key is %q, %v", s, key, again, err)
	}
}

func TestNormaliseAllocates(t *testing.T) {
	for _, c := range []struct {
		in   string
		most float64
	}{
		{"SA1AM", 0},
		{"  SA1AM ", 0},
		{"salam", 1},
		{"sa-la-m", 1},
		{strings.Repeat("A", 10_000), 0},
		{"salam!", 0},
	} {
		if n := testing.AllocsPerRun(100, func() { _, _ = code.Normalise(c.in) }); n > c.most {
			t.Errorf("Normalise(%.20q) allocates %v times, want at most %v", c.in, n, c.most)
		}
	}
}

func BenchmarkNormalise(b *testing.B) {
	for _, c := range []struct{ name, in string }{
		{"normal", "K7M2PQ4T"},
		{"lower", "salam"},
		{"separated", "k7m2-pq4t-9xyz"},
		{"persian", "نوروز۱۴۰۵"},
		{"too long", strings.Repeat("a", 10_000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = code.Normalise(c.in)
			}
		})
	}
}
