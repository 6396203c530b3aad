package sqlitestore_test

import (
	"crypto/sha256"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"scrip/internal/fault"
	"scrip/internal/store"
	"scrip/internal/store/sqlitestore"
)

// contents are the files of a folder, but for the shared memory beside a log: SQLite needs it to read what was not written into the
// file yet, and makes it anew.
func contents(t *testing.T, dir string) map[string][sha256.Size]byte {
	t.Helper()
	files := make(map[string][sha256.Size]byte)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(entries) // the log comes first
	for _, e := range entries {
		if _, logged := files[sqlitestore.FileName+"-wal"]; logged && strings.HasSuffix(e.Name(), "-shm") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = sha256.Sum256(text)
	}
	return files
}

// lookThrough does all that verify and migrate status do with a file.
func lookThrough(t *testing.T, path string) error {
	t.Helper()
	_, status := sqlitestore.Status(t.Context(), path)
	ro, err := sqlitestore.OpenReadOnly(t.Context(), path)
	if err != nil {
		return errors.Join(status, err)
	}
	_, audited := ro.Audit(t.Context(), func(f store.Finding) { t.Errorf("%+v", f) })
	if _, err := ro.SealAt(t.Context(), 1); !errors.Is(err, fault.ErrSealNotFound) {
		t.Errorf("the first seal: %v", err)
	}
	return errors.Join(status, audited)
}

// Whatever state a file is in, who only reads changes neither the file nor what stands beside it.
func TestReadingChangesNothing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		make func(t *testing.T) (path string)
		says string // of the error; none
	}{
		"a server that was stopped": {stopped, ""},
		"a backup":                  {backedUp, ""},
		"a server that was killed":  {killed, ""},
		"nothing in it": {func(t *testing.T) string {
			t.Helper()
			path := filepath.Join(t.TempDir(), sqlitestore.FileName)
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}, "not a Scrip database"},
		"no schema": {func(t *testing.T) string {
			t.Helper()
			path := filepath.Join(t.TempDir(), sqlitestore.FileName)
			tamper(t, path, "PRAGMA application_id = 0x53435250")
			return path
		}, "run `scrip migrate up`"},
		"an older schema": {ofSchema5, "run `scrip migrate up`"},
		"a newer schema": {func(t *testing.T) string {
			t.Helper()
			path := backedUp(t)
			tamper(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
			return path
		}, "newer version of Scrip"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := tc.make(t)
			before := contents(t, filepath.Dir(path))
			err := lookThrough(t, path)
			if tc.says == "" && err != nil || tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)) {
				t.Errorf("got %v, want an error that says %q", err, tc.says)
			}
			if after := contents(t, filepath.Dir(path)); !maps.Equal(before, after) {
				t.Errorf("before: %v\nafter: %v", before, after)
			}
		})
	}
}

func stopped(t *testing.T) string {
	t.Helper()
	s, path := redeemed(t, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func backedUp(t *testing.T) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), sqlitestore.FileName)
	if _, err := sqlitestore.Backup(t.Context(), stopped(t), to, sqlitestore.BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	return to
}

// killed has commits in its log alone.
func killed(t *testing.T) string {
	t.Helper()
	_, path := redeemed(t, 3)
	return crashed(t, path)
}

// Beside a running server all that it has committed is read, also by way of a link.
func TestReadingBesideAServer(t *testing.T) {
	t.Parallel()
	s, path := redeemed(t, 3)
	link := filepath.Join(t.TempDir(), sqlitestore.FileName)
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	redeem(t, s, 3, 4)
	for _, at := range []string{path, link} {
		if err := lookThrough(t, at); err != nil {
			t.Fatal(err)
		}
		ro, err := sqlitestore.OpenReadOnly(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		seen, err := ro.Audit(t.Context(), func(f store.Finding) { t.Errorf("%+v", f) })
		if err != nil || seen.Redemptions != 7 {
			t.Errorf("%+v, %v", seen, err)
		}
	}
	if beside, err := filepath.Glob(link + "?*"); err != nil || len(beside) != 0 {
		t.Errorf("beside the link: %v, %v", beside, err)
	}
}

// A file that nobody had open is read as one that nobody changes. Where a server is started meanwhile, what was found
// counts for nothing.
func TestAServerStartsWhileItIsRead(t *testing.T) {
	t.Parallel()
	path := stopped(t)
	tamper(t, path, "UPDATE redemption SET rank = 9 WHERE rank = 2")
	ro, err := sqlitestore.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	_, err = ro.Audit(t.Context(), func(store.Finding) {
		if !found {
			redeem(t, openFew(t, path, nil, 0).Store, 10, 1)
		}
		found = true
	})
	if !found || err == nil || !strings.Contains(err.Error(), "run this again") {
		t.Errorf("found %v, %v", found, err)
	}
}
