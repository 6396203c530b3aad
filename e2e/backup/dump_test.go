package backup_test

import (
	"path/filepath"
	"strings"
	"testing"

	"scrip/internal/testenv"
)

// A dump is taken with pg_dump beside servers that a crowd uses, and goes with pg_restore into a fresh database.
func TestPostgresDump(t *testing.T) {
	t.Parallel()
	p := testenv.NewPostgres(t, testenv.PostgresOptions{})
	for _, name := range []string{"live", "restored"} {
		if err := p.CreateDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	server, on := serve(t, "--database-url", p.URL("live"))
	c, stop := gather(t, on)
	more(t, c, 200)
	file := filepath.Join(t.TempDir(), "dump")
	_, before := c.Mark()
	tool(t, "pg_dump", "--format=custom", "--file="+file, "--dbname="+p.URL("live"))
	beyond, _ := c.Mark()
	more(t, c, 50)
	stop()
	nothingWrong(t, c)
	if err := c.Settle(t.Context(), on); err != nil {
		t.Error(err)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	tool(t, "pg_restore", "--exit-on-error", "--no-owner", "--dbname="+p.URL("restored"), file)
	done(t, "verify", "--database-url", p.URL("restored"))
	_, again := serve(t, "--database-url", p.URL("restored"))
	n := holds(t, c, again, before, beyond)
	t.Logf("%d acknowledged before it began, %d in it", len(before), n)
	if err := c.Make(t.Context(), again, "afterwards", 0); err != nil {
		t.Errorf("what was restored does not go on: %v", err)
	}
}

// The command says whose business it is, and keeps the password to itself.
func TestPostgresIsNotBackedUpByTheCommand(t *testing.T) {
	t.Parallel()
	to := filepath.Join(t.TempDir(), "backup")
	got := scrip(t, "backup", "--database-url", "postgres://scrip:secret@db:5432/scrip", "--to", to)
	if got.Code != 2 || !strings.Contains(got.Stderr, "pg_dump") || !strings.Contains(got.Stderr, "docs/backup.md") || strings.Contains(got.Stderr, "secret") {
		t.Errorf("%+v", got)
	}
}
