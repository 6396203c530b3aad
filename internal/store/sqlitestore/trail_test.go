package sqlitestore_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"scrip/internal/store"
	"scrip/internal/store/sqlitestore"
	"scrip/internal/store/storetest"
)

func TestTrailIsAtomic(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), sqlitestore.FileName)
	s, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	storetest.TrailIsAtomic(t, s, func() {
		tamper(t, path, "CREATE TRIGGER broken BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'no more room'); END")
	})
}

// What is in the trail stays as it is, also past the store: only retention removes it.
func TestTrailIsFinal(t *testing.T) {
	t.Parallel()
	s, path := redeemed(t, 1)
	for statement, why := range map[string]string{
		"UPDATE audit_event SET actor_name = 'somebody else'":      "never changed",
		"UPDATE audit_event SET became = '' WHERE was = ''":        "never changed",
		"DELETE FROM audit_event":                                  "retention alone",
		"DELETE FROM audit_event WHERE action = 'campaign.create'": "retention alone",
	} {
		if err := execute(t.Context(), path, statement); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: got the error %v", statement, err)
		}
	}
	if n, err := s.PruneEvents(t.Context(), time.Now().Add(time.Hour), 1); err != nil || n != 1 {
		t.Fatalf("pruned %d, %v", n, err)
	}
	if err := execute(t.Context(), path, "DELETE FROM audit_event"); err == nil {
		t.Error("once something was pruned, everybody may remove the rest")
	}
	if es, _, err := s.ListEvents(t.Context(), store.EventFilter{}, store.Page{Limit: 100}); err != nil || len(es) != 1 {
		t.Errorf("%d events are left, %v", len(es), err)
	}
}

// A pruning that fails leaves the trail as closed as it was.
func TestTrailIsFinalAfterAFailedPruning(t *testing.T) {
	t.Parallel()
	s, path := redeemed(t, 1)
	tamper(t, path, "CREATE TRIGGER broken AFTER DELETE ON audit_event BEGIN SELECT RAISE(ABORT, 'not now'); END")
	if _, err := s.PruneEvents(t.Context(), time.Now().Add(time.Hour), 1); err == nil {
		t.Fatal("it was to fail")
	}
	tamper(t, path, "DROP TRIGGER broken")
	if err := execute(t.Context(), path, "DELETE FROM audit_event"); err == nil {
		t.Error("after a pruning that failed, everybody may remove events")
	}
}
