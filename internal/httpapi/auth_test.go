package httpapi_test

import (
	"encoding/base64"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/httpapi"
	"scrip/internal/keyring"

	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// whoMayCall is who reaches each operation, written down a second time: by hand, as docs/access.md has it.
// "anyone" needs no key; otherwise these are the scopes of secret keys, any one of which will do, and
// publishable keys. Admin goes without saying. An operation without a line here fails the test below, and
// so does a line that the contract or the routes see otherwise.
var whoMayCall = map[string]string{
	"POST /codes/use":      "redeem publishable",
	"POST /wallet/balance": "redeem read wallets",
	"POST /codes/report":   "redeem read campaigns",

	"POST /v1/redemptions":                       "redeem publishable",
	"GET /v1/redemptions":                        "read",
	"POST /v1/redemptions/batch":                 "redeem",
	"GET /v1/redemptions/{redemption}":           "redeem read",
	"POST /v1/redemptions/{redemption}/rollback": "redeem",
	"POST /v1/validations":                       "redeem publishable",

	"POST /v1/campaigns":                     "campaigns",
	"GET /v1/campaigns":                      "read campaigns",
	"GET /v1/campaigns/{campaign}":           "read campaigns",
	"PATCH /v1/campaigns/{campaign}":         "campaigns",
	"POST /v1/campaigns/{campaign}/enable":   "campaigns",
	"POST /v1/campaigns/{campaign}/disable":  "campaigns",
	"GET /v1/campaigns/{campaign}/summary":   "read campaigns",
	"POST /v1/campaigns/{campaign}/vouchers": "campaigns",
	"GET /v1/campaigns/{campaign}/vouchers":  "read campaigns",

	"POST /v1/vouchers":                   "campaigns",
	"GET /v1/vouchers":                    "read campaigns",
	"POST /v1/vouchers/lookup":            "read campaigns",
	"GET /v1/vouchers/{voucher}":          "read campaigns",
	"PATCH /v1/vouchers/{voucher}":        "campaigns",
	"POST /v1/vouchers/{voucher}/enable":  "campaigns",
	"POST /v1/vouchers/{voucher}/disable": "campaigns",

	"GET /v1/wallets/{customer}":              "read wallets",
	"GET /v1/wallets/{customer}/transactions": "read wallets",

	"GET /v1/seals":        "read",
	"GET /v1/seals/latest": "read",
	"GET /v1/seals/{seal}": "read",

	"POST /v1/keys":              "",
	"GET /v1/keys":               "",
	"GET /v1/keys/{key}":         "",
	"PATCH /v1/keys/{key}":       "",
	"POST /v1/keys/{key}/rotate": "",
	"POST /v1/keys/{key}/revoke": "",
	"GET /v1/audit-events":       "",

	"GET /":             "anyone",
	"GET /healthz":      "anyone",
	"GET /readyz":       "anyone",
	"GET /metrics":      "read",
	"GET /openapi.yaml": "anyone",
}

// caller is one kind of who may ask.
type callerKind struct {
	name   string
	header string   // "" for none
	has    []string // what whoMayCall must name one of; nil: no valid key
}

// callers makes one of each kind on a server that asks for keys.
func callers(b *bundle) []callerKind {
	b.tb.Helper()
	ctx := b.tb.Context()
	stranger, _, _, err := access.NewSecret(access.Secret, strings.NewReader(strings.Repeat("!", 32)))
	if err != nil {
		b.tb.Fatal(err)
	}
	all := []callerKind{
		{name: "nobody"},
		{name: "garbage", header: bearer("sk_letmein")},
		{name: "no key", header: "Authorization: Bearer "},
		{name: "no scheme", header: "Authorization: " + stranger},
		{name: "another scheme", header: "Authorization: Digest " + stranger},
		{name: "a stranger", header: bearer(stranger)},
	}
	for _, name := range access.All.Names() {
		scope, err := access.ParseScopes(name)
		if err != nil {
			b.tb.Fatal(err)
		}
		all = append(all, callerKind{name, bearer(b.key(scope).Secret), []string{name}})
	}
	most := access.All &^ access.Admin
	whole := b.key(access.All)
	all = append(all,
		callerKind{"all but admin", bearer(b.key(most).Secret), most.Names()},
		callerKind{"all", bearer(whole.Secret), access.All.Names()},
		callerKind{"all by Basic", "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(whole.Secret+":")), access.All.Names()},
		callerKind{"publishable", bearer(b.publishable().Secret), []string{"publishable"}},
	)

	revoked, rotated := b.key(access.All), b.key(access.All)
	expired := b.newKey(keyring.NewKey{Name: "short", Kind: access.Secret, Scopes: access.All, ExpiresAt: b.now().Add(time.Hour)})
	by := access.By{Name: access.NameCLI}
	if _, err := b.svc.Keys.Revoke(ctx, revoked.Key.ID, false, by); err != nil {
		b.tb.Fatal(err)
	}
	if _, err := b.svc.Keys.Rotate(ctx, rotated.Key.ID, keyring.Rotation{}, access.All, by); err != nil {
		b.tb.Fatal(err)
	}
	b.steps.Add(2 * time.Hour.Milliseconds())
	return append(all,
		callerKind{name: "revoked", header: bearer(revoked.Secret)},
		callerKind{name: "rotated out", header: bearer(rotated.Secret)},
		callerKind{name: "expired", header: bearer(expired.Secret)},
		callerKind{name: "all with a password", header: "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(whole.Secret+":x"))},
	)
}

// want is the status that a caller is refused with, 0 for none.
func (c *callerKind) want(may string) int {
	switch {
	case may == "anyone" || slices.Contains(c.has, "admin"):
		return 0
	case c.has == nil:
		return http.StatusUnauthorized
	case slices.ContainsFunc(c.has, func(has string) bool { return slices.Contains(strings.Fields(may), has) }):
		return 0
	default:
		return http.StatusForbidden
	}
}

// Every operation of the contract by every kind of caller.
func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	reasons := newCounts()
	b := setupKeyed(t, false, func(c *httpapi.Config) {
		c.Refused = reasons.add
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "0")
			w.Header().Set("Content-Type", "text/plain")
		})
	})
	kinds := callers(b)
	operations := 0
	for path, item := range model(t).Paths.PathItems.FromOldest() {
		for verb := range item.GetOperations().FromOldest() {
			operations++
			method := strings.ToUpper(verb)
			may, written := whoMayCall[method+" "+path]
			if !written {
				t.Errorf("%s %s has no line in whoMayCall", method, path)
				continue
			}
			for _, c := range kinds {
				b.judge(t, &c, method, path, may)
			}
		}
	}
	if operations != len(whoMayCall) {
		t.Errorf("%d operations, but %d lines in whoMayCall", operations, len(whoMayCall))
	}
	for _, reason := range []string{"no_key", "malformed", "unknown", "scope"} {
		if reasons.of(reason) == 0 {
			t.Errorf("no refusal is counted as %s", reason)
		}
	}
}

