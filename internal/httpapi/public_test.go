package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"scrip/internal/access"
)

// hiddenCodes makes one code of each kind that a guesser must not tell from one that was never made.
func hiddenCodes(b *bundle) []string {
	b.tb.Helper()
	b.shared("future", "", `,"starts_at":"2027-01-01T00:00:00Z"`)
	b.shared("closed", "", `,"disabled":true`)
	_, off := b.shared("offline", "", "")
	b.shared("hers", `,"customer":"sara"`, "")
	b.patch("/v1/vouchers/"+off, `{"disabled":true}`).took(b.tb, http.StatusOK)
	return []string{"nothing", "future", "closed", "offline", "hers"}
}

// On the public face, which publishable keys and all callers of the seed's routes see, a code that is
// unknown, has not started, is disabled or is somebody else's gets one and the same answer.
func TestPublicFaceHidesCodes(t *testing.T) {
	t.Parallel()
	open := setup(t)
	codes := hiddenCodes(open)
	b := setupKeyed(t, true)
	hiddenCodes(b)
	app, till := bearer(b.publishable().Secret), bearer(b.key(access.Redeem).Secret) // the first closes the server
	for _, c := range []struct {
		name, path, body string
		b                *bundle
		key              string
	}{
		{"seed, open", "/codes/use", `{"code":%q,"mobile":"ali"}`, open, "X-Nothing: 1"},
		{"seed report, open", "/codes/report", `{"code":%q}`, open, "X-Nothing: 1"},
		{"seed, publishable", "/codes/use", `{"code":%q,"mobile":"ali"}`, b, app},
		{"seed, secret", "/codes/use", `{"code":%q,"mobile":"ali"}`, b, till},
		{"seed report, secret", "/codes/report", `{"code":%q}`, b, till},
		{"redeem, publishable", "/v1/redemptions", `{"code":%q,"customer":"ali"}`, b, app},
		{"validate, publishable", "/v1/validations", `{"code":%q,"customer":"ali"}`, b, app},
	} {
		answers := map[string]bool{}
		for _, code := range codes {
			r := c.b.do(http.MethodPost, c.path, fmt.Sprintf(c.body, code), asJSON, c.key, "X-Request-Id: one")
			if !strings.Contains(r.body, `"code":"not_redeemable"`) {
				t.Errorf("%s: %s is %d %s", c.name, code, r.status, r.body)
			}
			r.header.Del("Date")
			answers[fmt.Sprint(r.status, r.header, r.body)] = true
		}
		if len(answers) != 1 {
			t.Errorf("%s: a guesser tells the codes apart: %v", c.name, answers)
		}
	}
	// A till is trusted with the reason.
	for i, want := range []string{"voucher_not_found", "voucher_not_active", "voucher_disabled", "voucher_disabled", "voucher_assigned"} {
		for _, path := range []string{"/v1/redemptions", "/v1/validations"} {
			r := b.do(http.MethodPost, path, fmt.Sprintf(`{"code":%q,"customer":"ali"}`, codes[i]), asJSON, till)
			if !strings.Contains(r.body, `"code":"`+want+`"`) {
				t.Errorf("a till asks %s for %s: %s", path, codes[i], r.body)
			}
		}
	}
}

// What a crowd deserves to hear is said plainly to everybody.
func TestPublicFaceIsPlain(t *testing.T) {
	t.Parallel()
	b := setupKeyed(t, true)
	b.shared("gone", `,"limit":1`, "")
	b.shared("over", "", `,"ends_at":"2026-01-01T00:00:00Z"`)
	app := bearer(b.publishable().Secret)
	redeem := func(code, customer string) reply {
		return b.do(http.MethodPost, "/v1/redemptions", fmt.Sprintf(`{"code":%q,"customer":%q}`, code, customer), asJSON, app)
	}
	redeem("gone", "ali").took(t, http.StatusCreated)
	redeem("gone", "sara").refused(t, http.StatusBadRequest, "quantity_exceeded")
	redeem("over", "sara").refused(t, http.StatusBadRequest, "voucher_expired")
	redeem("gone", "ali").refused(t, http.StatusBadRequest, "already_redeemed")
}

// A receipt on the public face has what a winner wants to read and nothing that opens another door:
// whoever knows a mobile number and a code may see it.
func TestPublicReceipts(t *testing.T) {
	t.Parallel()
	b := setupKeyed(t, true)
	b.shared("salam", `,"limit":3`, "")
	app, till := bearer(b.publishable().Secret), bearer(b.key(access.Redeem).Secret)
	ask := func(path, key string) reply {
		return b.do(http.MethodPost, path, `{"code":"salam","customer":"ali"}`, asJSON, key)
	}
	secret := []string{"vch_", "cmp_", "txn_", `"balance"`}

	ready := ask("/v1/validations", app).took(t, http.StatusOK)
	without(t, "a dry run", ready.body, secret...)
	with(t, "a dry run", ready.body, `"valid":true`, `"remaining":3`, `"amount"`)

	won := ask("/v1/redemptions", app).took(t, http.StatusCreated)
	without(t, "the winner's own", won.body, secret...)
	with(t, "the winner's own", won.body, `"id":"rdm_`, `"rank":1`, `"limit":3`, `"code":"salam"`, `"customer":"ali"`)

	for name, r := range map[string]reply{
		"asked again": ask("/v1/redemptions", app),
		"a dry run":   ask("/v1/validations", app),
		"the seed":    b.do(http.MethodPost, "/codes/use", `{"code":"salam","mobile":"ali"}`, asJSON, till),
	} {
		without(t, name, r.body, append(secret, "rdm_")...)
		with(t, name, r.body, `"code":"already_redeemed"`, `"redemption":{"object":"redemption"`, `"rank":1`)
	}
	for name, r := range map[string]reply{"a till": ask("/v1/redemptions", till), "a till's dry run": ask("/v1/validations", till)} {
		with(t, name, r.body, `"code":"already_redeemed"`, `"id":"rdm_`, "vch_", "cmp_", "txn_", `"balance"`)
	}

	// The same key again gets the first answer again, byte for byte.
	again := func() reply {
		return b.do(http.MethodPost, "/v1/redemptions", `{"code":"salam","customer":"reza"}`, asJSON, app, "Idempotency-Key: r-1")
	}
	first, second := again().took(t, http.StatusCreated), again().took(t, http.StatusCreated)
	if first.body != second.body || second.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%s\nthen %s", first.body, second.body)
	}
}

func with(t *testing.T, name, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s: no %s in %s", name, part, text)
		}
	}
}

func without(t *testing.T, name, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("%s: %s is in %s", name, part, text)
		}
	}
}
