package sqlitestore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/store/sqlitestore"
)

// pays makes a credit for each of the customers, in one batch.
func pays(t testing.TB, s store.Store, names ...string) {
	t.Helper()
	if err := pay(t.Context(), s, names...); err != nil {
		t.Fatal(err)
	}
}

func pay(ctx context.Context, s store.Store, names ...string) error {
	batch := make([]store.Command, len(names))
	for i, name := range names {
		batch[i] = &store.Post{ID: id.New(time.Now()), Kind: ledger.Credit, Customer: name, Currency: "IRR", AmountMinor: 7}
	}
	outcomes, err := s.Apply(ctx, batch)
	if err != nil {
		return err
	}
	for _, o := range outcomes {
		if o.Refusal != nil {
			return o.Refusal
		}
	}
	return nil
}

func stranger(n int) string { return fmt.Sprintf("+98%09d", n*618033%1_000_000_000) }

// Everybody is found while generations join, after a crash in the middle of it and after the file was closed; what waits
// stays bounded; and the audit finds nothing wrong.
func TestNewcomersJoin(t *testing.T) {
	t.Parallel()
	const few, batch, batches = 16, 5, 60
	d := driverOfFew(few)
	s := d.Open(t, time.Now)
	var all []store.WalletRef
	everybody := func() {
		t.Helper()
		balances, err := s.Balances(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(balances, func(b int64) bool { return b != 7 }); i >= 0 {
			t.Fatalf("customer %d of %d, %q, has %d", i, len(all), all[i].Customer, balances[i])
		}
	}
	most := 0
	for n := range batches {
		var names []string
		for i := range batch {
			names = append(names, stranger(n*batch+i))
			all = append(all, store.WalletRef{Customer: names[i], Currency: "IRR"})
		}
		pays(t, s, names...)
		everybody()
		if n == batches/2 {
			s = d.Crash(t, s)
			everybody()
		}
		waiting, _, err := file(t, s).Waiting()
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, waiting)
	}
	if most > 3*few {
		t.Errorf("%d newcomers waited at a time; a generation is %d", most, few)
	}
	o := file(t, s)
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	again := openFew(t, o.path, time.Now, few)
	if waiting, rows, err := again.Waiting(); err != nil || waiting != 0 || rows != 0 {
		t.Errorf("after a close %d wait in %d rows, %v", waiting, rows, err)
	}
	s = again
	everybody()
	sound(t, s)
}

// Whoever was told that it is done is found by every reader from then on, whatever joins meanwhile.
func TestNewcomersAreFoundWhileTheyJoin(t *testing.T) {
	t.Parallel()
	s := openFew(t, filepath.Join(t.TempDir(), sqlitestore.FileName), time.Now, 8)
	var told atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	for reader := range 3 {
		all.Go(func() {
			for n := reader; ctx.Err() == nil; n++ {
				known := int(told.Load())
				if known == 0 {
					continue
				}
				name := stranger(known - 1 - n%min(known, 40))
				balances, err := s.Balances(ctx, []store.WalletRef{{Customer: name, Currency: "IRR"}})
				if err == nil && balances[0] != 7 {
					t.Errorf("%s was paid, and has %d", name, balances[0])
					return
				}
				wallet, err := s.Wallet(ctx, name)
				if err == nil && len(wallet) != 1 {
					t.Errorf("%s was paid, and has the wallets %v", name, wallet)
					return
				}
				entries, _, err := s.Transactions(ctx, store.WalletRef{Customer: name, Currency: "IRR"}, store.Page{Limit: 10})
				if err == nil && len(entries) != 1 {
					t.Errorf("%s was paid, and has the entries %v", name, entries)
					return
				}
			}
		})
	}
	all.Go(func() {
		for ctx.Err() == nil {
			if _, _, err := s.Seal(ctx, store.Sealing{Max: 50}); err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
		}
	})
	for n := range 400 {
		if err := pay(ctx, s, stranger(n)); err != nil {
			t.Fatal(err)
		}
		told.Store(int64(n + 1))
	}
	cancel()
	all.Wait()
	sound(t, s)
}

