package memstore_test

import (
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
