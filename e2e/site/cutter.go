package site

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// Moment is when a connection is cut.
type Moment int

// The moments.
const (
	BeforeCommit Moment = iota // the server never sees the COMMIT
	AtCommit                   // the server gets it, and its answer goes nowhere
	AfterCommit                // the server has answered, and the answer goes nowhere
)

// Cutter stands between one replica and PostgreSQL, reads their protocol along, and can cut a connection at
// a COMMIT that goes by.
type Cutter struct {
	listener net.Listener
	server   string
	armed    atomic.Pointer[cut]

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// cut is a cut to come.
type cut struct {
	at   Moment
	done chan struct{} // closed when it has happened
}

// NewCutter opens a way to a PostgreSQL server.
func NewCutter(t testing.TB, server string) *Cutter {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cutter{listener: l, server: server, conns: map[net.Conn]struct{}{}}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { c.serve(client) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		c.closeAll()
		running.Wait()
	})
	return c
}

// Address is where to connect instead.
func (c *Cutter) Address() string { return c.listener.Addr().String() }

// Arm has the next COMMIT cut. The channel is closed when that has happened.
func (c *Cutter) Arm(at Moment) <-chan struct{} {
	next := &cut{at: at, done: make(chan struct{})}
	c.armed.Store(next)
	return next.done
}

// Disarm calls a cut off that has not happened.
func (c *Cutter) Disarm() { c.armed.Store(nil) }

// take takes the cut that is armed, if it is one of that moment. Only one connection gets it.
func (c *Cutter) take(at Moment) *cut {
	next := c.armed.Load()
	if next == nil || next.at != at || !c.armed.CompareAndSwap(next, nil) {
		return nil
	}
	return next
}

// serve carries one connection until either side ends it, or it is cut.
func (c *Cutter) serve(client net.Conn) {
	server, err := net.Dial("tcp", c.server) //nolint:noctx // to a server of this machine
	if err != nil {
		_ = client.Close()
		return
	}
	c.keep(client, server)
	var both sync.WaitGroup
	both.Go(func() { c.end(c.requests(client, server), client, server) })
	both.Go(func() { c.end(c.answers(server, client), client, server) })
	both.Wait()
	c.forget(client, server)
}

// end closes both sides, and then tells of the cut if that is why.
func (c *Cutter) end(of *cut, sides ...net.Conn) {
	for _, side := range sides {
		_ = side.Close()
	}
	if of != nil {
		close(of.done)
	}
}

// requests carries what a client asks. It knows the names of statements that are a COMMIT: a driver sends
// the text once for a connection, and the name from then on.
func (c *Cutter) requests(client io.Reader, server io.Writer) *cut {
	if err := carryStartup(client, server); err != nil {
		return nil
	}
	commits := map[string]bool{}
	next := false // the next execution is a COMMIT's
	for {
		m, err := readMessage(client)
		if err != nil {
			return nil
		}
		committing := false
		switch m.kind {
		case 'P': // Parse: the statement's name, its text
			name, rest := m.text(0)
			text, _ := m.text(rest)
			commits[name] = isCommit(text)
		case 'B': // Bind: the portal's name, the statement's
			_, rest := m.text(0)
			name, _ := m.text(rest)
			next = commits[name]
		case 'E': // Execute
			committing = next
		case 'Q': // a simple query: its text
			text, _ := m.text(0)
			committing = isCommit(text)
		}
		if committing {
			if cut := c.take(BeforeCommit); cut != nil {
				return cut
			}
		}
		if _, err := server.Write(m.raw); err != nil {
			return nil
		}
		if committing {
			if cut := c.take(AtCommit); cut != nil {
				return cut
			}
		}
	}
}

// answers carries what the server says.
func (c *Cutter) answers(server io.Reader, client io.Writer) *cut {
	for {
		m, err := readMessage(server)
		if err != nil {
			return nil
		}
		if m.kind == 'C' { // CommandComplete: what was done
			if tag, _ := m.text(0); tag == "COMMIT" {
				if cut := c.take(AfterCommit); cut != nil {
					return cut
				}
			}
		}
		if _, err := client.Write(m.raw); err != nil {
			return nil
		}
	}
}

func isCommit(text string) bool { return bytes.EqualFold([]byte(text), []byte("COMMIT")) }

// message is one of PostgreSQL's protocol: its kind, its length, its body.
type message struct {
	kind byte
	raw  []byte
}

const (
	headLength = 5 // of a message: the kind, and the length, which counts itself
	lengthSize = 4
	lengthMax  = 64 << 20
)

var errProtocol = errors.New("not PostgreSQL's protocol")

func readMessage(from io.Reader) (message, error) {
	head := make([]byte, headLength)
	if _, err := io.ReadFull(from, head); err != nil {
		return message{}, err
	}
	length := binary.BigEndian.Uint32(head[1:])
	if length < lengthSize || length > lengthMax {
		return message{}, errProtocol
	}
	body := make([]byte, length-lengthSize)
	_, err := io.ReadFull(from, body)
	return message{head[0], slices.Concat(head, body)}, err
}

// text reads a text of the body that ends with a zero, and returns where the next one begins.
func (m message) text(from int) (text string, next int) {
	body := m.raw[headLength:]
	if from >= len(body) {
		return "", len(body)
	}
	end := bytes.IndexByte(body[from:], 0)
	if end < 0 {
		return string(body[from:]), len(body)
	}
	return string(body[from : from+end]), from + end + 1
}

// carryStartup carries the first message of a connection, which has no kind.
func carryStartup(client io.Reader, server io.Writer) error {
	raw := make([]byte, lengthSize)
	if _, err := io.ReadFull(client, raw); err != nil {
		return err
	}
	length := binary.BigEndian.Uint32(raw)
	if length < lengthSize || length > lengthMax {
		return errProtocol
	}
	body := make([]byte, length-lengthSize)
	if _, err := io.ReadFull(client, body); err != nil {
		return err
	}
	_, err := server.Write(slices.Concat(raw, body))
	return err
}

func (c *Cutter) keep(conns ...net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range conns {
		c.conns[conn] = struct{}{}
	}
}

func (c *Cutter) forget(conns ...net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range conns {
		delete(c.conns, conn)
	}
}

func (c *Cutter) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		_ = conn.Close()
	}
}
