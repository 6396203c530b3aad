package sqlitestore_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scrip/internal/store"
	"scrip/internal/store/sqlitestore"
)

// names are what stands in a folder.
func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// only fails the test unless a folder holds just these names.
func only(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}

func backup(t *testing.T, path, to string, o sqlitestore.BackupOptions) sqlitestore.BackupResult {
	t.Helper()
	r, err := sqlitestore.Backup(t.Context(), path, to, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A backup of a file that is open and in use holds what was there, and a store made from it goes on from there.
func TestBackupAndRestore(t *testing.T) {
	s, path := redeemed(t, 300)
	dir := t.TempDir()
	to := filepath.Join(dir, "monday")
	var told int64
	made := backup(t, path, to, sqlitestore.BackupOptions{Progress: func(done, total int64) {
		if done < told || done > total {
			t.Errorf("%d of %d bytes, after %d", done, total, told)
		}
		told = done
	}})
	info, err := os.Stat(to)
	if err != nil {
		t.Fatal(err)
	}
	if !made.Verified || made.Read.Redemptions != 300 || made.Bytes != info.Size() || told != info.Size() || info.Mode().Perm() != 0o600 {
		t.Errorf("made %+v, told %d, file %d bytes of mode %o", made, told, info.Size(), info.Mode().Perm())
	}
	only(t, dir, "monday")
	redeem(t, s, 300, 100) // the store goes on, and is no part of the backup any more

	data := filepath.Join(t.TempDir(), "deep", "data")
	back, err := sqlitestore.Restore(t.Context(), to, data, sqlitestore.BackupOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !back.Verified || back.Read.Redemptions != 300 || back.Schema != made.Schema || back.Path != filepath.Join(data, sqlitestore.FileName) {
		t.Errorf("restored %+v", back)
	}
	only(t, data, sqlitestore.FileName, sqlitestore.FileName+".lock")
	again, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: back.Path})
	if err != nil {
		t.Fatal(err)
	}
	redeem(t, again, 300, 100)
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// Whatever was acknowledged before a backup began is in it, and every batch is in it whole or not at all, while
// the writer never rests.
func TestBackupUnderLoad(t *testing.T) {
	s, path := redeemed(t, 0)
	const batch, backups = 10, 5
	var acknowledged atomic.Int64
	dir, ended := t.TempDir(), make(chan struct{})
	go func() {
		defer close(ended)
		for n := range int64(backups) {
			for acknowledged.Load() < n*batch { // the load goes on meanwhile
				if t.Context().Err() != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
			before := acknowledged.Load()
			r, err := sqlitestore.Backup(t.Context(), path, filepath.Join(dir, string(rune('a'+n))), sqlitestore.BackupOptions{})
			if has := r.Read.Redemptions; err != nil || has < before || has%batch != 0 {
				t.Errorf("%d were acknowledged before the backup began; it holds %d, in batches of %d (%v)", before, has, batch, err)
			}
		}
	}()
	for from := 0; from+batch <= 1000; from += batch {
		redeem(t, s, from, batch)
		acknowledged.Store(int64(from + batch))
	}
	<-ended
	only(t, dir, "a", "b", "c", "d", "e")
}

func TestABackupNeverReplacesAFile(t *testing.T) {
	_, path := redeemed(t, 1)
	dir := t.TempDir()
	to := filepath.Join(dir, "taken")
	if err := os.WriteFile(to, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlitestore.Backup(t.Context(), path, to, sqlitestore.BackupOptions{}); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("got %v", err)
	}
	if got, err := os.ReadFile(to); err != nil || string(got) != "precious" {
		t.Errorf("the file is %q, %v", got, err)
	}
	only(t, dir, "taken")
}

// A file that comes into being under the name while the backup is made is not replaced either.
func TestABackupNeverReplacesALateFile(t *testing.T) {
	_, path := redeemed(t, 1)
	dir := t.TempDir()
	to := filepath.Join(dir, "late")
	_, err := sqlitestore.Backup(t.Context(), path, to, sqlitestore.BackupOptions{Progress: func(int64, int64) {
		if err := os.WriteFile(to, []byte("precious"), 0o600); err != nil {
			t.Error(err)
		}
	}})
	if err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("got %v", err)
	}
	if got, err := os.ReadFile(to); err != nil || string(got) != "precious" {
		t.Errorf("the file is %q, %v", got, err)
	}
	only(t, dir, "late")
}

// What a killed backup has left is cleared by the next one; one that goes on is let go on.
func TestABackupTakesOverWhatAKilledOneLeft(t *testing.T) {
	_, path := redeemed(t, 5)
	dir := t.TempDir()
	to := filepath.Join(dir, "b")
	for name, holds := range map[string]string{"b.partial/scrip.db": "half a page", "b.partial/scrip.db-wal": "?", "b.partial.lock": ""} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(holds), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := backup(t, path, to, sqlitestore.BackupOptions{Progress: func(int64, int64) {
		_, err := sqlitestore.Backup(t.Context(), path, to, sqlitestore.BackupOptions{})
		if err == nil || !strings.Contains(err.Error(), "another scrip process is making it") {
			t.Errorf("a second one at once: %v", err)
		}
	}})
	if r.Read.Redemptions != 5 {
		t.Errorf("made %+v", r)
	}
	only(t, dir, "b")
}

func TestABackupThatIsInterruptedLeavesNothing(t *testing.T) {
	_, path := redeemed(t, 5)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := sqlitestore.Backup(ctx, path, filepath.Join(dir, "b"), sqlitestore.BackupOptions{Progress: func(int64, int64) { cancel() }})
	if err == nil {
		t.Error("an interrupted backup was made")
	}
	only(t, dir)
}

func TestAnUnsoundFileIsNotBackedUp(t *testing.T) {
	s, path := redeemed(t, 5)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	tamper(t, path, "UPDATE voucher SET redeemed = 4")
	dir := t.TempDir()
	var found []string
	_, err := sqlitestore.Backup(t.Context(), path, filepath.Join(dir, "b"), sqlitestore.BackupOptions{
		Report: func(f store.Finding) { found = append(found, f.Check) },
	})
	if !errors.Is(err, sqlitestore.ErrUnsound) || !slices.Contains(found, store.CheckCounter) {
		t.Errorf("got %v, %q", err, found)
	}
	only(t, dir)
	if r := backup(t, path, filepath.Join(dir, "b"), sqlitestore.BackupOptions{NoVerify: true}); r.Verified {
		t.Errorf("without verifying: %+v", r)
	}
}

func TestRestoreRefuses(t *testing.T) {
	s, path := redeemed(t, 5)
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	backup(t, path, good, sqlitestore.BackupOptions{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	spoilt := func(name string, spoil func(path string)) string {
		to := filepath.Join(dir, name)
		copyFile(t, good, to)
		spoil(to)
		return to
	}
	for name, tc := range map[string]struct{ from, says string }{
		"nothing":   {filepath.Join(dir, "absent"), "no such file"},
		"a folder":  {dir, "it is no file"},
		"a newer":   {spoilt("newer", func(p string) { tamper(t, p, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)") }), "it is at schema 9999, this version knows"},
		"a foreign": {spoilt("foreign", func(p string) { tamper(t, p, "PRAGMA application_id = 7") }), "not a Scrip database"},
		"no database": {spoilt("text", func(p string) {
			if err := os.WriteFile(p, bytes.Repeat([]byte("text"), 5000), 0o600); err != nil {
				t.Fatal(err)
			}
		}), "not a Scrip database"},
		"a copy that is not finished": {spoilt("unfinished", func(p string) {
			tamper(t, p, "INSERT INTO copied_from (one, source, place, began_at) VALUES (1, x'00', x'', 1)")
		}), store.ErrUnfinishedCopy.Error()},
		"an unsound": {spoilt("unsound", func(p string) { tamper(t, p, "UPDATE transfer SET balance = balance + 1") }), "not sound"},
		"a cut one":  {spoilt("cut", func(p string) { shorten(t, p) }), ""},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			_, err := sqlitestore.Restore(t.Context(), tc.from, filepath.Join(parent, "data"), sqlitestore.BackupOptions{})
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want an error that says %q", err, tc.says)
			}
			only(t, parent)
		})
	}
}

// shorten cuts the last page off a file.
func shorten(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-4096); err != nil {
		t.Fatal(err)
	}
}

func TestRestoreRefusesAFolderThatHoldsSomething(t *testing.T) {
	s, path := redeemed(t, 5)
	good := filepath.Join(t.TempDir(), "good")
	backup(t, path, good, sqlitestore.BackupOptions{})
	if _, err := sqlitestore.Restore(t.Context(), good, filepath.Dir(path), sqlitestore.BackupOptions{}); err == nil || !strings.Contains(err.Error(), "another scrip process has this database open") {
		t.Errorf("into a folder in use: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before := names(t, filepath.Dir(path))
	if _, err := sqlitestore.Restore(t.Context(), good, filepath.Dir(path), sqlitestore.BackupOptions{}); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("into a folder that holds a database: %v", err)
	}
	only(t, filepath.Dir(path), before...)
	mount := t.TempDir()
	if err := os.Mkdir(filepath.Join(mount, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlitestore.Restore(t.Context(), good, mount, sqlitestore.BackupOptions{}); err != nil {
		t.Errorf("into a fresh file system: %v", err)
	}
}
