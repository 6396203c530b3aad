package redisgate

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"scrip/internal/id"
	"scrip/internal/voucher"
)

// A code's terms are one line of text, its parts separated by one space:
//
//	1 <version> <campaign's> <voucher's> <status> <at> <fresh for> <voucher> <campaign> <customer>
//
// 1 is this format. The version is the sum of the two that follow. at is in microseconds since 1970, by the
// store's clock; how long the fact is fresh, in microseconds. The ids are in hexadecimal. The customer is in
// base64 behind a '~', which stands alone for everybody. Numbers are plain decimals. forward.lua reads it
// too.
const (
	termsFormat = "1"
	termsParts  = 10
	// valueMax is longer than any value of ours, in bytes: 512 of a customer make 684 of text.
	valueMax = 1024
)

var errGarbage = errors.New("no value of ours")

// publishable reports whether all may hear of a fact.
func publishable(f *voucher.Fact) bool {
	return f.Status != voucher.Unknown && f.Status <= voucher.Spent && f.Status.Stage() != 0 &&
		f.Key != "" && len(f.Key) <= codeBytesMax && !f.At.IsZero() && f.At.UnixMicro() >= 0 &&
		f.Version.Campaign >= 0 && f.Version.Voucher >= 0 && f.Version.Sum() >= 0 && f.Remaining >= -1
}

// encodeTerms is the line for a fact that is publishable.
func encodeTerms(f *voucher.Fact) string {
	b := make([]byte, 0, 256)
	b = append(b, termsFormat...)
	for _, n := range []int64{f.Version.Sum(), f.Version.Campaign, f.Version.Voucher} {
		b = strconv.AppendInt(append(b, ' '), n, 10)
	}
	b = append(append(b, ' '), f.Status.String()...)
	fresh := min(max(f.FreshFor, 0), voucher.FactFreshFor)
	b = strconv.AppendInt(append(b, ' '), f.At.UnixMicro(), 10)
	b = strconv.AppendInt(append(b, ' '), fresh.Microseconds(), 10)
	b = hex.AppendEncode(append(b, ' '), f.Voucher[:])
	b = hex.AppendEncode(append(b, ' '), f.Campaign[:])
	b = append(b, ' ', '~')
	return string(base64.RawURLEncoding.AppendEncode(b, []byte(f.Customer)))
}

// encodeLeft is what is left, as operators read it: -1 once the store has said that it is sold out, and
// nothing where there is no limit.
func encodeLeft(f *voucher.Fact) string {
	if f.Status == voucher.SoldOut {
		return "-1"
	}
	if f.Remaining < 0 {
		return ""
	}
	return strconv.FormatInt(f.Remaining, 10)
}

// decodeTerms is the reverse of encodeTerms, for a code. It takes no spelling but encodeTerms's own. What
// is left is not part of it: it is the most there can be, so that it never tells of less.
func decodeTerms(code, value string) (voucher.Fact, error) {
	parts := strings.Split(value, " ")
	if len(value) > valueMax || len(parts) != termsParts || parts[0] != termsFormat {
		return voucher.Fact{}, errGarbage
	}
	var numbers [5]int64
	for i, at := range []int{1, 2, 3, 5, 6} {
		n, err := strconv.ParseInt(parts[at], 10, 64)
		if err != nil {
			return voucher.Fact{}, errGarbage
		}
		numbers[i] = n
	}
	f := voucher.Fact{
		Key: code, Version: voucher.Version{Campaign: numbers[1], Voucher: numbers[2]}, Remaining: math.MaxInt64,
		Status: statusOf(parts[4]), At: time.UnixMicro(numbers[3]).UTC(),
		FreshFor: time.Microsecond * time.Duration(min(max(numbers[4], 0), voucher.FactFreshFor.Microseconds())),
	}
	if f.Status == voucher.SoldOut {
		f.Remaining = 0
	}
	customer, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(parts[9], "~"))
	if err != nil || !decodeID(&f.Voucher, parts[7]) || !decodeID(&f.Campaign, parts[8]) {
		return voucher.Fact{}, errGarbage
	}
	f.Customer = string(customer)
	if !publishable(&f) || encodeTerms(&f) != value {
		return voucher.Fact{}, errGarbage
	}
	return f, nil
}

func decodeID(to *id.ID, text string) bool {
	if len(text) != hex.EncodedLen(len(to)) {
		return false
	}
	_, err := hex.Decode(to[:], []byte(text))
	return err == nil
}

// decodeNumber reads a plain decimal that is not below least.
func decodeNumber(value string, least int64) (int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < least || strconv.FormatInt(n, 10) != value {
		return 0, fmt.Errorf("%w: a number was expected", errGarbage)
	}
	return n, nil
}

// statusOf is the status of a name, voucher.Unknown for any other text.
func statusOf(name string) voucher.Status {
	for s := voucher.Open; s <= voucher.Spent; s++ {
		if s.String() == name {
			return s
		}
	}
	return voucher.Unknown
}
