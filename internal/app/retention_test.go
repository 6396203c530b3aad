package app

import (
	"path/filepath"
	"testing"
	"time"

	"scrip/internal/config"
	"scrip/internal/retention"
	"scrip/internal/store"
	"scrip/internal/store/sqlitestore"
)

// What ages is this and nothing else; whoever adds to it has looked here.
func TestWhatAges(t *testing.T) {
	t.Parallel()
	then := time.Date(2031, time.March, 20, 21, 5, 0, 0, time.UTC)
	s, err := sqlitestore.Open(t.Context(), sqlitestore.Config{
		Path: filepath.Join(t.TempDir(), sqlitestore.FileName), Clock: func() time.Time { return then },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	kinds := aging(config.Default(), s)
	if len(kinds) != 1 || kinds[0].Name != "audit" || kinds[0].Keep != 400*24*time.Hour {
		t.Errorf("%+v", kinds)
	}
	if now, err := storeClock(s)(t.Context()); err != nil || !now.Equal(then) {
		t.Errorf("the time is %v, %v; the store's is %v", now, err, then)
	}
	r, err := retention.New(retention.Config{Now: storeClock(s)}, kinds...)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	r.Round(t.Context())
	if _, err := s.Audit(t.Context(), func(f store.Finding) { t.Error(f) }); err != nil {
		t.Error(err)
	}
}
