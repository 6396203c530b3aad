package pgstore

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"scrip/internal/testenv"
)

// A connection of the writers that is given up where there are standbys is closed at once, and what it asked for goes on in the server:
// with TLS, without, and where another address or another way was tried first. Without standbys it is cancelled, as one of the
// readers always is.
func TestGivenUpIsNotCancelled(t *testing.T) {
	t.Parallel()
	plain, secure := testenv.NewPostgres(t, testenv.PostgresOptions{}), testenv.NewPostgres(t, testenv.PostgresOptions{TLS: true})
	for name, tc := range map[string]struct {
		at   *testenv.Postgres
		over func(url string) string
	}{
		"without TLS":         {plain, func(url string) string { return url }},
		"TLS refused":         {plain, func(url string) string { return strings.Replace(url, "sslmode=disable", "sslmode=prefer", 1) }},
		"TLS":                 {secure, func(url string) string { return strings.Replace(url, "sslmode=disable", "sslmode=require", 1) }},
		"the second address":  {plain, func(url string) string { return strings.Replace(url, "@", "@127.0.0.1:1,", 1) }},
		"the primary of both": {plain, func(url string) string { return url + "&target_session_attrs=read-write" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := tc.at.URL("postgres")
			s, err := Open(t.Context(), Config{URL: tc.over(at)})
			if err != nil {
				t.Fatal(err)
			}
			defer s.close()
			watch, err := pgx.Connect(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			defer watch.Close(t.Context()) //nolint:errcheck // its server ends
			if pid := giveUp(t, s.writers, func() { s.standbys.Store(true) }); !sleeps(t, watch, pid) {
				t.Error("what a writer asked for was cancelled")
			}
			for who, pid := range map[string]uint32{
				"a writer without standbys": giveUp(t, s.writers, func() { s.standbys.Store(false) }),
				"a reader":                  giveUp(t, s.readers, func() { s.standbys.Store(true) }),
			} {
				for end := time.Now().Add(2 * time.Second); sleeps(t, watch, pid); time.Sleep(10 * time.Millisecond) {
					if time.Now().After(end) {
						t.Fatalf("what %s asked for was not cancelled", who)
					}
				}
			}
		})
	}
}

// giveUp begins something long, gives it up, waits until its connection is gone, and returns whose it was. It calls first when it has
// its connection.
func giveUp(t *testing.T, p *pgxpool.Pool, first func()) (pid uint32) {
	t.Helper()
	conn, err := p.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first()
	ended := conn.Conn().PgConn().CleanupDone()
	pid = conn.Conn().PgConn().PID()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := conn.Exec(ctx, "SELECT pg_sleep(4)"); err == nil { // within statement_timeout
		t.Fatal("it did not take long")
	}
	began := time.Now()
	conn.Release()
	<-ended
	for p.Stat().TotalConns() > 0 {
		time.Sleep(time.Millisecond)
	}
	if took := time.Since(began); took > 3*time.Second { // less than the server sleeps
		t.Errorf("the connection was gone after %v", took)
	}
	return pid
}

func sleeps(t *testing.T, watch *pgx.Conn, pid uint32) (is bool) {
	t.Helper()
	err := watch.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep')", pid).Scan(&is)
	if err != nil {
		t.Fatal(err)
	}
	return is
}
