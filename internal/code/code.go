// Package code is the secret string of a voucher: how what a person typed becomes the key that it is
// looked up by, the check digit by which a slip of the finger shows, and the making of new codes. It
// promises that the ways in which people type one code give one key, that a key is its own key, and
// that no input costs more than a bounded amount of work. It must not know vouchers, campaigns or where
// codes are kept.
package code

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"scrip/internal/fault"
)

const (
	keyMax   = 64             // characters of a key
	inputMax = keyMax * 4     // bytes that Normalise looks at: a key of four-byte letters is its own key
	passMax  = 4              // rounds of fold; one round in practice, two for letters that join up
	drop     = rune(0)        // what foldRune makes of a separator
	refuse   = utf8.RuneError // what foldRune makes of what can't stand in a code
)

// Normalise maps what a person typed to the key of the code: without white space around it and
// separators in it (space, tab, '-', '_', '.', U+00A0) and without the invisible marks that come with
// what is copied from a phone or a page (see Invisible), in capitals, with Persian, Arabic and
// full-width digits as ASCII, Arabic ye (dotted or not) and kaf as Persian, and Crockford's look-alikes
// O as 0, I and L as 1. So "salam", "SALAM" and "sa-Iam" are one key. Letters and digits of any script
// stay, after NFKC; anything else, more than 64 characters, more than 256 bytes of input, or nothing at
// all is fault.ErrInvalidCode.
func Normalise(s string) (key string, err error) {
	if len(s) > inputMax {
		return "", fault.ErrInvalidCode
	}
	s = strings.TrimSpace(s)
	at := 0
	for at < len(s) && s[at] < utf8.RuneSelf && foldASCII(rune(s[at])) == rune(s[at]) {
		at++
	}
	if at == len(s) { // nothing to change, or nothing there
		if at == 0 || at > keyMax {
			return "", fault.ErrInvalidCode
		}
		return s, nil
	}
	for i := at; i < len(s); i++ { // to the end, before any of it is refused: a mark may hide white space that is trimmed
		if s[i] >= utf8.RuneSelf {
			return normaliseUnicode(s)
		}
	}
	var buf [keyMax]byte
	n := 0
	for i := range len(s) {
		switch r := foldASCII(rune(s[i])); {
		case r == drop:
		case r == refuse || n == keyMax:
			return "", fault.ErrInvalidCode
		default:
			buf[n] = byte(r) //nolint:gosec // foldASCII makes ASCII
			n++
		}
	}
	if n == 0 {
		return "", fault.ErrInvalidCode
	}
	return string(buf[:n]), nil
}

// normaliseUnicode is Normalise for text that is not all ASCII. Dropping a separator can bring two
// letters together that NFKC joins (Korean jamo), so it folds until nothing changes.
func normaliseUnicode(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", fault.ErrInvalidCode
	}
	s = strings.TrimSpace(strings.Map(visible, s)) // first of all, so that they part no letter from its accent
	for range passMax {
		folded, ok := fold(norm.NFKC.String(s))
		if !ok {
			return "", fault.ErrInvalidCode
		}
		if norm.NFKC.IsNormalString(folded) {
			if n := utf8.RuneCountInString(folded); n == 0 || n > keyMax {
				return "", fault.ErrInvalidCode
			}
			return folded, nil
		}
		s = folded
	}
	return "", fault.ErrInvalidCode
}

// Text is a code as it is kept for people to read: as it was typed, but without marks of the direction of text and byte
// order marks, which would turn what stands around it. Joiners stay, as Persian is written with them.
func Text(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\u200c' || r == '\u200d' {
			return r
		}
		return visible(r)
	}, s)
}

// Invisible reports whether r is a mark that nobody sees: of the direction of text (Unicode's Bidi_Control), a joiner of
// no width, or a byte order mark. None is a letter or a digit, and NFKC makes none, so that none is in a key.
func Invisible(r rune) bool {
	switch {
	case '\u202a' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069', '\u200c' <= r && r <= '\u200f', r == '\u061c', r == '\ufeff':
		return true
	default:
		return false
	}
}

// visible is r, and -1 for what is invisible.
func visible(r rune) rune {
	if Invisible(r) {
		return -1
	}
	return r
}

// fold applies foldRune to every character, and reports false at the first that is refused.
func fold(s string) (string, bool) {
	var buf [inputMax]byte // on the stack; append moves on when NFKC made more of the text
	out := buf[:0]
	for _, r := range s {
		switch f := foldRune(r); f {
		case drop:
		case refuse:
			return "", false
		default:
			out = utf8.AppendRune(out, f)
		}
	}
	return string(out), true
}

// foldRune maps one character of NFKC text. Folding twice is folding once.
func foldRune(r rune) rune {
	switch {
	case r < utf8.RuneSelf:
		return foldASCII(r)
	case r == '\u00a0':
		return drop
	case '۰' <= r && r <= '۹':
		return r - '۰' + '0'
	case '٠' <= r && r <= '٩':
		return r - '٠' + '0'
	case r == 'ي' || r == 'ى': // at the end of a word the dotless one looks as the Persian ye does
		return 'ی'
	case r == 'ك':
		return 'ک'
	case !unicode.IsLetter(r) && !unicode.IsDigit(r):
		return refuse
	}
	r = unicode.ToUpper(r)
	if r < utf8.RuneSelf { // the dotless i becomes I
		return foldASCII(r)
	}
	return r
}

// foldASCII maps one ASCII character.
func foldASCII(r rune) rune {
	if 'a' <= r && r <= 'z' {
		r -= 'a' - 'A'
	}
	switch {
	case r == 'O':
		return '0'
	case r == 'I' || r == 'L':
		return '1'
	case '0' <= r && r <= '9' || 'A' <= r && r <= 'Z':
		return r
	case r == ' ' || r == '\t' || r == '-' || r == '_' || r == '.':
		return drop
	default:
		return refuse
	}
}
