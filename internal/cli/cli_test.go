package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"scrip/client"
)

func TestWrongCommandLinesExitWithTwo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, says string }{
		{"", "scrip --help"},
		{"server", "see scrip --help"},
		{"serve --lisen x", "scrip serve --help"},
		{"serve --listen 0.0.0.0:8000", "--listen (SCRIP_LISTEN)"},
		{"serve --max-batch 0", "--max-batch (SCRIP_MAX_BATCH)"},
		{"serve --database-url postgres://u:secret@h/d", "--database-url (SCRIP_DATABASE_URL)"},
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
		{"redeem x y --order abc", "--order"},
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
	for _, args := range []string{"code list", "redeem x y", "wallet show y", "stampede --code x"} {
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
		"serve", "code create", "code show", "code list", "code disable", "code enable", "redeem", "wallet show",
		"stampede", "verify", "migrate up", "migrate status", "config", "version",
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

func TestVersionAndMigrations(t *testing.T) {
	t.Parallel()
	if got := run(t, "", "version"); got.code != 0 || !strings.HasPrefix(got.stdout, "scrip v9 (go") {
		t.Errorf("%+v", got)
	}
	data := "--data=" + filepath.Join(t.TempDir(), "data")
	if got := run(t, "", "migrate", "status", data); got.code != 0 || !strings.Contains(got.stdout, "no") {
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
}

func TestTheURLComesFromTheEnvironmentToo(t *testing.T) {
	t.Setenv("SCRIP_URL", server(t))
	if got := run(t, "", "code", "list"); got.code != 0 || got.stdout != "There is no code.\n" {
		t.Errorf("%+v", got)
	}
}
