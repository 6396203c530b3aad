package logvfs

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"modernc.org/libc"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	lib "modernc.org/sqlite/lib"
)

// Below this VFS stands one that records what reaches the system's own, of the databases named so and of their logs. The tests
// share what is recorded, and run one after the other.
const recordedName = "a file of 100%?.db"

type record struct {
	happened []string // "write 4096" and "sync" of the log, "page" of the database; "fdatasync" of either
	failWith int32    // what the next write to the log returns instead of writing
	failSync error    // what the next fdatasync returns
	synced   func()   // called after each sync of the log
}

var recorded record

// below is the VFS that records.
type below struct {
	driver

	own lib.Tsqlite3_io_methods // of the system's files
	our lib.Tsqlite3_io_methods // of a log
	db  lib.Tsqlite3_io_methods // of a database
}

var theBelow *below

func TestMain(m *testing.M) {
	tls := libc.NewTLS()
	system := lib.Xsqlite3_vfs_find(tls, 0)
	theBelow = allocate[below](tls)
	theBelow.driver = driver{vfs: *at[lib.Tsqlite3_vfs](system), system: system, name: [len(name) + 1]byte{'b', 'e', 'l', 'o', 'w'}}
	theBelow.vfs.FpNext, theBelow.vfs.FzName, theBelow.vfs.FxOpen = 0, address(&theBelow.name), function(recordedOpen)
	if lib.Xsqlite3_vfs_register(tls, address(theBelow), 1) != lib.SQLITE_OK {
		panic("SQLite refused the VFS that records")
	}
	recordSyncs()
	os.Exit(m.Run())
}

func recordedOpen(tls *libc.TLS, _, path, file uintptr, flags int32, outFlags uintptr) int32 {
	rc := call[opener](at[lib.Tsqlite3_vfs](theBelow.system).FxOpen)(tls, theBelow.system, path, file, flags, outFlags)
	if rc != lib.SQLITE_OK {
		return rc
	}
	f := at[lib.Tsqlite3_file](file)
	switch name := libc.GoString(path); {
	case strings.HasSuffix(name, recordedName+"-wal"):
		theBelow.own = *at[lib.Tsqlite3_io_methods](f.FpMethods)
		theBelow.our = theBelow.own
		theBelow.our.FxWrite, theBelow.our.FxSync = function(recordedWrite), function(recordedSync)
		f.FpMethods = address(&theBelow.our)
	case strings.HasSuffix(name, recordedName):
		theBelow.own = *at[lib.Tsqlite3_io_methods](f.FpMethods)
		theBelow.db = theBelow.own
		theBelow.db.FxWrite = function(recordedPage)
		f.FpMethods = address(&theBelow.db)
	}
	return rc
}

func recordedPage(tls *libc.TLS, file, from uintptr, n int32, offset int64) int32 {
	recorded.happened = append(recorded.happened, "page")
	return call[mover](theBelow.own.FxWrite)(tls, file, from, n, offset)
}

func recordedWrite(tls *libc.TLS, file, from uintptr, n int32, offset int64) int32 {
	recorded.happened = append(recorded.happened, fmt.Sprintf("write %d", n))
	if rc := recorded.failWith; rc != lib.SQLITE_OK {
		recorded.failWith = lib.SQLITE_OK
		return rc
	}
	return call[mover](theBelow.own.FxWrite)(tls, file, from, n, offset)
}

func recordedSync(tls *libc.TLS, file uintptr, flags int32) int32 {
	recorded.happened = append(recorded.happened, "sync")
	rc := call[syncer](theBelow.own.FxSync)(tls, file, flags)
	if recorded.synced != nil {
		recorded.synced()
	}
	return rc
}

// database is one whose log is written by this VFS.
type database struct {
	*testing.T

	path string
	conn *sqlite.Conn
}

func setup(t *testing.T, pragmas ...string) *database {
	t.Helper()
	d := opens(t, filepath.Join(t.TempDir(), recordedName), "PRAGMA journal_mode = WAL", "CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB NOT NULL)")
	for _, p := range pragmas {
		d.exec(p)
	}
	recorded = record{}
	return d
}

// opens is a database opened with this VFS.
func opens(t *testing.T, path string, first ...string) *database {
	t.Helper()
	d := &database{T: t, path: path}
	uri, err := URI(path)
	if err != nil {
		t.Fatal(err)
	}
	if d.conn, err = sqlite.OpenConn(uri, sqlite.OpenReadWrite|sqlite.OpenCreate|sqlite.OpenURI); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		recorded = record{}
		if err := d.conn.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, p := range append([]string{"PRAGMA synchronous = FULL", "PRAGMA wal_autocheckpoint = 0"}, first...) {
		d.exec(p)
	}
	return d
}

func (d *database) exec(sql string) {
	d.Helper()
	if err := sqlitex.ExecuteTransient(d.conn, sql, nil); err != nil {
		d.Fatalf("%s: %v", sql, err)
	}
}

