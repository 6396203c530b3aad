package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"scrip/internal/store/sqlitestore"
)

// backedUp is the JSON answer of backup and restore.
type backedUp struct {
	File         string
	Bytes        int64
	Schema       int64
	From         int64 `json:"from_schema"`
	Verified     bool
	Read         struct{ Redemptions, Wallets int64 }
	Findings     []struct{ Check, ID string }
	SecondsTaken float64 `json:"seconds"`
}

func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	data, dir := filled(t), t.TempDir()
	to, back := filepath.Join(dir, "b.db"), filepath.Join(dir, "restored")
	got := run(t, "", "backup", "--data="+data, "--to="+to)
	for _, says := range []string{to, "every invariant holds: 3 redemptions, 3 wallets, 3 ledger entries", "MiB"} {
		if got.code != 0 || got.stderr != "" || !strings.Contains(got.stdout, says) {
			t.Errorf("%q is not in %+v", says, got)
		}
	}
	got = run(t, "", "restore", "--json", "--from="+to, "--data="+back)
	out := decode[backedUp](t, got.stdout)
	if got.code != 0 || got.stderr != "" || !out.Verified || out.Read.Redemptions != 3 || out.Bytes == 0 || out.Schema != out.From ||
		out.File != filepath.Join(back, sqlitestore.FileName) || out.Findings == nil || out.SecondsTaken <= 0 {
		t.Errorf("%+v", got)
	}
	if verified := run(t, "", "verify", "--data="+back); verified.code != 0 {
		t.Errorf("%+v", verified)
	}
	quick := run(t, "", "backup", "--data="+back, "--to="+to+"2", "--no-verify", "--json")
	if out := decode[backedUp](t, quick.stdout); quick.code != 0 || out.Verified || out.Read.Redemptions != 0 {
		t.Errorf("%+v", quick)
	}
}

func TestBackupAndRestoreRefuse(t *testing.T) {
	t.Parallel()
	data, dir := filled(t), t.TempDir()
	good := filepath.Join(dir, "good.db")
	if got := run(t, "", "backup", "--data="+data, "--to="+good); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	secret := "--database-url=postgres://u:secret@127.0.0.1:1/scrip" //nolint:gosec // nobody's password: it must not be shown
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"backup", "--data=" + data}, "--to"},
		{[]string{"restore", "--data=" + data}, "--from"},
		{[]string{"backup", "--data=" + data, "--to=" + good}, "exists already"},
		{[]string{"backup", "--data=" + dir + "/none", "--to=" + dir + "/b"}, "there is no database at"},
		{[]string{"backup", "--data=" + data, "--to=" + dir + "/none/b"}, "its folder is not there"},
		{[]string{"restore", "--from=" + good, "--data=" + data}, "is not empty"},
		{[]string{"restore", "--from=" + dir + "/none", "--data=" + dir + "/new"}, "no such file"},
		{[]string{"backup", secret, "--to=" + dir + "/b"}, "pg_dump --format=custom"},
		{[]string{"restore", secret, "--from=" + good}, "pg_restore"},
	} {
		got := run(t, "", c.args...)
		if got.code != 2 || got.stdout != "" || !strings.Contains(got.stderr, c.says) || strings.Count(got.stderr, "\n") != 1 || strings.Contains(got.stderr, "secret") {
			t.Errorf("%q: %+v, want exit 2 and %q", c.args, got, c.says)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("what was refused has left %v, %v", entries, err)
	}
}

// What is wrong is told as verify tells it, and nothing is left.
func TestAnUnsoundBackupIsThrownAway(t *testing.T) {
	t.Parallel()
	data, dir := filled(t), t.TempDir()
	conn, err := sqlite.OpenConn(filepath.Join(data, sqlitestore.FileName), sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecuteTransient(conn, "UPDATE transfer SET balance = balance + 1", nil); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	got := run(t, "", "backup", "--data="+data, "--to="+filepath.Join(dir, "b"))
	if got.code != 1 || !strings.Contains(got.stdout, "zero_sum") || !strings.Contains(got.stdout, "NOT MADE") {
		t.Errorf("%+v", got)
	}
	got = run(t, "", "backup", "--json", "--data="+data, "--to="+filepath.Join(dir, "b"))
	if out := decode[backedUp](t, got.stdout); got.code != 1 || len(out.Findings) == 0 || out.File != "" {
		t.Errorf("%+v", got)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("it has left %v, %v", entries, err)
	}
}
