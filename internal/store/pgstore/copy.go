package pgstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/store"
)

var (
	_ store.Exporter = (*Store)(nil)
	_ store.Importer = (*Store)(nil)
	_ store.Exporter = (*Source)(nil)
	_ store.Auditor  = (*Source)(nil)
)

// copyName is how the connections of a copy show in pg_stat_activity, beside those of servers.
const copyName = "scrip copy"

var (
	errServers = errors.New("servers of Scrip are connected to this database; stop them first (a pool of connections between them and the database too)")
	errCopier  = errors.New("another copy into this database is under way; let it end, or end it")
)

// Source is a database that stands still while it is copied: whoever would write to it waits, and fails.
type Source struct {
	s    *Store
	hold *pgx.Conn // whose transaction holds the locks
}

// OpenSource opens a database to be copied. It refuses one that servers are connected to, one of another program,
// one whose schema is not this version's, and one that is itself an unfinished copy. It changes nothing.
func OpenSource(ctx context.Context, cfg Config) (*Source, error) {
	cfg.application = copyName
	s, err := OpenReadOnly(ctx, cfg)
	if err != nil {
		return nil, err
	}
	src := &Source{s: s}
	if err := src.standStill(ctx); err != nil {
		return nil, errors.Join(explain(s.cfg, err), src.Close()) //nolint:contextcheck // it disconnects, whatever ctx says
	}
	return src, nil
}

// standStill keeps writers out with locks that readers do not notice, and refuses to where there are any: what
// they would write after the copy would be lost with the database that is left behind.
func (s *Source) standStill(ctx context.Context) (err error) {
	if s.hold, err = connectPatient(ctx, s.s.cfg); err != nil {
		return err
	}
	_, err = s.hold.Exec(ctx, "BEGIN; LOCK TABLE "+copiedTables+" IN SHARE MODE")
	if sqlState(err) == codeLockNotAvailable {
		return fmt.Errorf("%w: somebody writes to the database: %w", store.ErrInUse, err)
	}
	if err != nil {
		return err
	}
	return noServers(ctx, s.hold, s.s.cfg) // whoever connects later can't write
}

// copiedTables are all that a copy carries.
const copiedTables = "campaign, voucher, wallet, transfer, account, redemption, rollback, post, idempotency, api_key, audit_event, seal, unsealed, sealing"

// connectPatient opens a connection whose statements may take as long as they take.
func connectPatient(ctx context.Context, cfg Config) (*pgx.Conn, error) {
	c, err := connConfig(cfg)
	if err != nil {
		return nil, err
	}
	planByKeys(c.RuntimeParams)
	c.RuntimeParams["statement_timeout"], c.RuntimeParams["idle_in_transaction_session_timeout"] = "0", "0"
	if err := uncancelled(func() bool { return true })(ctx, c); err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return nil, err
	}
	registerColumns(conn.TypeMap())
	return conn, nil
}

// noServers refuses a database that servers are connected to. They are known by the name of their connections: ours,
// or what the URL says.
func noServers(ctx context.Context, conn *pgx.Conn, cfg Config) error {
	c, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		return fmt.Errorf("%w: %w", errURL, err)
	}
	names := []string{applicationName, cmp.Or(c.RuntimeParams["application_name"], applicationName)}
	return patiently(ctx, func() (bool, error) {
		var servers int
		err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = ANY ($1::text[])`, names).Scan(&servers)
		if err == nil && servers > 0 {
			return true, fmt.Errorf("%w: %w (%d connections)", store.ErrInUse, errServers, servers)
		}
		return false, err
	})
}

// leaveMax is how long somebody who has ended may take to be gone: a process that was killed is connected until the
// server is done with its last statement.
const leaveMax = 3 * time.Second

// patiently calls do again while it asks for that, until leaveMax is over.
func patiently(ctx context.Context, do func() (again bool, err error)) error {
	for waited := time.Duration(0); ; waited += lockPoll {
		again, err := do()
		if !again || waited >= leaveMax {
			return err
		}
		if ended := sleep(ctx, lockPoll); ended != nil {
			return errors.Join(ended, err)
		}
	}
}

// Export tells all that the database holds.
func (s *Source) Export(ctx context.Context, after store.Place, yield func(store.Record) error) error {
	return s.s.Export(ctx, after, yield)
}

// Audit recomputes every invariant from the rows of one snapshot.
func (s *Source) Audit(ctx context.Context, report func(store.Finding)) (store.Audited, error) {
	return s.s.Audit(ctx, report)
}

// Close lets writers in again. It may be called again.
func (s *Source) Close() error {
	if s.hold != nil {
		disconnect(s.hold)
		s.hold = nil
	}
	return s.s.Close()
}

// disconnect ends a connection with all that its session and its transaction hold.
func disconnect(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), disconnectMax) //nolint:forbidigo // a caller who gave up still disconnects
	defer cancel()
	_ = conn.Close(ctx) // gone either way
}

// disconnectMax bounds the goodbye; a server that does not hear it notices that the line is dead.
const disconnectMax = connectTimeoutDefault

// OpenTarget opens a database to be copied into: as Open does, but for an unfinished copy too, and for nobody
// else at the same time.
func OpenTarget(ctx context.Context, cfg Config) (*Store, error) {
	cfg.application, cfg.alone = copyName, true
	return open(ctx, cfg, func(context.Context, *Store) error { return nil })
}

// finished refuses a database that is an unfinished copy. It asks over a connection of the store, which a copy that
// begins meanwhile finds connected.
func finished(ctx context.Context, s *Store) error {
	var unfinished bool
	err := s.readers.QueryRow(ctx, "SELECT EXISTS (SELECT FROM copied_from WHERE finished_at IS NULL)").Scan(&unfinished)
	if err != nil {
		return fmt.Errorf("ask whether it is an unfinished copy: %w", err)
	}
	if unfinished {
		return store.ErrUnfinishedCopy
	}
	return nil
}
