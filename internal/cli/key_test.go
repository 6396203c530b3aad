package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scrip/client"
)

// A key's life by the command line.
func TestKeys(t *testing.T) {
	t.Parallel()
	url := server(t)
	ask := func(args ...string) ran { return run(t, "", append(args, "--url", url)...) }
	if got := ask("key", "list"); got.code != 0 || got.stdout != "There is no key.\n" {
		t.Errorf("%+v", got)
	}

	made := ask("key", "create", "--name", "till 4", "--scopes", "redeem,read", "--rate", "50", "--burst", "100", "--expires-at", "2099-01-01T00:00:00Z", "--json")
	till := decode[client.MadeKey](t, made.stdout)
	if made.code != 0 || !strings.HasPrefix(till.Secret, "sk_") || len(till.Scopes) != 2 || *till.RatePerSecond != 50 || *till.Burst != 100 || till.ExpiresAt == nil {
		t.Fatalf("%+v", made)
	}
	for _, part := range []string{"redeem, read", "active", "50 a second", "2099-01-01T00:00:00Z", till.Tail, till.ID} {
		if got := ask("key", "show", till.ID); got.code != 0 || !strings.Contains(got.stdout, part) || strings.Contains(got.stdout, till.Secret) {
			t.Errorf("no %q in %+v", part, got)
		}
	}

	got := ask("key", "create", "--name", "our app", "--publishable")
	if got.code != 0 || !strings.Contains(got.stdout, "publishable") || !strings.Contains(got.stdout, "pk_") || !strings.Contains(got.stdout, "nothing shows it again") {
		t.Errorf("%+v", got)
	}
	if got := ask("key", "rotate", till.ID); got.code != 2 || !strings.Contains(got.stderr, "expires_at") {
		t.Errorf("the successor of a key that expires: %+v", got)
	}
	path := filepath.Join(t.TempDir(), "till")
	got = ask("key", "rotate", till.ID, "--overlap", "1h", "--never-expires", "--secret-file", path)
	if got.code != 0 || !strings.Contains(got.stdout, till.ID) || strings.Contains(got.stdout, "sk_") || !strings.Contains(got.stdout, path) {
		t.Errorf("%+v", got)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), "sk_") || strings.TrimSpace(string(text)) == till.Secret {
		t.Errorf("%q %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if got := ask("key", "rotate", till.ID, "--never-expires", "--secret-file", path); got.code != 2 || !strings.Contains(got.stderr, "--secret-file") {
		t.Errorf("a secret is overwritten: %+v", got)
	}
	if got := ask("key", "revoke", till.ID); got.code != 0 || !strings.Contains(got.stdout, "revoked") {
		t.Errorf("%+v", got)
	}
	if got := ask("key", "list"); got.code != 0 || strings.Count(got.stdout, "\n") != 4 || !strings.Contains(got.stdout, "revoked") || strings.Contains(got.stdout, "sk_") {
		t.Errorf("%+v", got)
	}
	if got := ask("key", "revoke", "key_01h455vb4pex5vsknk084sn02w"); got.code != 1 || !strings.Contains(got.stderr, "key_not_found") {
		t.Errorf("%+v", got)
	}

	if got := ask("key", "show", "sk_"+strings.Repeat("0", 58)); got.code != 2 || !strings.Contains(got.stderr, "name the key by its id") || strings.Contains(got.stderr, "000") {
		t.Errorf("%+v", got)
	}

	trail := ask("audit-events", "list", "--target", till.ID)
	for _, part := range []string{"key.create", "key.rotate", "key.revoke", "open", "req_"} {
		if trail.code != 0 || !strings.Contains(trail.stdout, part) {
			t.Errorf("no %q in %+v", part, trail)
		}
	}
	if got := ask("audit-events", "list", "--action", "voucher.create"); got.code != 0 || got.stdout != "There is no such change.\n" {
		t.Errorf("%+v", got)
	}
	if got := ask("audit-events", "list", "--limit", "1"); got.code != 0 || !strings.Contains(got.stdout, "--after evt_") {
		t.Errorf("%+v", got)
	}
}

// A key is amended in what is said, and in nothing else.
func TestAmendKey(t *testing.T) {
	t.Parallel()
	url := server(t)
	ask := func(args ...string) ran { return run(t, "", append(args, "--url", url)...) }
	made := decode[client.MadeKey](t, ask("key", "create", "--name", "till 4", "--scopes", "redeem", "--rate", "50", "--burst", "100",
		"--expires-at", "2099-01-01T00:00:00Z", "--json").stdout)
	got := ask("key", "amend", made.ID, "--name", "till 5", "--rate", "7")
	for _, part := range []string{"till 5", "7 a second", "2099-01-01T00:00:00Z", made.ID} {
		if got.code != 0 || !strings.Contains(got.stdout, part) {
			t.Errorf("no %q in %+v", part, got)
		}
	}
	got = ask("key", "amend", made.ID, "--default-rate", "--never-expires", "--json")
	if k := decode[client.Key](t, got.stdout); got.code != 0 || k.RatePerSecond != nil || k.ExpiresAt != nil || *k.Burst != 100 || k.Name != "till 5" {
		t.Errorf("%+v", got)
	}
	got = ask("key", "amend", made.ID, "--default-burst", "--expires-at", "2098-01-01T00:00:00Z", "--json")
	if k := decode[client.Key](t, got.stdout); got.code != 0 || k.Burst != nil || k.ExpiresAt == nil {
		t.Errorf("%+v", got)
	}
	for want, args := range map[string][]string{
		"say what to change": {made.ID},
		"either --rate":      {made.ID, "--rate", "5", "--default-rate"},
		"either --burst":     {made.ID, "--burst", "5", "--default-burst"},
		"either --expires":   {made.ID, "--expires-at", "2099-01-01T00:00:00Z", "--never-expires"},
		"--name is empty":    {made.ID, "--name", ""},
		"invalid_limit":      {made.ID, "--rate", "0"},
		"name the key by":    {made.Secret, "--name", "x"},
	} {
		if got := ask(append([]string{"key", "amend"}, args...)...); got.code != 2 || !strings.Contains(got.stderr, want) || strings.Contains(got.stderr, made.Secret) {
			t.Errorf("%s: %+v", want, got)
		}
	}
	if got := ask("key", "amend", "key_01h455vb4pex5vsknk084sn02w", "--name", "x"); got.code != 1 || !strings.Contains(got.stderr, "key_not_found") {
		t.Errorf("%+v", got)
	}
}

