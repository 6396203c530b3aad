package testenv_test

import (
	"testing"
	"time"

	"scrip/internal/testenv"
)

// A standby has what its primary has, comes back as one after a crash, and is a server of its own once it is promoted.
func TestStandby(t *testing.T) {
	t.Parallel()
	primary := testenv.NewPostgres(t, testenv.PostgresOptions{})
	mustQuery(t, primary.URL("postgres"), "CREATE TABLE kept AS SELECT 'first' AS v")
	standby := testenv.NewPostgres(t, testenv.PostgresOptions{Standby: &testenv.Standby{Of: primary, Name: "b"}})
	follows := func() {
		t.Helper()
		for end := time.Now().Add(time.Minute); mustQuery(t, primary.URL("postgres"),
			"SELECT count(*)::text FROM pg_stat_replication WHERE application_name = 'b' AND replay_lsn >= pg_current_wal_lsn()") != "1"; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the standby does not follow; its log:\n%s", standby.Log())
			}
		}
	}
	follows()
	must(t, standby.Kill(t.Context()))
	mustQuery(t, primary.URL("postgres"), "UPDATE kept SET v = 'second'")
	must(t, standby.Start(t.Context()))
	follows()
	must(t, primary.Kill(t.Context()))
	if _, err := query(t, standby.URL("postgres"), "UPDATE kept SET v = 'third'"); err == nil {
		t.Error("a standby was written to")
	}
	must(t, standby.Promote(t.Context()))
	if got := mustQuery(t, standby.URL("postgres"), "UPDATE kept SET v = v || ' and more' RETURNING v"); got != "second and more" {
		t.Errorf("it holds %q", got)
	}
}
