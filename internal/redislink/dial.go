package redislink

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
)

// ErrClosed is the error of a connection that is wanted after Close.
var ErrClosed = errors.New("redislink: closed")

// Dialer makes the connections of a client and can end them all at once. Left alone, a client that is
// closed waits for an answer to what it has asked, and a server that hangs gives none.
type Dialer struct {
	mu     sync.Mutex
	open   map[*conn]struct{}
	closed bool
}

// conn is a connection that its dialer knows of while it is open.
type conn struct {
	net.Conn
	of *Dialer
}

// NewDialer returns a Dialer.
func NewDialer() *Dialer { return &Dialer{open: make(map[*conn]struct{})} }

// Dial connects, through TLS where secure is set. It has the form that rueidis takes.
func (d *Dialer) Dial(ctx context.Context, address string, plain *net.Dialer, secure *tls.Config) (net.Conn, error) {
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
		return nil, errors.Join(ErrClosed, to.Close())
	}
	d.open[c] = struct{}{}
	return c, nil
}

// Close ends every connection, and those to come.
func (d *Dialer) Close() {
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
