package access

import (
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"io"

	"scrip/internal/fault"
)

// A secret is its kind, 256 random bits, and a checksum of both:
//
//	sk_ 0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefghjk mnpqrs
//
// in lower-case Crockford base32, without the spaces. The prefix tells scanners of source code what they
// have found, and the checksum tells a typing error from an unknown key without a look-up.
const (
	alphabet   = "0123456789abcdefghjkmnpqrstvwxyz"
	prefixLen  = 3 // "sk_" or "pk_"
	randomLen  = 52
	checkLen   = 6 // thirty of the checksum's bits
	checkedLen = prefixLen + randomLen

	// SecretLength is how long every secret is.
	SecretLength = checkedLen + checkLen
)

const notInAlphabet = 0xff

// values are what the characters stand for.
//
//nolint:gochecknoglobals // made once from the alphabet
var values = func() (v [256]byte) {
	for c := range v {
		v[c] = notInAlphabet
	}
	for at := range len(alphabet) {
		v[alphabet[at]] = byte(at)
	}
	return v
}()

// checksum is the IEEE CRC-32 of text, by the byte: hash/crc32 has it faster, but for an argument that
// escapes to the heap.
func checksum(text []byte) uint32 {
	sum := ^uint32(0)
	for _, c := range text {
		sum = crc32.IEEETable[byte(sum&0xff)^c] ^ sum>>8
	}
	return ^sum
}

// prefix is what the secrets of a kind begin with.
func prefix(k Kind) string {
	if k == Publishable {
		return "pk_"
	}
	return "sk_"
}

// NewSecret makes a secret of a kind out of 32 bytes of random, and returns it with the hash and the tail
// that a Key keeps of it. The secret is for its caller's eyes alone; nothing can bring it back.
func NewSecret(kind Kind, random io.Reader) (secret string, hash [32]byte, tail string, err error) {
	var raw [33]byte // 52 characters hold 260 bits; the last four are zero
	if _, err := io.ReadFull(random, raw[:32]); err != nil {
		return "", hash, "", fmt.Errorf("make a key's secret: %w", err)
	}
	text := make([]byte, 0, SecretLength)
	text = append(text, prefix(kind)...)
	bits, held := uint64(0), 0
	for _, b := range raw {
		bits, held = bits<<8|uint64(b), held+8
		for ; held >= 5 && len(text) < checkedLen; held -= 5 {
			text = append(text, alphabet[bits>>(held-5)&31])
		}
	}
	check := checksum(text)
	for shift := 27; shift >= 2; shift -= 5 {
		text = append(text, alphabet[check>>shift&31])
	}
	return string(text), sha256.Sum256(text), string(text[SecretLength-TailLength:]), nil
}

// Hash is what a secret's key is looked up by; false for a text that no secret is as long as. It does not look at the
// checksum: that of a secret whose hash is known is right. It does not allocate.
//
// Every text of the right length costs the same work, whatever it says. And a look-up by the hash may
// take whatever time it takes: to come nearer to a stored hash, byte by byte, a guesser would have to
// choose the hash of what they send, which is what SHA-256 does not let them.
func Hash(secret string) ([32]byte, bool) {
	if len(secret) != SecretLength {
		return [32]byte{}, false
	}
	var text [SecretLength]byte
	copy(text[:], secret)
	return sha256.Sum256(text[:]), true
}

// Parse returns the kind of a secret and its Hash, or fault.ErrUnauthorized for what can't be one: a typing error is
// told without a look-up. It does not allocate, and every text of the right length costs the same work.
func Parse(secret string) (Kind, [32]byte, error) {
	if len(secret) != SecretLength {
		return 0, [32]byte{}, fault.ErrUnauthorized
	}
	var text [SecretLength]byte
	copy(text[:], secret)
	var bad byte
	for at := prefixLen; at < SecretLength; at++ {
		bad |= values[text[at]] & 0x80
	}
	check := checksum(text[:checkedLen])
	for at := range checkLen {
		bad |= values[text[checkedLen+at]] ^ byte(check>>(27-5*at)&31)
	}
	kind := Secret
	switch [prefixLen]byte(text[:prefixLen]) {
	case [prefixLen]byte{'s', 'k', '_'}:
	case [prefixLen]byte{'p', 'k', '_'}:
		kind = Publishable
	default:
		bad = 1
	}
	hash := sha256.Sum256(text[:])
	if bad != 0 {
		return 0, [32]byte{}, fault.ErrUnauthorized
	}
	return kind, hash, nil
}
