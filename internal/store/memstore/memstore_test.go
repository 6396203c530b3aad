package memstore_test

import (
	"errors"
	"testing"
	"time"

	"scrip/internal/store"
	"scrip/internal/store/memstore"
	"scrip/internal/store/storetest"
)

func driver() storetest.Driver {
	return storetest.Driver{
		Name: "memstore",
		Open: func(t testing.TB, clock func() time.Time) store.Store {
			t.Helper()
			s := memstore.New(memstore.Options{Clock: clock})
			t.Cleanup(func() { _ = s.Close() })
			return s
		},
		SkipCrash: "what is in memory ends with its process",
	}
}

func TestStore(t *testing.T) { storetest.Run(t, driver()) }

func BenchmarkStore(b *testing.B) { storetest.Benchmark(b, driver()) }

// TestSystemClock checks the default: without a clock of its own, a store runs on the system's.
func TestSystemClock(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{})
	if _, now, err := s.Lookup(t.Context(), nil); err != nil || now.IsZero() {
		t.Fatalf("the store's time is %v (error %v)", now, err)
	}
}

// TestClosed checks that a closed store changes no more.
func TestClosed(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("a closed store answers a ping")
	}
	if _, err := s.Apply(t.Context(), nil); !errors.Is(err, store.ErrNotApplied) {
		t.Errorf("a closed store applies: %v", err)
	}
}
