package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/testenv"
)

// The disk: PostgreSQL's own files are about 50 MB, its log 16 MB a segment and at most 48 MB.
const (
	diskSize     = "192m"
	ballastBlock = 64 << 10
	outOfLog     = 4 // every so many times its log has nowhere to go either
	mendMax      = time.Minute
)

// TestPostgresDiskFull fills the disk under PostgreSQL with ballast, so that its tables can't grow, and every
// so often neither can its log: then it ends itself (a panic), and is started again once there is room.
func TestPostgresDiskFull(t *testing.T) {
	t.Parallel()
	disk := newDisk(t)
	s := newSite(t, options{postgres: testenv.PostgresOptions{Dir: disk.path, Conf: []string{
		"min_wal_size = 32MB", "max_wal_size = 48MB", "wal_recycle = off", "restart_after_crash = on",
	}}})
	ended, started := 0, 0
	for n := range rounds {
		r := s.begin(n)
		r.linger(20*time.Millisecond, 150*time.Millisecond)
		before, gone := r.mark(), s.gone()
		disk.fill()
		if n%outOfLog == outOfLog-1 {
			s.nextLogSegment()
		}
		disk.untilFelt(r, before)
		r.linger(20*time.Millisecond, 200*time.Millisecond)
		disk.free()
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
func (d *disk) untilFelt(r *round, since map[*replica]mark) {
	d.t.Helper()
	r.untilAll("every replica tells of the full disk", since, func(of *replica, m mark) bool {
		d.fill()
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

// disk is a small file system in memory, of the test's own.
type disk struct {
	t       *testing.T
	path    string
	ballast *os.File
	at      int64
}

// newDisk mounts one. It takes root; without, the test is skipped.
func newDisk(t *testing.T) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "e2e/faults: the test of a full disk is SKIPPED: it mounts a tmpfs, and only root may")
		t.Skip("only root may mount a small disk")
	}
	path := t.TempDir()
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, "size="+diskSize+",mode=0755"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("mount a small disk: %v", err)
		}
		fmt.Fprintln(os.Stderr, "e2e/faults: the test of a full disk is SKIPPED: a tmpfs can't be mounted:", err)
		t.Skipf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", path, err)
		}
	})
	if err := atExit(`mountpoint -q "$1" && umount -l "$1"`, path); err != nil { // also when we are killed
		t.Fatal(err)
	}
	ballast, err := os.Create(filepath.Join(path, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ballast.Close() })
	return &disk{t: t, path: path, ballast: ballast}
}

// fill takes all the room there is.
func (d *disk) fill() {
	d.t.Helper()
	for block := ballastBlock; block >= 1024; {
		n, err := d.ballast.WriteAt(make([]byte, block), d.at)
		d.at += int64(n)
		switch {
		case errors.Is(err, syscall.ENOSPC) || errors.Is(err, io.ErrShortWrite):
			block /= 2
		case err != nil:
			d.t.Fatal(err)
		}
	}
}

// free gives it all back.
func (d *disk) free() {
	d.t.Helper()
	if err := d.ballast.Truncate(0); err != nil {
		d.t.Fatal(err)
	}
	d.at = 0
}
