package memstore_test

import (
	"testing"

	"scrip/internal/store"
	"scrip/internal/store/memstore"
	"scrip/internal/store/storetest"
)

func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	storetest.RunTampering(t, driver(), func(t testing.TB, s store.Store) storetest.Tamper {
		t.Helper()
		m, ok := s.(*memstore.Store)
		if !ok {
			t.Fatalf("not a store of this driver: %T", s)
		}
		return memstore.Tamper{TB: t, Store: m}
	})
}
