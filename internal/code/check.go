package code

import "scrip/internal/fault"

// Alphabet is Crockford's base32: what generated codes are made of, and the 32 elements of the check
// digit's field in order. Normalise leaves it as it is.
const Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// CheckDigit returns the character that key needs at its end to be Valid. It is fault.ErrInvalidCode if
// key is empty or has a character outside Alphabet.
//
// The scheme is H. M. Damm's ("Total anti-symmetrische Quasigruppen", Marburg 2004), over the
// quasigroup x*y = 2x+y in GF(32). It is totally anti-symmetric: (c*x)*y = (c*y)*x means 3x = 3y, so
// x = y, as 3 is not zero in the field. Hence it catches every single wrong character and every two
// neighbours in each other's place. As 2 generates the field, a character's weight is a power of two
// that repeats after 31 places only, so any two characters fewer than 31 places apart that changed
// places are caught as well, and so is a doubled character mistyped twice ("AA" for "BB").
func CheckDigit(key string) (byte, error) {
	sum, ok := damm(key)
	if !ok || key == "" {
		return 0, fault.ErrInvalidCode
	}
	return Alphabet[double(sum)], nil // 2*sum + digit = 0, and in this field a = -a
}

// Valid reports whether the last character of key is the check digit of those before it. A key with a
// character outside Alphabet, or of fewer than two, is not.
//
// The server never asks it: a code of somebody's own choice has no check digit, and nothing says of a code
// that was typed which of the two it is until the store has looked it up. It is what a client can do, whose
// codes are all generated; api/openapi.yaml says how.
func Valid(key string) bool {
	sum, ok := damm(key)
	return ok && sum == 0 && len(key) > 1
}

// damm folds key by x*y = 2x+y from zero, and reports false if a character is outside Alphabet.
func damm(key string) (sum byte, ok bool) {
	for i := range len(key) {
		v, ok := value(key[i])
		if !ok {
			return 0, false
		}
		sum = double(sum) ^ v
	}
	return sum, true
}

// double multiplies by 2, that is by x, in GF(2)[x]/(x^5+x^2+1); that polynomial is primitive.
func double(v byte) byte {
	v <<= 1
	if v&0b100000 != 0 {
		v ^= 0b100101
	}
	return v
}

// value is the inverse of Alphabet, which leaves out I, L, O and U.
func value(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'A' <= c && c <= 'H':
		return c - 'A' + 10, true
	case c == 'J' || c == 'K':
		return c - 'J' + 18, true
	case c == 'M' || c == 'N':
		return c - 'M' + 20, true
	case 'P' <= c && c <= 'T':
		return c - 'P' + 22, true
	case 'V' <= c && c <= 'Z':
		return c - 'V' + 27, true
	default:
		return 0, false
	}
}
