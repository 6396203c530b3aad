package sqlitestore_test

import (
	"context"
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
	few   int // newcomers who make a generation; 0 for very many
}

func open(t testing.TB, path string, clock func() time.Time) store.Store {
	t.Helper()
	return openFew(t, path, clock, 0)
}

func openFew(t testing.TB, path string, clock func() time.Time, few int) opened {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path, Clock: clock, Newcomers: few})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return opened{s, path, clock, few}
}

// Apply has newcomers join at once when there are enough of them.
func (o opened) Apply(ctx context.Context, commands []store.Command) ([]store.Outcome, error) {
	if o.few > 0 {
		o.Sort()
	}
	return o.Store.Apply(ctx, commands)
}

func driver() storetest.Driver { return driverOfFew(0) }

func driverOfFew(few int) storetest.Driver {
	return storetest.Driver{
		Name: "sqlite",
		Open: func(t testing.TB, clock func() time.Time) store.Store {
			t.Helper()
			return openFew(t, filepath.Join(t.TempDir(), sqlitestore.FileName), clock, few)
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
			return openFew(t, copied, o.clock, few)
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

// TestStoreOfFewNewcomers is the suite on a store whose customers keep joining the table that finds them by their names.
func TestStoreOfFewNewcomers(t *testing.T) { storetest.Run(t, driverOfFew(3)) }

func BenchmarkStore(b *testing.B) { storetest.Benchmark(b, driver()) }
