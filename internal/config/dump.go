package config

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

const (
	redacted = "xxxxx"    // in place of a secret, as net/url writes it
	hidden   = "(hidden)" // in place of a URL whose secrets can't be told from the rest
)

// Setting is one value of a Config, for people to read.
type Setting struct {
	Name    string // of the flag, without its hyphens
	Env     string
	Value   string // with secrets redacted
	Default bool   // the value is the default
}

// Dump returns all settings in the order of the struct, without their secrets.
func (c Config) Dump() []Setting {
	given, fallback := reflect.ValueOf(c), reflect.ValueOf(Default())
	all := make([]Setting, 0, given.NumField())
	for at, f := range fields() {
		value := fmt.Sprint(given.Field(at).Interface())
		switch {
		case strings.HasSuffix(f.name, "-url"):
			value = redactURL(value)
		case strings.HasSuffix(f.name, "-url-file"):
			value = showPath(value)
		}
		all = append(all, Setting{
			Name: f.name, Env: f.env, Value: value,
			Default: given.Field(at).Interface() == fallback.Field(at).Interface(),
		})
	}
	return all
}

// redactURL returns raw without the password of its userinfo and without the values of query
// parameters that sound like secrets. A text in which it can't be sure to have found them all is hidden
// whole: one that is no URL with a host, and one with an "@" outside its authority, which is most
// likely the rest of a password that should have been escaped.
func redactURL(raw string) string {
	if raw == "" {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || !namesHost(u) {
		return hidden
	}
	if at := strings.Count(raw, "@"); at > 1 || (at == 1) != (u.User != nil) {
		return hidden
	}
	u.RawQuery = redactQuery(u.RawQuery)
	return u.Redacted()
}

// redactQuery keeps the query as it was written but for the values of secrets. It splits at ";" too:
// nobody should be able to hide a password from it behind an old separator.
func redactQuery(query string) string {
	var b strings.Builder
	for query != "" {
		pair, separator := query, ""
		if end := strings.IndexAny(query, "&;"); end >= 0 {
			pair, separator = query[:end], query[end:end+1]
		}
		query = query[len(pair)+len(separator):]
		name, _, valued := strings.Cut(pair, "=")
		if valued && secret(name) {
			pair = name + "=" + redacted
		}
		b.WriteString(pair + separator)
	}
	return b.String()
}

// secret reports whether a query parameter sounds like a secret. One that can't be unescaped does.
func secret(name string) bool {
	plain, err := url.QueryUnescape(name)
	if err != nil {
		return true
	}
	plain = strings.ToLower(plain)
	return slices.ContainsFunc([]string{"pass", "pwd", "secret", "token", "credential", "apikey", "api_key", "api-key"},
		func(word string) bool { return strings.Contains(plain, word) })
}
