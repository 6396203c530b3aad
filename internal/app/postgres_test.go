package app_test

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/client"
	"scrip/internal/app"
	"scrip/internal/config"
	"scrip/internal/testenv"
)

// on is a server's configuration on a database.
func on(database string) config.Config {
	cfg := config.Default()
	cfg.Listen, cfg.Data, cfg.DatabaseURL = "127.0.0.1:0", "/nowhere", database
	return cfg
}

// eventually waits until done, for as long as a busy machine may need.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to pass: %s", what)
		}
	}
}

// sound wants every invariant of a database to hold, and returns what was read.
func sound(t *testing.T, cfg config.Config) app.Audited {
	t.Helper()
	read, err := app.Verify(t.Context(), cfg, func(f app.Finding) { t.Errorf("%+v", f) })
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestServesOnPostgresAndServesAgain(t *testing.T) {
	t.Parallel()
	cfg := on(testenv.Database(t))
	where, err := url.Parse(cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	before, err := app.MigrateStatus(t.Context(), cfg)
	if err != nil || len(before) == 0 || before[0].Applied {
		t.Fatalf("%+v %v", before, err)
	}
	for round := range 3 { // the demo code is made once
		r := serve(t, app.Options{Config: cfg, Demo: true})
		if !strings.HasPrefix(r.Store, "PostgreSQL 1") || !strings.HasSuffix(r.Store, " at "+where.Host+where.Path) {
			t.Errorf("the store is called %q", r.Store)
		}
		mobile := fmt.Sprintf("0912000000%d", round)
		said, err := r.client.Use(t.Context(), app.DemoCode, mobile)
		if err != nil || said != client.Sentence {
			t.Fatalf("%q %v", said, err)
		}
		balance, err := r.client.Balance(t.Context(), mobile)
		if err != nil || balance.Balance != "1000000" {
			t.Fatalf("%+v %v", balance, err)
		}
		report, err := r.client.Report(t.Context(), app.DemoCode)
		if err != nil || report.ConsumerCount != int64(1999-round) || report.Credit != "1000000" {
			t.Fatalf("%+v %v", report, err)
		}
		if text, err := r.client.Metrics(t.Context()); err != nil || !strings.Contains(text, "scrip_database_connections_max 16\n") {
			t.Errorf("no reading of the pool: %v", err)
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(r.log.String(), "level=ERROR") {
			t.Errorf("log:\n%s", r.log)
		}
	}
	if read := sound(t, cfg); read.Redemptions != 3 || read.Vouchers != 1 {
		t.Errorf("%+v", read)
	}
	after, err := app.MigrateStatus(t.Context(), cfg)
	if err != nil || len(after) != len(before) || !after[0].Applied || after[0].AppliedAt.IsZero() {
		t.Fatalf("%+v %v", after, err)
	}
}

func TestMigratesPostgresBefore(t *testing.T) {
	t.Parallel()
	cfg := on(testenv.Database(t))
	if _, err := app.Verify(t.Context(), cfg, func(app.Finding) {}); err == nil || !strings.Contains(err.Error(), "scrip migrate up") {
		t.Errorf("verify before any migration: %v", err)
	}
	for range 2 {
		if err := app.MigrateUp(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	if read := sound(t, cfg); read.Vouchers != 0 {
		t.Errorf("%+v", read)
	}
}

// Replicas that start together on an empty database migrate once and make the demo code once.
func TestReplicasStartTogether(t *testing.T) {
	t.Parallel()
	cfg := on(testenv.Database(t))
	servers := make([]*running, 3)
	var all sync.WaitGroup
	for i := range servers {
		all.Go(func() { servers[i] = serve(t, app.Options{Config: cfg, Demo: true}) })
	}
	all.Wait()
	for i, r := range servers {
		if r == nil {
			t.Fatal("a replica did not start")
		}
		if _, err := r.client.Use(t.Context(), app.DemoCode, fmt.Sprintf("0912000000%d", i)); err != nil {
			t.Error(err)
		}
	}
	if read := sound(t, cfg); read.Redemptions != 3 || read.Vouchers != 1 || read.Campaigns != 1 {
		t.Errorf("%+v", read)
	}
}

func TestWhatStopsAStartOnPostgresIsSaidInOneLine(t *testing.T) {
	t.Parallel()
	newer := testenv.Database(t)
	if err := app.MigrateUp(t.Context(), on(newer)); err != nil {
		t.Fatal(err)
	}
	query(t, newer, "INSERT INTO scrip_migration (version_id, is_applied) VALUES (9999, true)")
	foreign := testenv.Database(t)
	query(t, foreign, "CREATE TABLE orders (id int)")
	absent, err := url.Parse(newer)
	if err != nil {
		t.Fatal(err)
	}
	absent.Path = "/nothing"
	for _, c := range []struct{ name, database, says string }{
		{"no server", "postgres://scrip:s3cr3t@127.0.0.1:1/scrip?connect_timeout=1", "check its address and that it runs"},
		{"two servers, neither there", "postgres://scrip:s3cr3t@127.0.0.1:1,127.0.0.1:2/scrip", "check its address and that it runs"},
		{"a wrong password", locked(t), "check both in the URL"},
		{"no such database", absent.String(), "there is no such database"},
		{"a newer schema", newer, "made by a newer version of Scrip"},
		{"another program's", foreign, "another program's tables"},
	} {
		cfg := on(c.database)
		err := app.Run(t.Context(), app.Options{Config: cfg, LogTo: &buffer{}, Ready: func(app.Started) { t.Errorf("%s: it started", c.name) }})
		var start *app.StartError
		if !errors.As(err, &start) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		_, verify := app.Verify(t.Context(), cfg, func(app.Finding) {})
		_, status := app.MigrateStatus(t.Context(), cfg)
		for _, err := range []error{err, verify, status, app.MigrateUp(t.Context(), cfg)} {
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line: %v", c.name, err)
		}
	}
}

// query runs a statement on a database.
func query(t *testing.T, database, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the statement's own error counts
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// locked is the URL of a server that wants passwords, with a wrong one.
func locked(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	rules := filepath.Join(dir, "hba.conf")
	text := "host postgres scrip 127.0.0.1/32 scram-sha-256\n"
	err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755), os.WriteFile(rules, []byte(text), 0o644)) //nolint:gosec // the server runs as another user, and reads it
	if err != nil {
		t.Fatal(err)
	}
	p := testenv.NewPostgres(t, testenv.PostgresOptions{Conf: []string{"hba_file = '" + rules + "'"}})
	return "postgres://scrip:s3cr3t@" + p.Addr() + "/postgres?sslmode=disable"
}

// The server answers while PostgreSQL is away, says that it is not ready, and recovers by itself.
func TestPostgresGoesAndComesBack(t *testing.T) {
	t.Parallel()
	p := testenv.NewPostgres(t, testenv.PostgresOptions{})
	if err := p.CreateDatabase(t.Context(), "scrip"); err != nil {
		t.Fatal(err)
	}
	cfg := on(p.URL("scrip"))
	r := serve(t, app.Options{Config: cfg, Demo: true})
	if _, err := r.client.Use(t.Context(), app.DemoCode, "09120000000"); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.client.Ready(t.Context()); client.CodeOf(err) != client.CodeStoreUnavailable {
		t.Errorf("ready without a database: %v", err)
	}
	for n := range 3 {
		if _, err := r.client.Use(t.Context(), app.DemoCode, fmt.Sprintf("0912000001%d", n)); client.CodeOf(err) != client.CodeStoreUnavailable {
			t.Errorf("a use without a database: %v", err)
		}
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "ready again, with nobody asking for anything else", func() bool {
		_, err := r.client.Ready(t.Context())
		return err == nil
	})
	if _, err := r.client.Use(t.Context(), app.DemoCode, "09120000001"); err != nil {
		t.Error(err)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	sound(t, cfg)
}

// A crowd that asks how a code stands gets one figure, and all of it.
func TestACrowdOfReportsOnPostgres(t *testing.T) {
	t.Parallel()
	r := serve(t, app.Options{Config: on(testenv.Database(t)), Demo: true})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for n := range 50 {
				code := app.DemoCode
				if n%5 == 4 {
					code = "nothing"
				}
				report, err := r.client.Report(t.Context(), code)
				switch {
				case code == "nothing":
					if client.CodeOf(err) != client.CodeNotRedeemable {
						t.Errorf("an unknown code: %v", err)
					}
				case err != nil || report.ConsumerCount != 2000:
					t.Errorf("%+v %v", report, err)
				}
			}
		})
	}
	all.Wait()
}

func TestAuthOffListensAnywhereAndWarns(t *testing.T) {
	t.Parallel()
	cfg := configOf(t.TempDir())
	cfg.Auth, cfg.Listen = config.AuthOff, ":0"
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	r := serve(t, app.Options{Config: cfg, Demo: true})
	if !strings.Contains(r.Open, "whoever can reach it") {
		t.Errorf("it is open to %q", r.Open)
	}
	if n := strings.Count(r.log.String(), "level=WARN"); n != 1 || !strings.Contains(r.log.String(), "whoever can reach this address") {
		t.Errorf("%d warnings:\n%s", n, r.log)
	}
	_, port, err := net.SplitHostPort(strings.TrimPrefix(r.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New("http://127.0.0.1:" + port)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Use(t.Context(), app.DemoCode, "09120000000"); err != nil {
		t.Error(err)
	}
}

// A database that stopped in the middle of everything holds the end up for what is bounded, not for the grace: nobody waits.
func TestStopsWithoutADatabaseThatAnswers(t *testing.T) {
	t.Parallel()
	p := testenv.NewPostgres(t, testenv.PostgresOptions{})
	cfg := on(p.URL("postgres"))
	cfg.Auth, cfg.FirstKeyFile, cfg.ShutdownGrace = config.AuthOn, filepath.Join(t.TempDir(), "key"), time.Minute
	r := serve(t, app.Options{Config: cfg, Demo: true})
	if _, err := as(t, r, secretIn(t, cfg.FirstKeyFile)).Campaigns(t.Context(), client.Page{}); err != nil {
		t.Fatal(err) // and the key was used, which the end tells the database
	}
	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := r.stop(); err != nil {
		t.Logf("it ended with %v", err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %v\n%s", took, r.log)
	} else {
		t.Logf("it took %v", took.Round(time.Millisecond))
	}
	if err := p.Resume(); err != nil {
		t.Fatal(err)
	}
}
