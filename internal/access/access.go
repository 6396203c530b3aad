// Package access is who may call: keys, their scopes and their secrets. It promises that a secret is
// stored as a hash alone, that a key is either usable or not at a given moment, and that whatever could
// never be right is refused before it is stored. It must not know HTTP, the store or a clock: times are
// arguments.
package access

import (
	"strings"

	"scrip/internal/fault"
	"scrip/internal/id"
)

// Kind is what a key is for. It is stored by its number.
type Kind uint8

// The kinds of keys.
const (
	// Secret keys stay on servers. Their scopes say what they open.
	Secret Kind = 1
	// Publishable keys stand in apps and pages that anybody can read: they can validate and redeem, one
	// code at a time, and see the public face of every refusal.
	Publishable Kind = 2
)

// String is the kind's name in the API.
func (k Kind) String() string {
	switch k {
	case Secret:
		return "secret"
	case Publishable:
		return "publishable"
	default:
		return "unknown"
	}
}

// ParseKind is the inverse of String.
func ParseKind(name string) (Kind, error) {
	switch name {
	case "secret":
		return Secret, nil
	case "publishable":
		return Publishable, nil
	default:
		return 0, fault.ErrInvalidRequest.Says("A key's kind is secret or publishable.").On("kind")
	}
}

// Scopes is a set of rights, one bit each. It is stored by its number.
type Scopes uint16

// The scopes of secret keys.
const (
	Redeem    Scopes = 1 << iota // redeem, validate, roll back
	Read                         // look at everything but keys and the audit trail
	Campaigns                    // make, change and look at campaigns and vouchers
	Wallets                      // wallets
	Admin                        // keys, the audit trail, and everything else

	// All is every scope there is.
	All = Redeem | Read | Campaigns | Wallets | Admin
)

// scopeNames are the names of the scopes, in the order of their bits.
//
//nolint:gochecknoglobals // a constant in all but name
var scopeNames = [...]string{"redeem", "read", "campaigns", "wallets", "admin"}

// Names returns the names of the scopes in s, in the order of their bits.
func (s Scopes) Names() []string {
	var names []string
	for at, name := range scopeNames {
		if s&(1<<at) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String is the names with commas between them, empty for none.
func (s Scopes) String() string { return strings.Join(s.Names(), ",") }

// Allows reports whether a key with these scopes may do what any one of the wanted ones opens. Admin
// opens everything.
func (s Scopes) Allows(wanted Scopes) bool { return s&(wanted|Admin) != 0 }

// Covers reports whether a key with these scopes has all that others would have.
func (s Scopes) Covers(others Scopes) bool { return s&Admin != 0 || others&^s == 0 }

// ParseScopes reads what String wrote: at least one name, in any order. A name given twice counts once.
func ParseScopes(text string) (Scopes, error) { return ScopesOf(strings.Split(text, ",")) }

// ScopesOf is the set of the scopes with these names, at least one.
func ScopesOf(names []string) (Scopes, error) {
	var s Scopes
	for _, name := range names {
		bit := scope(strings.TrimSpace(name))
		if bit == 0 {
			return 0, errScopes()
		}
		s |= bit
	}
	if s == 0 {
		return 0, errScopes()
	}
	return s, nil
}

// scope is the scope with this name, 0 for none.
func scope(name string) Scopes {
	for at, known := range scopeNames {
		if name == known {
			return 1 << at
		}
	}
	return 0
}

func errScopes() *fault.Error {
	return fault.ErrInvalidRequest.Says("A secret key has at least one of the scopes " + strings.Join(scopeNames[:], ", ") + ".").On("scopes")
}

// By is who makes an administrative change, for the audit trail.
type By struct {
	Key       id.ID  // zero: no key identified the caller
	Name      string // of the key; otherwise NameOpen, NameCLI or NameServer
	RequestID string // empty where there is no request
}

// The names of those who act without a key.
const (
	NameOpen   = "open"   // a caller of a server that asks for no keys
	NameCLI    = "cli"    // the command line, at the database
	NameServer = "server" // the server itself, at its first start
)

// Caller is who a request comes from. Its zero value is nobody: a caller of a route that asks for no key.
type Caller struct {
	Key           id.ID // zero: no key identified the caller
	Name          string
	Kind          Kind
	Scopes        Scopes
	RatePerSecond int64 // the key's own limits; 0: the server's default for its kind
	Burst         int64
	Open          bool // the server asks for no keys
}

// Caller is who calls with this key.
func (k *Key) Caller() Caller {
	return Caller{Key: k.ID, Name: k.Name, Kind: k.Kind, Scopes: k.Scopes, RatePerSecond: k.RatePerSecond, Burst: k.Burst}
}