// judge asks once, and once more without wanting the body where that is possible.
func (b *bundle) judge(t *testing.T, c *callerKind, method, path, may string) {
	t.Helper()
	body := ""
	headers := []string{asJSON}
	if method != http.MethodGet {
		body = "{}"
	}
	if c.header != "" {
		headers = append(headers, c.header)
	}
	r := b.do(method, somePath(path), body, headers...)
	want := c.want(may)
	code := problemCode([]byte(r.body))
	switch want {
	case 0:
		if r.status == http.StatusUnauthorized || r.status == http.StatusForbidden || code == fault.ErrNoRoute.Code && path != "/metrics" {
			t.Errorf("%s may call %s %s, but gets %d %s", c.name, method, path, r.status, r.body)
		}
	case http.StatusUnauthorized:
		if r.status != want || code != "unauthorized" || r.header.Get("WWW-Authenticate") != `Bearer realm="scrip"` {
			t.Errorf("%s may not call %s %s, but gets %d %s, %s", c.name, method, path, r.status, r.body, r.header.Get("WWW-Authenticate"))
		}
	default:
		if r.status != want || code != "insufficient_scope" || r.header.Get("WWW-Authenticate") != `Bearer realm="scrip", error="insufficient_scope"` {
			t.Errorf("%s may not call %s %s, but gets %d %s, %s", c.name, method, path, r.status, r.body, r.header.Get("WWW-Authenticate"))
		}
	}
	if method == http.MethodGet {
		if head := b.do(http.MethodHead, somePath(path), "", headers...); head.status != r.status {
			t.Errorf("%s: HEAD %s is %d, GET is %d", c.name, path, head.status, r.status)
		}
	}
}