// The last key that can make another goes only by force.
func TestLastAdminKey(t *testing.T) {
	t.Parallel()
	url := server(t)
	admin := decode[client.MadeKey](t, run(t, "", "key", "create", "--name", "a", "--scopes", "admin", "--json", "--url", url).stdout)
	if got := run(t, "", "key", "revoke", admin.ID, "--url", url); got.code != 1 || !strings.Contains(got.stderr, "last_admin_key") {
		t.Errorf("%+v", got)
	}
	soon := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	rotate := []string{"key", "rotate", admin.ID, "--expires-at", soon, "--url", url}
	if got := run(t, "", rotate...); got.code != 1 || !strings.Contains(got.stderr, "last_admin_key") {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", append(rotate, "--force")...); got.code != 0 {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "key", "revoke", admin.ID, "--force", "--url", url); got.code != 0 {
		t.Errorf("%+v", got)
	}
}

// Each command sends the key that it was given, in each of the ways to give it.
func TestCommandsSendTheKey(t *testing.T) {
	url, secret := keyedServer(t)
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run(t, "", "code", "list", "--url", url); got.code != 2 || !strings.Contains(got.stderr, "unauthorized") {
		t.Errorf("without a key: %+v", got)
	}
	if got := run(t, "", "ping", "--url", url); got.code != 0 {
		t.Errorf("ping needs no key: %+v", got)
	}
	for _, args := range [][]string{{"--key", secret}, {"--key-file", path}} {
		if got := run(t, "", append([]string{"code", "list", "--url", url}, args...)...); got.code != 0 {
			t.Errorf("%s: %+v", args[0], got)
		}
	}
	t.Setenv("SCRIP_KEY", secret)
	if got := run(t, "", "code", "create", "--code", "rush", "--credit", "5", "--limit", "20", "--url", url); got.code != 0 {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "stampede", "--code", "rush", "--customers", "40", "--concurrency", "4", "--repeat", "1", "--url", url); got.code != 0 || !strings.Contains(got.stdout, "EXACT") {
		t.Errorf("%+v", got)
	}
	t.Setenv("SCRIP_KEY", "sk_ not a key")
	if got := run(t, "", "code", "list", "--url", url); got.code != 2 || !strings.Contains(got.stderr, "--key (SCRIP_KEY)") || strings.Contains(got.stderr, "not a key") {
		t.Errorf("%+v", got)
	}
	t.Setenv("SCRIP_KEY", "sk_1\r\nX-Header:1")
	if got := run(t, "", "stampede", "--code", "rush", "--url", url); got.code != 2 {
		t.Errorf("%+v", got)
	}
}

// A key made at the database is shown as a server would show it.
func TestCreateKeyAtTheDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	got := run(t, "", "key", "create", "--name", "admin", "--scopes", "admin", "--data", dir, "--json")
	k := decode[client.MadeKey](t, got.stdout)
	if got.code != 0 || !strings.HasPrefix(k.Secret, "sk_") || k.Status != client.KeyActive || k.CreatedAt.IsZero() || !strings.HasPrefix(k.ID, "key_") {
		t.Errorf("%+v", got)
	}
	path := filepath.Join(dir, "secret")
	got = run(t, "", "key", "create", "--name", "app", "--publishable", "--data", dir, "--secret-file", path)
	if text, err := os.ReadFile(path); err != nil || got.code != 0 || !strings.HasPrefix(string(text), "pk_") || strings.Contains(got.stdout, "pk_") {
		t.Errorf("%+v, %q, %v", got, text, err)
	}
	path += "-2"
	got = run(t, "", "key", "create", "--name", "app", "--publishable", "--database-url", "postgres://u:hunter2@127.0.0.1:1/d", "--secret-file", path)
	if _, err := os.Stat(path); !os.IsNotExist(err) || got.code != 2 || strings.Contains(got.stderr, "hunter2") {
		t.Errorf("the file of a key that was not made: %+v, %v", got, err)
	}
}

// Beside a running server a key is made by that server, and whoever names its folder is told so.
func TestAKeyBesideARunningServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	url, _, stop := serve(t, "--limit 100", "--data", dir)
	path := filepath.Join(dir, "secret")
	create := []string{"key", "create", "--name", "admin", "--scopes", "admin", "--secret-file", path}
	got := run(t, "", append(create, "--data", dir)...)
	if got.code != 2 || !strings.Contains(got.stderr, "leave --data out") || strings.Contains(got.stderr, "another --data") || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", append(create, "--url", url)...); got.code != 0 {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "code", "list", "--url", url, "--key-file", path); got.code != 0 {
		t.Errorf("%+v", got)
	}
	if got := run(t, "", "code", "list", "--url", url); got.code != 2 || !strings.Contains(got.stderr, "unauthorized") {
		t.Errorf("%+v", got)
	}
	stop()
	if got := run(t, "", "key", "create", "--name", "till", "--scopes", "redeem", "--data", dir); got.code != 0 {
		t.Errorf("%+v", got)
	}
}
