package pgstore

import (
	"strings"
	"unicode/utf8"
)

const notText = "A text may hold any character but NUL, in UTF-8."

// storable reports whether PostgreSQL can keep s as text.
func storable(s string) bool {
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}
