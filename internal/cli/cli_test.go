package cli_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scrip/client"
	"scrip/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestWrongCommandLinesExitWithTwo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, says string }{
		{"", "scrip --help"},
		{"server", "see scrip --help"},
		{"serve --lisen x", "scrip serve --help"},
		{"serve --listen 0.0.0.0", "--listen (SCRIP_LISTEN)"},
		{"redeem x y --key sk_1 --key-file ./none", "are both given"},
		{"redeem x y --key-file /nowhere/at/all", "--key-file (SCRIP_KEY_FILE)"},
		{"key create --name x", "either --scopes"},
		{"key create --name x --scopes read --publishable", "either --scopes"},
		{"key create --name x --scopes root", "--scopes"},
		{"key create --scopes read", "--name"},
		{"key create --name x --scopes read --rate=-1", "--rate"},
		{"key create --name x --scopes read --data a --database-url postgres://h/d", "either --data or --database-url"},
		{"key rotate key_x --overlap 1ms", "--overlap"},
		{"key rotate key_x --never-expires --expires-at 2030-01-01T00:00:00Z", "--never-expires"},
		{"serve --max-batch 0", "--max-batch (SCRIP_MAX_BATCH)"},
		{"serve --database-url mysql://u:secret@h/d", "--database-url (SCRIP_DATABASE_URL)"},
		{"serve --database-url password=secret", "as in postgres://user:password@host:5432/database"},
		{"serve --database-url-file /nowhere/at/all", "--database-url-file (SCRIP_DATABASE_URL_FILE)"},
		{"serve --database-url postgres://u:secret@h/d --database-url-file x", "are both given"},
		{"serve --redis-url http://:secret@h", "--redis-url (SCRIP_REDIS_URL)"},
		{"serve --redis-reconcile 1ms", "--redis-reconcile (SCRIP_REDIS_RECONCILE)"},
		{"serve --auth none", "--auth (SCRIP_AUTH)"},
		{"verify --database-url postgres://u:secret@127.0.0.1:1/d", "check its address and that it runs"},
		{"migrate up --database-url postgres://u:secret@127.0.0.1:1/d", "check its address and that it runs"},
		{"migrate status --database-url-file postgres://u:secret@h/d", "a URL goes to --database-url"},
		{"ping --timeout 0s", "--timeout"},
		{"config --log-level loud", "--log-level (SCRIP_LOG_LEVEL)"},
		{"config --max-queue many", "--max-queue"},
		{"verify --data /nowhere/at/all", "there is no database"},
		{"code create --code x --limit 5", "--credit is missing"},
		{"code create --code x --credit 5", "either --limit"},
		{"code create --code x --credit 5 --limit 5 --unlimited", "either --limit"},
		{"code create --code x --credit -5 --limit 5", "--credit"},
		{"code create --code x --credit=-5 --limit 5", "--credit"},
		{"code create --code x --credit 1.234 --limit 5", "--credit"},
		{"code create --code x --credit 99999999999999999999 --limit 5", "--credit"},
		{"code create --code x --credit 5 --limit 99999999999999999999", "--limit"},
		{"code create --code x --credit 5 --limit 5 --currency EURO", "--currency"},
		{"code create --code x --credit 5 --limit 5 --per-customer 0", "--per-customer"},
		{"code create --code x --credit 5 --limit 5 --ends-at tomorrow", "--ends-at"},
		{"code show", "code"},
		{"redeem x", "customer"},
		{"redeem x y --url nowhere", "--url (SCRIP_URL)"},
		{"redeem x y --order abc --currency IRR", "--order"},
		{"wallet show x --transactions 101", "--transactions"},
		{"stampede", "--code"},
		{"stampede --code x --customers 0", "customers"},
		{"stampede --code x --concurrency 0", "concurrency"},
	} {
		got := run(t, "", strings.Fields(c.args)...)
		if got.code != 2 || got.stdout != "" || !strings.Contains(got.stderr, c.says) {
			t.Errorf("%q: %+v", c.args, got)
		}
		if strings.Contains(got.stderr, "secret") || strings.Count(strings.TrimSpace(got.stderr), "\n") > 0 {
			t.Errorf("%q: %s", c.args, got.stderr)
		}
		asJSON := run(t, "", append(strings.Fields(c.args), "--json")...)
		if p := decode[client.Error](t, asJSON.stderr); asJSON.code != 2 || p.Code == "" || p.Detail == "" || asJSON.stdout != "" {
			t.Errorf("%q: %+v", c.args, asJSON)
		}
	}
}

