package code

import (
	"fmt"
	"io"

	"scrip/internal/fault"
)

// The lengths of a generated code, its check digit included. Six characters are 30 random bits: enough
// for a campaign that limits guessing, and no code should be easier to guess. At 32 the check digit
// still tells all neighbours apart.
const (
	generateMin = 6
	generateMax = 32
)

// Generate returns a code of n characters of Alphabet from r, which must be crypto/rand.Reader wherever
// a guessed code is worth money. If checked, the last character is the check digit of the others.
// Every code is equally likely: a byte holds eight whole copies of the alphabet.
func Generate(r io.Reader, n int, checked bool) (string, error) {
	if n < generateMin || n > generateMax {
		return "", fault.ErrInvalidRequest.Says("A generated code has 6 to 32 characters.").On("length")
	}
	key := make([]byte, n)
	random := key
	if checked {
		random = key[:n-1]
	}
	if _, err := io.ReadFull(r, random); err != nil {
		return "", fmt.Errorf("code: generate %d characters: %w", n, err)
	}
	for i, b := range random {
		random[i] = Alphabet[b&31]
	}
	if checked {
		digit, err := CheckDigit(string(random))
		if err != nil {
			return "", err
		}
		key[n-1] = digit
	}
	return string(key), nil
}
