package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// One client at a time: a durable accept, over HTTP on one connection, against what a durable commit of
// one row costs by itself. The two take turns, so that both meet the same disk.

const singleMax = 4000 // turns, whatever the time allows

type singleResult struct {
	Turns      int     `json:"turns"`
	CommitUS   float64 `json:"commit_us"`
	AcceptUS   float64 `json:"accept_us"`
	Ratio      float64 `json:"ratio"`
	Commit99US float64 `json:"commit_p99_us"`
	Accept99US float64 `json:"accept_p99_us"`
}

func (b *bench) single(ctx context.Context, scrip *server) (singleResult, error) {
	code, err := scrip.newCode(ctx, 0)
	if err != nil {
		return singleResult{}, err
	}
	row, err := openRowLoop(filepath.Join(b.dir, "row.db"))
	if err != nil {
		return singleResult{}, err
	}
	defer row.close()
	one, err := dialOne(ctx, strings.TrimPrefix(scrip.base, "http://"))
	if err != nil {
		return singleResult{}, err
	}
	defer one.conn.Close() //nolint:errcheck // nothing is left to send

	first, err := b.customers(singleMax)
	if err != nil {
		return singleResult{}, err
	}
	var commits, accepts []float64
	until := time.Now().Add(time.Duration(b.runs) * b.duration)
	for n := int64(0); n < singleMax && time.Now().Before(until) && ctx.Err() == nil; n++ {
		began := time.Now()
		if err := row.commit(n); err != nil {
			return singleResult{}, err
		}
		commits = append(commits, microseconds(time.Since(began)))
		body := fmt.Sprintf(`{"code":%q,"mobile":%q}`, code, mobile(first+n))
		began = time.Now()
		if err := one.post("/codes/use", body); err != nil {
			return singleResult{}, err
		}
		accepts = append(accepts, microseconds(time.Since(began)))
	}
	r := singleResult{
		Turns: len(accepts), CommitUS: median(commits), AcceptUS: median(accepts),
		Commit99US: percentile(commits, 99), Accept99US: percentile(accepts, 99),
	}
	r.Ratio = r.AcceptUS / r.CommitUS
	if won, err := scrip.redeemed(ctx, code); err != nil || won != int64(r.Turns) {
		return r, fmt.Errorf("one client: %d accepts were answered, %d are there: %w", r.Turns, won, err)
	}
	return r, ctx.Err()
}

// rowLoop is the bare commit: one row, one transaction, one sync.
type rowLoop struct {
	conn   *sqlite.Conn
	insert *sqlite.Stmt
}

func openRowLoop(path string) (*rowLoop, error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"CREATE TABLE row (id INTEGER PRIMARY KEY, a TEXT, b INTEGER)",
	} {
		if err := sqlitex.ExecuteTransient(conn, statement, nil); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	insert, err := conn.Prepare("INSERT INTO row (a, b) VALUES (?, ?)")
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &rowLoop{conn: conn, insert: insert}, nil
}

func (l *rowLoop) commit(n int64) error {
	l.insert.BindText(1, "+989120000000")
	l.insert.BindInt64(2, n)
	if _, err := l.insert.Step(); err != nil {
		return err
	}
	return l.insert.Reset()
}

func (l *rowLoop) close() {
	_ = l.insert.Finalize()
	_ = l.conn.Close()
}

// oneConn is one keep-alive connection, without a client's pools and goroutines around it.
type oneConn struct {
	conn net.Conn
	in   *bufio.Reader
	host string
}

func dialOne(ctx context.Context, address string) (*oneConn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &oneConn{conn: conn, in: bufio.NewReader(conn), host: address}, nil
}

// post sends a body and reads the whole answer, which must be a success.
func (c *oneConn) post(path, body string) error {
	status, text, err := c.exchange(path, body)
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("%s answers %d: %s", path, status, text)
	}
	return err
}

// ask sends a body and returns the status of the answer, of which it reads the whole.
func (c *oneConn) ask(path, body string) (int, error) {
	status, _, err := c.exchange(path, body)
	return status, err
}

func (c *oneConn) exchange(path, body string) (int, []byte, error) {
	if err := c.conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return 0, nil, err
	}
	if _, err := fmt.Fprintf(c.conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, c.host, len(body), body); err != nil {
		return 0, nil, err
	}
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, text, err
}
