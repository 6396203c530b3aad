package faults_test

import (
	"strings"
	"testing"
	"time"

	"scrip/internal/testenv"
)

// TestPostgresKilled shuts PostgreSQL down at once, as a crash does, and starts it again.
func TestPostgresKilled(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{})
	for n := range rounds {
		r := s.begin(n)
		r.linger(20*time.Millisecond, 250*time.Millisecond)
		before := r.mark()
		s.killPostgres()
		r.untilRefused(before)
		r.linger(20*time.Millisecond, 200*time.Millisecond)
		s.startPostgres()
		r.recover(time.Now())
		r.finish()
	}
	s.close()
}

// TestPostgresWithTooFewConnections restarts PostgreSQL with fewer connections than there are replicas.
func TestPostgresWithTooFewConnections(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{postgres: testenv.PostgresOptions{Conf: []string{"superuser_reserved_connections = 0"}}})
	for n := range rounds {
		r := s.begin(n)
		r.linger(20*time.Millisecond, 150*time.Millisecond)
		s.killPostgres()
		s.postgres.SetConf("max_connections = 2")
		s.startPostgres()
		since := r.mark()
		r.eventually(answerMax, "a replica finds no connection left", func() bool {
			log := s.postgres.Log()
			return strings.LastIndex(log, "too many clients already") > strings.LastIndex(log, "ready to accept connections")
		})
		r.untilAnswered(since)
		r.linger(20*time.Millisecond, 200*time.Millisecond)
		s.killPostgres()
		s.postgres.SetConf("max_connections = 200")
		s.startPostgres()
		r.recover(time.Now())
		r.finish()
	}
	s.close()
}

func (s *site) killPostgres() {
	s.t.Helper()
	if err := s.postgres.Kill(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) startPostgres() {
	s.t.Helper()
	if err := s.postgres.Start(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}
