package logvfs

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

func recordSyncs() {
	syncData = func(fd int) error {
		recorded.happened = append(recorded.happened, "fdatasync")
		if err := recorded.failSync; err != nil {
			recorded.failSync = nil
			return err
		}
		err := syscall.Fdatasync(fd)
		if recorded.synced != nil {
			recorded.synced()
		}
		return err
	}
}

// The first sync of a log makes durable that it is there, and those after it what is in it.
func TestTheFirstSyncIsTheWholeOne(t *testing.T) {
	d := setup(t)
	other := opens(t, d.path)
	for n, want := range []string{"sync", "fdatasync", "fdatasync"} {
		recorded.happened = nil
		other.fill(n, n+1)
		if got := slices.DeleteFunc(recorded.happened, func(what string) bool { return !syncs(what) }); !slices.Equal(got, []string{want}) {
			t.Errorf("commit %d: %v; want %q", n+1, got, want)
		}
	}
}

func TestAFailedSyncFailsTheCommit(t *testing.T) {
	d := setup(t)
	d.fill(0, 10)
	before := sum(t, d.path)
	recorded.failSync = syscall.EIO
	err := sqlitex.ExecuteTransient(d.conn, "INSERT INTO t VALUES (10, randomblob(2000))", nil)
	if got := sqlite.ErrCode(err); got != sqlite.ResultIOErrFsync {
		t.Fatalf("INSERT = %v; want %v", err, sqlite.ResultIOErrFsync)
	}
	if got := sum(t, d.path); got != before {
		t.Errorf("it holds %q; want %q, as before", got, before)
	}
	recorded.failSync = syscall.EINTR // that is no failure
	d.fill(10, 30)
	if got := sum(t, d.path); !strings.HasPrefix(got, "30 ") || !strings.HasSuffix(got, ";ok;") {
		t.Errorf("afterwards it holds %q", got)
	}
}

// A checkpoint leaves no more to a sync than pacedMax.
func TestACheckpointIsSyncedALittleAtATime(t *testing.T) {
	d := setup(t)
	d.fill(0, 2000) // some 1,000 pages
	recorded.happened = nil
	d.exec("PRAGMA wal_checkpoint(PASSIVE)")
	pages, unsynced := 0, 0
	for _, what := range recorded.happened {
		if what != "page" {
			unsynced = 0
			continue
		}
		pages++
		if unsynced++; unsynced > pacedMax/4096 {
			t.Fatalf("%d pages are written and none is synced", unsynced)
		}
	}
	if pages < 800 || unsynced != 0 {
		t.Errorf("%d pages are written, and %d after the last sync", pages, unsynced)
	}
	if got := sum(t, d.path); !strings.HasPrefix(got, "2000 ") || !strings.HasSuffix(got, ";ok;") {
		t.Errorf("it holds %q", got)
	}
}

// A checkpoint whose sync fails, wherever in it, is none: what it moved stays in the log, and the next moves it again.
func TestAFailedSyncFailsTheCheckpoint(t *testing.T) {
	d := setup(t)
	d.fill(0, 500)
	d.exec("PRAGMA wal_checkpoint(PASSIVE)")
	d.fill(500, 1000)
	before := sum(t, d.path)
	recorded.failSync = nil
	fails := 0
	recorded.synced = func() { // after the log's own sync, the next fails
		if fails++; fails == 1 {
			recorded.failSync = syscall.ENOSPC
		}
	}
	err := sqlitex.ExecuteTransient(d.conn, "PRAGMA wal_checkpoint(PASSIVE)", nil)
	if got := sqlite.ErrCode(err); got != sqlite.ResultIOErrFsync {
		t.Fatalf("checkpoint = %v; want %v", err, sqlite.ResultIOErrFsync)
	}
	recorded = record{}
	if got := sum(t, d.path); got != before {
		t.Errorf("it holds %q; want %q, as before", got, before)
	}
	d.exec("PRAGMA wal_checkpoint(TRUNCATE)")
	if got := sum(t, d.path); got != before {
		t.Errorf("after the next checkpoint it holds %q; want %q", got, before)
	}
}
