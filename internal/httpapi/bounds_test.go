package httpapi_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"scrip/internal/httpapi"
)

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
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		t.Fatalf("%T", conn)
	}
	if err := tcp.CloseWrite(); err != nil {
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
