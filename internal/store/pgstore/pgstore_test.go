package pgstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/store"
	"scrip/internal/store/pgstore"
	"scrip/internal/store/storetest"
	"scrip/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// opened is a store with its place, for the way back after a crash.
type opened struct {
	*pgstore.Store
	cfg pgstore.Config
}

// open opens a store at a URL, which is closed when the test ends. A nil clock is the database's.
func open(tb testing.TB, at string, clock func() time.Time) opened {
	tb.Helper()
	return openWith(tb, pgstore.Config{URL: at, Clock: clock, MaxConns: 8})
}

func openWith(tb testing.TB, cfg pgstore.Config) opened {
	tb.Helper()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s, err := pgstore.Open(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return opened{s, cfg}
}

// driver gives each store a schema of its own in the database at url: to make one is a hundred times cheaper than to
// make a database.
func driver(at string) storetest.Driver {
	return drivers(at, func(opened) {})
}

// drivers is driver, and shows each store to see as it ends.
func drivers(at string, see func(opened)) storetest.Driver {
	var schemas atomic.Int64
	return storetest.Driver{
		Name: "pgstore",
		Open: func(tb testing.TB, clock func() time.Time) store.Store {
			tb.Helper()
			name := fmt.Sprint("scrip_", schemas.Add(1))
			execute(tb, connect(tb, at), "CREATE SCHEMA "+name)
			tb.Cleanup(func() { dropSchema(tb, at, name) }) // hundreds together take the database's end too long
			s := open(tb, at+"&search_path="+url.QueryEscape(name), clock)
			tb.Cleanup(func() { see(s) })
			return s
		},
		// What a process that died had acknowledged is found by the next one, in the same database.
		Crash: func(tb testing.TB, s store.Store) store.Store {
			tb.Helper()
			o, ok := s.(opened)
			if !ok {
				tb.Fatalf("not a store of this driver: %T", s)
			}
			if err := o.Sever(tb.Context()); err != nil {
				tb.Fatal(err)
			}
			again := openWith(tb, o.cfg)
			tb.Cleanup(func() { see(again) })
			return again
		},
	}
}

// The suite must go both ways, or it would prove nothing of one of them.
func TestStore(t *testing.T) {
	var express, ordinary atomic.Int64
	t.Cleanup(func() { // after all of it, which is parallel
		e, o := express.Load(), ordinary.Load()
		t.Logf("%d batches went by the express lane, %d the ordinary way", e, o)
		if whole := e+o > 2000; whole && (e < 100 || o < 100) {
			t.Error("the suite should go both ways")
		}
	})
	storetest.Run(t, drivers(testenv.Database(t), func(s opened) {
		e, o := s.Lanes()
		express.Add(e)
		ordinary.Add(o)
	}))
}

func BenchmarkStore(b *testing.B) { storetest.Benchmark(b, driver(testenv.Database(b))) }

// dropSchema drops a schema when a test has ended.
func dropSchema(tb testing.TB, at, name string) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context())
	conn, err := pgx.Connect(ctx, at)
	if err != nil {
		tb.Error(err)
		return
	}
	if _, err := conn.Exec(ctx, "DROP SCHEMA "+name+" CASCADE"); err != nil {
		tb.Error(err)
	}
	if err := conn.Close(ctx); err != nil {
		tb.Error(err)
	}
}

// connect is a connection past the store.
func connect(tb testing.TB, at string) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), at)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close(tb.Context()) })
	return conn
}

func execute(tb testing.TB, conn *pgx.Conn, sql string) {
	tb.Helper()
	if _, err := conn.Exec(tb.Context(), sql); err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
}
