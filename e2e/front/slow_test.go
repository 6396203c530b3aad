package front_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"scrip/client"
)

// crowdSize is how many slow clients there are of each kind.
const crowdSize = 1000

// crowd is slow clients: connections that send something now and then, driven by one goroutine.
type crowd struct {
	conns []net.Conn
	stop  chan struct{}
	done  chan struct{}
}

// gather opens the connections, says hello on each, and then a drop on each every quarter of a second.
func gather(t *testing.T, address, hello, drop string, tune func(*net.TCPConn) error) *crowd {
	t.Helper()
	c := &crowd{stop: make(chan struct{}), done: make(chan struct{})}
	t.Cleanup(c.leave)
	for range crowdSize {
		var d net.Dialer
		conn, err := d.DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c.conns = append(c.conns, conn)
		if tcp, ok := conn.(*net.TCPConn); ok && tune != nil {
			if err := tune(tcp); err != nil {
				t.Fatal(err)
			}
		}
		// What the server does not read must not hold us up.
		if err := errors.Join(conn.SetWriteDeadline(time.Now().Add(time.Second)), send(conn, hello)); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
	}
	go func() {
		defer close(c.done)
		if drop == "" {
			return
		}
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-c.stop:
				return
			case <-tick.C:
			}
			for _, conn := range c.conns {
				_ = conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
				_ = send(conn, drop) // to one that was cut off already, in vain
			}
		}
	}()
	return c
}

func send(conn net.Conn, text string) error {
	_, err := io.WriteString(conn, text)
	return err
}

// leave ends all connections; it may be called again.
func (c *crowd) leave() {
	select {
	case <-c.stop:
		return
	default:
		close(c.stop)
	}
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// cutOff waits until the server has ended every connection, and returns what it said on the last.
func (c *crowd) cutOff(t *testing.T) string {
	t.Helper()
	var said []byte
	for i, conn := range c.conns {
		if err := conn.SetReadDeadline(time.Now().Add(waitMax)); err != nil {
			t.Fatal(err)
		}
		var err error
		if said, err = io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("after %v, connection %d is still open", waitMax, i)
		}
	}
	return string(said)
}

// Clients who send their requests byte by byte, or never read their answers, take nothing from the others, and are
// cut off in the end.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hello, drop string
		tune        func(*net.TCPConn) error
		told        string // what the last of them was told before the end
	}{
		"header": {hello: "POST /codes/use HTTP/1.1\r\nHost: localhost\r\nX-0: ", drop: "x"},
		"body": {
			hello: "POST /codes/use HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n{", drop: " ",
			told: "invalid_request",
		},
		"read": {
			// The contract is the longest answer. It is asked for again and again, through the smallest window there is.
			hello: strings.Repeat("GET /openapi.yaml HTTP/1.1\r\nHost: localhost\r\n\r\n", 12),
			tune:  func(c *net.TCPConn) error { return c.SetReadBuffer(1) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			sdk := s.sdk(client.WithRetries(0))
			s.code(sdk, "salam")
			slow := gather(t, s.address(), c.hello, c.drop, c.tune)
			for i := range 300 {
				if _, err := sdk.Use(t.Context(), "salam", fmt.Sprintf("0912%07d", i)); err != nil {
					t.Fatalf("beside %d slow clients, request %d: %v", crowdSize, i, err)
				}
			}
			if c.tune == nil { // one that reads its answers at last would get them
				if told := slow.cutOff(t); !strings.Contains(told, c.told) {
					t.Errorf("the last was told %q; want %q", told, c.told)
				}
			} else {
				cutBySelf(t, slow)
			}
			slow.leave()
			<-slow.done
			if n := s.metric("process_resident_memory_bytes"); n > 512<<20 {
				t.Errorf("the server has taken %.0f MiB", n/(1<<20))
			}
			s.verify()
		})
	}
}

// cutBySelf waits until the server has ended the connections of clients who never read. They find out as they send,
// since what they would read stands before the end.
func cutBySelf(t *testing.T, c *crowd) {
	t.Helper()
	for i, conn := range c.conns {
		eventually(t, fmt.Sprintf("connection %d is cut off", i), func() bool {
			err := errors.Join(conn.SetWriteDeadline(time.Now().Add(50*time.Millisecond)), send(conn, "\r\n"))
			return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
		})
	}
}

// gatherSome opens so many connections, each of which the server has seen.
func gatherSome(t *testing.T, address string, n int) []net.Conn {
	t.Helper()
	var all []net.Conn
	for range n {
		var d net.Dialer
		conn, err := d.DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := errors.Join(conn.SetReadDeadline(time.Now().Add(waitMax)), send(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 200 OK"))); err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
	}
	return all
}
