package stampede

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// address is where a server listens, and how its requests name it.
type address struct {
	dial string // host:port
	host string // the Host header
	path string // what stands before every route, without a slash at its end
	tls  *tls.Config
}

// dialWait bounds one attempt to connect.
const dialWait = 5 * time.Second

// parseAddress reads the base URL of a server.
func parseAddress(base string) (*address, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the server's address must look like http://127.0.0.1:8000")
	}
	a := &address{dial: u.Host, host: u.Host, path: strings.TrimRight(u.EscapedPath(), "/")}
	if u.Scheme == "https" {
		a.tls = &tls.Config{ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	}
	if u.Port() == "" {
		a.dial = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	return a, nil
}

// connect opens a connection.
func (a *address) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	var plain net.Dialer
	nc, err := plain.DialContext(ctx, "tcp", a.dial)
	if err != nil || a.tls == nil {
		return nc, err
	}
	secure := tls.Client(nc, a.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = nc.Close() // the handshake's error is the one to tell
		return nil, fmt.Errorf("tls: %w", err)
	}
	return secure, nil
}
