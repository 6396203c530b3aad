package pgstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// versionTable is goose's, under a name of ours: it tells our database from that of another program.
const versionTable = "scrip_migration"

// migrationLock is the key of the advisory lock under which one process migrates: the bytes "SCRIPMIG".
const migrationLock = 0x53435249504d4947

// lockPoll is how often a process that found the lock taken asks again. It asks instead of waiting in the
// server, because a statement that waits holds a snapshot, and some migrations wait for those to end.
const lockPoll = 50 * time.Millisecond

// migrationMax bounds the waiting for the lock and the migration itself, where ctx has no bound of its own.
const migrationMax = 10 * time.Minute

// A step that changes a table in use needs it for itself for a moment, and whoever has come after it waits behind
// it. So it waits for a lock no longer than a commit may take, gives up its place where somebody holds the table for
// long (pg_dump, an audit, a forgotten session), and asks again later. A step is one transaction: what was given up
// has done nothing.
const (
	migrationLockMax   = time.Second
	migrationLockPause = time.Second
)

// Migration is one step of the schema.
type Migration struct {
	Version   int64     `json:"version"`
	Name      string    `json:"name"`
	Applied   bool      `json:"applied"`
	AppliedAt time.Time `json:"applied_at,omitzero"`
}

// Migrate brings the database up to this version's schema. Of processes that do so at once, one does it and
// the others wait.
func Migrate(ctx context.Context, cfg Config) error {
	cfg = cfg.withDefaults()
	return explain(cfg, migrate(ctx, cfg))
}

// Status tells the schema's steps and which the database has. It changes nothing.
func Status(ctx context.Context, cfg Config) (steps []Migration, err error) {
	cfg = cfg.withDefaults()
	err = inspect(ctx, cfg, func(has schema) error {
		for _, m := range has.known {
			at, applied := has.applied[m.Version]
			steps = append(steps, Migration{Version: m.Version, Name: m.Path, Applied: applied, AppliedAt: at})
		}
		return nil
	})
	return steps, explain(cfg, err)
}

// current refuses a database whose schema is not this version's.
func current(ctx context.Context, cfg Config) error {
	return inspect(ctx, cfg, func(has schema) error {
		if has.version() < has.target() {
			return errOlder
		}
		return nil
	})
}

// migrate recognises the server and the database and brings the schema up to date.
func migrate(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, migrationMax)
	defer cancel()
	behind := false
	err := inspect(ctx, cfg, func(has schema) error {
		behind = has.version() < has.target()
		if has.standby {
			return errStandby
		}
		return nil
	})
	if err != nil || !behind {
		return err
	}
	return withProvider(cfg, func(p *goose.Provider) error { return bringUp(ctx, cfg, p) })
}

// bringUp brings the schema up, and begins the step again that did not get its locks, until ctx ends.
func bringUp(ctx context.Context, cfg Config, p *goose.Provider) error {
	for told := false; ; told = true {
		_, err := p.Up(ctx)
		if !lost(err) {
			return err
		}
		if !told {
			cfg.Log.WarnContext(ctx, "a migration waits for a table that somebody holds for long; it goes on when it is free",
				"err", err, "look", "SELECT * FROM pg_stat_activity WHERE state <> 'idle' ORDER BY xact_start")
		}
		if ended := sleep(ctx, migrationLockPause); ended != nil {
			return fmt.Errorf("a migration waits for a table that somebody holds for long: %w", errors.Join(ended, err))
		}
	}
}

// schema is what a database has of ours.
type schema struct {
	known   []*goose.Source     // this version's steps, in order
	applied map[int64]time.Time // the database's, by version
	standby bool                // the server only reads
}

func (h schema) target() int64 { return h.known[len(h.known)-1].Version }

func (h schema) version() (latest int64) {
	for v := range h.applied {
		latest = max(latest, v)
	}
	return latest
}

