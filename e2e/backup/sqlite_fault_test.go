package backup_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scrip/e2e/site"
)

// A backup that is killed leaves nothing under its name, holds up nobody, and is taken over by the next.
func TestSQLiteBackupKilled(t *testing.T) {
	t.Parallel()
	data, dir := filepath.Join(t.TempDir(), "data"), t.TempDir()
	_, on := serve(t, "--data", data)
	c, stop := gather(t, on)
	more(t, c, 200)
	to := filepath.Join(dir, "backup")
	const kills, triesMax = 5, 200
	killed := 0
	for try := 0; killed < kills; try++ {
		if try == triesMax {
			t.Fatalf("of %d backups only %d could be killed in the middle", try, killed)
		}
		killAtWork(t, data, to)
		switch _, err := os.Lstat(to); {
		case errors.Is(err, fs.ErrNotExist):
			killed++
		case err != nil:
			t.Fatal(err)
		default: // it was faster than the kill: then it is whole
			done(t, "restore", "--from", to, "--data", filepath.Join(t.TempDir(), "whole"))
			if err := os.Remove(to); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, before := c.Mark()
	done(t, "backup", "--data", data, "--to", to)
	beyond, _ := c.Mark()
	if left, err := filepath.Glob(to + ".*"); err != nil || len(left) != 0 {
		t.Errorf("it left %q, %v", left, err)
	}
	more(t, c, 20)
	stop()
	nothingWrong(t, c)
	restored := filepath.Join(t.TempDir(), "restored")
	done(t, "restore", "--from", to, "--data", restored)
	_, again := serve(t, "--data", restored)
	holds(t, c, again, before, beyond)
}

// killAtWork starts a backup, and kills it once there is something of it.
func killAtWork(t *testing.T, data, to string) {
	t.Helper()
	cmd := exec.Command(program, "backup", "--data", data, "--to", to) //nolint:noctx,gosec // the program under test, killed below
	cmd.Dir, cmd.Env = t.TempDir(), site.Environment()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed
		close(ended)
	}()
	for end := time.Now().Add(waitMax); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if info, err := os.Stat(filepath.Join(to+".partial", "scrip.db")); err == nil && info.Size() > 0 {
			break
		}
		if _, err := os.Lstat(to); err == nil {
			break
		}
	}
	_ = cmd.Process.Kill() // it may have ended
	<-ended
}

// A server was killed, and nobody has started it again: all that it acknowledged is in a backup of what it left.
func TestSQLiteBackupOfADeadServer(t *testing.T) {
	t.Parallel()
	data, to := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backup")
	server, on := serve(t, "--data", data)
	c, stop := gather(t, on)
	more(t, c, 200)
	_, before := c.Mark()
	c.Tolerate(true)
	server.Kill()
	stop()
	nothingWrong(t, c)
	done(t, "backup", "--data", data, "--to", to)
	restored := filepath.Join(t.TempDir(), "restored")
	done(t, "restore", "--from", to, "--data", restored)
	beyond, _ := c.Mark()
	_, again := serve(t, "--data", restored)
	holds(t, c, again, before, beyond)
}

// On a disk that is too small a backup, and a restore, fails with a word about it and leaves nothing.
func TestSQLiteBackupOnAFullDisk(t *testing.T) {
	t.Parallel()
	disk := site.NewDisk(t, "256k")
	data := filepath.Join(t.TempDir(), "data")
	_, on := serve(t, "--data", data)
	c, stop := gather(t, on)
	more(t, c, 600)
	stop()
	nothingWrong(t, c)
	good := filepath.Join(t.TempDir(), "good")
	done(t, "backup", "--data", data, "--to", good)
	to := filepath.Join(disk.Path, "made")
	for _, full := range []bool{false, true} {
		if full {
			if err := disk.Fill(); err != nil {
				t.Fatal(err)
			}
		}
		for _, command := range [][]string{{"backup", "--data", data, "--to", to}, {"restore", "--from", good, "--data", to}} {
			got := scrip(t, command...)
			if got.Code != 2 || !strings.Contains(got.Stderr, "the disk is full") || strings.Count(got.Stderr, "\n") != 1 {
				t.Errorf("%q exits with %d:\n%s%s", command, got.Code, got.Stdout, got.Stderr)
			}
			if left, err := filepath.Glob(to + "*"); err != nil || len(left) != 0 {
				t.Errorf("%q left %q, %v", command, left, err)
			}
		}
	}
	done(t, "verify", "--data", data)
}
