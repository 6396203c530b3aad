package pgstore_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"scrip/internal/store/pgstore"
	"scrip/internal/testenv"
)

// Processes that start together on an empty database all come up, and the schema is made once.
func TestProcessesThatStartTogetherMigrateOnce(t *testing.T) {
	t.Parallel()
	for range 3 {
		at := testenv.Database(t)
		const processes = 8
		stores, errs := make([]*pgstore.Store, processes), make([]error, processes)
		var running sync.WaitGroup
		for i := range processes {
			running.Go(func() { stores[i], errs[i] = pgstore.Open(t.Context(), pgstore.Config{URL: at, MaxConns: 2}) })
		}
		running.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		for _, s := range stores {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		var twice int
		err := connect(t, at).QueryRow(t.Context(), `SELECT count(*) FROM (
			SELECT version_id FROM scrip_migration GROUP BY version_id HAVING count(*) > 1) v`).Scan(&twice)
		if err != nil || twice != 0 {
			t.Fatalf("%d migrations were applied more than once (%v)", twice, err)
		}
	}
}

func TestStatusTellsWhatIsApplied(t *testing.T) {
	t.Parallel()
	cfg := pgstore.Config{URL: testenv.Database(t)}
	steps, err := pgstore.Status(t.Context(), cfg)
	if err != nil || len(steps) == 0 || steps[0].Applied {
		t.Fatalf("before: %+v, %v", steps, err)
	}
	if _, err := pgstore.OpenReadOnly(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "scrip migrate up") {
		t.Fatalf("an empty database was opened to be verified: %v", err)
	}
	var tables int
	err = connect(t, cfg.URL).QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables)
	if err != nil || tables != 0 {
		t.Fatalf("asking made %d tables (%v)", tables, err)
	}
	for range 2 {
		if err := pgstore.Migrate(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	steps, err = pgstore.Status(t.Context(), cfg)
	if err != nil || !steps[len(steps)-1].Applied || steps[0].AppliedAt.IsZero() {
		t.Fatalf("after: %+v, %v", steps, err)
	}
}

// A status that can't be told is an error, and no list of steps.
func TestStatusOfWhatIsNotThereOrNewer(t *testing.T) {
	t.Parallel()
	at := testenv.Database(t)
	if err := pgstore.Migrate(t.Context(), pgstore.Config{URL: at}); err != nil {
		t.Fatal(err)
	}
	execute(t, connect(t, at), "INSERT INTO scrip_migration (version_id, is_applied) VALUES (99, true)")
	for url, says := range map[string]string{at: "newer version of Scrip", strings.Replace(at, "/test_", "/none_", 1): "there is no such database"} {
		steps, err := pgstore.Status(t.Context(), pgstore.Config{URL: url})
		if err == nil || len(steps) != 0 || !strings.Contains(err.Error(), says) {
			t.Errorf("got %+v and %v, want an error that says %q", steps, err, says)
		}
	}
}

// What keeps a store from opening is said in words that tell what to do, without the password.
func TestOpenSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		setUp string // SQL
		at    func(at string) string
		says  string
	}{
		"another program's tables": {
			"CREATE TABLE shop (id int)", nil, "another program's tables",
		},
		"a newer schema": {
			"CREATE TABLE scrip_migration (version_id bigint, is_applied bool, tstamp timestamptz); INSERT INTO scrip_migration VALUES (99, true, now())",
			nil, "newer version of Scrip",
		},
		"no such database": {"", func(at string) string { return strings.Replace(at, "/test_", "/none_", 1) }, "createdb"},
		"no server":        {"", func(string) string { return "postgres://scrip:hush@127.0.0.1:1/scrip" }, "check its address and that it runs"},
		"no URL":           {"", func(string) string { return "postgres://scrip:hush@[/" }, "postgres://user:password@host"},
		"no right to make tables": {
			"DROP ROLE IF EXISTS nobody; CREATE ROLE nobody LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC",
			func(at string) string { return strings.Replace(at, "scrip@", "nobody:hush@", 1) }, "owner of the database",
		},
		"a schema that is not there": {"", func(at string) string { return at + "&search_path=nowhere" }, "search_path"},
		"an unknown parameter":       {"", func(at string) string { return at + "&foo=bar" }, "parameter foo of the URL"},
		"no TLS":                     {"", func(at string) string { return strings.Replace(at, "sslmode=disable", "sslmode=require", 1) }, "without TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := testenv.Database(t)
			if tc.setUp != "" {
				execute(t, connect(t, at), tc.setUp)
			}
			if tc.at != nil {
				at = tc.at(at)
			}
			for what, open := range map[string]func(context.Context, pgstore.Config) (*pgstore.Store, error){
				"open": pgstore.Open, "open for reading": pgstore.OpenReadOnly,
			} {
				_, err := open(t.Context(), pgstore.Config{URL: at})
				if err == nil {
					t.Fatalf("%s: it opened", what)
				}
				says := err.Error()
				if what == "open" && !strings.Contains(says, tc.says) {
					t.Errorf("%s: %q does not say %q", what, says, tc.says)
				}
				if strings.Contains(says, "hush") || strings.Contains(says, "\n") {
					t.Errorf("%s: it shows the password, or has more than one line: %q", what, says)
				}
			}
		})
	}
}

// A store that was opened for reading sees all and changes nothing.
func TestReadOnlyChangesNothing(t *testing.T) {
	t.Parallel()
	at := testenv.Database(t)
	s := open(t, at, nil)
	create(t, s, "SA1AM", 0)
	apply(t, s, redeem("SA1AM", "ali"))
	r, err := pgstore.OpenReadOnly(t.Context(), pgstore.Config{URL: at})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err := r.Apply(t.Context(), nil); err == nil {
		t.Error("it applied a batch")
	}
	audited(t, r)
	if got := balance(t, r, "ali"); got != 1000 {
		t.Errorf("it reads a balance of %d", got)
	}
}

// A server of a version that does not know what we set says so before it can be asked for its version.
func TestOpenSaysThatTheServerIsTooOld(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	defer serving.Wait()
	defer l.Close() //nolint:errcheck // it ends the serving
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			old := pgproto3.NewBackend(conn, conn)
			if _, err := old.ReceiveStartupMessage(); err == nil {
				old.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "42704", Message: `unrecognized configuration parameter "plan_cache_mode"`})
				_ = old.Flush()
			}
			_ = conn.Close()
		}
	})
	_, err = pgstore.Open(t.Context(), pgstore.Config{URL: "postgres://scrip@" + l.Addr().String() + "/scrip?sslmode=disable"})
	if err == nil || !strings.Contains(err.Error(), "version 15 or newer") {
		t.Errorf("got %v", err)
	}
}
