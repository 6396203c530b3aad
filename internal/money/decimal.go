package money

import (
	"math"
	"strconv"
	"unicode/utf8"

	"scrip/internal/fault"
)

// decimalMax bounds ParseDecimal's work: the longest amount has 19 digits, a sign and a point, and
// what is beyond that can only be leading zeros.
const decimalMax = 64

// FromWhole returns whole units of c in minor units: 5 euro is 500. It refuses what does not fit with
// fault.ErrInvalidAmount, and an unknown currency with fault.ErrInvalidCurrency.
func FromWhole(whole int64, c Currency) (minor int64, err error) {
	unit, err := c.unit()
	if err != nil {
		return 0, err
	}
	minor, ok := Mul(whole, unit)
	if !ok {
		return 0, fault.ErrInvalidAmount
	}
	return minor, nil
}

// ParseDecimal reads an amount of c as a person writes it: "1000000", "12.5" and "-12.50", in ASCII,
// Persian or Arabic digits, with a full stop or an Arabic decimal separator (U+066B). There is no plus
// sign, exponent or grouping, a digit stands on both sides of a point, and the fraction has at most
// c.Exponent digits. Everything else, and what does not fit, is fault.ErrInvalidAmount.
func ParseDecimal(s string, c Currency) (minor int64, err error) {
	unit, err := c.unit()
	if err != nil {
		return 0, err
	}
	if len(s) > decimalMax {
		return 0, fault.ErrInvalidAmount
	}
	negative := s != "" && s[0] == '-'
	if negative {
		s = s[1:]
	}
	whole, fraction, ok := scan(s, c.Exponent())
	if !ok {
		return 0, fault.ErrInvalidAmount
	}
	// Below zero there is one more number than above, so count there and turn round at the end.
	minor, ok = Mul(whole, unit)
	if ok {
		minor, ok = Sub(minor, fraction)
	}
	if !ok || (!negative && minor == math.MinInt64) {
		return 0, fault.ErrInvalidAmount
	}
	if negative {
		return minor, nil
	}
	return -minor, nil
}

// scan reads digits, and perhaps a point and up to places digits more. It returns the whole part below
// zero, and the fraction, above it, in units of 10^-places.
func scan(s string, places int) (whole, fraction int64, ok bool) {
	pointed, wholes, fractions := false, 0, 0
	for _, r := range s {
		d := digit(r)
		switch {
		case d >= 0 && !pointed:
			wholes++
			whole, ok = Mul(whole, 10)
			if ok {
				whole, ok = Sub(whole, d)
			}
			if !ok {
				return 0, 0, false
			}
		case d >= 0 && fractions < places:
			fractions++
			fraction = fraction*10 + d
		case (r == '.' || r == '٫') && !pointed:
			pointed = true
		default:
			return 0, 0, false
		}
	}
	for range places - fractions {
		fraction *= 10
	}
	return whole, fraction, wholes > 0 && pointed == (fractions > 0)
}

// digit returns the value of an ASCII, Persian or Arabic digit, and -1 for any other character.
func digit(r rune) int64 {
	switch {
	case '0' <= r && r <= '9':
		return int64(r - '0')
	case r < utf8.RuneSelf:
		return -1
	case '۰' <= r && r <= '۹':
		return int64(r - '۰')
	case '٠' <= r && r <= '٩':
		return int64(r - '٠')
	default:
		return -1
	}
}

// AppendDecimal appends minor units of c as a decimal of whole units, in the shortest exact form: no
// fraction for a whole number ("13004000"), and all of the minor unit's digits otherwise ("12.50").
// An unknown currency is written as if it had no minor unit. ParseDecimal reads it back.
func AppendDecimal(dst []byte, minor int64, c Currency) []byte {
	digits := c.Exponent()
	unit := uint64(1)
	for range digits {
		unit *= 10
	}
	rest := uint64(minor) //nolint:gosec // the sign is taken off below; two's complement makes that exact for the lowest int64
	if minor < 0 {
		dst = append(dst, '-')
		rest = -rest
	}
	dst = strconv.AppendUint(dst, rest/unit, 10)
	fraction := rest % unit
	if fraction == 0 {
		return dst
	}
	dst = append(dst, '.')
	for unit /= 10; unit > 0; unit /= 10 {
		dst = append(dst, '0'+byte(fraction/unit%10))
	}
	return dst
}
