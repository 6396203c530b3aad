package httpapi_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"scrip/internal/fault"
	"scrip/internal/httpapi"
)

// FuzzBody reads anything as any body: no panic, and whatever is refused is refused by a fault that is
// the caller's, in text that can be shown.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `null`, `{"code":"salam","mobile":"093648644710"}`, `{"code":"salam","customer":"a","order":{"id":"x","amount":1,"currency":"IRR"}}`,
		`{"name":"n","effect":{"kind":"credit","amount":1},"starts_at":"2026-03-20T12:00:00Z","budget":{"count":null}}`,
		`{"redemptions":[{"code":"a","customer":"b","idempotency_key":"k"}]}`, `{"amount":1e99}`, `{"limit":-0}`, "{\"\xff\":1}", `{"a":1,"a":2}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, name := range httpapi.Bodies() {
			err := httpapi.Decode(name, body)
			if err == nil {
				continue
			}
			e, ok := errors.AsType[*fault.Error](err)
			if !ok || e.Kind != fault.Invalid {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if !utf8.ValidString(e.Message) || !utf8.ValidString(e.Field) || len(e.Message) > 500 {
				t.Errorf("%s: %q on %q can't be shown", name, e.Message, e.Field)
			}
		}
	})
}

// FuzzRequest sends anything to any route: never a failure of ours, always an answer of the contract.
func FuzzRequest(f *testing.F) {
	b := setup(f)
	campaign, voucher := b.shared("salam", "", "")
	rdm := b.post("/v1/redemptions", `{"code":"salam","customer":"ali"}`).took(f, http.StatusCreated).text(f, "id")
	routes := httpapi.Routes()
	for i := range routes {
		f.Add(uint(i), "ali", "limit=1&starting_after="+rdm, `{"code":"salam","customer":"ali"}`, "key")
		f.Add(uint(i), voucher, "campaign="+campaign, `{"name":"n","effect":{"kind":"credit","amount":5},"voucher":{"code":"\u06f1"}}`, "")
		f.Add(uint(i), campaign, "customer=%D8", `{"limit":null,"disabled":false,"reason":"x"}`, "\x00")
	}
	f.Fuzz(func(t *testing.T, at uint, name, query, body, key string) {
		rt := routes[at%uint(len(routes))]
		path := rt.Path
		if i := strings.IndexByte(path, '{'); i >= 0 {
			path = path[:i] + escape(name) + path[strings.IndexByte(path, '}')+1:]
		}
		req := httptest.NewRequestWithContext(t.Context(), rt.Method, "/", strings.NewReader(body))
		req.URL.Path, req.URL.RawPath = "", ""
		u, err := req.URL.Parse("http://127.0.0.1" + path)
		if err != nil {
			t.Skip()
		}
		u.RawQuery = query
		req.URL, req.RequestURI = u, ""
		req.Header.Set("Content-Type", "application/json")
		if key != "" {
			req.Header.Set("Idempotency-Key", key)
		}
		w := httptest.NewRecorder()
		b.handler.ServeHTTP(w, req)
		res := w.Result()
		defer func() { _ = res.Body.Close() }()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode >= 500 {
			t.Fatalf("%s %s: %d %s", rt.Method, u, res.StatusCode, answer)
		}
		res.ContentLength = int64(len(answer)) // a recorder knows none
		if res.StatusCode < 300 {
			req.Header.Del("Content-Type") // what is taken is held to the contract elsewhere
		}
		holdToContract(t, req, []byte(body), res, answer)
	})
}

// escape is s as one segment of a path.
func escape(s string) string {
	var out strings.Builder
	for i := range len(s) {
		const hex = "0123456789ABCDEF"
		if c := s[i]; 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' {
			out.WriteByte(c)
			continue
		}
		out.WriteString("%" + string(hex[s[i]>>4]) + string(hex[s[i]&15]))
	}
	return out.String()
}
