// Package pgstore keeps the truth in PostgreSQL, for any number of processes at once.
//
// What makes it durable: a batch is one transaction, and its outcome is told after the server confirmed the
// commit. What makes it exact: the rules are judged over rows that are locked, or that a unique key guards
// (apply.go), and the tables' own constraints stand behind the arithmetic. What makes it fast: a batch costs
// one round trip or two and a fixed number of statements, whatever its size.
//
// Locks are always taken in one order, by every verb: campaigns by id, vouchers by id, wallets by customer
// and currency, then what only grows, and accounts last. What is locked out of it by a crossing of new rows
// is resolved by the server's detection of deadlocks, and asked again here (retry.go).
//
// It must not know the gate, the use cases or any other driver.
package pgstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"scrip/internal/store"
)

// Config says where and how. The zero value of each member but URL is its default.
type Config struct {
	URL              string           // postgres://user:password@host:port/database, or libpq's keywords
	MaxConns         int32            // connections in all, at least 2; default 16
	StatementTimeout time.Duration    // the server ends a statement after it; default 5s
	LockTimeout      time.Duration    // the server ends the wait for one lock after it; default 2s
	ConnectTimeout   time.Duration    // for one attempt to connect; default 5s
	Clock            func() time.Time // nil: the database's
	Log              *slog.Logger     // nil: slog.Default

	application string // how the connections show in pg_stat_activity; empty: as a server's
	alone       bool   // nobody else may be connected while a copy goes on
}

const (
	maxConnsDefault         = 16
	statementTimeoutDefault = 5 * time.Second
	lockTimeoutDefault      = 2 * time.Second
	connectTimeoutDefault   = 5 * time.Second
)

func (c Config) withDefaults() Config {
	if c.MaxConns == 0 {
		c.MaxConns = maxConnsDefault
	}
	c.MaxConns = max(2, c.MaxConns) // one to write and one to read
	if c.StatementTimeout == 0 {
		c.StatementTimeout = statementTimeoutDefault
	}
	if c.LockTimeout == 0 {
		c.LockTimeout = lockTimeoutDefault
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeoutDefault
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	cfg Config
	// writers serves Apply, Create and both Amends; readers all that only reads. They are apart so that a crowd
	// of reads can't keep a commit waiting for a connection. A store that was opened for reading has no
	// writers.
	writers, readers *pgxpool.Pool
	wide             wide
	book             book
	recent           recent
	lanes            struct{ express, ordinary atomic.Int64 } // batches that took effect, or were refused, by each

	standbys atomic.Bool  // commits wait for some, as far as the last connection or ordinary batch knew
	latest   atomic.Int64 // the latest time that now returned, in microseconds
}

// Open connects and brings the schema up to this version's. It refuses a server that is too old or only
// reads, a database of another program, the schema of a newer version, and an unfinished copy.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	return open(ctx, cfg, finished)
}

// open connects and migrates, and refuses a database that is not fit for what it is opened for.
func open(ctx context.Context, cfg Config, fit func(context.Context, *Store) error) (*Store, error) {
	cfg = cfg.withDefaults()
	s := &Store{cfg: cfg, wide: newWide(), book: book{pages: map[string]*page{}}}
	err := s.open(ctx)
	if err == nil {
		err = fit(ctx, s)
	}
	if err != nil {
		s.close()
		return nil, explain(cfg, err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	if err := migrate(ctx, s.cfg); err != nil {
		return err
	}
	writersMax := min(writersMax, s.cfg.MaxConns/2)
	var err error
	if s.writers, err = newPool(ctx, s.cfg, writersMax, false, &s.standbys); err != nil {
		return err
	}
	if s.readers, err = newPool(ctx, s.cfg, s.cfg.MaxConns-writersMax, true, &s.standbys); err != nil {
		return err
	}
	return s.Ping(ctx)
}

// OpenReadOnly connects for reading beside running servers, as `scrip verify` does: it changes nothing, and
// refuses a schema that is not this version's. Every verb that writes fails.
func OpenReadOnly(ctx context.Context, cfg Config) (*Store, error) {
	cfg = cfg.withDefaults()
	s := &Store{cfg: cfg}
	err := current(ctx, cfg)
	if err == nil {
		s.readers, err = newPool(ctx, cfg, cfg.MaxConns, true, &s.standbys)
	}
	if err == nil {
		err = finished(ctx, s)
	}
	if err != nil {
		s.close()
		return nil, explain(cfg, err)
	}
	return s, nil
}

var errReadOnly = errors.New("the store was opened for reading only")

// now is the store's clock at the precision of the database: never earlier than what it said before.
// database is what clock_timestamp() said to the caller; where the configuration has a clock of its own,
// that one is asked instead.
func (s *Store) now(database time.Time) time.Time {
	if s.cfg.Clock != nil {
		database = s.cfg.Clock()
	}
	return s.told(database)
}

// told keeps a time that somebody is told, and returns it, or a later one that was told before.
func (s *Store) told(at time.Time) time.Time {
	now := at.UnixMicro()
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

// hand is what now would say, for a statement that asks the database's clock by itself: no earlier than floor, or
// fixed where the configuration has a clock of its own.
func (s *Store) hand() (fixed, floor time.Time) {
	if s.cfg.Clock != nil {
		fixed = s.now(time.Time{})
	}
	return fixed, time.UnixMicro(s.latest.Load()).UTC()
}

// Ping reports whether the store can answer now.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.readers.Ping(ctx); err != nil {
		return fmt.Errorf("ping the database: %w", err)
	}
	return nil
}

// Close ends the store, after the transactions and the reads that go on. It may be called again.
func (s *Store) Close() error {
	s.close()
	return nil
}

func (s *Store) close() {
	for _, p := range []*pgxpool.Pool{s.writers, s.readers} {
		if p != nil {
			p.Close()
		}
	}
}

var _ store.Applier = (*Store)(nil)
