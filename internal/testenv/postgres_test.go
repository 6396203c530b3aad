package testenv_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"scrip/internal/testenv"
)

func TestMain(m *testing.M) {
	if what := os.Getenv(orphanVariable); what != "" {
		orphan(what)
	}
	testenv.MainLeak(m)
}

// query runs one statement and returns its only value as text, or nothing where it has none.
func query(t *testing.T, url, sql string) (string, error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		return "", err
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the statement's error is what matters
	var value string
	err = conn.QueryRow(t.Context(), sql).Scan(&value)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return value, err
}

func mustQuery(t *testing.T, url, sql string) string {
	t.Helper()
	value, err := query(t, url, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What is committed is there after a crash, on the same address, with the configuration set meanwhile.
func TestPostgresComesBack(t *testing.T) {
	t.Parallel()
	p := testenv.NewPostgres(t, testenv.PostgresOptions{Dir: t.TempDir(), Conf: []string{"work_mem = 5MB"}})
	must(t, p.CreateDatabase(t.Context(), "Odd name"))
	url, addr, pid := p.URL("Odd%20name"), p.Addr(), p.Pid()
	mustQuery(t, url, "CREATE TABLE kept AS SELECT 'kept' AS v")
	must(t, p.Kill(t.Context()))
	must(t, p.Kill(t.Context())) // it is dead already
	if _, err := query(t, url, "SELECT 'x'"); err == nil {
		t.Fatal("a killed server answers")
	}
	p.SetConf("max_connections = 21")
	must(t, p.Start(t.Context()))
	if p.Addr() != addr || p.Pid() == pid {
		t.Errorf("it came back as %s, process %d; was %s, %d", p.Addr(), p.Pid(), addr, pid)
	}
	if got := mustQuery(t, url, "SELECT v FROM kept"); got != "kept" {
		t.Errorf("the row says %q", got)
	}
	for name, want := range map[string]string{"max_connections": "21", "work_mem": "5MB", "fsync": "off", "synchronous_commit": "on"} {
		if got := mustQuery(t, url, "SHOW "+name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if !strings.Contains(p.Log(), "database system was not properly shut down") {
		t.Errorf("Kill was no crash; the log:\n%s", p.Log())
	}
	if err := p.Start(t.Context()); err == nil {
		t.Error("a running server was started again")
	}
}

func TestPostgresDurable(t *testing.T) {
	t.Parallel()
	p := testenv.NewPostgres(t, testenv.PostgresOptions{Durable: true})
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		if got := mustQuery(t, p.URL("postgres"), "SHOW "+name); got != "on" {
			t.Errorf("%s is %s", name, got)
		}
	}
	must(t, p.Stop())
	must(t, p.Stop())
	if err := p.Start(t.Context()); err == nil {
		t.Error("a server was started whose data is gone")
	}
}

// A paused server answers nobody, goes on where it was, and can be killed while it is paused.
func TestPostgresPauses(t *testing.T) {
	t.Parallel()
	p := testenv.NewPostgres(t, testenv.PostgresOptions{})
	conn, err := pgx.Connect(t.Context(), p.URL("postgres"))
	must(t, err)
	defer conn.Close(t.Context()) //nolint:errcheck // its server was killed
	var before, after string
	must(t, conn.QueryRow(t.Context(), "SELECT pg_backend_pid()::text").Scan(&before))
	must(t, p.Pause())
	for _, pid := range append(childrenOf(t, p.Pid()), p.Pid()) {
		pausedSoon(t, pid)
	}
	must(t, p.Resume())
	must(t, conn.QueryRow(t.Context(), "SELECT pg_backend_pid()::text").Scan(&after))
	if before != after {
		t.Error("the session did not survive the pause")
	}
	must(t, p.Pause())
	must(t, p.Kill(t.Context()))
	if err := p.Pause(); err == nil {
		t.Error("a dead server was paused")
	}
	must(t, p.Start(t.Context()))
	mustQuery(t, p.URL("postgres"), "SELECT 'back'")
}

// A port that is taken is an error where it was asked for, and leaves nothing.
func TestPostgresPortTaken(t *testing.T) {
	t.Parallel()
	first := testenv.NewRedis(t, testenv.RedisOptions{})
	dir := t.TempDir()
	p, err := testenv.StartPostgres(t.Context(), testenv.PostgresOptions{Dir: dir, Port: port(t, first.Addr())})
	if err == nil || p != nil {
		t.Fatalf("a second server on the same port: %v", err)
	}
	if !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("the error does not say why: %v", err)
	}
	empty(t, dir)
}

// A test's database is its own, and is gone with the test, whatever is still connected to it.
func TestDatabase(t *testing.T) {
	var url string
	var leaked *pgx.Conn
	t.Run("of its own", func(t *testing.T) {
		first := testenv.Database(t)
		url = testenv.Database(t)
		mustQuery(t, url, "CREATE TABLE only_here ()")
		if got := mustQuery(t, first, "SELECT count(*)::text FROM pg_class WHERE relname = 'only_here'"); got != "0" {
			t.Error("two databases are one")
		}
		var err error
		leaked, err = pgx.Connect(t.Context(), url)
		must(t, err)
	})
	_ = leaked.Close(t.Context()) // cut off by the drop
	if _, err := query(t, url, "SELECT 'x'"); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("after its test, the database answers %v", err)
	}
}