func TestNobodyThereExitsWithThree(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"ping", "code list", "redeem x y", "wallet show y", "stampede --code x"} {
		got := run(t, "", append(strings.Fields(args), "--url=http://127.0.0.1:1")...)
		if got.code != 3 || !strings.Contains(got.stderr, "can't reach http://127.0.0.1:1: connect: connection refused; is it running?") {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

func TestHelpShowsAnExampleOfEveryCommand(t *testing.T) {
	t.Parallel()
	all := run(t, "", "--help")
	if all.code != 0 || all.stderr != "" || !strings.Contains(all.stdout, "Exit codes") {
		t.Fatalf("%+v", all)
	}
	for _, command := range []string{
		"serve", "ping", "code create", "code show", "code list", "code disable", "code enable", "redeem", "wallet show",
		"stampede", "verify", "backup", "restore", "migrate up", "migrate status", "config", "version",
	} {
		if !strings.Contains(all.stdout, "\n  "+command) {
			t.Errorf("%s is not listed", command)
		}
		got := run(t, "", append(strings.Fields(command), "--help")...)
		if got.code != 0 || !strings.Contains(got.stdout, "Example:") || !strings.Contains(got.stdout, "scrip "+command) {
			t.Errorf("%s: %+v", command, got)
		}
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	where := server(t)
	if got := run(t, "", "ping", "--url="+where); got.code != 0 || got.stdout != where+" is ready.\n" || got.stderr != "" {
		t.Errorf("%+v", got)
	}
	for body, c := range map[string]struct {
		status int
		want   ran
	}{
		`{"status":"ready","version":"1.2.3","degraded":["redis"]}`: {http.StatusOK, ran{0, " is ready, version 1.2.3, without redis.\n", ""}},
		`{"status":503,"detail":"The server is stopping.","code":"shutting_down","retryable":true}`: {
			http.StatusServiceUnavailable, ran{3, "", "scrip: The server is stopping. (shutting_down)\n"},
		},
	} {
		asked := 0
		face := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			if r.URL.Path != "/readyz" {
				t.Errorf("it asks %s", r.URL.Path)
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, body)
		}))
		got := run(t, "", "ping", "--url="+face.URL)
		face.Close()
		got.stdout = strings.TrimPrefix(got.stdout, face.URL)
		if got != c.want || asked != 1 {
			t.Errorf("%s: %+v after %d requests, want %+v", body, got, asked, c.want)
		}
	}
}

// Without a URL the server on this machine is asked, where its settings say that it is: by https where it has a certificate,
// whoever that is for.
func TestPingFollowsTheSettings(t *testing.T) {
	t.Parallel()
	ready := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("it tells its key")
		}
		_, _ = io.WriteString(w, `{"status":"ready"}`)
	})
	plain, secure := httptest.NewServer(ready), httptest.NewTLSServer(ready)
	defer plain.Close()
	defer secure.Close()
	_, port, _ := net.SplitHostPort(plain.Listener.Addr().String())
	for args, want := range map[string]string{
		"--listen=0.0.0.0:" + port:                                          plain.URL,
		"--listen=:" + port + " --key=sk_x":                                 plain.URL,
		"--listen=127.0.0.1:" + port:                                        plain.URL,
		"--listen=127.0.0.1:1 --url=" + plain.URL:                           plain.URL,
		"--listen=" + secure.Listener.Addr().String() + " --tls-cert=a.pem": secure.URL,
	} {
		if got := run(t, "", append([]string{"ping"}, strings.Fields(args)...)...); got.code != 0 || got.stdout != want+" is ready.\n" {
			t.Errorf("%s: %+v", args, got)
		}
	}
	if got := run(t, "", "ping", "--listen=8000"); got.code != 2 || !strings.Contains(got.stderr, "--listen (SCRIP_LISTEN)") {
		t.Errorf("%+v", got)
	}
}

// A server that takes the request and never answers is not waited for.
func TestPingIsBounded(t *testing.T) {
	t.Parallel()
	silent := make(chan struct{})
	face := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-silent }))
	defer face.Close()
	defer close(silent)
	got := run(t, "", "ping", "--url="+face.URL, "--timeout=50ms")
	if got.code != 3 || !strings.Contains(got.stderr, "can't reach") || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("%+v", got)
	}
}

