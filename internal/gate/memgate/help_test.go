package memgate_test

import (
	"scrip/internal/id"
	"scrip/internal/voucher"
)

// factOf is a fact about voucher number n of campaign 1.
func factOf(key string, n int, version int64, s voucher.Status) voucher.Fact {
	f := voucher.Fact{
		Key: key, Voucher: id.ID{0: 1, 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}, Campaign: id.ID{0: 2},
		Version: voucher.Version{Campaign: 1, Voucher: version},
		Status:  s, FreshFor: voucher.FactFreshFor,
	}
	if s == voucher.Open {
		f.Remaining = 1
	}
	return f
}