// inspect connects, refuses what Scrip can't live on, and calls do with what is there.
func inspect(ctx context.Context, cfg Config, do func(has schema) error) (err error) {
	c, err := connConfig(cfg)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	has := schema{applied: map[int64]time.Time{}}
	if has.known, err = sources(); err != nil {
		return err
	}
	if has.standby, err = recognise(ctx, conn); err != nil {
		return err
	}
	ours, err := isOurs(ctx, conn)
	if err != nil {
		return err
	}
	if ours {
		rows, err := conn.Query(ctx, "SELECT version_id, tstamp FROM "+versionTable+" WHERE is_applied AND version_id > 0")
		if err != nil {
			return err
		}
		var version int64
		var at time.Time
		if _, err = pgx.ForEachRow(rows, []any{&version, &at}, func() error {
			has.applied[version] = at.UTC()
			return nil
		}); err != nil {
			return err
		}
	}
	if v := has.version(); v > has.target() {
		return fmt.Errorf("%w (it is at schema %d, this version knows %d)", errNewer, v, has.target())
	}
	return do(has)
}

// serverMin is the oldest PostgreSQL that Scrip is tested with, as server_version_num has it.
const serverMin = 150000

// recognise refuses a server that Scrip can't live on, and reports whether it only reads.
func recognise(ctx context.Context, conn *pgx.Conn) (standby bool, err error) {
	var number int
	var encoding string
	err = conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), pg_is_in_recovery()`).
		Scan(&number, &encoding, &standby)
	if err != nil {
		return false, err
	}
	if number < serverMin {
		return false, fmt.Errorf("%w (it is version %d)", errServerOld, number/10000)
	}
	if encoding != "UTF8" {
		return false, fmt.Errorf("%w (it is %s)", errEncoding, encoding)
	}
	return standby, nil
}

// isOurs reports whether the schema that we use has our version table. Where it has not but has other tables
// that belong to no extension, it is another program's.
func isOurs(ctx context.Context, conn *pgx.Conn) (ours bool, err error) {
	var others int
	err = conn.QueryRow(ctx, `SELECT coalesce(bool_or(c.relname = $1), false), count(*)
		FROM pg_class c
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
			AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`,
		versionTable).Scan(&ours, &others)
	if err == nil && !ours && others > 0 {
		return false, errForeign
	}
	return ours, err
}

// sources are the steps of the schema that this version knows.
func sources() ([]*goose.Source, error) {
	db := stdlib.OpenDB(pgx.ConnConfig{}) // never connected: the provider only reads the files
	p, err := provider(db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return p.ListSources(), db.Close()
}

func provider(db *sql.DB, o ...goose.ProviderOption) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, files,
		append(o, goose.WithDisableGlobalRegistry(true), goose.WithTableName(versionTable))...)
}

func withProvider(cfg Config, do func(*goose.Provider) error) (err error) {
	c, err := connConfig(cfg)
	if err != nil {
		return err
	}
	for _, bound := range []string{"statement_timeout", "idle_in_transaction_session_timeout"} {
		c.RuntimeParams[bound] = "0" // a migration takes as long as ctx lets it
	}
	c.RuntimeParams["lock_timeout"] = milliseconds(migrationLockMax)
	db := stdlib.OpenDB(*c)
	defer func() { err = errors.Join(err, db.Close()) }()
	p, err := provider(db, goose.WithSessionLocker(advisoryLock{}))
	if err != nil {
		return err
	}
	return do(p)
}

// advisoryLock keeps a second process from migrating at once. It ends with its connection, however that
// ends.
type advisoryLock struct{}

// SessionLock implements goose's locker.
func (advisoryLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	for {
		var taken bool
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", int64(migrationLock)).Scan(&taken); err != nil {
			return fmt.Errorf("take the lock for migrating: %w", err)
		}
		if taken {
			return nil
		}
		if err := sleep(ctx, lockPoll); err != nil {
			return fmt.Errorf("wait for another process that is migrating: %w", err)
		}
	}
}

// SessionUnlock implements goose's locker.
func (advisoryLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", int64(migrationLock))
	return err
}
