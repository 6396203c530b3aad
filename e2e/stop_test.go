package e2e_test

import (
	"bufio"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"scrip/e2e/site"
)

func TestATermUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	data, listen := filepath.Join(t.TempDir(), "data"), site.FreeAddress(t)
	p := serve(t, data, listen)
	p.code("limited", killLimit)
	p.code("endless", 0)
	p.stop()
	b := newBook("limited", "endless")
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGTERM} {
		p = serve(t, data, listen)
		time.AfterFunc(150*time.Millisecond, func() { p.signal(s) })
		b.rush(t, p, 1<<30) // until it is gone
		if code := p.wait(); code != 0 {
			t.Errorf("after signal %v it exits with %d:\n%s", s, code, p.stderr)
		}
		p.verify()
	}
	p = serve(t, data, listen)
	if b.check(t, p) == 0 {
		t.Error("nothing was acknowledged: the load was none")
	}
	finish(t, p, b)
}

// hang opens a request that never ends.
func hang(t *testing.T, p *process) {
	t.Helper()
	var d net.Dialer
	nc, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	if _, err := nc.Write([]byte("POST /codes/use HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if said, err := bufio.NewReader(nc).ReadString('\n'); err != nil || !strings.Contains(said, "100 Continue") { // it reads the body
		t.Fatalf("%q %v", said, err)
	}
}

func TestASecondSignalEndsItAtOnce(t *testing.T) {
	t.Parallel()
	p := serve(t, filepath.Join(t.TempDir(), "data"), "127.0.0.1:0", "--demo")
	hang(t, p)
	p.signal(syscall.SIGTERM)
	time.Sleep(200 * time.Millisecond)
	select {
	case <-p.exited:
		t.Fatalf("it did not wait for the open request:\n%s", p.stderr)
	default:
	}
	began := time.Now()
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code == 0 {
		t.Error("it exits with 0, as if it had stopped in order")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	p.verify()
}

func TestTheGraceEnds(t *testing.T) {
	t.Parallel()
	p := serve(t, filepath.Join(t.TempDir(), "data"), "127.0.0.1:0", "--shutdown-grace", "300ms")
	hang(t, p)
	began := time.Now()
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code == 0 || !strings.Contains(p.stderr.String(), "still open after 300ms") {
		t.Errorf("exit %d:\n%s", code, p.stderr)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}