// A secret stands in a file, and shows nowhere.
func TestSecretsComeFromFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	database, cache := filepath.Join(dir, "database"), filepath.Join(dir, "cache")
	for path, text := range map[string]string{ //nolint:gosec // the passwords of nobody
		database: "postgres://scrip:hunter2@db:5432/scrip?sslmode=require\n", cache: "redis://:hunter2@cache:6379/0",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := run(t, "", "config", "--json", "--database-url-file="+database, "--redis-url-file="+cache)
	values := map[string]string{}
	for _, s := range decode[struct {
		Settings []struct{ Name, Value string }
	}](t, got.stdout).Settings {
		values[s.Name] = s.Value
	}
	for name, want := range map[string]string{ //nolint:gosec // no passwords at all
		"database-url": "postgres://scrip:xxxxx@db:5432/scrip?sslmode=require", "database-url-file": database,
		"redis-url": "redis://:xxxxx@cache:6379/0", "redis-url-file": cache,
	} {
		if values[name] != want {
			t.Errorf("%s is %q, want %q", name, values[name], want)
		}
	}
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, bytes.Repeat([]byte("hunter2"), 20_000), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{big, dir, filepath.Join(dir, "none")} {
		got := run(t, "", "migrate", "status", "--database-url-file="+path)
		if got.code != 2 || !strings.Contains(got.stderr, path) || strings.Contains(got.stderr, "hunter2") || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

// What serves on PostgreSQL is migrated and verified on it too.
func TestMigrationsOnPostgres(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "database")
	if err := os.WriteFile(secret, []byte(testenv.Database(t)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	database := "--database-url-file=" + secret
	if got := run(t, "", "migrate", "status", database); got.code != 0 || !strings.Contains(got.stdout, "no\n") {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "verify", database); got.code != 2 || !strings.Contains(got.stderr, "scrip migrate up") {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "migrate", "up", database); got.code != 0 || strings.Contains(got.stdout, "no\n") {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "verify", database); got.code != 0 || !strings.Contains(got.stdout, "Every invariant holds.") {
		t.Errorf("%+v", got)
	}
}

func TestVersionAndMigrations(t *testing.T) {
	t.Parallel()
	if got := run(t, "", "version"); got.code != 0 || !strings.HasPrefix(got.stdout, "scrip v9 (go") {
		t.Errorf("%+v", got)
	}
	for command, flags := range map[string][]string{"version": {"--version", "--version serve --max-batch 0"}, "version --json": {"--version --json", "--json --version"}} {
		want := run(t, "", strings.Fields(command)...)
		for _, flag := range flags {
			if got := run(t, "", strings.Fields(flag)...); got != want {
				t.Errorf("%s: %+v, want %+v", flag, got, want)
			}
		}
	}
	data := "--data=" + filepath.Join(t.TempDir(), "data")
	if got := run(t, "", "migrate", "status", data); got.code != 2 || got.stdout != "" || !strings.Contains(got.stderr, "there is no database") {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "migrate", "up", data); got.code != 0 || strings.Contains(got.stdout, "no\n") {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "verify", data); got.code != 0 || !strings.Contains(got.stdout, "Every invariant holds.") {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "verify", "--json", data); got.code != 0 || !strings.Contains(got.stdout, `"sound":true`) || !strings.Contains(got.stdout, `"findings":[]`) {
		t.Errorf("%+v", got)
	}
}

// The next ones change the process's environment and folder, and so can't be parallel.

func TestWhatWins(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(".env", []byte("SCRIP_MAX_BATCH=11\nSCRIP_MAX_QUEUE=5000\nSCRIP_DATA='from file'\nSCRIP_LISTN=x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SCRIP_MAX_QUEUE", "6000")
	t.Setenv("SCRIP_DATA", "from environment")
	got := run(t, "", "config", "--json", "--data=from flag")
	values := map[string]string{}
	for _, s := range decode[struct {
		Settings []struct{ Name, Value string }
	}](t, got.stdout).Settings {
		values[s.Name] = s.Value
	}
	for name, want := range map[string]string{"max-batch": "11", "max-queue": "6000", "data": "from flag", "listen": "127.0.0.1:8000"} {
		if values[name] != want {
			t.Errorf("%s is %q, want %q", name, values[name], want)
		}
	}
	if got.stderr != "" {
		t.Errorf("stderr: %q", got.stderr)
	}
	if got := run(t, "", "config"); !strings.Contains(got.stderr, "SCRIP_LISTN means nothing here") {
		t.Errorf("stderr: %q", got.stderr)
	}
	t.Setenv("SCRIP_MAX_BATCH", "many")
	if got := run(t, "", "config"); got.code != 2 || !strings.Contains(got.stderr, "SCRIP_MAX_BATCH") {
		t.Errorf("%+v", got)
	}
	t.Setenv("SCRIP_MAX_BATCH", "0")
	if got := run(t, "", "serve"); got.code != 2 || !strings.Contains(got.stderr, "SCRIP_MAX_BATCH") {
		t.Errorf("%+v", got)
	}
}

func TestABrokenDotEnvIsNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile(".env", []byte("SCRIP_DATA=x\nnonsense hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(t, "", "config"); got.code != 2 || !strings.Contains(got.stderr, ".env:2") || strings.Contains(got.stderr, "hunter2") {
		t.Errorf("%+v", got)
	}
	for _, args := range []string{"version", "--version", "--help", "serve --help"} {
		if got := run(t, "", strings.Fields(args)...); got.code != 0 || got.stdout == "" || got.stderr != "" {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

func TestTheURLComesFromTheEnvironmentToo(t *testing.T) {
	t.Setenv("SCRIP_URL", server(t))
	if got := run(t, "", "code", "list"); got.code != 0 || got.stdout != "There is no code.\n" {
		t.Errorf("%+v", got)
	}
}
