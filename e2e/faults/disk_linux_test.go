package faults_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/testenv"

	rig "scrip/e2e/site"
)

// The disk: PostgreSQL's own files are about 50 MB, its log 16 MB a segment and at most 48 MB.
const (
	diskSize = "192m"
	outOfLog = 4 // every so many times its log has nowhere to go either
	mendMax  = time.Minute
)

// TestPostgresDiskFull fills the disk under PostgreSQL with ballast, so that its tables can't grow, and every
// so often neither can its log: then it ends itself (a panic), and is started again once there is room.
func TestPostgresDiskFull(t *testing.T) {
	t.Parallel()
	disk := rig.NewDisk(t, diskSize)
	s := newSite(t, options{postgres: testenv.PostgresOptions{Dir: disk.Path, Conf: []string{
		"min_wal_size = 32MB", "max_wal_size = 48MB", "wal_recycle = off", "restart_after_crash = on",
	}}})
	ended, started := 0, 0
	for n := range rounds {
		r := s.begin(n)
		r.linger(20*time.Millisecond, 150*time.Millisecond)
		before, gone := r.mark(), s.gone()
		r.must(disk.Fill())
		if n%outOfLog == outOfLog-1 {
			s.nextLogSegment()
		}
		r.untilFelt(disk, before)
		r.linger(20*time.Millisecond, 200*time.Millisecond)
		r.must(disk.Free())
		if s.mendPostgres() {
			started++
		}
		r.recover(time.Now())
		r.finish()
		if s.gone() > gone {
			ended++
		}
	}
	t.Logf("the disk was full %d times; PostgreSQL ended %d times of that, and was started again %d times", rounds, ended, started)
	if ended == 0 {
		t.Error("PostgreSQL has never ended of it: a full disk for its log was not tried")
	}
	s.close()
}

// must ends the test unless what was done to the disk could be done.
func (r *round) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// gone counts how often the replicas say that there was no PostgreSQL to connect to.
func (s *site) gone() (n int) {
	for _, r := range s.replicas {
		log := r.log.String()
		n += strings.Count(log, "SQLSTATE 57P0") + strings.Count(log, "connection refused")
	}
	return n
}

// untilFelt keeps the disk full until every replica has told of it. What PostgreSQL lets go of meanwhile is
// taken as well.
func (r *round) untilFelt(disk *rig.Disk, since map[*replica]mark) {
	r.t.Helper()
	r.untilAll("every replica tells of the full disk", since, func(of *replica, m mark) bool {
		r.must(disk.Fill())
		return of.faults.Load() > m.faults
	})
}

// nextLogSegment makes PostgreSQL want a new file for its log with its next write.
func (s *site) nextLogSegment() {
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.postgres.URL(databaseName))
	if err != nil {
		return // it has ended already
	}
	_, _ = conn.Exec(ctx, "SELECT pg_switch_wal()") // it may end of that
	_ = conn.Close(ctx)
}

// mendPostgres starts PostgreSQL again if it has ended, as an operator would, waits until it is there, and
// reports whether it had to be started.
func (s *site) mendPostgres() (started bool) {
	s.t.Helper()
	s.eventually(mendMax, "PostgreSQL takes writes again", func() bool {
		if s.writes() == nil {
			return true
		}
		// While it still runs, or ends, this fails; it is tried again.
		if s.postgres.Start(s.t.Context()) == nil {
			started = true
		}
		return false
	})
	return started
}

// writes tries whether PostgreSQL can write.
func (s *site) writes() error {
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.postgres.URL(databaseName))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE TEMPORARY TABLE room AS SELECT 1")
	return errors.Join(err, conn.Close(ctx))
}
