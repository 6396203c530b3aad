package redisgate_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy is a link to a server that can be slow, or cut.
type proxy struct {
	listener net.Listener
	to       string
	delay    atomic.Int64 // of what the server says
	mu       sync.Mutex
	open     map[net.Conn]struct{}
	refuse   bool
	done     sync.WaitGroup
}

func newProxy(t testing.TB, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends with the test
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, to: to, open: make(map[net.Conn]struct{})}
	p.done.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.cut(true)
		p.done.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", p.to) //nolint:noctx // it ends with the test
		if err != nil || !p.keep(from, to) {
			_ = from.Close()
			continue
		}
		p.done.Go(func() { p.copy(to, from, nil) })
		p.done.Go(func() { p.copy(from, to, &p.delay) })
	}
}

func (p *proxy) keep(from, to net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse {
		_ = to.Close()
		return false
	}
	p.open[from], p.open[to] = struct{}{}, struct{}{}
	return true
}

func (p *proxy) copy(to, from net.Conn, delay *atomic.Int64) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if delay != nil {
			time.Sleep(time.Duration(delay.Load()))
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				break
			}
		}
		if err == io.EOF || err != nil { //nolint:errorlint // any ends it
			break
		}
	}
	_ = to.Close()
	_ = from.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, to)
	delete(p.open, from)
}

// slow makes the server's answers late.
func (p *proxy) slow(d time.Duration) { p.delay.Store(int64(d)) }

// cut ends what is open, and perhaps refuses what comes.
func (p *proxy) cut(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = refuse
	for c := range p.open {
		_ = c.Close()
	}
}