// The contract's security, the route table and the table above say the same of each operation.
func TestSecurityAgrees(t *testing.T) {
	t.Parallel()
	m := model(t)
	for _, rt := range httpapi.Routes() {
		name := rt.Method + " " + rt.Path
		op := m.Paths.PathItems.GetOrZero(rt.Path).GetOperations().GetOrZero(strings.ToLower(rt.Method))
		inCode := rt.Scopes.Names()
		if rt.Publishable {
			inCode = append(inCode, "publishable")
		}
		if rt.Anyone {
			inCode = append(inCode, "anyone")
		}
		inTable := strings.Fields(whoMayCall[name])
		if len(inTable) == 0 {
			inTable = []string{"admin"}
		}
		inContract := secured(op)
		for _, names := range [][]string{inCode, inTable, inContract} {
			slices.Sort(names)
		}
		if !slices.Equal(inCode, inTable) || !slices.Equal(inCode, inContract) {
			t.Errorf("%s: the routes say %v, the contract %v, the test's table %v", name, inCode, inContract, inTable)
		}
		refuses := op.Responses.Codes.GetOrZero("401") != nil && op.Responses.Codes.GetOrZero("403") != nil
		if refuses == rt.Anyone {
			t.Errorf("%s: 401 and 403 are in the contract: %v", name, refuses)
		}
	}
}

// docs/access.md says of each operation what the table above says.
func TestDocumentAgrees(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]*)` \\| ([a-z, ]*)\\| (yes )?\\| (yes )?\\|$").FindAllStringSubmatch(string(text), -1)
	for _, row := range rows {
		said := strings.Fields(strings.ReplaceAll(row[2], ",", ""))
		if row[3] != "" {
			said = append(said, "publishable")
		}
		if row[4] != "" {
			said = append(said, "anyone")
		}
		want := strings.Fields(whoMayCall[row[1]])
		if len(want) == 0 {
			want = []string{"admin"}
		}
		if !slices.Equal(said, want) {
			t.Errorf("%s: the document says %v, the table %v", row[1], said, want)
		}
	}
	if len(rows) != len(whoMayCall) {
		t.Errorf("docs/access.md has %d operations, want %d", len(rows), len(whoMayCall))
	}
}

// secured is whom an operation's security lets in.
func secured(op *v3.Operation) []string {
	if op.Security != nil && len(op.Security) == 0 {
		return []string{"anyone"}
	}
	var out []string
	for _, requirement := range op.Security {
		for scheme, scopes := range requirement.Requirements.FromOldest() {
			if scheme == "publishableKey" {
				out = append(out, "publishable")
				continue
			}
			out = append(out, scopes...)
		}
	}
	return out
}

// A server that asks for no keys lets everybody everywhere, whatever they carry.
func TestOpenServer(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]*bundle{"no access": setup(t), "no key yet": setupKeyed(t, true)} {
		for operation := range whoMayCall {
			method, path, _ := strings.Cut(operation, " ")
			for _, header := range []string{"X-Nothing: 1", bearer("sk_letmein")} {
				if r := b.do(method, somePath(path), "{}", asJSON, header); r.status == http.StatusUnauthorized || r.status == http.StatusForbidden {
					t.Errorf("%s: %s is %d %s", name, operation, r.status, r.body)
				}
			}
		}
	}
}

// The first key, made by a request like any other, closes an open server with its answer.
func TestTheFirstKeyCloses(t *testing.T) {
	t.Parallel()
	b := setupKeyed(t, true)
	b.get("/v1/campaigns").took(t, http.StatusOK)
	made := b.post("/v1/keys", `{"name":"first","scopes":["admin"]}`).took(t, http.StatusCreated)
	b.get("/v1/campaigns").refused(t, http.StatusUnauthorized, "unauthorized")
	secret, _, _ := strings.Cut(made.body[strings.Index(made.body, `"secret":"`)+len(`"secret":"`):], `"`)
	b.do(http.MethodGet, "/v1/campaigns", "", bearer(secret)).took(t, http.StatusOK)
}

