package pgstore

import "scrip/internal/voucher"

const notText = "A text may hold any character but NUL, in UTF-8."

// storable reports whether PostgreSQL can keep s as text.
func storable(s string) bool { return voucher.Storable(s) }
