// Package sqlitestore keeps the truth in one SQLite file: pure Go, one writer, many readers.
//
// What makes it durable: WAL with synchronous=FULL, so that every commit syncs the log before Apply
// returns. What makes it exact: one connection writes, one transaction at a time, one process at a time
// (a lock file says so), and the tables' own constraints stand behind the arithmetic. What makes it fast:
// a batch is one transaction and one sync, statements are prepared once, and the checkpoint runs beside
// the writer (checkpoint.go).
//
// It must not know the gate, the use cases or any other driver.
package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"scrip/internal/store"
	"scrip/internal/store/sqlitestore/logvfs"
)

// Config says where and how.
type Config struct {
	Path  string           // the database file; its folder is made if it is missing
	Clock func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil: slog.Default

	// Newcomers is how many customers appear before they join the table that finds them by their names; 0 is 131,072.
	// It is a matter of speed and of memory, some eighty bytes each.
	Newcomers int
}

// Store is an open file. It is safe for concurrent use.
type Store struct {
	path  string
	clock func() time.Time
	log   *slog.Logger
	lock  *os.File

	newcomers *newcomers

	latest atomic.Int64 // the latest time that now returned, in microseconds

	sealing sync.Mutex // held by whoever seals, and taken before mu

	mu        sync.Mutex // guards w: one transaction at a time
	w         *writer
	importing bool // a copy into the file is under way
	closed    bool

	readers     chan *reader
	checkpoints checkpointer
}

var _ store.Store = (*Store)(nil)

// FileName is the database's name in a data folder.
const FileName = "scrip.db"

// readersMax bounds the reads that go on at once; more wait their turn.
const readersMax = 4

// Open opens the file for writing, made and migrated as needed. It refuses a file that another process
// has open, one of another program, one of a newer version, and an unfinished copy.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	return open(ctx, cfg, func() error { return finished(cfg.Path) })
}

// open opens the file, unless it is not fit for what it is opened for.
func open(ctx context.Context, cfg Config, fit func() error) (*Store, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	s := &Store{path: cfg.Path, clock: cfg.Clock, log: cfg.Log, newcomers: newNewcomers(cfg.Newcomers)}
	if err := s.open(ctx, fit); err != nil {
		return nil, errors.Join(explain(cfg.Path, err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, fit func() error) error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	var err error
	if s.lock, err = lockFile(s.path + ".lock"); err != nil {
		return err
	}
	if err := touch(s.path); err != nil {
		return err
	}
	if err := migrate(ctx, s.path); err != nil {
		return err
	}
	if err := fit(); err != nil {
		return err
	}
	uri, err := logvfs.URI(s.path)
	if err != nil {
		return err
	}
	conn, err := connect(uri, sqlite.OpenReadWrite|sqlite.OpenURI, writerPragmas())
	if err != nil {
		return err
	}
	s.w = &writer{conn: conn, newcomers: s.newcomers}
	if err := s.w.prepare(); err != nil {
		return err
	}
	if err := s.newcomers.load(&reader{path: s.path, conn: conn, stmts: make(map[string]*stmt)}); err != nil {
		return err
	}
	s.readers = make(chan *reader, readersMax)
	for range readersMax {
		s.readers <- &reader{path: s.path, newcomers: s.newcomers}
	}
	return s.checkpoints.start(s) //nolint:contextcheck // it outlives ctx
}

// touch makes the file readable by its owner only, before SQLite makes it with the default mode. The log
// and the shared memory beside it inherit the mode.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the operator's own choice
	if err != nil {
		return err
	}
	return f.Close()
}

// writerPragmas: the log is synced at every commit, and its checkpoint is our own business.
func writerPragmas() []string {
	return []string{
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"PRAGMA wal_autocheckpoint = 0",
		"PRAGMA foreign_keys = OFF", // the writer makes both sides in one transaction; Audit checks them
		"PRAGMA cache_size = -32768",
		"PRAGMA temp_store = MEMORY",
	}
}

func readerPragmas() []string {
	return []string{"PRAGMA query_only = ON", "PRAGMA cache_size = -4096", "PRAGMA temp_store = MEMORY"}
}

// connect opens one connection.
func connect(path string, flags sqlite.OpenFlags, pragmas []string) (*sqlite.Conn, error) {
	conn, err := sqlite.OpenConn(path, flags)
	if err != nil {
		return nil, err
	}
	conn.SetBusyTimeout(5 * time.Second)
	for _, p := range pragmas {
		if err := sqlitex.ExecuteTransient(conn, p, nil); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", p, err), conn.Close())
		}
	}
	return conn, nil
}

// write runs do in the writer's next transaction.
func (s *Store) write(do func(w *writer) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("%w: the store is closed", store.ErrNotApplied)
	}
	err := s.w.tx(s.now(), func() error { return do(s.w) })
	s.checkpoints.written()
	// Whoever seals looks newcomers up within a snapshot, which may be older than their leaving.
	if s.newcomers.leaves() && s.sealing.TryLock() {
		s.newcomers.leave()
		s.sealing.Unlock()
	}
	return err
}

// hold runs do while no transaction writes.
func (s *Store) hold(do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return do()
}

// now is the store's clock, at the precision of the file, never running backwards.
func (s *Store) now() time.Time {
	now := s.clock().UnixMicro()
	for {
		latest := s.latest.Load()
		if now <= latest {
			return time.UnixMicro(latest).UTC()
		}
		if s.latest.CompareAndSwap(latest, now) {
			return time.UnixMicro(now).UTC()
		}
	}
}

// Ping reports whether the store can answer now.
func (s *Store) Ping(ctx context.Context) error {
	return s.read(ctx, func(r *reader) error {
		_, err := count(r.stmt("SELECT count(*) FROM sqlite_schema"))
		return err
	})
}

// Close ends the store, after the transaction and the reads that go on. It may be called again.
func (s *Store) Close() error {
	s.checkpoints.stop()
	if err := s.settleToClose(); err != nil {
		s.log.Warn("some new customers stay in memory; they are read again at the next start", "err", err)
	}
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	var errs []error
	if s.readers != nil { // without the mutex: a reading of winners may be waiting for it
		for range readersMax {
			errs = append(errs, (<-s.readers).close())
		}
		close(s.readers)
	}
	if s.w != nil {
		// The last connection to close also checkpoints and removes the log.
		errs = append(errs, s.w.conn.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
