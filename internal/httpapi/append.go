package httpapi

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"scrip/internal/id"
	"scrip/internal/money"
)

// appendText appends s as a JSON string. What is not UTF-8 becomes U+FFFD.
func appendText(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // the error says only that it replaced something
	return dst
}

func appendID(dst []byte, prefix string, i id.ID) []byte {
	dst = append(dst, '"')
	dst = i.Append(dst, prefix)
	return append(dst, '"')
}

func appendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, time.RFC3339Nano)
	return append(dst, '"')
}

// appendBound is appendTime, null for the zero time.
func appendBound(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, "null"...)
	}
	return appendTime(dst, t)
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

// appendCap appends a limit, null for zero, which stands for none.
func appendCap(dst []byte, n int64) []byte {
	if n == 0 {
		return append(dst, "null"...)
	}
	return appendInt(dst, n)
}

// appendLeft appends what is left of something, null below zero, which stands for no limit.
func appendLeft(dst []byte, n int64) []byte {
	if n < 0 {
		return append(dst, "null"...)
	}
	return appendInt(dst, n)
}

func appendMoney(dst []byte, minor int64, c money.Currency) []byte {
	dst = append(dst, `{"amount":`...)
	dst = appendInt(dst, minor)
	dst = append(dst, `,"currency":"`...)
	dst = append(dst, c...)
	return append(dst, `"}`...)
}

// appendList appends a page of objects.
func appendList[T any](dst []byte, objects []T, more bool, object func([]byte, *T) []byte) []byte {
	dst = append(dst, `{"object":"list","data":[`...)
	for i := range objects {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = object(dst, &objects[i])
	}
	dst = append(dst, `],"has_more":`...)
	dst = strconv.AppendBool(dst, more)
	return append(dst, '}')
}
