package httpapi_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"scrip/internal/store"
)

// busy is a store whose commits wait until they are released, and tell that they do.
type busy struct {
	redemptionStore
	entered chan int // how many commands are in the batch
	release chan struct{}
}

func (s *busy) Apply(ctx context.Context, commands []store.Command) ([]store.Outcome, error) {
	s.entered <- len(commands)
	<-s.release
	return s.redemptionStore.Apply(ctx, commands)
}

// setupBusy starts a server whose store is busy with one redemption.
func setupBusy(t *testing.T) (b *bundle, release func()) {
	t.Helper()
	b = setup(t)
	b.shared("salam", "", "")
	s := &busy{redemptionStore: b.store, entered: make(chan int, 1000), release: make(chan struct{})}
	b.redeemWith(s)
	open := sync.OnceFunc(func() { close(s.release) })
	t.Cleanup(open)
	first := make(chan reply, 1)
	go func() { first <- b.do(http.MethodPost, "/codes/use", used("first")) }()
	<-s.entered
	return b, func() {
		open()
		(<-first).took(t, http.StatusOK)
	}
}

func used(who string) string { return fmt.Sprintf(`{"code":"salam","mobile":%q}`, who) }

// winners counts the redemptions that are in the store.
func (b *bundle) winners() int {
	b.tb.Helper()
	list, ok := b.get("/v1/redemptions?limit=100").took(b.tb, http.StatusOK).json(b.tb)["data"].([]any)
	if !ok {
		b.tb.Fatal("no list")
	}
	return len(list)
}

// queued waits until so many requests wait for a commit.
func (b *bundle) queued(n int) {
	b.tb.Helper()
	for end := time.Now().Add(time.Minute); b.svc.Redemptions.Depth() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			b.tb.Fatalf("%d requests wait; want %d", b.svc.Redemptions.Depth(), n)
		}
	}
}

// A request whose client hangs up while it waits for its batch is not started.
func TestClientsWhoHangUpAreNotStarted(t *testing.T) {
	t.Parallel()
	const many = 50
	b, release := setupBusy(t)
	asked := make(chan context.Context, many)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Context()
		b.handler.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)

	var conns []net.Conn
	for i := range many {
		var d net.Dialer
		conn, err := d.DialContext(t.Context(), "tcp", front.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		body := used(fmt.Sprintf("gone-%d", i))
		if _, err := fmt.Fprintf(conn, "POST /codes/use HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	b.queued(many)
	for _, conn := range conns {
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range many { // until the server knows it
		select {
		case <-(<-asked).Done():
		case <-time.After(time.Minute):
			t.Fatal("the server does not notice that a client has gone")
		}
	}
	release()
	b.do(http.MethodPost, "/codes/use", used("last")).took(t, http.StatusOK) // those before it are settled now
	if n := b.winners(); n != 2 {
		t.Errorf("%d redemptions are in the store; want the first and the last", n)
	}
}

// A client's own deadline ends its wait: surely undone while the request waits, of unknown fate in a batch.
func TestRequestTimeout(t *testing.T) {
	t.Parallel()
	b, release := setupBusy(t)
	p := b.do(http.MethodPost, "/codes/use", used("hasty"), "Request-Timeout: 0.05").refused(t, http.StatusServiceUnavailable, "overloaded")
	if !strings.Contains(p.Detail, "Request-Timeout") { // nothing is said of a crowd: there is none
		t.Errorf("the detail is %q", p.Detail)
	}
	b.queued(0)
	b.do(http.MethodPost, "/v1/redemptions", `{"code":"salam","customer":"hasty"}`, asJSON, "Request-Timeout: 0.000001").
		refused(t, http.StatusServiceUnavailable, "overloaded")
	release()
	if n := b.winners(); n != 1 {
		t.Errorf("%d redemptions are in the store; want 1", n)
	}

	s := &stuck{redemptionStore: b.store, release: make(chan struct{})}
	b.redeemWith(s)
	t.Cleanup(func() { close(s.release) })
	b.do(http.MethodPost, "/codes/use", used("hasty"), "Request-Timeout: 1").refused(t, http.StatusServiceUnavailable, "timeout")
}

func TestRequestTimeoutIsANumberOfSeconds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shared("salam", "", "")
	for i, good := range []string{"60", "2.5", "30.000", "3600", "99999999999999999999", "1.", "60.5"} {
		b.do(http.MethodPost, "/codes/use", used(fmt.Sprint("good-", i)), "Request-Timeout: "+good).took(t, http.StatusOK)
		b.do(http.MethodGet, "/v1/campaigns", "", "Request-Timeout: "+good).took(t, http.StatusOK)
	}
	for _, bad := range []string{"", "0", "0.0", "-1", "+1", "1e3", "inf", "NaN", "0x1p3", "1_0", "10s", "1,5", ".", "1.2.3", "٣", strings.Repeat("9", 21)} {
		for _, route := range []string{"POST /codes/use", "GET /v1/campaigns"} {
			method, path, _ := strings.Cut(route, " ")
			body := map[string]string{http.MethodPost: used("bad")}[method]
			if p := b.do(method, path, body, "Request-Timeout: "+bad).refused(t, http.StatusBadRequest, "invalid_request"); p.Field != "Request-Timeout" {
				t.Errorf("%q: %+v", bad, p)
			}
		}
	}
	b.do(http.MethodPost, "/codes/use", used("bad"), "Request-Timeout: 1", "Request-Timeout: 2").refused(t, http.StatusBadRequest, "invalid_request")
	if n := b.winners(); n != 7 {
		t.Errorf("%d redemptions; want 7", n)
	}
}

// Reads end in time as well.
func TestReadsEndInTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.shared("salam", "", "")
	for _, path := range []string{"/codes/report", "/v1/vouchers/lookup"} {
		r := b.post(path, `{"code":"salam"}`, "Request-Timeout: 0.000000001")
		if r.status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}
