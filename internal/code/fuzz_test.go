package code_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"scrip/internal/code"
	"scrip/internal/fault"
)

// FuzzCode takes any text for a code that somebody typed. Its key is what a plain reading of the rules gives, is
// its own key, and does not change with separators and case; its mask shows no more than it may; and of all last
// characters one makes it valid.
func FuzzCode(f *testing.F) {
	for _, s := range []string{
		"salam", "K7M2PQ4", "۱۲-٣ｘ", "كيك", "ﷺ", "\u1112-\u1161-\u11ab", "e\u0301", "\xffسلام\x00", "İıſ", "\u202asa\u200dlam\u202c", "e\u200f\u0301", "ǅ", strings.Repeat("𐎠", 65),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		checkKey(t, s)
		checkPlainly(t, s)
		checkMask(t, s)
		checkDigit(t, s)
		key, err := code.Normalise(s)
		if err != nil {
			return
		}
		// Separators and white space change nothing, so long as there is room for them.
		if spaced := " -" + key + "_\n"; len(spaced) <= 256 {
			if got, err := code.Normalise(spaced); err != nil || got != key {
				t.Fatalf("Normalise(%q) = %q, %v; want %q", spaced, got, err, key)
			}
		}
		// Nor do invisible marks, between any two characters.
		if marked := "\u202a" + strings.Join(strings.Split(key, ""), "\u200e") + "\u202c"; len(marked) <= 256 {
			if got, err := code.Normalise(marked); err != nil || got != key {
				t.Fatalf("Normalise(%q) = %q, %v; want %q", marked, got, err, key)
			}
		}
		// Nor does the case of ASCII letters.
		if got, err := code.Normalise(strings.Map(lowerASCII, key)); err != nil || got != key {
			t.Fatalf("in lower case %q becomes %q, %v", key, got, err)
		}
	})
}

// checkPlainly compares Normalise with the rules, written once more and without care for speed.
func checkPlainly(t *testing.T, s string) {
	t.Helper()
	want, ok := plainKey(s)
	if got, err := code.Normalise(s); got != want || (err == nil) != ok {
		t.Fatalf("Normalise(%q) = %q, %v; by the rules it is %q, %v", s, got, err, want, ok)
	}
}

// marks are dropped wherever they stand.
const marks = "\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c\ufeff"

func plainKey(s string) (string, bool) {
	if len(s) > 256 || !utf8.ValidString(s) {
		return "", false
	}
	key := strings.TrimSpace(strings.Map(func(r rune) rune {
		if strings.ContainsRune(marks, r) {
			return -1
		}
		return r
	}, s))
	for before := "\xff"; key != before; {
		before, key = key, plainFold(norm.NFKC.String(key))
	}
	if n := utf8.RuneCountInString(key); n == 0 || n > 64 || strings.ContainsRune(key, utf8.RuneError) {
		return "", false
	}
	return key, true
}

// plainFold leaves utf8.RuneError for what can't stand in a code.
func plainFold(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t-_.\u00a0", r) {
			return -1
		}
		for _, digits := range []string{"۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩"} {
			if first, _ := utf8.DecodeRuneInString(digits); strings.ContainsRune(digits, r) {
				return '0' + r - first
			}
		}
		if twin, ok := map[rune]rune{'ي': 'ی', 'ى': 'ی', 'ك': 'ک'}[r]; ok {
			return twin
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return utf8.RuneError
		}
		r = unicode.ToUpper(r)
		if twin, ok := map[rune]rune{'O': '0', 'I': '1', 'L': '1'}[r]; ok {
			return twin
		}
		return r
	}, s)
}

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

// checkMask holds Mask to its promises.
func checkMask(t *testing.T, s string) {
	t.Helper()
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
}

// checkDigit holds a head to one check digit: with any other last character it is not valid.
func checkDigit(t *testing.T, head string) {
	t.Helper()
	digit, err := code.CheckDigit(head)
	if err != nil {
		if !errors.Is(err, fault.ErrInvalidCode) || code.Valid(head) {
			t.Fatalf("CheckDigit(%q): %v", head, err)
		}
		return
	}
	for _, c := range []byte(code.Alphabet) {
		if key := head + string(rune(c)); code.Valid(key) != (c == digit) {
			t.Fatalf("Valid(%q) = %v, but the digit is %c", key, c != digit, digit)
		}
	}
}
