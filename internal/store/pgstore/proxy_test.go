package pgstore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between a store and its server and understands enough of the protocol to know a COMMIT when
// it passes.
type proxy struct {
	addr, server string

	trips      atomic.Int64 // Sync and Query messages of clients: each waits for an answer
	statements atomic.Int64 // Execute and Query messages

	// How the next commit fares. Each is used up by one commit.
	cutBefore, cutAfter atomic.Bool
	hold                atomic.Pointer[hold]
	refuse              atomic.Bool // new connections

	forgotten atomic.Int64 // how often forget was called

	mu    sync.Mutex
	conns []net.Conn
}

// hold keeps a client's messages back, from the next query on that begins so, until the channel is closed.
type hold struct {
	query string
	until chan struct{}
}

// newProxy listens until the test ends.
func newProxy(tb testing.TB, server string) *proxy {
	tb.Helper()
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), server: server}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			if p.refuse.Load() {
				_ = client.Close()
				continue
			}
			running.Go(func() { p.serve(client) })
		}
	})
	tb.Cleanup(func() {
		_ = l.Close()
		p.cut()
		running.Wait()
	})
	return p
}

// at is a database's URL by way of the proxy.
func (p *proxy) at(url string) string { return strings.Replace(url, p.server, p.addr, 1) }

// cut closes all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// forget swallows from now on whatever is sent on the connections that there are, both ways, and closes none: as a
// firewall does that was restarted. New connections work.
func (p *proxy) forget() { p.forgotten.Add(1) }

// unforgotten is a writer to one side of a connection, until the proxy forgets it.
type unforgotten struct {
	io.Writer
	p     *proxy
	since int64
}

func (u unforgotten) Write(b []byte) (int, error) {
	if u.p.forgotten.Load() != u.since {
		return len(b), nil
	}
	return u.Writer.Write(b)
}

func (p *proxy) serve(client net.Conn) {
	since := p.forgotten.Load()
	server, err := net.Dial("tcp", p.server) //nolint:noctx // loopback, ends with the test
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.conns = append(p.conns, client, server)
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() {
		_ = p.fromClient(client, unforgotten{server, p, since})
		_ = server.Close()
	})
	_ = p.fromServer(server, unforgotten{client, p, since})
	_ = client.Close()
	both.Wait()
}

var errCut = errors.New("cut")

// fromClient forwards messages to the server. Those of one write are forwarded one by one.
func (p *proxy) fromClient(client io.Reader, server io.Writer) error {
	if err := forwardStartup(client, server); err != nil {
		return err
	}
	queries := map[string]string{} // by the name of the prepared statement
	for {
		message, err := read(client)
		if err != nil {
			return err
		}
		switch message[0] {
		case 'P':
			parts := bytes.SplitN(message[5:], []byte{0}, 3)
			queries[string(parts[0])] = string(parts[1])
		case 'B':
			parts := bytes.SplitN(message[5:], []byte{0}, 3)
			query := queries[string(parts[1])]
			if query == "COMMIT" && p.cutBefore.CompareAndSwap(true, false) {
				return errCut
			}
			if h := p.hold.Load(); h != nil && strings.HasPrefix(query, h.query) && p.hold.CompareAndSwap(h, nil) {
				<-h.until
			}
		case 'E':
			p.statements.Add(1)
		case 'S':
			p.trips.Add(1)
		case 'Q':
			if string(message[5:]) != "DISCARD PLANS\x00" { // once a second, whatever is asked
				p.statements.Add(1)
				p.trips.Add(1)
			}
		}
		if _, err := server.Write(message); err != nil {
			return err
		}
	}
}

// fromServer forwards messages to the client, but not the one that confirms a commit which is to be lost.
func (p *proxy) fromServer(server io.Reader, client io.Writer) error {
	for {
		message, err := read(server)
		if err != nil {
			return err
		}
		if message[0] == 'C' && string(message[5:]) == "COMMIT\x00" && p.cutAfter.CompareAndSwap(true, false) {
			return errCut
		}
		if _, err := client.Write(message); err != nil {
			return err
		}
	}
}

// forwardStartup forwards the first message, which has no type.
func forwardStartup(client io.Reader, server io.Writer) error {
	head := make([]byte, 4)
	if _, err := io.ReadFull(client, head); err != nil {
		return err
	}
	if _, err := server.Write(head); err != nil {
		return err
	}
	_, err := io.CopyN(server, client, int64(binary.BigEndian.Uint32(head))-4)
	return err
}

// read reads a message: its type, its length and its body.
func read(from io.Reader) ([]byte, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(from, head); err != nil {
		return nil, err
	}
	message := make([]byte, 1+binary.BigEndian.Uint32(head[1:]))
	copy(message, head)
	_, err := io.ReadFull(from, message[5:])
	return message, err
}
