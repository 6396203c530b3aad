package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/httpapi"
	"scrip/internal/store"
)

// A guesser learns nothing: four reasons, one answer.
func TestNotRedeemableIsOneAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shared("soon", "", `,"starts_at":"2099-01-01T00:00:00Z"`)
	b.shared("off", "", `,"disabled":true`)
	b.shared("hers", `,"customer":"sara"`, "")
	_, own := b.shared("closed", "", "")
	b.do(http.MethodPost, "/v1/vouchers/"+own+"/disable", "").took(t, http.StatusOK)
	hidden := regexp.MustCompile(`req_[0-9a-z]{26}`)
	for _, path := range []string{"/codes/use", "/codes/report"} {
		var first string
		for _, code := range []string{"nothing", "soon", "off", "hers", "closed"} {
			body := `{"code":"` + code + `"}`
			if path == "/codes/use" {
				body = `{"code":"` + code + `","mobile":"09123456789"}`
			}
			for range 3 { // from the store, and from the gate
				r := b.do(http.MethodPost, path, body)
				r.refused(t, http.StatusNotFound, "not_redeemable")
				text := hidden.ReplaceAllString(r.body, "")
				if first == "" {
					first = text
				}
				if text != first {
					t.Errorf("%s of %q is told apart:\n%s\n%s", path, code, first, text)
				}
			}
		}
	}
}

// What a crowd deserves to know is said plainly, on the public routes too.
func TestPublicTruth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shared("ended", "", `,"ends_at":"2026-01-01T00:00:00Z"`)
	b.shared("sold", `,"limit":1`, "")
	b.shared("poor", "", `,"budget":{"count":1}`)
	use := func(code, mobile string) reply {
		return b.do(http.MethodPost, "/codes/use", `{"code":"`+code+`","mobile":"`+mobile+`"}`)
	}
	use("sold", "winner").took(t, http.StatusOK)
	use("poor", "winner").took(t, http.StatusOK)
	for range 3 {
		use("ended", "late").refused(t, http.StatusBadRequest, "voucher_expired")
		use("sold", "late").refused(t, http.StatusBadRequest, "quantity_exceeded")
		use("poor", "late").refused(t, http.StatusBadRequest, "budget_exceeded")
		p := use("sold", "winner").refused(t, http.StatusBadRequest, "already_redeemed")
		if !strings.Contains(string(p.Redemption), `"rank":1`) {
			t.Errorf("a winner has no receipt: %s", p.Redemption)
		}
	}
	r := b.do(http.MethodPost, "/codes/report", `{"code":"sold"}`).took(t, http.StatusOK)
	if r.body != `{"code":"sold","credit":1000,"consumerCount":0}` {
		t.Error(r.body)
	}
}

