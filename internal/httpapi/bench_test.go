package httpapi_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

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

// caller sends requests to a handler, one after the other, without making garbage of its own.
type caller struct {
	h    http.Handler
	w    discard
	req  *http.Request
	body rewound
}

func newCaller(b *testing.B, h http.Handler, path string) *caller {
	b.Helper()
	c := &caller{h: h, w: discard{header: http.Header{}}}
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://127.0.0.1"+path, http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	c.req = req
	return c
}

func (c *caller) send(b *testing.B, body []byte, status int) {
	b.Helper()
	clear(c.w.header)
	c.body.Reset(body)
	c.req.Body, c.req.ContentLength = &c.body, int64(len(body))
	c.h.ServeHTTP(&c.w, c.req)
	if c.w.status != status {
		b.Fatalf("want %d, got %d", status, c.w.status)
	}
}

// bare is what every figure is compared with: net/http, the same decoding, a constant answer.
func bare() http.Handler {
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
	return mux
}

func BenchmarkBare(b *testing.B) {
	mux := bare()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		c := newCaller(b, mux, "/codes/use")
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
		c := newCaller(b, s.handler, "/codes/use")
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
	c := newCaller(b, s.handler, "/v1/redemptions")
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
		c := newCaller(b, s.handler, "/codes/use")
		for pb.Next() {
			c.send(b, []byte(`{"code":"salam","mobile":"09123456789"}`), http.StatusBadRequest)
		}
	})
}

// processorTime is what this process has used, which a busy neighbour disturbs less than the clock.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkWire sends the same requests over sockets, from as many connections as there would be. Its
// client is as cheap as one can be, but it is half of what is measured.
func BenchmarkWire(b *testing.B) {
	const connections = 64
	s := setupLive(b)
	s.shared("salam", `,"limit":1`, "")
	s.post("/codes/use", `{"code":"salam","mobile":"winner"}`).took(b, http.StatusOK)
	s.post("/codes/use", `{"code":"salam","mobile":"09123456789"}`).refused(b, http.StatusBadRequest, "quantity_exceeded")
	for _, way := range []struct {
		name    string
		handler http.Handler
		path    string
	}{{"bare", bare(), "/codes/use"}, {"sold-out", s.handler, "/codes/use"}, {"balance", s.handler, "/wallet/balance"}} {
		b.Run(way.name, func(b *testing.B) {
			server := httptest.NewServer(way.handler)
			defer server.Close()
			body := `{"code":"salam","mobile":"09123456789"}`
			if way.path == "/wallet/balance" {
				body = `{"mobile":"09123456789"}`
			}
			request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
				way.path, len(body), body)
			b.SetParallelism(connections / runtime.GOMAXPROCS(0))
			b.ResetTimer()
			before := processorTime()
			defer func() { b.ReportMetric(float64(processorTime()-before)/float64(b.N), "cpu-ns/op") }()
			b.RunParallel(func(pb *testing.PB) {
				conn, err := (&net.Dialer{}).DialContext(b.Context(), "tcp", server.Listener.Addr().String())
				if err != nil {
					b.Error(err)
					return
				}
				defer func() { _ = conn.Close() }()
				in := make([]byte, 4096)
				for pb.Next() {
					if _, err := conn.Write(request); err != nil {
						b.Error(err)
						return
					}
					if _, err := conn.Read(in); err != nil { // net/http sends a small answer in one piece
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func BenchmarkUnknownCode(b *testing.B) {
	s := setupLive(b)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c := newCaller(b, s.handler, "/codes/use")
		for pb.Next() {
			c.send(b, []byte(`{"code":"nothing","mobile":"09123456789"}`), http.StatusNotFound)
		}
	})
}

func BenchmarkMalformed(b *testing.B) {
	s := setupLive(b)
	b.ReportAllocs()
	c := newCaller(b, s.handler, "/codes/use")
	for b.Loop() {
		c.send(b, []byte(`{"code":"sal@am","mobile":"09123456789"}`), http.StatusBadRequest)
	}
}

func BenchmarkBalance(b *testing.B) {
	s := setupLive(b)
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		c := newCaller(b, s.handler, "/wallet/balance")
		for pb.Next() {
			c.send(b, []byte(`{"mobile":"09123456789"}`), http.StatusOK)
		}
	})
}
