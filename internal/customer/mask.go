package customer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maskHead = 3 // characters that Mask leaves at the beginning
	maskTail = 2 // and at the end
	maskMin  = 8 // of a name at least this long
)

// Mask returns s for a log: its first three and last two characters around a dot for each other one,
// and dots alone if it has fewer than eight. It takes anything at all: what can't be printed becomes a
// dot, and the text is no longer than a customer may be.
func Mask(s string) string {
	n := utf8.RuneCountInString(s)
	head, tail := maskHead, maskTail
	if n < maskMin {
		head, tail = 0, 0
	}
	var b strings.Builder
	at := 0
	for _, r := range s {
		shown := at < head || at >= n-tail
		switch {
		case shown && r != utf8.RuneError && unicode.IsPrint(r):
			b.WriteRune(r)
		case shown || at < charactersMax-tail:
			b.WriteRune('•')
		}
		at++
	}
	return b.String()
}
