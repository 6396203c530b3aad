// Package id makes and reads the identifiers of Scrip's objects: UUIDv7 (RFC 9562) inside, and outside
// a prefix that names the kind of object and 26 characters of Crockford's base32, as in
// "rdm_01h455vb4pex5vsknk084sn02q" (TypeID's spelling). It promises that text sorts as the bytes do,
// that both sort by the millisecond of making, and that an id has exactly one spelling. An id is no
// secret: it may be guessed, and nothing may rest on its being unguessable. The package must not know
// what the objects are, nor read the clock.
package id

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"scrip/internal/fault"
)

// The prefixes, one per kind of object.
const (
	Campaign    = "cmp"
	Voucher     = "vch"
	Redemption  = "rdm"
	Rollback    = "rbk"
	Transaction = "txn"
	Request     = "req"
	Key         = "key"
	Event       = "evt"
)

const (
	alphabet = "0123456789abcdefghjkmnpqrstvwxyz" // Crockford's base32, in lower case as TypeID has it
	textLen  = 26                                 // 128 bits in fives: 25 whole characters and three bits
	maxMilli = 1<<48 - 1                          // the end of UUIDv7's clock, in the year 10889
)

// ID is a UUIDv7 in network byte order. Its zero value is no id.
type ID [16]byte

// New returns a fresh id that carries now's millisecond. A time outside 1970 to 10889 is held to the
// nearer end. The other 74 bits come from the runtime's ChaCha8 generator, which the OS seeds; it is
// kept per thread, so that New neither locks nor allocates.
func New(now time.Time) ID {
	milli := uint64(min(max(now.UnixMilli(), 0), maxMilli))
	var i ID
	binary.BigEndian.PutUint64(i[:8], milli<<16|rand.Uint64()&0xffff) //nolint:gosec // ids are no secrets
	binary.BigEndian.PutUint64(i[8:], rand.Uint64())                  //nolint:gosec // ids are no secrets
	i[6] = i[6]&0x0f | 0x70
	i[8] = i[8]&0x3f | 0x80
	return i
}

// IsZero reports whether i is the zero value, which New never makes.
func (i ID) IsZero() bool { return i == ID{} }

// Time returns the millisecond that i was made in, in UTC.
func (i ID) Time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(i[:8]) >> 16)).UTC()
}

// Append appends prefix, an underscore and the 26 characters of i to dst.
func (i ID) Append(dst []byte, prefix string) []byte {
	high, low := binary.BigEndian.Uint64(i[:8]), binary.BigEndian.Uint64(i[8:])
	var text [textLen]byte
	for at := textLen - 1; at >= 0; at-- {
		text[at] = alphabet[low&31]
		low = low>>5 | high<<59
		high >>= 5
	}
	dst = append(dst, prefix...)
	dst = append(dst, '_')
	return append(dst, text[:]...)
}

// Format returns what Append appends.
func (i ID) Format(prefix string) string {
	var buf [48]byte // room on the stack for any prefix of ours
	return string(i.Append(buf[:0], prefix))
}

// Parse reads an id that Format wrote with the same prefix. It takes that one spelling only: anything
// else, and any UUID that is not of version 7, is fault.ErrInvalidID.
func Parse(prefix, s string) (ID, error) {
	if len(s) != len(prefix)+1+textLen || s[:len(prefix)] != prefix || s[len(prefix)] != '_' {
		return ID{}, fault.ErrInvalidID
	}
	text := s[len(prefix)+1:]
	if text[0] > '7' { // more than 128 bits
		return ID{}, fault.ErrInvalidID
	}
	var high, low uint64
	for at := range len(text) {
		v, ok := value(text[at])
		if !ok {
			return ID{}, fault.ErrInvalidID
		}
		high = high<<5 | low>>59
		low = low<<5 | uint64(v)
	}
	var i ID
	binary.BigEndian.PutUint64(i[:8], high)
	binary.BigEndian.PutUint64(i[8:], low)
	if i[6]>>4 != 7 || i[8]>>6 != 0b10 {
		return ID{}, fault.ErrInvalidID
	}
	return i, nil
}

// value is the inverse of alphabet, which leaves out i, l, o and u.
func value(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'h':
		return c - 'a' + 10, true
	case c == 'j' || c == 'k':
		return c - 'j' + 18, true
	case c == 'm' || c == 'n':
		return c - 'm' + 20, true
	case 'p' <= c && c <= 't':
		return c - 'p' + 22, true
	case 'v' <= c && c <= 'z':
		return c - 'v' + 27, true
	default:
		return 0, false
	}
}