// Each face replays in its own shape, and a replay is the first answer byte for byte.
func TestReplay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	campaign, _ := b.shared("salam", "", "")
	const key = "Idempotency-Key: once"
	first := b.post("/v1/redemptions", `{"code":"salam","customer":"ali"}`, key).took(t, http.StatusCreated)
	b.do(http.MethodPost, "/v1/redemptions/"+first.text(t, "id")+"/rollback", "").took(t, http.StatusCreated)
	b.do(http.MethodPost, "/v1/campaigns/"+campaign+"/disable", "").took(t, http.StatusOK)
	again := b.post("/v1/redemptions", `{"code":"salam","customer":"ali"}`, key).took(t, http.StatusCreated)
	if again.body != first.body || again.header.Get("Idempotent-Replayed") != "true" || first.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("first %s %v\nagain %s %v", first.body, first.header, again.body, again.header)
	}
	b.do(http.MethodPost, "/codes/use", `{"code":"salam","mobile":"ali"}`, key).refused(t, http.StatusConflict, "idempotency_key_reused")

	made := b.post("/v1/campaigns", `{"name":"n","effect":{"kind":"credit","amount":5},"voucher":{"limit":3}}`, key).took(t, http.StatusCreated)
	b.patch("/v1/campaigns/"+made.text(t, "id"), `{"name":"m","disabled":true}`).took(t, http.StatusOK)
	remade := b.post("/v1/campaigns", `{"name":"n","effect":{"kind":"credit","amount":5},"voucher":{"limit":3}}`, key).took(t, http.StatusCreated)
	if remade.body != made.body {
		t.Errorf("first %s\nagain %s", made.body, remade.body)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shared("salam", "", "")
	for _, path := range []string{"/codes/use", "/v1/redemptions", "/v1/campaigns", "/v1/redemptions/rdm_" + someID + "/rollback", "/v1/campaigns/cmp_" + someID + "/vouchers"} {
		body := map[string]string{
			"/codes/use": `{"code":"salam","mobile":"1"}`, "/v1/redemptions": `{"code":"salam","customer":"1"}`,
			"/v1/campaigns": `{"name":"n","effect":{"kind":"credit","amount":5}}`,
		}[path]
		for _, key := range []string{"", "a b", "a\tb", "کلید", strings.Repeat("k", 256)} {
			p := b.post(path, body, "Idempotency-Key: "+key).refused(t, http.StatusBadRequest, "invalid_idempotency_key")
			if p.Field != "Idempotency-Key" {
				t.Errorf("the field is %q", p.Field)
			}
		}
		b.post(path, body, "Idempotency-Key: a", "Idempotency-Key: b").refused(t, http.StatusBadRequest, "invalid_idempotency_key")
	}
	b.post("/v1/redemptions", `{"code":"salam","customer":"1"}`, "Idempotency-Key: "+strings.Repeat("~", 255)).took(t, http.StatusCreated)
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for given, kept := range map[string]bool{
		"a": true, "Trace-1.2_3": true, strings.Repeat("x", 64): true,
		strings.Repeat("x", 65): false, "a b": false, "a\"b": false, "é": false, "": false,
	} {
		r := b.do(http.MethodGet, "/nothing", "", "X-Request-Id: "+given)
		got := r.refused(t, http.StatusNotFound, "route_not_found").RequestID
		if (got == given) != kept || !kept && !regexp.MustCompile(`^req_[0-9a-z]{26}$`).MatchString(got) {
			t.Errorf("X-Request-Id %q gave %q", given, got)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := `{"name":"n","effect":{"kind":"credit","amount":5}}`
	for _, good := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON", "application/json;x=y"} {
		b.do(http.MethodPost, "/v1/campaigns", body, "Content-Type: "+good).took(t, http.StatusCreated)
	}
	b.do(http.MethodPost, "/v1/campaigns", body).took(t, http.StatusCreated)
	for _, bad := range []string{"text/plain", "application/x-www-form-urlencoded", "application/jsonx", "nonsense;;;", "application/problem+json"} {
		b.do(http.MethodPost, "/v1/campaigns", body, "Content-Type: "+bad).refused(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
	}
	for _, path := range []string{"/v1/campaigns", "/codes/use"} {
		p := b.post(path, body, "Content-Encoding: gzip").refused(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
		if p.Field != "Content-Encoding" {
			t.Error(p.Field)
		}
	}
}

func TestBodyCaps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, rt := range httpapi.Routes() {
		if rt.BytesMax == 0 {
			continue
		}
		for _, streamed := range []bool{false, true} {
			for over, want := range map[int]int{0: http.StatusBadRequest, 1: http.StatusRequestEntityTooLarge} {
				body := `{"surprise":1` + strings.Repeat(" ", rt.BytesMax+over-len(`{"surprise":1}`)) + `}`
				var reader io.Reader = strings.NewReader(body)
				if streamed {
					reader = io.MultiReader(reader) // no length is known
				}
				req, err := http.NewRequestWithContext(t.Context(), rt.Method, b.url+somePath(rt.Path), reader)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/json")
				if r := b.send(req, []byte(body)); r.status != want {
					t.Errorf("%s %s, %d over: want %d, got %d %s", rt.Method, rt.Path, over, want, r.status, r.body)
				}
			}
		}
	}
}

// A client that promises more than it sends gets a problem, not a hang, once the server's own timeout or
// the end of the connection says so.
func TestBrokenBody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "POST /codes/use HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"code\":"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusBadRequest || problemCode(body) != "invalid_request" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestPanicsAndFailures(t *testing.T) {
	t.Parallel()
	b := setup(t)
	log := &logged{}
	for name, want := range map[string]struct {
		handle func(http.ResponseWriter, *http.Request) error
		status int
		code   fault.Code
		logs   string
	}{
		"panic":     {func(http.ResponseWriter, *http.Request) error { panic("boom") }, 500, "internal", "boom"},
		"nil panic": {func(http.ResponseWriter, *http.Request) error { var f *fault.Error; _ = f.Kind; return nil }, 500, "internal", "nil pointer"},
		"failure":   {func(http.ResponseWriter, *http.Request) error { return errors.New("the disk is gone") }, 500, "internal", "the disk is gone"},
		"deadline": {func(http.ResponseWriter, *http.Request) error {
			return fmt.Errorf("read: %w", context.DeadlineExceeded)
		}, 503, "timeout", "deadline"},
		"limited": {func(http.ResponseWriter, *http.Request) error {
			return &fault.Error{Kind: fault.Limited, Code: "slow_down", Message: "Slow down.", Retry: 1500 * time.Millisecond}
		}, 429, "slow_down", ""},
		"unauthorized": {func(http.ResponseWriter, *http.Request) error {
			return &fault.Error{Kind: fault.Unauthorized, Code: "no_key", Message: "Send a key."}
		}, 401, "no_key", ""},
		"forbidden": {func(http.ResponseWriter, *http.Request) error {
			return &fault.Error{Kind: fault.Forbidden, Code: "no_scope", Message: "Not with this key."}
		}, 403, "no_scope", ""},
	} {
		t.Run(name, func(t *testing.T) {
			log.reset()
			h := httpapi.NewWith(httpapi.Config{Log: log.logger()}, b.svc, "GET /test", want.handle)
			w := record(t, h, "/test")
			if w.status != want.status || problemCode([]byte(w.body)) != want.code {
				t.Errorf("%d %s", w.status, w.body)
			}
			if strings.Contains(w.body, "disk") || strings.Contains(w.body, "boom") {
				t.Errorf("the cause is shown: %s", w.body)
			}
			if name == "limited" && w.header.Get("Retry-After") != "2" {
				t.Errorf("Retry-After %q", w.header.Get("Retry-After"))
			}
			text := log.text()
			if want.logs == "" && text != "" || !strings.Contains(text, want.logs) || strings.Count(text, "\n") > 1 {
				t.Errorf("logged %q", text)
			}
		})
	}
	h := httpapi.NewWith(httpapi.Config{Log: log.logger()}, b.svc, "GET /test", func(http.ResponseWriter, *http.Request) error {
		panic(http.ErrAbortHandler)
	})
	func() {
		defer func() {
			if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // the very value
				t.Errorf("recovered %v", p)
			}
		}()
		record(t, h, "/test")
	}()
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	var reason error
	b := setup(t, func(c *httpapi.Config) { c.Ready = func() error { return reason } })
	b.get("/readyz").took(t, http.StatusOK)
	reason = fault.ErrShuttingDown
	r := b.get("/readyz")
	r.refused(t, http.StatusServiceUnavailable, "shutting_down")
	if r.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
	}
	b.get("/healthz").took(t, http.StatusOK)
	reason = errors.New("database is locked")
	if p := b.get("/readyz").refused(t, http.StatusServiceUnavailable, "store_unavailable"); strings.Contains(p.Detail, "locked") {
		t.Error(p.Detail)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	b := setup(t, func(c *httpapi.Config) {
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.RawQuery == "panic" {
				panic("before a byte")
			}
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			_, _ = io.WriteString(w, "scrip_up 1\n")
		})
		c.Observe = func(route string, status int, took time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			if took <= 0 {
				t.Errorf("%s took %v", route, took)
			}
			seen[fmt.Sprint(route, " ", status)]++
		}
	})
	if r := b.get("/metrics").took(t, http.StatusOK); r.body != "scrip_up 1\n" {
		t.Error(r.body)
	}
	b.get("/v1/vouchers/vch_"+someID).refused(t, http.StatusNotFound, "voucher_not_found")
	b.get("/some/made/up/path").refused(t, http.StatusNotFound, "route_not_found")
	b.do(http.MethodDelete, "/codes/use", "").refused(t, http.StatusMethodNotAllowed, "method_not_allowed")
	if w := record(t, b.handler, "/metrics?panic"); w.status != http.StatusInternalServerError {
		t.Errorf("%d %s", w.status, w.body)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"GET /metrics 200", "GET /v1/vouchers/{voucher} 404", "unmatched 404", "unmatched 405", "GET /metrics 500"} {
		if seen[want] != 1 {
			t.Errorf("%q was observed %d times: %v", want, seen[want], seen)
		}
	}
}

