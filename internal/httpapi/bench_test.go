package httpapi_test

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/go-json-experiment/json"
)

// The benchmarks measure the handler without a socket: what the face and the use case cost a request on
// top of net/http. BenchmarkBare is the measure: the same mux, the same decoding, a constant answer.

// discard is a ResponseWriter that keeps only the status.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

// rewound is a body that can be sent again.
type rewound struct{ bytes.Reader }

func (*rewound) Close() error { return nil }

// client sends requests to a handler, one after the other, without making garbage of its own.
type client struct {
	h    http.Handler
	w    discard
	req  *http.Request
	body rewound
}

func newClient(b *testing.B, h http.Handler, path string) *client {
	b.Helper()
	c := &client{h: h, w: discard{header: http.Header{}}}
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://127.0.0.1"+path, http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	c.req = req
	return c
}

func (c *client) send(b *testing.B, body []byte, status int) {
	clear(c.w.header)
	c.body.Reset(body)
	c.req.Body, c.req.ContentLength = &c.body, int64(len(body))
	c.h.ServeHTTP(&c.w, c.req)
	if c.w.status != status {
		b.Fatalf("want %d, got %d", status, c.w.status)
	}
}

func BenchmarkBare(b *testing.B) {
	mux := http.NewServeMux()
	answer := []byte("Congratulation your credit increased! 🎉")
	mux.HandleFunc("POST /codes/use", func(w http.ResponseWriter, r *http.Request) {
		var req struct {
			Code   string `json:"code"`
			Mobile string `json:"mobile"`
		}
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &req)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(answer)
	})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		c := newClient(b, mux, "/codes/use")
		for pb.Next() {
			c.send(b, []byte(`{"code":"salam","mobile":"09123456789"}`), http.StatusOK)
		}
	})
}

func BenchmarkUseAccepted(b *testing.B) {
	s := setupLive(b)
	s.shared("salam", "", "")
	customers := make(chan int, 1<<10)
	go func() {
		for n := range 1 << 40 {
			customers <- n
		}
	}()
	b.ReportAllocs()
	b.SetParallelism(64)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c := newClient(b, s.handler, "/codes/use")
		body := make([]byte, 0, 64)
		for pb.Next() {
			body = append(body[:0], `{"code":"salam","mobile":"c`...)
			body = strconv.AppendInt(body, int64(<-customers), 10)
			body = append(body, `"}`...)
			c.send(b, body, http.StatusOK)
		}
	})
}

func BenchmarkRedeemAccepted(b *testing.B) {
	s := setupLive(b)
	s.shared("salam", "", "")
	b.ReportAllocs()
	c := newClient(b, s.handler, "/v1/redemptions")
	body := make([]byte, 0, 64)
	n := int64(0)
	for b.Loop() {
		n++
		body = append(body[:0], `{"code":"salam","customer":"c`...)
		body = strconv.AppendInt(body, n, 10)
		body = append(body, `"}`...)
		c.send(b, body, http.StatusCreated)
	}
}

func BenchmarkSoldOut(b *testing.B) {
	s := setupLive(b)
	s.shared("salam", `,"limit":1`, "")
	s.post("/codes/use", `{"code":"salam","mobile":"winner"}`).took(b, http.StatusOK)
	for range 100 { // until the gate knows the winners
		s.post("/codes/use", `{"code":"salam","mobile":"09123456789"}`)
	}
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c := newClient(b, s.handler, "/codes/use")
		for pb.Next() {
			c.send(b, []byte(`{"code":"salam","mobile":"09123456789"}`), http.StatusBadRequest)
		}
	})
}

func BenchmarkUnknownCode(b *testing.B) {
	s := setupLive(b)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c := newClient(b, s.handler, "/codes/use")
		for pb.Next() {
			c.send(b, []byte(`{"code":"nothing","mobile":"09123456789"}`), http.StatusNotFound)
		}
	})
}

func BenchmarkMalformed(b *testing.B) {
	s := setupLive(b)
	b.ReportAllocs()
	c := newClient(b, s.handler, "/codes/use")
	for b.Loop() {
		c.send(b, []byte(`{"code":"sal@am","mobile":"09123456789"}`), http.StatusBadRequest)
	}
}

func BenchmarkBalance(b *testing.B) {
	s := setupLive(b)
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		c := newClient(b, s.handler, "/wallet/balance")
		for pb.Next() {
			c.send(b, []byte(`{"mobile":"09123456789"}`), http.StatusOK)
		}
	})
}
