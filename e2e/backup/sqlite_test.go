package backup_test

import (
	"path/filepath"
	"testing"

	"scrip/client"
	"scrip/e2e/crowd"
)

// Three backups are taken beside a server that a crowd uses; each is restored, verified and served.
func TestSQLiteUnderLoad(t *testing.T) {
	t.Parallel()
	data, dir := filepath.Join(t.TempDir(), "data"), t.TempDir()
	server, on := serve(t, "--data", data)
	c, stop := gather(t, on)
	type taken struct {
		file   string
		before []crowd.Win
		beyond int64 // the first span after it was made
	}
	var backups []taken
	for _, name := range []string{"first", "second", "third"} {
		more(t, c, 150)
		b := taken{file: filepath.Join(dir, name)}
		_, b.before = c.Mark()
		done(t, "backup", "--data", data, "--to", b.file)
		b.beyond, _ = c.Mark()
		backups = append(backups, b)
	}
	more(t, c, 50)
	stop()
	nothingWrong(t, c)
	if err := c.Settle(t.Context(), on); err != nil {
		t.Error(err)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	done(t, "verify", "--data", data)
	for _, b := range backups {
		restored := filepath.Join(t.TempDir(), "restored")
		done(t, "restore", "--from", b.file, "--data", restored)
		done(t, "verify", "--data", restored)
		again, on := serve(t, "--data", restored)
		n := holds(t, c, on, b.before, b.beyond)
		t.Logf("%s: %d acknowledged before it began, %d in it", filepath.Base(b.file), len(b.before), n)
		// It goes on from there.
		if _, err := on.Client.Redeem(t.Context(), client.RedeemRequest{Code: "endless", Customer: "late"}); err != nil {
			t.Errorf("a restored server does not redeem: %v", err)
		}
		if err := again.Stop(); err != nil {
			t.Error(err)
		}
		done(t, "verify", "--data", restored)
	}
}
