package e2e_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWhatStopsAStart(t *testing.T) {
	t.Parallel()
	running := serve(t, filepath.Join(t.TempDir(), "data"), "127.0.0.1:0")
	file := filepath.Join(t.TempDir(), "file")
	foreign := t.TempDir()
	for _, path := range []string{file, filepath.Join(foreign, "scrip.db")} {
		if err := os.WriteFile(path, []byte(strings.Repeat("not a database. ", 300)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, data, listen, says string }{
		{"a second process on the data", running.data, "127.0.0.1:0", "another scrip process"},
		{"a taken port", t.TempDir(), strings.TrimPrefix(running.url, "http://"), "choose another --listen"},
		{"a file in place of the folder", file, "127.0.0.1:0", "choose another --data"},
		{"a file above the folder", filepath.Join(file, "data"), "127.0.0.1:0", "choose another --data"},
		{"another program's file", foreign, "127.0.0.1:0", "not a Scrip database"},
		{"an open port", t.TempDir(), "0.0.0.0:0", "keys"},
	} {
		got := scrip(t, "serve", "--data", c.data, "--listen", c.listen)
		line := strings.TrimSpace(got.stderr)
		if got.code != 2 || got.stdout != "" || !strings.Contains(line, c.says) || strings.Contains(line, "\n") {
			t.Errorf("%s: exit %d\n%s%s", c.name, got.code, got.stdout, got.stderr)
		}
	}
	running.stop()
}

func TestAReadOnlyFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil { //nolint:gosec // a folder needs its x
		t.Fatal(err)
	}
	probe := filepath.Join(dir, "probe")
	if err := os.WriteFile(probe, nil, 0o600); !errors.Is(err, os.ErrPermission) {
		t.Skip("permission bits do not bind this user")
	}
	got := scrip(t, "serve", "--data", dir, "--listen", "127.0.0.1:0")
	if got.code != 2 || !strings.Contains(got.stderr, "can't be written") || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("%+v", got)
	}
}

func TestTheSecondProcessLeavesTheFirstAlone(t *testing.T) {
	t.Parallel()
	p := serve(t, filepath.Join(t.TempDir(), "data"), "127.0.0.1:0", "--demo")
	for range 3 {
		if got := scrip(t, "serve", "--data", p.data, "--listen", "127.0.0.1:0"); got.code != 2 {
			t.Errorf("%+v", got)
		}
		if got := scrip(t, "redeem", "salam", "c"+time.Now().Format("150405.000000"), "--url", p.url); got.code != 0 {
			t.Errorf("%+v", got)
		}
	}
	p.verify()
	p.stop()
}
