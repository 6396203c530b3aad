package code

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maskKeep = 4 // characters that Mask leaves to be seen
	maskAll  = 6 // up to this length it leaves none
)

// Mask returns s for a log: its last four characters behind a dot for each other one, and dots alone if
// it has six characters or fewer. It takes anything at all: what can't be printed becomes a dot, and
// there are no more dots than a code has characters.
func Mask(s string) string {
	n := utf8.RuneCountInString(s)
	keep := maskKeep
	if n <= maskAll {
		keep = 0
	}
	tail := len(s)
	for range keep {
		_, size := utf8.DecodeLastRuneInString(s[:tail])
		tail -= size
	}
	var b strings.Builder
	for range min(n-keep, keyMax) {
		b.WriteRune('•')
	}
	for _, r := range s[tail:] {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = '•'
		}
		b.WriteRune(r)
	}
	return b.String()
}
