// Package testenv starts real PostgreSQL and Redis servers, for tests and for bench.
//
// It promises that each server listens on a free port of 127.0.0.1 alone, keeps its files in a folder of its
// own, and is gone with its folder when it is stopped or, on Linux, when this process ends in any way: the
// kernel tells the server of its parent's death. Servers that run already are never touched. A test whose
// programs are not installed is skipped with a word about what to install, and fails where CI is set.
//
// It knows nothing of Scrip, and nothing but tests, bench and build may know it.
package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// ErrMissing means that a program which a server needs is not installed.
var ErrMissing = errors.New("not installed")

// NewPostgres starts a PostgreSQL of the test's own, and stops it when the test ends.
func NewPostgres(tb testing.TB, o PostgresOptions) *Postgres {
	tb.Helper()
	p, err := StartPostgres(tb.Context(), o)
	have(tb, err)
	stopAtEnd(tb, p.Stop)
	return p
}

// NewRedis starts a Redis of the test's own, and stops it when the test ends.
func NewRedis(tb testing.TB, o RedisOptions) *Redis {
	tb.Helper()
	r, err := StartRedis(tb.Context(), o)
	have(tb, err)
	stopAtEnd(tb, r.Stop)
	return r
}

// NewRedisCluster starts a cluster of the test's own, and stops it when the test ends.
func NewRedisCluster(tb testing.TB) *RedisCluster {
	tb.Helper()
	c, err := StartRedisCluster(tb.Context())
	have(tb, err)
	stopAtEnd(tb, c.Stop)
	return c
}

// Database is the URL of a fresh, empty database in the PostgreSQL that this process's tests share. It is
// dropped when the test ends, connections or not. A crash of the shared server's host may lose its data
// (fsync is off); a test that stops or cuts its server takes NewPostgres.
func Database(tb testing.TB) string {
	tb.Helper()
	p, err := shared.sharedPostgres(tb.Context())
	have(tb, err)
	name := shared.nextName()
	if err := p.CreateDatabase(tb.Context(), name); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), stopMax)
		defer cancel()
		if err := p.dropDatabase(ctx, name); err != nil {
			tb.Error(err)
		}
	})
	return p.URL(name)
}

// SharedRedis is the Redis that this process's tests share: they keep to key prefixes of their own. A test
// that stops, fills or flushes its server takes NewRedis.
func SharedRedis(tb testing.TB) *Redis {
	tb.Helper()
	r, err := shared.sharedRedis(tb.Context())
	have(tb, err)
	return r
}

// Main is a TestMain: it runs the tests, stops the servers that they shared, and exits. Without it the shared
// servers stop as well, but only when they notice that this process has ended.
func Main(m *testing.M) { os.Exit(stopping{m}.Run()) }

// MainLeak is Main, and fails where goroutines are left over once the shared servers are stopped.
func MainLeak(m *testing.M, options ...goleak.Option) {
	goleak.VerifyTestMain(stopping{m}, options...)
}

// IgnoreServers makes goleak overlook the goroutines that attend running servers, for a test that looks for
// leaks while such a server runs.
func IgnoreServers() goleak.Option {
	return goleak.IgnoreAnyFunction("scrip/internal/testenv.(*process).attend")
}

// stopping runs tests and then stops what they shared.
type stopping struct{ m *testing.M }

// Run is goleak's name for it. It returns the exit code.
func (s stopping) Run() int {
	code := s.m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "testenv:", err)
		return max(code, 1)
	}
	return code
}

// have ends the test unless err is nil: a missing program skips it, except where CI is set.
func have(tb testing.TB, err error) {
	tb.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrMissing) && os.Getenv("CI") == "":
		shared.complain(err)
		tb.Skip(err)
	default:
		tb.Fatal(err)
	}
}

func stopAtEnd(tb testing.TB, stop func() error) {
	tb.Helper()
	tb.Cleanup(func() {
		if err := stop(); err != nil {
			tb.Error(err)
		}
	})
}

// Bounds on waiting. They end a hang, and are no measure of anything: a start is a second at most here, and a
// recovery after a crash some seconds.
const (
	startMax = 2 * time.Minute
	stopMax  = 30 * time.Second
	poll     = 5 * time.Millisecond // between two looks at a file that a server writes
)