// stuck is a store that does not answer until it is told to.
type stuck struct {
	redemptionStore
	release chan struct{}
}

func (s *stuck) Apply(ctx context.Context, commands []store.Command) ([]store.Outcome, error) {
	<-s.release
	return s.redemptionStore.Apply(ctx, commands)
}

// A request that gets no verdict in time is told so, and that it may still happen.
func TestTimeout(t *testing.T) {
	t.Parallel()
	s := &stuck{release: make(chan struct{})}
	b := setup(t, func(c *httpapi.Config) { c.RequestTimeout = 50 * time.Millisecond })
	b.shared("salam", "", "")
	s.redemptionStore = b.store
	b.redeemWith(s, func(c *httpapi.Config) { c.RequestTimeout = 50 * time.Millisecond })
	t.Cleanup(func() { close(s.release) })
	r := b.do(http.MethodPost, "/codes/use", `{"code":"salam","mobile":"09123456789"}`)
	p := r.refused(t, http.StatusServiceUnavailable, "timeout")
	if !p.Retryable || r.header.Get("Retry-After") == "" {
		t.Errorf("%s %v", r.body, r.header)
	}
}

// A crowd through the face: as many winners as uses, each once, with ranks 1 to n.
func TestCrowd(t *testing.T) {
	t.Parallel()
	const limit, crowd = 50, 400
	b := setupLive(t)
	b.shared("salam", fmt.Sprintf(`,"limit":%d`, limit), "")
	var mu sync.Mutex
	ranks := map[float64]bool{}
	var wg sync.WaitGroup
	gate := make(chan struct{}, 64)
	for n := range crowd {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			r := b.post("/v1/redemptions", fmt.Sprintf(`{"code":"salam","customer":"c-%d"}`, n/2)) // each comes twice
			if r.status != http.StatusCreated {
				if code := problemCode([]byte(r.body)); code != "quantity_exceeded" && code != "already_redeemed" {
					t.Errorf("%d %s", r.status, r.body)
				}
				return
			}
			mu.Lock()
			defer mu.Unlock()
			ranks[r.json(t)["rank"].(float64)] = true
		})
	}
	wg.Wait()
	if len(ranks) != limit || !ranks[1] || !ranks[limit] {
		t.Errorf("%d winners of %d", len(ranks), limit)
	}
}
