package redisgate

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
)

var errClosed = errors.New("the gate is closed")

// dialer makes the connections of a client and can end them all at once. Left alone, a client that is
// closed waits for an answer to what it has asked, and a server that hangs gives none.
type dialer struct {
	mu     sync.Mutex
	open   map[*conn]struct{}
	closed bool
}

// conn is a connection that its dialer knows of while it is open.
type conn struct {
	net.Conn
	of *dialer
}

func newDialer() *dialer { return &dialer{open: make(map[*conn]struct{})} }

func (d *dialer) dial(ctx context.Context, address string, plain *net.Dialer, secure *tls.Config) (net.Conn, error) {
	var to net.Conn
	var err error
	if secure != nil {
		to, err = (&tls.Dialer{NetDialer: plain, Config: secure}).DialContext(ctx, "tcp", address)
	} else {
		to, err = plain.DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: to, of: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errors.Join(errClosed, to.Close())
	}
	d.open[c] = struct{}{}
	return c, nil
}

// close ends every connection, and those to come.
func (d *dialer) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for c := range d.open {
		_ = c.Conn.Close() // it is given up, whatever it says
	}
	clear(d.open)
}

// Close ends a connection.
func (c *conn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