// fill adds rows of some 2,000 bytes.
func (d *database) fill(from, to int) {
	d.Helper()
	for k := from; k < to; k++ {
		d.exec(fmt.Sprintf("INSERT INTO t VALUES (%d, randomblob(2000))", k))
	}
}

// sum is what another one finds in a database, by a file and a VFS of its own.
func sum(t *testing.T, path string) string {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // it only reads
	var found string
	for _, query := range []string{"SELECT count(*) || ' ' || coalesce(sum(unicode(hex(v)) * k), 0) FROM t", "PRAGMA integrity_check"} {
		if err := sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
			found += s.ColumnText(0) + ";"
			return nil
		}}); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func syncs(what string) bool { return strings.HasSuffix(what, "sync") }

func TestACommitIsOneWriteAndOneSync(t *testing.T) {
	d := setup(t)
	d.fill(0, 40)
	recorded.happened = nil
	d.exec("BEGIN")
	d.fill(40, 80) // some twenty pages
	d.exec("COMMIT")
	if len(recorded.happened) != 2 || !strings.HasPrefix(recorded.happened[0], "write ") || !syncs(recorded.happened[1]) {
		t.Errorf("%v; want one write and one sync", recorded.happened)
	}
	recorded.happened = nil
	d.exec("BEGIN")
	d.fill(80, 480)
	d.exec("COMMIT")
	if n := len(recorded.happened); n < 7 || n > 9 || slices.IndexFunc(recorded.happened, syncs) != n-1 {
		t.Errorf("%v; want some 860,000 bytes in as few writes as may be, and then a sync", recorded.happened)
	}
}

func TestAFailedWriteFailsTheCommit(t *testing.T) {
	for name, code := range map[string]int32{"the disk is full": lib.SQLITE_FULL, "the disk fails": lib.SQLITE_IOERR_WRITE} {
		t.Run(name, func(t *testing.T) {
			d := setup(t)
			d.fill(0, 10)
			before := sum(t, d.path)
			d.exec("BEGIN")
			d.fill(10, 20)
			recorded.failWith = code
			err := sqlitex.ExecuteTransient(d.conn, "COMMIT", nil)
			if got := sqlite.ErrCode(err); got.ToPrimary() != sqlite.ResultCode(code).ToPrimary() {
				t.Fatalf("COMMIT = %v; want the code %d", err, code)
			}
			if !d.conn.AutocommitEnabled() {
				d.exec("ROLLBACK")
			}
			if got := sum(t, d.path); got != before {
				t.Errorf("it holds %q; want %q, as before", got, before)
			}
			d.fill(10, 30)
			if got := sum(t, d.path); !strings.HasPrefix(got, "30 ") || !strings.HasSuffix(got, ";ok;") {
				t.Errorf("afterwards it holds %q", got)
			}
		})
	}
}

// What was synced is there when all that came after it is lost: each sync's files, as a crash would leave them, hold the
// commit whose sync it was.
func TestWhatWasSyncedIsThere(t *testing.T) {
	d := setup(t, "PRAGMA cache_size = -64") // so that a transaction spills into the log
	var images []string
	recorded.synced = func() {
		image := filepath.Join(d.TempDir(), "image.db")
		for _, suffix := range []string{"", "-wal"} {
			content, err := os.ReadFile(d.path + suffix)
			if err == nil {
				err = os.WriteFile(image+suffix, content, 0o600)
			}
			if err != nil {
				d.Fatal(err)
			}
		}
		images = append(images, image)
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
	k := 0
	for range 40 {
		d.exec("BEGIN")
		for range random.IntN(60) {
			if k > 0 && random.IntN(3) == 0 {
				d.exec(fmt.Sprintf("UPDATE t SET v = randomblob(1500) WHERE k = %d", random.IntN(k)))
				continue
			}
			d.fill(k, k+1)
			k++
		}
		images = nil
		switch random.IntN(5) {
		case 0:
			d.exec("ROLLBACK")
			d.exec("SELECT 1")
			k = int(sqliteCount(d))
			continue
		default:
			d.exec("COMMIT")
		}
		if random.IntN(6) == 0 {
			d.exec("PRAGMA wal_checkpoint(RESTART)") // the log begins anew
		}
		if len(images) == 0 {
			continue // it had nothing to commit
		}
		want := sum(t, d.path)
		if got := sum(t, images[len(images)-1]); got != want || !strings.HasSuffix(got, ";ok;") {
			t.Fatalf("after the sync a crash leaves %q; want %q", got, want)
		}
	}
}

func sqliteCount(d *database) (n int64) {
	d.Helper()
	if err := sqlitex.ExecuteTransient(d.conn, "SELECT count(*) FROM t", &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		n = s.ColumnInt64(0)
		return nil
	}}); err != nil {
		d.Fatal(err)
	}
	return n
}
