package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"scrip/internal/fault"
)

const asJSON = "Content-Type: application/json"

// problem is what tests look at in one.
type problem struct {
	Type       string          `json:"type"`
	Title      string          `json:"title"`
	Status     int             `json:"status"`
	Detail     string          `json:"detail"`
	Code       fault.Code      `json:"code"`
	Field      string          `json:"field"`
	RequestID  string          `json:"request_id"`
	Retryable  bool            `json:"retryable"`
	Redemption json.RawMessage `json:"redemption"`
}

func problemCode(body []byte) fault.Code {
	var p problem
	if json.Unmarshal(body, &p) != nil {
		return ""
	}
	return p.Code
}

// json decodes the answer into a tree.
func (r reply) json(tb testing.TB) map[string]any {
	tb.Helper()
	out := map[string]any{}
	if err := json.Unmarshal([]byte(r.body), &out); err != nil {
		tb.Fatalf("%v\n%s", err, r.body)
	}
	return out
}

// text is a string member of the answer.
func (r reply) text(tb testing.TB, member string) string {
	tb.Helper()
	s, ok := r.json(tb)[member].(string)
	if !ok {
		tb.Fatalf("no %q in %s", member, r.body)
	}
	return s
}

// refused checks that the answer is a problem of a code, with its status and in its own type.
func (r reply) refused(tb testing.TB, status int, code fault.Code) problem {
	tb.Helper()
	var p problem
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		tb.Fatalf("want the problem %s, got %d %s", code, r.status, r.body)
	}
	if r.status != status || p.Status != status || p.Code != code {
		tb.Fatalf("want %d %s, got %d %s", status, code, r.status, r.body)
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		tb.Errorf("a problem of type %q", got)
	}
	if p.RequestID != r.header.Get("X-Request-Id") {
		tb.Errorf("request_id %q, X-Request-Id %q", p.RequestID, r.header.Get("X-Request-Id"))
	}
	if p.Detail == "" || p.Title == "" {
		tb.Errorf("a problem that says nothing: %s", r.body)
	}
	return p
}

// took checks that the answer is a success.
func (r reply) took(tb testing.TB, status int) reply {
	tb.Helper()
	if r.status != status {
		tb.Fatalf("want %d, got %d %s", status, r.status, r.body)
	}
	return r
}

func (b *bundle) post(path, body string, headers ...string) reply {
	b.tb.Helper()
	if body != "" {
		headers = append(headers, asJSON)
	}
	return b.do(http.MethodPost, path, body, headers...)
}

func (b *bundle) patch(path, body string) reply {
	b.tb.Helper()
	return b.do(http.MethodPatch, path, body, asJSON)
}

func (b *bundle) get(path string) reply {
	b.tb.Helper()
	return b.do(http.MethodGet, path, "")
}

// shared makes a campaign that credits 1,000 rial, with a shared code, and returns both ids.
func (b *bundle) shared(code, voucherMore, campaignMore string) (campaign, voucher string) {
	b.tb.Helper()
	body := `{"name":"` + code + `","effect":{"kind":"credit","amount":100000}` + campaignMore +
		`,"voucher":{"code":"` + code + `"` + voucherMore + `}}`
	made := b.post("/v1/campaigns", body).took(b.tb, http.StatusCreated).json(b.tb)
	first, ok := made["voucher"].(map[string]any)
	if !ok {
		b.tb.Fatalf("no voucher in %v", made)
	}
	return fmt.Sprint(made["id"]), fmt.Sprint(first["id"])
}
