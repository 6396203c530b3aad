package backup_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/client"
	"scrip/e2e/crowd"
	"scrip/internal/testenv"
)

// A base backup is taken beside servers that a crowd uses. The crowd goes on, a moment is noted, and the crowd goes
// on again, until PostgreSQL is killed. What is restored to that moment holds all that was acknowledged before it,
// and nothing that was first asked for after it.
func TestPostgresRecoveryToAMoment(t *testing.T) {
	t.Parallel()
	archive := openFolder(t)
	p := testenv.NewPostgres(t, testenv.PostgresOptions{Conf: []string{
		"wal_level = replica", "archive_mode = on", "max_wal_senders = 4",
		fmt.Sprintf("archive_command = 'test ! -f %[1]s/%%f && cp %%p %[1]s/%%f'", archive),
	}})
	if err := p.CreateDatabase(t.Context(), "scrip"); err != nil {
		t.Fatal(err)
	}
	_, on := serve(t, "--database-url", p.URL("scrip"))
	c, stop := gather(t, on)
	more(t, c, 150)
	base := filepath.Join(t.TempDir(), "base")
	tool(t, "pg_basebackup", "--pgdata="+base, "--checkpoint=fast", "--wal-method=none", "--no-sync", "--dbname="+p.URL("postgres"))
	more(t, c, 150)

	conn := connect(t, p.URL("postgres"))
	_, before := c.Mark()
	moment := clock(t, conn)
	beyond, _ := c.Mark()
	more(t, c, 150)
	archived(t, conn) // what is not in the archive is lost with the machine
	c.Tolerate(true)
	if err := p.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	nothingWrong(t, c)

	// The documented way: a copy of the base backup, recovery.signal, and where to stop.
	if err := os.WriteFile(filepath.Join(base, "recovery.signal"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	restored := testenv.NewPostgres(t, testenv.PostgresOptions{From: base, Conf: []string{
		fmt.Sprintf("restore_command = 'cp %s/%%f %%p'", archive),
		fmt.Sprintf("recovery_target_time = '%s'", moment),
		"recovery_target_action = 'promote'",
	}})
	done(t, "verify", "--database-url", restored.URL("scrip"))
	_, again := serve(t, "--database-url", restored.URL("scrip"))
	n := holds(t, c, again, before, beyond)
	t.Logf("%d acknowledged before %s, %d restored", len(before), moment, n)
	goesOn(t, again)
	done(t, "verify", "--database-url", restored.URL("scrip"))
}

// goesOn redeems on a server.
func goesOn(t *testing.T, on crowd.Server) {
	t.Helper()
	if _, err := on.Client.Redeem(t.Context(), client.RedeemRequest{Code: "endless", Customer: "late"}); err != nil {
		t.Errorf("what was restored does not go on: %v", err)
	}
}

// openFolder is one that a server which runs as another user may write to. Its name needs no quotes.
func openFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "scrip-archive-") //nolint:usetesting // a test's own folder lies in one that is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o777); err != nil { //nolint:gosec // for the server's user
		t.Fatal(err)
	}
	return dir
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) }) // its server is killed
	return conn
}

// clock is the server's time, as an operator would note it.
func clock(t *testing.T, conn *pgx.Conn) (now string) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT clock_timestamp()::text").Scan(&now); err != nil {
		t.Fatal(err)
	}
	return now
}

// archived ends the log's present segment and waits until it is in the archive.
func archived(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	var segment string
	if err := conn.QueryRow(t.Context(), "SELECT pg_walfile_name(pg_switch_wal())").Scan(&segment); err != nil {
		t.Fatal(err)
	}
	until(t, "the log's segment "+segment+" is archived", func() bool {
		var last *string
		if err := conn.QueryRow(t.Context(), "SELECT last_archived_wal FROM pg_stat_archiver").Scan(&last); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		return last != nil && *last >= segment
	})
}
