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
//     refuses it that second one, where there are standbys to wait for.
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

// uncancelled makes a configuration one connection's own. When pgx gives that up while commits may wait for standbys, it is closed
// at once, and nothing is cancelled. It is for one connection because a cancel request is told from the connection itself by coming
// second: all addresses that the URL names, with TLS and without, are dialled before one is established. Without the close pgx
// would wait up to 15 seconds for the server's goodbye, and the pool for the place.
//
// Without standbys a wait that ends early shows nothing early, and the cancel request is of use: a session that waits for a lock
// does not see that its client has gone, and where the clock of the server is set back it does not see its timeouts either.
func uncancelled(standbys func() bool) func(context.Context, *pgx.ConnConfig) error {
	return func(_ context.Context, c *pgx.ConnConfig) error {
		dial := c.DialFunc
		var ours net.Conn
		established := false
		c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			if established {
				if standbys() {
					return nil, errors.Join(errNoCancel, ours.Close())
				}
				return dial(ctx, network, address)
			}
			conn, err := dial(ctx, network, address)
			ours = conn
			return conn, err
		}
		c.AfterConnect = func(context.Context, *pgconn.PgConn) error {
			established = true
			return nil
		}
		return nil
	}
}
