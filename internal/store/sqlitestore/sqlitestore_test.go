package sqlitestore_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"scrip/internal/store"
	"scrip/internal/store/sqlitestore"
	"scrip/internal/store/storetest"
)

// opened is a store with its place, for the way back after a crash.
type opened struct {
	*sqlitestore.Store
	path  string
	clock func() time.Time
}

func open(t testing.TB, path string, clock func() time.Time) store.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return opened{s, path, clock}
}

func driver() storetest.Driver {
	return storetest.Driver{
		Name: "sqlite",
		Open: func(t testing.TB, clock func() time.Time) store.Store {
			t.Helper()
			return open(t, filepath.Join(t.TempDir(), sqlitestore.FileName), clock)
		},
		Crash: func(t testing.TB, s store.Store) store.Store {
			t.Helper()
			o, ok := s.(opened)
			if !ok {
				t.Fatalf("not a store of this driver: %T", s)
			}
			// The database before its log: a checkpoint in between moves pages that the log still holds.
			copied := filepath.Join(t.TempDir(), sqlitestore.FileName)
			copyFile(t, o.path, copied)
			copyFile(t, o.path+"-wal", copied+"-wal")
			return open(t, copied, o.clock)
		},
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestStore(t *testing.T) { storetest.Run(t, driver()) }

func BenchmarkStore(b *testing.B) { storetest.Benchmark(b, driver()) }
