package httpapi

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"scrip/internal/code"
	"scrip/internal/customer"
	"scrip/internal/redact"
)

// sentMax bounds how many values of a request are masked: a batch has 100 items of six each at most.
const sentMax = 1024

// maskedCause is what went wrong, for the log: without anything that the request has sent, as it was sent and as we
// normalise it. An error may come from far below and repeat an argument; this is where it is known whose it was.
func (x *exchange) maskedCause() string {
	err := x.refusal.Err
	if err == nil {
		return ""
	}
	if x.s.cfg.LogUnmasked {
		return err.Error()
	}
	return redact.Text(redact.Values(err.Error(), x.sent()))
}

// panicText is what a panic was about, for the log.
func (x *exchange) panicText(value any) string {
	if x.s.cfg.LogUnmasked {
		return fmt.Sprint(value)
	}
	return redact.Panic(value)
}

// sent are the texts that the request has sent in its path, its query, its headers and its body.
func (x *exchange) sent() []string {
	var values []string
	add := func(v string) {
		if v == "" || len(values) >= sentMax {
			return
		}
		values = append(values, v)
		if key, err := code.Normalise(v); err == nil && key != v {
			values = append(values, key)
		}
		if name, err := customer.Normalise(v); err == nil && name != v {
			values = append(values, name)
		}
	}
	for segment := range strings.SplitSeq(x.r.URL.Path, "/") {
		if !strings.Contains(x.rt.path+"/", "/"+segment+"/") { // our own words are no secret
			add(segment)
		}
	}
	query, _ := url.ParseQuery(x.r.URL.RawQuery) // what can be read of it
	for _, vs := range query {
		for _, v := range vs {
			add(v)
		}
	}
	for _, name := range []string{"Idempotency-Key", "Authorization", "Cookie"} {
		for _, v := range x.r.Header[name] {
			add(v)
			_, token, _ := strings.Cut(v, " ")
			add(token)
		}
	}
	addTexts(x.in, add)
	return values
}

// addTexts calls add with each text in a body that is JSON, names apart; where it stops being JSON, with each word of the rest.
func addTexts(body []byte, add func(string)) {
	d := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		token, err := d.ReadToken()
		if err != nil {
			break
		}
		kind, length := d.StackIndex(d.StackDepth())
		if isName := kind == '{' && length%2 == 1; token.Kind() == '"' && !isName || token.Kind() == '0' {
			add(token.String())
		}
	}
	rest := body[min(d.InputOffset(), int64(len(body))):]
	for _, word := range strings.FieldsFunc(string(rest), func(r rune) bool { return strings.ContainsRune(" \t\r\n{}[]\",:'", r) }) {
		add(word)
	}
}
