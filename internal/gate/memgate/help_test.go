package memgate_test

import (
	"encoding/binary"

	"scrip/internal/id"
	"scrip/internal/voucher"
)

// factOf is a fact about voucher number n of campaign 1.
func factOf(key string, n int, version int64, s voucher.Status) voucher.Fact {
	f := voucher.Fact{
		Key: key, Voucher: idOf(1, n), Campaign: idOf(2, 0),
		Version: voucher.Version{Campaign: 1, Voucher: version},
		Status:  s, FreshFor: voucher.FactFreshFor,
	}
	if s == voucher.Open {
		f.Remaining = 1
	}
	return f
}

// idOf is the id of thing number n of a kind.
func idOf(kind byte, n int) id.ID {
	i := id.ID{0: kind}
	binary.BigEndian.PutUint64(i[len(i)-8:], uint64(n)) //nolint:gosec // n counts from zero
	return i
}
