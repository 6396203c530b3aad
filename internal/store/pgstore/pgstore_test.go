package pgstore_test

import (
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
	var schemas atomic.Int64
	return storetest.Driver{
		Name: "pgstore",
		Open: func(tb testing.TB, clock func() time.Time) store.Store {
			tb.Helper()
			name := fmt.Sprint("scrip_", schemas.Add(1))
			execute(tb, connect(tb, at), "CREATE SCHEMA "+name)
			return open(tb, at+"&search_path="+url.QueryEscape(name), clock)
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
			return openWith(tb, o.cfg)
		},
	}
}

func TestStore(t *testing.T) { storetest.Run(t, driver(testenv.Database(t))) }

func BenchmarkStore(b *testing.B) { storetest.Benchmark(b, driver(testenv.Database(b))) }

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
