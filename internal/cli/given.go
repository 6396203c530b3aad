package cli

import (
	"reflect"
	"slices"

	"github.com/alecthomas/kong"
)

// A flag that is given is obeyed or refused. Dropped in silence, it would make another command of the one that was
// meant: a redemption without its Idempotency-Key, or a key asked of a server instead of a database.

// refuseEmpty refuses an argument or a flag of the command line that is there and empty; most often it was to be a
// variable of the shell that is not set. In the environment and in .env an empty value is a way to say that there is none.
func refuseEmpty(parsed *kong.Context) error {
	for _, p := range parsed.Path {
		switch {
		case p.Positional != nil && isEmpty(p.Positional.Target):
			return usage("<%s> is empty; give it", p.Positional.Name)
		case p.Flag != nil && !p.Resolved && isEmpty(p.Flag.Target) && !slices.Contains(mayBeEmpty(), p.Flag.Name):
			return usage("--%s is empty; give a value, or leave it out", p.Flag.Name)
		}
	}
	return nil
}

// mayBeEmpty are the flags whose empty value says something: lists of the server's with nothing in them.
func mayBeEmpty() []string { return []string{"allowed-hosts", "allow-origins", "trusted-proxies"} }

// isEmpty reports whether a text or a list holds nothing. A number has no empty value.
func isEmpty(v reflect.Value) bool {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return false
		}
		v = v.Elem()
	}
	return (v.Kind() == reflect.String || v.Kind() == reflect.Slice) && v.Len() == 0
}

// given reports whether one of the flags stands on the command line, whatever the environment says.
func (c *command) given(flags ...string) bool {
	return slices.ContainsFunc(c.parsed.Path, func(p *kong.Path) bool {
		return p.Flag != nil && !p.Resolved && slices.Contains(flags, p.Flag.Name)
	})
}

// pageMost is how long a page of a list may be; the server says the same.
const pageMost = 100

// checkLimit refuses the --limit of a list that no page has: the SDK would leave a 0 to the server.
func checkLimit(limit int) error {
	if limit < 1 || limit > pageMost {
		return usage("--limit is %d: it must be from 1 to %d", limit, pageMost)
	}
	return nil
}
