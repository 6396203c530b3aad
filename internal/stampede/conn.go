package stampede

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Bounds of an answer. A receipt has about 500 bytes; what is far beyond it is not Scrip's.
const (
	readSize = 4 << 10
	headMax  = 16 << 10
	bodyMax  = 1 << 20
)

// renewEvery is how often a connection's deadline is moved: setting it on every request would cost as
// much as parsing the answer.
const renewEvery = time.Second

// reply is one answer. Its body is lent until the next request on the connection.
type reply struct {
	head
	body []byte
}

// conn is one keep-alive connection that carries one request at a time. It connects when it must, and
// again after a failure. It belongs to one goroutine.
type conn struct {
	to      *address
	timeout time.Duration // for one answer

	nc      net.Conn
	stop    func() bool // takes back what ends the connection with the context
	renewed time.Time
	buf     []byte // what was read: the answer's head and body lie in it
	end     int    // of what was read
	chunks  []byte // a body that came in chunks, put together
}

// send writes a request and reads its answer. After an error the request may have been heard or not.
func (c *conn) send(ctx context.Context, request []byte, now time.Time) (reply, error) {
	if err := c.ready(ctx, now); err != nil {
		return reply{}, err
	}
	r, err := c.exchange(request)
	if err != nil || r.closing {
		c.close()
	}
	return r, err
}

// ready connects if there is no connection, and keeps its deadline ahead of now.
func (c *conn) ready(ctx context.Context, now time.Time) error {
	if c.nc == nil {
		nc, err := c.to.connect(ctx)
		if err != nil {
			return err
		}
		c.nc, c.renewed, c.end = nc, time.Time{}, 0
		// A deadline long past wakes whoever waits on the connection. It may come before or after the
		// one set below, hence the look at the context.
		c.stop = context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	}
	if now.Sub(c.renewed) < renewEvery {
		return nil
	}
	c.renewed = now
	err := c.nc.SetDeadline(now.Add(c.timeout + renewEvery))
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		c.close()
	}
	return err
}

func (c *conn) close() {
	if c.nc == nil {
		return
	}
	c.stop()
	_ = c.nc.Close() // nothing on it is of use any longer
	c.nc = nil
}

func (c *conn) exchange(request []byte) (reply, error) {
	if _, err := c.nc.Write(request); err != nil {
		return reply{}, err
	}
	for {
		h, size, err := c.readHead()
		if err != nil {
			return reply{}, err
		}
		if h.status < 200 { // an interim answer; the real one follows
			c.drop(size)
			continue
		}
		body, err := c.readBody(&h, size)
		return reply{head: h, body: body}, err
	}
}

var errLongHead = errors.New("the answer's head is too long")

// readHead reads until the empty line and returns the head with its size in the buffer.
func (c *conn) readHead() (head, int, error) {
	seen := 0
	for {
		if at := bytes.Index(c.buf[seen:c.end], []byte("\r\n\r\n")); at >= 0 {
			size := seen + at + 4
			h, err := parseHead(c.buf[:size-2])
			return h, size, err
		}
		seen = max(c.end-3, 0)
		if c.end > headMax {
			return head{}, 0, errLongHead
		}
		if err := c.fill(); err != nil {
			return head{}, 0, err
		}
	}
}

// readBody returns the body that begins at from, and forgets the whole answer.
func (c *conn) readBody(h *head, from int) ([]byte, error) {
	if h.chunked {
		return c.readChunks(from)
	}
	if h.length < 0 || h.length > bodyMax {
		return nil, fmt.Errorf("the answer's length is %d", h.length)
	}
	for c.end < from+h.length {
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
	if c.end != from+h.length {
		return nil, errors.New("the server answered more than was asked")
	}
	c.end = 0
	return c.buf[from : from+h.length], nil
}

// fill reads once more, behind what is there.
func (c *conn) fill() error {
	if len(c.buf)-c.end < readSize/2 {
		c.buf = append(c.buf[:c.end], make([]byte, max(len(c.buf), readSize))...)
	}
	n, err := c.nc.Read(c.buf[c.end:])
	c.end += n
	if n > 0 {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// drop forgets the first bytes that were read.
func (c *conn) drop(n int) { c.end = copy(c.buf, c.buf[n:c.end]) }
