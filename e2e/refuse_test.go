package e2e_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scrip/e2e/site"
	"scrip/internal/testenv"
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

// asOrdinary runs a command as a user whom permission bits bind, also where we are root, with a folder that is that user's.
func asOrdinary(t *testing.T, own string, args ...string) ran {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...) //nolint:gosec // the program under test
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = t.TempDir(), site.Environment(), &out, &errs
	files, err := filepath.Glob(filepath.Join(own, "*"))
	if err != nil {
		t.Fatal(err)
	}
	testenv.Ordinary(t, cmd, append(files, own)...)
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return ran{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// A data folder that can't be written is no start, and one line says why: be it empty, or with a store in it from better
// days.
func TestAReadOnlyFolder(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, dir string){
		"empty": func(*testing.T, string) {},
		"with a store": func(t *testing.T, dir string) {
			t.Helper()
			got := asOrdinary(t, dir, "key", "create", "--name", "a", "--scopes", "admin", "--data", dir) // that the user may come here
			if got.code != 0 {
				t.Fatalf("%+v", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			prepare(t, dir)
			if err := os.Chmod(dir, 0o500); err != nil { //nolint:gosec // a folder needs its x
				t.Fatal(err)
			}
			got := asOrdinary(t, dir, "serve", "--data", dir, "--listen", "127.0.0.1:0")
			if got.code != 2 || !strings.Contains(got.stderr, "can't be written") || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// Who may only read a data folder can audit it: after a server that was stopped, and beside one or after its end if they may
// read the shared memory too. Where commits are in the log alone, and there is no shared memory, they are told why not.
func TestAnAuditorMayOnlyRead(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	p := serve(t, dir, "127.0.0.1:0", "--demo")
	chmod := func(folder, file os.FileMode) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			if err := os.Chmod(path, file); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(dir, folder); err != nil {
			t.Fatal(err)
		}
	}
	sees := func(what string, code int, says string) {
		t.Helper()
		chmod(0o500, 0o400)
		for _, command := range []string{"verify", "migrate status"} {
			got := asOrdinary(t, dir, append(strings.Fields(command), "--data", dir)...)
			if got.code != code || says != "" && !strings.Contains(got.stderr, says) {
				t.Errorf("%s, %s: %+v", command, what, got)
			}
		}
		chmod(0o700, 0o600)
	}
	sees("beside a server", 0, "")
	p.kill()
	sees("after its end", 0, "")
	if err := os.Remove(filepath.Join(dir, "scrip.db-shm")); err != nil {
		t.Fatal(err)
	}
	sees("without its shared memory", 2, "copy both files to a folder that can be written")
	p = serve(t, dir, "127.0.0.1:0")
	p.stop()
	sees("after it was stopped", 0, "")
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
