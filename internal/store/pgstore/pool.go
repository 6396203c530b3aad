package pgstore

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// writersMax bounds the connections that write. One batch is in flight at a time for each process; the others
// serve administrators, whose import of many codes must not keep a batch waiting.
const writersMax = 4

// idleInTransaction ends a transaction whose process went silent in its middle (it was paused, or its host is
// gone), so that its locks are free for the others. No healthy transaction of Scrip idles: it runs from one
// round trip to the next.
const idleInTransaction = 2 * time.Second

// pingMax bounds the question whether a connection that was idle is still alive.
const pingMax = time.Second

// applicationName is how the connections show in pg_stat_activity.
const applicationName = "scrip"

// connConfig is the configuration of one connection of this store.
func connConfig(cfg Config) (*pgx.ConnConfig, error) {
	c, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errURL, err)
	}
	configure(c, cfg)
	return c, nil
}

// configure sets what every connection of the store has. What must hold for exactness is set here and not
// left to the server's configuration.
func configure(c *pgx.ConnConfig, cfg Config) {
	c.ConnectTimeout = cfg.ConnectTimeout
	c.DialFunc = dial
	set := func(name, value string) { c.RuntimeParams[name] = value }
	if cfg.application != "" || c.RuntimeParams["application_name"] == "" {
		set("application_name", cmp.Or(cfg.application, applicationName))
	}
	set("timezone", "UTC")
	set("default_transaction_isolation", "read committed")
	// A plan that is made without its arguments keeps to the indexes, whether they are ten or a thousand, and
	// whether statistics are there yet or not: a plan made for a thousand may read a whole table instead.
	set("plan_cache_mode", "force_generic_plan")
	set("statement_timeout", milliseconds(cfg.StatementTimeout))
	set("lock_timeout", milliseconds(cfg.LockTimeout))
	set("idle_in_transaction_session_timeout", milliseconds(idleInTransaction))
}

func milliseconds(d time.Duration) string {
	return strconv.FormatInt(max(1, d.Milliseconds()), 10)
}

// newPool opens a pool of writers, which keep standbys up to date, or of readers.
func newPool(ctx context.Context, cfg Config, conns int32, readOnly bool, standbys *atomic.Bool) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errURL, err)
	}
	configure(c.ConnConfig, cfg)
	planByKeys(c.ConnConfig.RuntimeParams)
	c.MaxConns = conns
	c.PrepareConn = freshPlans(time.Now)
	c.PingTimeout = pingMax
	if !readOnly {
		c.BeforeConnect = uncancelled(standbys.Load)
	}
	c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		registerColumns(conn.TypeMap())
		if readOnly {
			_, err := conn.Exec(ctx, onlyReadQuery)
			return err
		}
		b := &pgx.Batch{}
		b.Queue(waitForCommitsQuery)
		b.Queue(markWriterQuery, int32(writerLock))
		b.Queue("SELECT " + standbysKnown).QueryRow(func(row pgx.Row) error {
			var known bool
			err := row.Scan(&known)
			standbys.Store(known)
			return err
		})
		return conn.SendBatch(ctx, b).Close()
	}
	return pgxpool.NewWithConfig(ctx, c)
}

// waitForCommitsQuery makes a commit durable before it is answered, also where the server, the database or the
// user is set not to wait. Whoever waits for standbys too goes on to.
const waitForCommitsQuery = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"

// onlyReadQuery has the server refuse what a reader writes. It comes after the connection is made: in its startup packet it would
// make every server look like a standby to target_session_attrs=read-write.
const onlyReadQuery = "SET default_transaction_read_only = on"
