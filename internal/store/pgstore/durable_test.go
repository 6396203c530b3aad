package pgstore

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"scrip/internal/testenv"
)

// A database that is set not to wait for its log would lose what was acknowledged. Its writers wait all the
// same, and one that is set to wait for more than that goes on to.
func TestCommitsAreWaitedFor(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]string{"off": "on", "on": "on", "remote_apply": "remote_apply"} {
		url := testenv.Database(t)
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		name := conn.Config().Database
		if _, err := conn.Exec(t.Context(), "ALTER DATABASE "+pgx.Identifier{name}.Sanitize()+" SET synchronous_commit = "+set); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		var got string
		if err := s.writers.QueryRow(t.Context(), "SHOW synchronous_commit").Scan(&got); err != nil || !strings.EqualFold(got, want) {
			t.Errorf("set to %s, the writers' is %s (%v), want %s", set, got, err, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
