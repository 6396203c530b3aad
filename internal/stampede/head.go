package stampede

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// head is what matters of an answer's status line and headers.
type head struct {
	status   int
	length   int  // of the body; 0 if nothing is said
	chunked  bool // the body says itself how long it is
	closing  bool // the server closes the connection after it
	replayed bool // the answer to an earlier request under the same key
	after    time.Duration
}

var errNoHTTP = errors.New("the answer is not HTTP/1.1")

// parseHead reads a status line and headers, each with its line's end.
func parseHead(text []byte) (head, error) {
	var h head
	line, rest, ok := bytes.Cut(text, []byte("\r\n"))
	if !ok || len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[8] != ' ' {
		return h, errNoHTTP
	}
	h.closing = line[7] == '0'
	if h.status, ok = number(line[9:12]); !ok || h.status < 100 {
		return h, errNoHTTP
	}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		at := bytes.IndexByte(line, ':')
		if at < 0 {
			return h, errNoHTTP
		}
		if err := h.field(line[:at], bytes.TrimSpace(line[at+1:])); err != nil {
			return h, err
		}
	}
	return h, nil
}

// field takes one header. The length of the name tells most of them apart.
func (h *head) field(name, value []byte) error {
	ok := true
	switch {
	case len(name) == 14 && is(name, "content-length"):
		h.length, ok = number(value)
	case len(name) == 17 && is(name, "transfer-encoding"):
		h.chunked = is(value, "chunked")
		ok = h.chunked
	case len(name) == 10 && is(name, "connection"):
		h.closing = h.closing || is(value, "close")
	case len(name) == 19 && is(name, "idempotent-replayed"):
		h.replayed = is(value, "true")
	case len(name) == 11 && is(name, "retry-after"):
		if seconds, isNumber := number(value); isNumber { // a date is not worth reading: bounded anyway
			h.after = time.Duration(seconds) * time.Second
		}
	}
	if !ok {
		return fmt.Errorf("the answer's %s is %.40q", name, value)
	}
	return nil
}

// is compares without regard to case; b is in lower case.
func is(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != b[i] {
			return false
		}
	}
	return true
}

// number reads up to nine digits, so that it can't overflow.
func number(text []byte) (int, bool) {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, len(text) > 0 && len(text) < 10
}

// readChunks reads a body in chunks (RFC 9112, 7.1), without trailers.
func (c *conn) readChunks(from int) ([]byte, error) {
	c.chunks = c.chunks[:0]
	for {
		line, err := c.readLine(from)
		if err != nil {
			return nil, err
		}
		from += len(line) + 2
		size, ok := hex(line)
		if !ok || len(c.chunks)+size > bodyMax {
			return nil, errors.New("the answer's chunks are not sound")
		}
		for c.end < from+size+2 {
			if err := c.fill(); err != nil {
				return nil, err
			}
		}
		c.chunks = append(c.chunks, c.buf[from:from+size]...)
		if c.buf[from+size] != '\r' || c.buf[from+size+1] != '\n' {
			return nil, errors.New("the answer's chunks are not sound")
		}
		from += size + 2
		if size == 0 {
			c.end = 0
			return c.chunks, nil
		}
	}
}

// readLine returns the line that begins at from, without its end.
func (c *conn) readLine(from int) ([]byte, error) {
	for {
		if at := bytes.Index(c.buf[from:c.end], []byte("\r\n")); at >= 0 {
			return c.buf[from : from+at], nil
		}
		if c.end-from > headMax {
			return nil, errLongHead
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// hex reads the size of a chunk, before any extension.
func hex(line []byte) (int, bool) {
	line, _, _ = bytes.Cut(line, []byte(";"))
	n := 0
	for _, c := range line {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | int(c-'0')
		case 'a' <= c && c <= 'f':
			n = n<<4 | int(c-'a'+10)
		case 'A' <= c && c <= 'F':
			n = n<<4 | int(c-'A'+10)
		default:
			return 0, false
		}
	}
	return n, len(line) > 0 && len(line) < 7
}
