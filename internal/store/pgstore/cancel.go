package pgstore

import (
	"context"
	"errors"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A commit that waits for a synchronous standby must not be cancelled. PostgreSQL ends such a wait with a warning only: the
// transaction is committed and seen by all, and is on no standby. Whoever asked again would be told of a success that
// is lost with the primary. Left alone, it goes on waiting, unseen and with its locks, until a standby has it.
//
// So no session of ours that may commit is ever cancelled or ended while it commits:
//
//   - pgx gives a connection up (at the end of a context, mostly) by a cancel request over a second one. uncancelled
//     refuses it that second one.
//   - statement_timeout is disarmed by the server before a commit, and idle_in_transaction_session_timeout holds only where
//     the server waits for us.
//   - endStalled ends only sessions that wait for their client (stalled.go).
//
// Readers commit nothing, and a migration is told to nobody before something behind it in the log is: those are cancelled.
//
// What others do (an administrator's pg_cancel_backend, a restart of the primary) shows transactions early all the same: see
// standby.go.

// errNoCancel answers a cancel request.
var errNoCancel = errors.New("a connection that may be committing is closed, and nothing of it is cancelled")

// uncancelled makes a configuration one connection's own, and has that closed at once, and nothing cancelled, when pgx gives it
// up. It is for one connection because a cancel request is told from the connection itself by coming second: all addresses that
// the URL names, with TLS and without, are dialled before one is established. Without it pgx would wait up to 15
// seconds for the server's goodbye, and the pool for the place.
func uncancelled(_ context.Context, c *pgx.ConnConfig) error {
	dial := c.DialFunc
	var latest net.Conn
	established := false
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if established {
			return nil, errors.Join(errNoCancel, latest.Close())
		}
		conn, err := dial(ctx, network, address)
		latest = conn
		return conn, err
	}
	c.AfterConnect = func(context.Context, *pgconn.PgConn) error {
		established = true
		return nil
	}
	return nil
}
