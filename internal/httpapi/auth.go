package httpapi

import (
	"encoding/base64"
	"net/http"
	"strings"

	"scrip/internal/access"
	"scrip/internal/fault"
)

// Access knows the keys. Both methods are asked on every request: they must be fast, wait for nothing and
// be safe for concurrent use.
type Access interface {
	// Authenticate returns the usable key that a secret belongs to.
	Authenticate(secret string) (*access.Key, bool)
	// Open reports whether the server asks for no keys at all.
	Open() bool
}

// rights say whom a route answers. The contract says the same of each operation, and a test compares them.
type rights struct {
	anyone      bool          // no key is asked for
	publishable bool          // publishable keys too
	scopes      access.Scopes // any one of these opens it; admin opens everything
}

//nolint:gochecknoglobals // constants in all but name
var (
	forAnyone   = rights{anyone: true}
	forTheCrowd = rights{scopes: access.Redeem, publishable: true}
	forTills    = rights{scopes: access.Redeem}
	forReceipts = rights{scopes: access.Redeem | access.Read}
	forReaders  = rights{scopes: access.Read}
	forBalances = rights{scopes: access.Redeem | access.Read | access.Wallets}
	forReports  = rights{scopes: access.Redeem | access.Read | access.Campaigns}
	forIssuers  = rights{scopes: access.Campaigns}
	forCatalogs = rights{scopes: access.Read | access.Campaigns}
	forWallets  = rights{scopes: access.Read | access.Wallets}
	forAdmins   = rights{scopes: access.Admin}
)

// allow reports whether a key may call.
func (r *rights) allow(k *access.Key) bool {
	if k.Kind == access.Publishable {
		return r.publishable
	}
	return k.Scopes.Allows(r.scopes)
}

// The reasons for which a caller is refused, for the metrics. The caller is told two of them apart: 401
// and 403.
const (
	refusedNoKey     = "no_key"
	refusedMalformed = "malformed"
	refusedUnknown   = "unknown" // never made, revoked or expired
	refusedScope     = "scope"
)

// authenticate finds out who calls and whether they may.
func (x *exchange) authenticate() error {
	may := &x.rt.may
	if may.anyone {
		return nil
	}
	guard := x.s.cfg.Access
	if guard == nil || guard.Open() {
		x.caller = access.Caller{Open: true, Name: access.NameOpen, Kind: access.Secret, Scopes: access.All}
		return nil
	}
	secret, given := presented(x.r.Header)
	if !given {
		return x.refuse(refusedNoKey, fault.ErrUnauthorized)
	}
	if secret == "" {
		return x.refuse(refusedMalformed, fault.ErrUnauthorized)
	}
	k, ok := guard.Authenticate(secret)
	if !ok {
		return x.refuse(refusedUnknown, fault.ErrUnauthorized)
	}
	x.caller = k.Caller()
	if !may.allow(k) {
		return x.refuse(refusedScope, forbidden(may))
	}
	return nil
}

// The challenges (RFC 6750): one for all that may be wrong with a key, so that it tells a guesser nothing,
// and one for a good key that may not do this.
//
//nolint:gochecknoglobals // constants in all but name
var (
	authenticate = []string{`Bearer realm="scrip"`}
	getMore      = []string{`Bearer realm="scrip", error="insufficient_scope"`}
)

func (x *exchange) refuse(reason string, f *fault.Error) error {
	x.w.Header()["Www-Authenticate"] = authenticate
	if reason == refusedScope {
		x.w.Header()["Www-Authenticate"] = getMore
	}
	if x.s.cfg.Refused != nil {
		x.s.cfg.Refused(reason)
	}
	return f
}

// forbidden says what would do.
func forbidden(may *rights) *fault.Error {
	names := strings.Join(may.scopes.Names(), " or ")
	return fault.ErrForbidden.Says("This key may not do that; it takes a secret key with the scope " + names + ".")
}

// presented is the secret that a request carries and whether it carries anything in its place. A secret
// that is there in no form we know is empty.
//
// The user of Basic is what curl -u sends; its password must be empty.
func presented(h http.Header) (secret string, given bool) {
	lines, ok := h["Authorization"]
	if !ok {
		return "", false
	}
	if len(lines) != 1 {
		return "", true
	}
	scheme, rest, _ := strings.Cut(lines[0], " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return rest, true
	case strings.EqualFold(scheme, "Basic"):
		return basicUser(rest), true
	default:
		return "", true
	}
}

// basicUser is the user of Basic credentials without a password, empty where they are anything else.
func basicUser(credentials string) string {
	plain, err := base64.StdEncoding.DecodeString(credentials)
	if err != nil {
		return ""
	}
	user, password, _ := strings.Cut(string(plain), ":")
	if password != "" {
		return ""
	}
	return user
}

// public reports whether the answer must be the public face: it tells a guesser nothing about codes.
// The seed's routes, which alone take a body of any type, show it to everybody.
func (x *exchange) public() bool {
	return x.caller.Kind == access.Publishable || x.rt.body.anyType
}
