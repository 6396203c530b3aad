package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/httpapi"
	"scrip/internal/store"
)

func TestPanicsAndFailures(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, want := range map[string]struct {
		handle func(http.ResponseWriter, *http.Request) error
		status int
		code   fault.Code
		logs   string
	}{
		"panic":     {func(http.ResponseWriter, *http.Request) error { panic("boom") }, 500, "internal", "type string"},
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
			t.Parallel()
			log := &logged{}
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
}

// The one panic that net/http means for itself is left to it.
func TestAbort(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h := httpapi.NewWith(httpapi.Config{}, b.svc, "GET /test", func(http.ResponseWriter, *http.Request) error {
		panic(http.ErrAbortHandler)
	})
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v", err)
		}
	}()
	record(t, h, "/test")
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	var reason error
	var away []string
	b := setup(t, func(c *httpapi.Config) {
		c.Ready, c.Degraded = func() error { return reason }, func() []string { return away }
	})
	if r := b.get("/readyz").took(t, http.StatusOK); r.body != `{"status":"ready","version":"1.2.3"}` {
		t.Error(r.body)
	}
	away = []string{"redis"}
	if r := b.get("/readyz").took(t, http.StatusOK); r.body != `{"status":"ready","version":"1.2.3","degraded":["redis"]}` {
		t.Error(r.body)
	}
	reason = fault.ErrShuttingDown
	r := b.get("/readyz")
	r.refused(t, http.StatusServiceUnavailable, "shutting_down")
	if after := r.header.Get("Retry-After"); !slices.Contains([]string{"1", "2", "3"}, after) {
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
			observed(route, status, took)
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
	b := setup(t)
	b.shared("salam", "", "")
	s.redemptionStore = b.store
	b.redeemWith(s, func(c *httpapi.Config) { c.RequestTimeout = time.Second }) // enough to reach the store
	t.Cleanup(func() { close(s.release) })
	r := b.do(http.MethodPost, "/codes/use", `{"code":"salam","mobile":"09123456789"}`)
	p := r.refused(t, http.StatusServiceUnavailable, "timeout")
	if !p.Retryable || r.header.Get("Retry-After") == "" {
		t.Errorf("%s %v", r.body, r.header)
	}
}
