package upgrade_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"scrip/e2e/crowd"
	"scrip/internal/testenv"
)

// Two servers of the older version are replaced by two of this one, over one PostgreSQL and one Redis, while a crowd
// asks without a pause. The first new server migrates under that load; then all four serve the same codes, those made
// by old servers and those made by new ones; then the old ones leave, one by one. Every single answer must be a
// verdict, and the right one.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	old := olderProgram(t)
	p := testenv.NewPostgres(t, testenv.PostgresOptions{})
	if err := p.CreateDatabase(t.Context(), "scrip"); err != nil {
		t.Fatal(err)
	}
	r := testenv.NewRedis(t, testenv.RedisOptions{})
	database := []string{"--database-url", p.URL("scrip")}
	both := append([]string{"--redis-url", "redis://" + r.Addr()}, database...)

	oldA, a := start(t, old, "old A", both...)
	oldB, b := start(t, old, "old B", both...)
	if at := schema(t, program, database...); at != olderSchema {
		t.Fatalf("the older version's schema is %d, not %d", at, olderSchema)
	}
	c := crowd.New("crowd")
	code := func(on crowd.Server, name string, limit int64) {
		t.Helper()
		if err := c.Make(t.Context(), on, name, limit); err != nil {
			t.Fatal(err)
		}
	}
	code(a, "endless", 0)
	code(b, "limited-of-old", 120)
	c.Ask(a, b)
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
	each(t, c, 100, a, b)

	newC, cc := start(t, program, "new C", both...)
	if at := schema(t, program, database...); at <= olderSchema {
		t.Fatalf("no migration was crossed: the schema is %d", at)
	}
	newD, d := start(t, program, "new D", both...)
	c.Ask(a, b, cc, d)
	code(cc, "limited-of-new", 120)
	code(a, "late-of-old", 120)
	each(t, c, 150, a, b, cc, d)
	nothingWrong(t, c)
	refusedByOlder(t, old, database...)

	for _, leaves := range []struct {
		server interface{ Stop() error }
		stay   []crowd.Server
	}{{oldA, []crowd.Server{b, cc, d}}, {oldB, []crowd.Server{cc, d}}} {
		c.Ask(leaves.stay...) // as a balancer does, before it ends a server
		if err := leaves.server.Stop(); err != nil {
			t.Error(err)
		}
		each(t, c, 60, leaves.stay...)
	}
	cancel()
	<-gone
	nothingWrong(t, c)
	for _, on := range []crowd.Server{cc, d} {
		if err := c.Settle(t.Context(), on); err != nil {
			t.Error(err)
		}
	}
	stop(t, newC)
	stop(t, newD)
	done(t, program, append([]string{"verify"}, database...)...)
}

// refusedByOlder holds the older version to its word on a newer schema: it does not start, and says both versions and
// what to do; and it does not verify what it does not understand.
func refusedByOlder(t *testing.T, old string, where ...string) {
	t.Helper()
	says := []string{
		"this database was made by a newer version of Scrip", "run that version, or restore a backup",
		fmt.Sprintf("it is at schema %d, this version knows %d", schema(t, program, where...), olderSchema),
	}
	for _, command := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"verify"}, {"migrate", "up"}} {
		got := run(t, old, append(command, where...)...)
		for _, word := range says {
			if got.Code != 2 || !strings.Contains(got.Stderr, word) || strings.Count(got.Stderr, "\n") != 1 {
				t.Errorf("%q of the older version exits with %d and does not say %q:\n%s%s", command, got.Code, word, got.Stdout, got.Stderr)
			}
		}
	}
}

// schema is the newest step that a database has.
func schema(t *testing.T, version string, where ...string) (newest int64) {
	t.Helper()
	got := run(t, version, append([]string{"migrate", "status", "--json"}, where...)...)
	if got.Code != 0 {
		t.Fatalf("migrate status exits with %d:\n%s%s", got.Code, got.Stdout, got.Stderr)
	}
	var status struct {
		Migrations []struct {
			Version int64
			Applied bool
		}
	}
	if err := json.Unmarshal([]byte(got.Stdout), &status); err != nil {
		t.Fatalf("%v in %s", err, got.Stdout)
	}
	for _, s := range status.Migrations {
		if s.Applied {
			newest = max(newest, s.Version)
		}
	}
	return newest
}
