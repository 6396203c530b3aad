package sqlitestore_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/store/sqlitestore"
	"scrip/internal/voucher"
)

// redeemed opens a new store with one shared code and n customers who won it, and returns its path.
func redeemed(t *testing.T, n int) (*sqlitestore.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data", sqlitestore.FileName)
	s, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &voucher.Campaign{
		ID: id.New(time.Now()), Name: "salam", Currency: "IRR",
		Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 100},
	}
	v := voucher.Voucher{ID: id.New(time.Now()), CampaignID: c.ID, Code: "salam", Key: "SA1AM", Limit: 1000, PerCustomer: 1}
	if _, _, err := s.Create(t.Context(), store.Creation{Campaign: c, Vouchers: []voucher.Voucher{v}}); err != nil {
		t.Fatal(err)
	}
	redeem(t, s, 0, n)
	return s, path
}

func redeem(t *testing.T, s *sqlitestore.Store, from, n int) {
	t.Helper()
	cmds := make([]store.Command, n)
	for i := range cmds {
		cmds[i] = &store.Redeem{ID: id.New(time.Now()), Code: "SA1AM", Customer: fmt.Sprintf("customer-%d", from+i)}
	}
	outs, err := s.Apply(t.Context(), cmds)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outs {
		if o.Refusal != nil {
			t.Fatal(o.Refusal)
		}
	}
}

func TestTheFileIsItsOwnersOnly(t *testing.T) {
	_, path := redeemed(t, 1)
	for _, name := range []string{path, path + "-wal", path + "-shm", path + ".lock"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o, want 600", filepath.Base(name), info.Mode().Perm())
		}
	}
}

func TestASecondOpenIsRefused(t *testing.T) {
	s, path := redeemed(t, 1)
	_, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path})
	if err == nil || !strings.Contains(err.Error(), "another scrip process has this database open") {
		t.Fatalf("got %v, want a refusal that names the other process", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path})
	if err != nil {
		t.Fatalf("after the first is closed: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatIsNotOursIsRefusedAndLeftAlone(t *testing.T) {
	foreign := func(path string) error {
		return execute(t.Context(), path, "CREATE TABLE shop (id INTEGER PRIMARY KEY)")
	}
	for name, tc := range map[string]struct {
		make func(path string) error
		says string
	}{
		"another program's database": {foreign, "not a Scrip database"},
		"not a database at all": {
			func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("no database ", 100)), 0o600) },
			"not a Scrip database",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), sqlitestore.FileName)
			if err := tc.make(path); err != nil {
				t.Fatal(err)
			}
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path})
			if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), path) {
				t.Fatalf("got %v, want an error that says %q and names the file", err, tc.says)
			}
			if _, err = sqlitestore.OpenReadOnly(t.Context(), path); err == nil {
				t.Fatal("it was opened to be verified")
			}
			after, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(before, after) {
				t.Fatal("the file was changed")
			}
		})
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	s, path := redeemed(t, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	tamper(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	_, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path})
	if err == nil || !strings.Contains(err.Error(), "newer version of Scrip") {
		t.Fatalf("got %v, want a refusal that names the newer version", err)
	}
	if _, err := sqlitestore.OpenReadOnly(t.Context(), path); err == nil || !strings.Contains(err.Error(), "newer version of Scrip") {
		t.Fatalf("to be verified: got %v, want the same", err)
	}
	if steps, err := sqlitestore.Status(t.Context(), path); err == nil || !strings.Contains(err.Error(), "newer version of Scrip") {
		t.Fatalf("its status: got %+v, %v, want the same", steps, err)
	}
}

func TestAFileInPlaceOfTheFolderIsExplained(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(file, sqlitestore.FileName)
	_, opened := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path})
	_, read := sqlitestore.OpenReadOnly(t.Context(), path)
	_, status := sqlitestore.Status(t.Context(), path)
	for _, err := range []error{opened, read, status} {
		if err == nil || !strings.Contains(err.Error(), "a file stands where the data folder should be") || strings.Contains(err.Error(), "can't be written") {
			t.Errorf("got %v", err)
		}
	}
}

func TestStatusTellsWhatIsApplied(t *testing.T) {
	path := filepath.Join(t.TempDir(), sqlitestore.FileName)
	if steps, err := sqlitestore.Status(t.Context(), path); err == nil || !strings.Contains(err.Error(), "there is no database at "+path) {
		t.Fatalf("without a file: %+v, %v", steps, err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Fatal("asking for the status made the file")
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	steps, err := sqlitestore.Status(t.Context(), path)
	if err != nil || len(steps) == 0 || steps[0].Applied {
		t.Fatalf("before: %+v, %v", steps, err)
	}
	if err := sqlitestore.MigrateTo(t.Context(), path, 2); err != nil {
		t.Fatal(err)
	}
	steps, err = sqlitestore.Status(t.Context(), path)
	if err != nil || !steps[1].Applied || steps[2].Applied {
		t.Fatalf("in between: %+v, %v", steps, err)
	}
	if err := sqlitestore.Migrate(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	steps, err = sqlitestore.Status(t.Context(), path)
	if err != nil || !steps[len(steps)-1].Applied || time.Since(steps[0].AppliedAt).Abs() > time.Hour {
		t.Fatalf("after: %+v, %v", steps, err)
	}
}

// The log is begun anew under a load that never pauses, so that it does not grow without end.
func TestTheLogStaysBoundedUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("writes some hundred megabytes")
	}
	s, path := redeemed(t, 0)
	const logMax = 256 << 20
	var grown int64
	for from := 0; from < 200_000; from += 1000 {
		cmds := make([]store.Command, 1000)
		for i := range cmds {
			cmds[i] = &store.Post{
				ID: id.New(time.Now()), Kind: 3, Customer: fmt.Sprintf("c%d", (from+i)*7919%200_003), Currency: "IRR", AmountMinor: 1,
			}
		}
		if _, err := s.Apply(t.Context(), cmds); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path + "-wal"); err == nil {
			grown = max(grown, info.Size())
		}
	}
	if grown > logMax {
		t.Errorf("the log grew to %d MiB", grown>>20)
	}
	t.Logf("the log grew to %d MiB", grown>>20)
}

// tamper changes a database behind Scrip's back.
func tamper(t *testing.T, path, statement string) {
	t.Helper()
	if err := execute(t.Context(), path, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func execute(ctx context.Context, path, statement string) error {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, statement)
	return errors.Join(err, db.Close())
}