// crashed returns a copy of a file as a crash leaves it.
func crashed(t *testing.T, path string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), sqlitestore.FileName)
	copyFile(t, path, copied)
	copyFile(t, path+"-wal", copied+"-wal")
	return copied
}

// file is a store as this driver opened it.
func file(t *testing.T, s store.Store) opened {
	t.Helper()
	o, ok := s.(opened)
	if !ok {
		t.Fatalf("not a store of this driver: %T", s)
	}
	return o
}

func sound(t *testing.T, s store.Store) {
	t.Helper()
	if _, err := s.Audit(t.Context(), func(f store.Finding) { t.Errorf("found %+v", f) }); err != nil {
		t.Fatal(err)
	}
}

// A copy goes through the table of customers, so those who wait join before it, and the file holds the same afterwards.
func TestNewcomersJoinBeforeACopy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), sqlitestore.FileName)
	s := openFew(t, path, time.Now, 0)
	for n := range 10 {
		pays(t, s, stranger(n))
	}
	if waiting, rows, err := s.Waiting(); err != nil || waiting != 10 || rows != 10 {
		t.Fatalf("%d wait in %d rows, %v", waiting, rows, err)
	}
	path = crashed(t, path)
	source, err := sqlitestore.OpenSource(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	wallets := 0
	if err := source.Export(t.Context(), store.Place{}, func(r store.Record) error {
		if _, ok := r.(*store.WalletRecord); ok {
			wallets++
		}
		return nil
	}); err != nil || wallets != 10 {
		t.Fatalf("%d wallets, %v", wallets, err)
	}
	if _, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path}); err == nil {
		t.Fatal("a server opens a file that is being copied")
	}
	if err := source.Close(); err != nil {
		t.Fatal(err)
	}
	again := openFew(t, path, time.Now, 0)
	if waiting, rows, err := again.Waiting(); err != nil || waiting != 0 || rows != 0 {
		t.Fatalf("%d wait in %d rows, %v", waiting, rows, err)
	}
	sound(t, again)
}

func TestNewcomersThatWereAltered(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		statement string
		opens     bool
	}{
		"a row that can't be read": {"UPDATE newcomer SET names = x'ff01'", false},
		"a row that is gone":       {"DELETE FROM newcomer", true},
		"a second number":          {"INSERT INTO customer (ref, no) VALUES ('" + stranger(1) + "', 77)", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), sqlitestore.FileName)
			s := openFew(t, path, time.Now, 0)
			pays(t, s, stranger(1), stranger(2))
			path = crashed(t, path)
			conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(sqlitex.ExecuteTransient(conn, tt.statement, nil), conn.Close()); err != nil {
				t.Fatal(err)
			}
			file, err := sqlitestore.OpenReadOnly(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			if _, err := file.Audit(t.Context(), func(store.Finding) { found++ }); err != nil || found == 0 {
				t.Errorf("the audit finds nothing, %v", err)
			}
			if opened, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path}); (err == nil) != tt.opens {
				t.Errorf("opened: %v", err)
			} else if err == nil {
				_ = opened.Close()
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{nil, {""}, {"a", "", "\x00\xff", string(make([]byte, 300))}} {
		got, err := sqlitestore.ParseNames(sqlitestore.AppendNames(nil, names))
		if err != nil || !slices.Equal(got, names) {
			t.Errorf("%q becomes %q, %v", names, got, err)
		}
	}
	whole := sqlitestore.AppendNames(nil, []string{"salam", "donya"})
	for n := range whole {
		if names, err := sqlitestore.ParseNames(whole[:n]); err == nil && n != 0 && n != 6 {
			t.Errorf("the first %d bytes are %q", n, names)
		}
	}
}
