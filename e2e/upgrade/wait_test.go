package upgrade_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"scrip/e2e/crowd"
	"scrip/e2e/site"
	"scrip/internal/testenv"
)

// Somebody reads the ledger for long, as pg_dump does, while a server of this version starts. Its migration needs the
// table for itself and can't have it, and nobody else waits for that: the older server goes on answering. When the
// reader is done, the new server comes up.
func TestAMigrationThatWaitsHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	old := olderProgram(t)
	p := testenv.NewPostgres(t, testenv.PostgresOptions{})
	if err := p.CreateDatabase(t.Context(), "scrip"); err != nil {
		t.Fatal(err)
	}
	database := []string{"--database-url", p.URL("scrip")}
	_, on := start(t, old, "old", database...)
	c := crowd.New("crowd")
	if err := c.Make(t.Context(), on, "endless", 0); err != nil {
		t.Fatal(err)
	}
	c.Ask(on)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		c.Run(ctx, connections, pace)
	}()
	t.Cleanup(func() {
		cancel()
		<-gone
		t.Log(c)
	})
	each(t, c, 50, on)

	reader, err := pgx.Connect(t.Context(), p.URL("scrip"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close(t.Context()) //nolint:errcheck // the server is the test's own
	if _, err := reader.Exec(t.Context(), "BEGIN; SELECT count(*) FROM transfer"); err != nil {
		t.Fatal(err)
	}
	listen := site.FreeAddress(t)
	fresh := &site.Server{
		Name: "new", Program: program, Listen: listen, Dir: t.TempDir(),
		Args: append([]string{"serve", "--auth", "off", "--listen", listen, "--log-level", "warn"}, database...),
	}
	t.Cleanup(fresh.Kill)
	said, err := fresh.Launch()
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the migration waits for the ledger's table", func() bool { return waits(t, p.URL("scrip")) })
	each(t, c, 300, on) // several tries of the migration long
	if strings.Contains(said.String(), "listens on ") || !fresh.Running() {
		t.Errorf("the new server does not wait:\n%s%s", said, &fresh.Log)
	}
	nothingWrong(t, c)
	if _, err := reader.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	until(t, "the new server is up", func() bool { return strings.Contains(said.String(), "listens on ") || !fresh.Running() })
	if !fresh.Running() {
		t.Fatalf("the new server has ended:\n%s", &fresh.Log)
	}
	each(t, c, 50, on)
	cancel()
	<-gone
	nothingWrong(t, c)
	if err := c.Settle(t.Context(), on); err != nil {
		t.Error(err)
	}
	stop(t, fresh)
	done(t, program, append([]string{"verify"}, database...)...)
}

// waits reports whether somebody waits right now to have the ledger's table for themselves.
func waits(t *testing.T, url string) (waiting bool) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // it only asked
	err = conn.QueryRow(t.Context(), `SELECT count(*) > 0 FROM pg_locks
		WHERE relation = 'transfer'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted`).Scan(&waiting)
	if err != nil {
		t.Fatal(err)
	}
	return waiting
}
