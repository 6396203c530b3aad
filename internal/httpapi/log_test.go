package httpapi_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"scrip/internal/httpapi"
)

// logged is a log that a test can read.
type logged struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	level slog.LevelVar
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logged) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: &l.level}))
}

// record asks a handler without a socket, so that a test sees what net/http would hide.
func record(t *testing.T, h http.Handler, path string) reply {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
	res := w.Result()
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{status: res.StatusCode, header: res.Header, body: string(body)}
}

// The access log has a line for every request, and no line has a code or a customer in it.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	log := &logged{}
	log.level.Set(slog.LevelDebug)
	access := httpapi.NewAccessLog(log.logger())
	b := setup(t, func(c *httpapi.Config) { c.AccessLog, c.Log = access, log.logger() })
	b.shared("Sesame77", "", "")
	b.do(http.MethodPost, "/codes/use", `{"code":"Sesame77","mobile":"09123456789"}`).took(t, http.StatusOK)
	b.do(http.MethodPost, "/codes/use", `{"code":"Sesame77","mobile":"09123456789"}`)
	b.do(http.MethodPost, "/codes/use", `{"code":"Sesame77","mobile":"09123456789","Sesame77":1}`)
	b.do(http.MethodPost, "/codes/use", `{"code":Sesame77}`)
	b.get("/v1/wallets/09123456789/transactions")
	b.get("/v1/Sesame77")
	b.get("/v1/vouchers?code=Sesame77")
	b.do("SESAME77", "/", "")
	access.Close()
	text := log.text()
	if n := strings.Count(text, "msg=request"); n != 9 {
		t.Errorf("%d lines:\n%s", n, text)
	}
	for _, secret := range []string{"esame77", "ESAME77", "9123456789"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in the log:\n%s", secret, text)
		}
	}
	for _, want := range []string{`route="POST /codes/use"`, "status=200", "code=already_redeemed", "request_id=req_", "took="} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

// Above debug level only what failed on our side is a line, and too many of those are counted instead.
func TestAccessLogIsBounded(t *testing.T) {
	t.Parallel()
	log := &logged{}
	log.level.Set(slog.LevelInfo)
	access := httpapi.NewAccessLog(log.logger())
	down := false
	b := setup(t, func(c *httpapi.Config) {
		c.AccessLog = access
		c.Ready = func() error {
			if down {
				return http.ErrServerClosed
			}
			return nil
		}
	})
	for range 10 {
		record(t, b.handler, "/readyz")
	}
	if text := log.text(); text != "" {
		t.Errorf("logged %s", text)
	}
	down = true
	start := time.Now()
	for range 3000 {
		record(t, b.handler, "/readyz")
	}
	seconds := int(time.Since(start).Seconds()) + 2
	access.Close()
	text := log.text()
	if n := strings.Count(text, "level=WARN msg=request"); n == 0 || n > 500*seconds {
		t.Errorf("%d lines in %d seconds", n, seconds)
	}
	if !strings.Contains(text, "lines of the access log were dropped") {
		t.Error("the drops are not reported")
	}
}

// Without an access log, what fails is logged all the same.
func TestFailuresAreLogged(t *testing.T) {
	t.Parallel()
	log := &logged{}
	b := setup(t, func(c *httpapi.Config) {
		c.Log = log.logger()
		c.Ready = func() error { return http.ErrServerClosed }
	})
	record(t, b.handler, "/readyz")
	record(t, b.handler, "/healthz")
	if text := log.text(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "Server closed") {
		t.Errorf("logged %q", text)
	}
}
