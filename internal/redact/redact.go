// Package redact keeps out of the log what is worth money or names a person: API keys, passwords, mobile numbers, and
// whatever a request has sent. It is a net under the rest: nothing is meant to fall into it, for an error's text names
// neither codes nor customers to begin with.
//
// It promises that what it recognises is masked, that it panics on no text, and that masking twice is masking once. It can't
// recognise a code by its look; Values masks those of one request. It must not know the settings, HTTP or what is
// logged.
package redact

import (
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// Mask stands in place of what was masked.
const Mask = "xxxxx"

// textMax bounds, in bytes, how much of a text is looked at and kept: a stack with its error has some ten thousand.
const textMax = 64 << 10

// shape is what a secret looks like, and what is put there.
type shape struct {
	like *regexp.Regexp
	put  string
}

//nolint:gochecknoglobals // constants in all but name
var shapes = []shape{
	// An API key, be it whole or not. What is left names its kind.
	{regexp.MustCompile(`\b([sp]k_)[0-9A-Za-z]+`), "${1}" + Mask},
	// A password in a URL, up to the last @ of it: a password may hold what should have been escaped.
	{regexp.MustCompile(`(://[^\s:/@"'\x60]*:)[^\s"'\x60]*@`), "${1}" + Mask + "@"},
	// What sounds like a secret, and its value, as in a URL's query, a DSN, a header or JSON.
	{
		regexp.MustCompile(`(?i)((?:pass(?:word|wd|file)?|pwd|secret|token|credential|api[-_]?key|idempotency-key|authorization)["']?\s*[=:]\s*)` +
			`(?:(?:bearer|basic)\s+)?(?:"[^"]*"|'[^']*'|[^\s,;&"'})\]]+)`),
		"${1}" + Mask,
	},
	{regexp.MustCompile(`(?i)\b(bearer|basic)\s+[0-9A-Za-z+/=._~-]{8,}`), "${1} " + Mask},
	// A mobile number as Iran writes it, and any number with its country; in Persian and Arabic digits too.
	{regexp.MustCompile(`(^|[^0-9A-Za-z_\p{Nd}])(?:\+\p{Nd}{8,15}|(?:[0۰٠]{0,2}[9۹٩][8۸٨][0۰٠]?|[0۰٠])[9۹٩]\p{Nd}{9,10})`), "${1}" + Mask},
	// A key in PEM.
	{regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`), Mask},
}

// Text returns text without what looks like a secret or a mobile number. What is beyond 64 KiB is cut off.
func Text(text string) string {
	if len(text) > textMax {
		text = strings.ToValidUTF8(text[:textMax], "") + "…"
	}
	for _, s := range shapes {
		text = s.like.ReplaceAllString(text, s.put)
	}
	return text
}

// valueMin is the shortest value that Values masks: shorter ones stand in every text by chance.
const valueMin = 4

// Values returns text with each of the values masked wherever it stands in it, also as it looks in quotes.
func Values(text string, values []string) string {
	values = slices.Clone(values)
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) }) // a part of one may be another
	for _, v := range values {
		if len(v) < valueMin || v == Mask {
			continue
		}
		text = strings.ReplaceAll(text, v, Mask)
		if quoted := fmt.Sprintf("%q", v); len(quoted) > len(v)+2 {
			text = strings.ReplaceAll(text, quoted[1:len(quoted)-1], Mask)
		}
	}
	return text
}

// Panic says what a panic was about: the runtime's own words, which name no values of ours, and of anything else its type alone.
// The stack beside it tells the place.
func Panic(value any) string {
	if err, ok := value.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a value of type %T", value)
}
