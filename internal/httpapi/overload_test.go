package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"scrip/internal/httpapi"
)

// More requests than may be judged at once are told so before they are read; how the server is, it says all the
// while.
func TestInflightIsBounded(t *testing.T) {
	t.Parallel()
	const most = 3
	b := setup(t)
	b.shared("salam", "", "")
	s := &busy{redemptionStore: b.store, entered: make(chan int, 100), release: make(chan struct{})}
	b.redeemWith(s, func(c *httpapi.Config) {
		c.MaxInflight = most
		c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = w.Write([]byte("up 1\n"))
		})
	})
	verdicts := make(chan reply, most)
	for i := range most {
		go func() { verdicts <- b.do(http.MethodPost, "/codes/use", used(fmt.Sprint("in-", i))) }()
		if i == 0 {
			<-s.entered // alone in its batch, and the others wait behind it
		}
	}
	b.queued(most - 1)
	for _, rt := range httpapi.Routes() {
		body := map[bool]string{true: used("out")}[rt.BytesMax > 0]
		r := b.do(rt.Method, somePath(rt.Path), body, asJSON)
		if vital := rt.Anyone || rt.Path == "/metrics"; vital {
			if r.status != http.StatusOK {
				t.Errorf("%s %s: %d %s", rt.Method, rt.Path, r.status, r.body)
			}
			continue
		}
		r.refused(t, http.StatusServiceUnavailable, "overloaded")
		if r.header.Get("Retry-After") == "" {
			t.Errorf("%s %s: no Retry-After", rt.Method, rt.Path)
		}
	}
	close(s.release)
	for range most {
		(<-verdicts).took(t, http.StatusOK)
	}
	for i := range 10 * most { // all places are given back, whatever became of the request
		b.do(http.MethodPost, "/codes/use", used(fmt.Sprint("then-", i))).took(t, http.StatusOK)
		b.do(http.MethodPost, "/codes/use", `{`).refused(t, http.StatusBadRequest, "malformed_json")
		b.do(http.MethodGet, "/v1/campaigns?limit=0", "").refused(t, http.StatusBadRequest, "invalid_request")
	}
}

// Clients whose bodies are on their way are bounded apart: they keep nobody out whose request is here.
func TestReceivingIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *httpapi.Config) { c.MaxReceiving, c.MaxInflight = 2, 1 })
	slow := make([]net.Conn, 2)
	for i := range slow {
		var d net.Dialer
		conn, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(b.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		beginBody(t, conn, "/codes/report", 16)
		slow[i] = conn
	}
	b.do(http.MethodPost, "/codes/report", `{"code":"salam"}`).refused(t, http.StatusServiceUnavailable, "overloaded")
	b.get("/v1/campaigns").took(t, http.StatusOK)
	for _, conn := range slow {
		if _, err := conn.Write([]byte(`"code":"salam"}`)); err != nil {
			t.Fatal(err)
		}
		if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode != http.StatusNotFound || res.Body.Close() != nil {
			t.Fatalf("%+v %v", res, err)
		}
	}
	b.do(http.MethodPost, "/codes/report", `{"code":"salam"}`).refused(t, http.StatusNotFound, "not_redeemable")
}

// beginBody begins a request, and returns when the server has begun to read its body.
func beginBody(t *testing.T, conn net.Conn, path string, length int) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", path, length); err != nil {
		t.Fatal(err)
	}
	const goOn = "HTTP/1.1 100 Continue\r\n\r\n"
	said := make([]byte, len(goOn))
	if _, err := io.ReadFull(conn, said); err != nil || string(said) != goOn {
		t.Fatalf("%q %v", said, err)
	}
	if _, err := conn.Write([]byte("{")); err != nil {
		t.Fatal(err)
	}
}

// What a connection is told for which there is no room is an answer like every other.
func TestRefusalOfAConnection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen := map[string]bool{}
	for range 200 {
		text := string(httpapi.Refusal(dawn))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/codes/use", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), req)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		_, body, _ := strings.Cut(text, "\r\n\r\n")
		if err := res.Body.Close(); err != nil || int(res.ContentLength) != len(body) || !res.Close || res.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("%+v %v", res, err)
		}
		r := reply{status: res.StatusCode, header: res.Header, body: body}
		if p := r.refused(t, http.StatusServiceUnavailable, "overloaded"); !p.Retryable {
			t.Errorf("%+v", p)
		}
		seen[res.Header.Get("Retry-After")] = true
	}
	if len(seen) != 3 || !seen["1"] || !seen["2"] || !seen["3"] {
		t.Errorf("Retry-After is one of %v", seen)
	}
}
