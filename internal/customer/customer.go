// Package customer is who redeems: the caller's own name for a person, and most often a mobile number.
// It promises that the many spellings of one mobile number are one customer, that a customer is
// printable text of bounded length, and that a normal form is its own normal form. It must not know
// whether a number is in use, nor what the customer owns.
//
// It knows numbers by their shape alone, not by a numbering plan: a plan changes every month, and the
// same text must be the same customer for ever.
package customer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"scrip/internal/code"
	"scrip/internal/fault"
)

const (
	charactersMax = 128
	inputMax      = 1024 // bytes that Normalise looks at: a customer of 128 characters has 512 at most
	digitsMin     = 8    // of an international number; there is no shorter one in use
	digitsMax     = 15   // of an international number, by E.164
	iranian       = 12   // digits of an Iranian mobile with its country code: 98 9xx xxx xxxx
)

// Normalise returns the normal form of a customer: Persian and Arabic digits as ASCII, and no white
// space and no invisible marks around it. A phone number, however it is separated by space, '-', '.',
// '(', ')', U+00A0 and invisible marks, becomes "+" and its digits; these are phone numbers:
//
//   - 09xxxxxxxxx, 989xxxxxxxxx, +989xxxxxxxxx and 00989xxxxxxxxx, an Iranian mobile, and with "+" or
//     "00" also 9809xxxxxxxxx, where the trunk's zero was left in;
//   - "+" or "00" before 8 to 15 digits that don't begin with zero (E.164).
//
// Invisible marks come with what is copied from a phone or a page: those of the direction of text, and
// joiners of no width (code.Invisible). None can be printed, so that none is in what was ever stored. Everything else
// stays as it stands: within a name such a mark is refused, as to drop it could make one customer of two.
// fault.ErrInvalidCustomer is what has no character or more than 128, is not UTF-8, or has a character that can't be
// printed.
func Normalise(s string) (string, error) {
	if len(s) > inputMax {
		return "", fault.ErrInvalidCustomer
	}
	s, ascii, ok := foldDigits(s)
	if !ok {
		return "", fault.ErrInvalidCustomer
	}
	s = trim(s, ascii)
	if number, ok := phone(s); ok {
		return number, nil
	}
	if !printable(s, ascii) {
		return "", fault.ErrInvalidCustomer
	}
	return s, nil
}

// trim cuts white space and invisible marks off both ends.
func trim(s string, ascii bool) string {
	if ascii {
		return strings.TrimSpace(s)
	}
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || code.Invisible(r) })
}

// foldDigits maps Persian and Arabic digits to ASCII. It reports whether s is ASCII, and false for ok
// if it is not UTF-8.
func foldDigits(s string) (folded string, ascii, ok bool) {
	at := 0
	for at < len(s) && s[at] < utf8.RuneSelf {
		at++
	}
	if at == len(s) {
		return s, true, true
	}
	if !utf8.ValidString(s) {
		return "", false, false
	}
	return strings.Map(func(r rune) rune {
		switch {
		case '۰' <= r && r <= '۹':
			return r - '۰' + '0'
		case '٠' <= r && r <= '٩':
			return r - '٠' + '0'
		default:
			return r
		}
	}, s), false, true
}

// phone returns the normal form of a phone number, and false if s is not one.
func phone(s string) (string, bool) {
	var buf [1 + 2 + digitsMax]byte // "+", and "00" before the digits
	plus, n := false, 0
	for _, r := range s {
		switch {
		case '0' <= r && r <= '9' && n < len(buf)-1:
			n++
			buf[n] = byte(r)
		case r == '+' && n == 0 && !plus:
			plus = true
		case r == ' ' || r == '-' || r == '.' || r == '(' || r == ')' || r == '\u00a0' || code.Invisible(r):
		default:
			return "", false
		}
	}
	number, ok := international(buf[:n+1], plus)
	if !ok {
		return "", false
	}
	number[0] = '+'
	if string(number) == s { // already normal: keep the caller's string
		return s, true
	}
	return string(number), true
}

// international returns the part of buf that holds the number with its country code, after one byte of
// room for the "+". The digits begin at buf[1]; plus says that a "+" stood before them.
func international(buf []byte, plus bool) ([]byte, bool) {
	digits := string(buf[1:])
	switch {
	case plus:
	case strings.HasPrefix(digits, "00"):
		buf = buf[2:]
	case strings.HasPrefix(digits, "09") && len(digits) == iranian-1:
		return append(append(buf[:0], "+98"...), digits[1:]...), true
	case strings.HasPrefix(digits, "989") && len(digits) == iranian:
	default:
		return nil, false
	}
	digits = string(buf[1:])
	if strings.HasPrefix(digits, "9809") && len(digits) == iranian+1 {
		copy(buf[2:], "98")
		buf = buf[1:]
	}
	n := len(buf) - 1
	return buf, digitsMin <= n && n <= digitsMax && buf[1] != '0'
}

// printable reports whether s has 1 to 128 characters and can be printed.
func printable(s string, ascii bool) bool {
	n := len(s)
	if !ascii {
		n = utf8.RuneCountInString(s)
	}
	if n == 0 || n > charactersMax {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