// What does not exist is 404 or 405 for whoever asks: the routes are public, and saying so costs nobody
// anything.
func TestUnknownRoutesNeedNoKey(t *testing.T) {
	t.Parallel()
	b := setupKeyed(t, false)
	secret := bearer(b.key(access.Redeem).Secret)
	for _, header := range []string{"X-Nothing: 1", bearer("sk_letmein"), secret} {
		b.do(http.MethodGet, "/v1/nothing", "", header).refused(t, http.StatusNotFound, "route_not_found")
		b.do(http.MethodGet, "/codes/use", "", header).refused(t, http.StatusMethodNotAllowed, "method_not_allowed")
		if r := b.do(http.MethodOptions, "/v1/keys", "", header); r.status != http.StatusNoContent {
			t.Errorf("OPTIONS is %d", r.status)
		}
	}
}

// The index tells how to call: with a key, where one is needed.
func TestIndexTellsOfKeys(t *testing.T) {
	t.Parallel()
	if r := setup(t).get("/").took(t, http.StatusOK); strings.Contains(r.body, "SCRIP_KEY") {
		t.Error(r.body)
	}
	if r := setupKeyed(t, false).get("/").took(t, http.StatusOK); strings.Count(r.body, `curl -u "$SCRIP_KEY:" -d`) != 3 {
		t.Error(r.body)
	}
}

// How a key can be presented.
func TestPresentation(t *testing.T) {
	t.Parallel()
	b := setupKeyed(t, false)
	secret := b.key(access.Read).Secret
	basic := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for _, c := range []struct {
		value string
		good  bool
	}{
		{"Bearer " + secret, true},
		{"bearer " + secret, true},
		{"BEARER " + secret, true},
		{"Basic " + basic(secret+":"), true},
		{"basic " + basic(secret+":"), true},
		{"Basic " + basic(secret), true},
		{"Basic " + basic(secret+":password"), false},
		{"Basic " + basic(":"+secret), false},
		{"Basic " + secret, false},
		{"Basic", false},
		{"Bearer", false},
		{"Bearer  " + secret, false},
		{"Bearer " + secret + ",Bearer " + secret, false},
		{"Bearer " + strings.ToUpper(secret), false},
		{"Token " + secret, false},
		{secret, false},
	} {
		r := b.do(http.MethodGet, "/v1/campaigns", "", "Authorization: "+c.value)
		if (r.status == http.StatusOK) != c.good {
			t.Errorf("%q: %d", strings.ReplaceAll(c.value, secret, "(secret)"), r.status)
		}
	}
	if r := b.do(http.MethodGet, "/v1/campaigns", "", bearer(secret), bearer(secret)); r.status != http.StatusUnauthorized {
		t.Errorf("two keys at once: %d", r.status)
	}
}

// All refusals of callers without a valid key are the same, byte for byte.
func TestUnauthorizedTellsNothing(t *testing.T) {
	t.Parallel()
	b := setupKeyed(t, false)
	var first reply
	for _, c := range callers(b) {
		if c.has != nil {
			continue
		}
		header := c.header
		if header == "" {
			header = "X-Nothing: 1"
		}
		r := b.do(http.MethodPost, "/v1/redemptions", `{"code":"salam","customer":"ali"}`, asJSON, header, "X-Request-Id: one")
		r.header.Del("Date")
		if first.header == nil {
			first = r
		}
		if r.body != first.body || len(r.header) != len(first.header) || r.header.Get("WWW-Authenticate") != first.header.Get("WWW-Authenticate") {
			t.Errorf("%s is told apart: %v %s", c.name, r.header, r.body)
		}
	}
}
