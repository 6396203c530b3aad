// Package logvfs writes a commit into SQLite's log by one system call, or a few.
//
// SQLite writes a page into its write-ahead log by two calls: the header of the frame, and the page. A commit of
// twenty pages is forty of them, each at an odd place that touches two pages of the system's cache. Here what is written to the
// log is gathered, and written before the sync, 128 KiB at a time. All else goes to the operating system's own VFS as it is
// (https://www.sqlite.org/vfs.html).
//
// # Why it holds
//
//  1. What SQLite has written to the log through a file is what it reads from it: the gathered bytes are written out before
//     any other use of the file but a write that goes on where they end.
//  2. A sync begins when they are written out, so it makes durable what it did before. A write that fails is told by the sync,
//     as SQLite tells of a write: the commit fails, and the frames are no part of the log.
//  3. Others read the log through files of their own, up to the last frame of the last commit that is published in shared memory. SQLite
//     publishes a commit after its sync, if synchronous=FULL, which is asked of whoever opens a database with this VFS.
//
// It must not know what is in the log.
package logvfs

import (
	"fmt"
	"net/url"
	"sync"
	"unsafe"

	"modernc.org/libc"

	sqlite "modernc.org/sqlite/lib"
)

const name = "scrip-log"

// gatheredMax bounds what is gathered. SQLite's own VFS writes no more at a time: it keeps the lower seventeen bits of a
// length.
const gatheredMax = 1<<17 - 1

// URI names a database file so that SQLite opens it with this VFS; it is to be opened with SQLITE_OPEN_URI.
func URI(path string) (string, error) {
	if err := register(); err != nil {
		return "", err
	}
	u := url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: "vfs=" + name}
	return u.String(), nil
}

// SQLite is C in Go's clothes: a pointer is a number there, and what it points to is no part of Go's heap but memory of malloc's,
// or a function that is no closure. So all that is kept here is kept in memory that SQLite points to.

// driver is the VFS: the system's own, but for how it opens a file. It is the first field, where SQLite's pointer points.
type driver struct {
	vfs    sqlite.Tsqlite3_vfs
	system uintptr // the system's own
	name   [len(name) + 1]byte
}

// register adds the VFS to SQLite's list, which is the process's.
var register = sync.OnceValue(func() error { //nolint:gochecknoglobals // as SQLite's list is
	tls := libc.NewTLS()
	defer tls.Close()
	system := sqlite.Xsqlite3_vfs_find(tls, 0)
	d := allocate[driver](tls)
	if system == 0 || d == nil {
		return fmt.Errorf("%s: SQLite has no VFS of the operating system, or no memory", name)
	}
	*d = driver{vfs: *at[sqlite.Tsqlite3_vfs](system), system: system}
	copy(d.name[:], name)
	d.vfs.FpNext, d.vfs.FzName, d.vfs.FxOpen = 0, address(&d.name), function(open)
	if rc := sqlite.Xsqlite3_vfs_register(tls, address(d), 0); rc != sqlite.SQLITE_OK {
		return fmt.Errorf("%s: SQLite refused the VFS with the code %d", name, rc)
	}
	return nil
})

// log is an open log, and its first field how it is used, where SQLite's file points. SQLite uses a file by one
// thread at a time.
type log struct {
	methods  sqlite.Tsqlite3_io_methods
	system   uintptr // the methods of the system's own VFS
	start    int64   // where in the file the gathered bytes belong
	n        int32   // how many they are
	gathered [gatheredMax]byte
}

func logOf(file uintptr) *log { return at[log](at[sqlite.Tsqlite3_file](file).FpMethods) }

func (l *log) its() *sqlite.Tsqlite3_io_methods { return at[sqlite.Tsqlite3_io_methods](l.system) }

func open(tls *libc.TLS, vfs, path, file uintptr, flags int32, outFlags uintptr) int32 {
	system := at[driver](vfs).system
	rc := call[func(tls *libc.TLS, vfs, path, file uintptr, flags int32, outFlags uintptr) int32](
		at[sqlite.Tsqlite3_vfs](system).FxOpen)(tls, system, path, file, flags, outFlags)
	if rc != sqlite.SQLITE_OK || flags&sqlite.SQLITE_OPEN_WAL == 0 {
		return rc
	}
	l := allocate[log](tls)
	if l == nil {
		return rc // it is written as ever
	}
	f := at[sqlite.Tsqlite3_file](file)
	l.system, l.start, l.n = f.FpMethods, 0, 0
	l.methods = *l.its()
	l.methods.FxClose, l.methods.FxRead, l.methods.FxWrite = function(closeLog), function(read), function(write)
	l.methods.FxTruncate, l.methods.FxSync, l.methods.FxFileSize = function(truncate), function(syncLog), function(size)
	f.FpMethods = address(l)
	return rc
}

func write(tls *libc.TLS, file, from uintptr, n int32, offset int64) int32 {
	l := logOf(file)
	if offset != l.start+int64(l.n) || l.n+n > gatheredMax {
		if rc := l.flush(tls, file); rc != sqlite.SQLITE_OK {
			return rc
		}
		l.start = offset
	}
	copy(l.gathered[l.n:], unsafe.Slice(at[byte](from), n)) //nolint:gosec // SQLite's own words for what to write
	l.n += n
	return sqlite.SQLITE_OK
}

// flush writes the gathered bytes to the file. After a failure they are gone, as those of a failed write are.
func (l *log) flush(tls *libc.TLS, file uintptr) int32 {
	n := l.n
	if n == 0 {
		return sqlite.SQLITE_OK
	}
	start := l.start
	l.start, l.n = start+int64(n), 0
	return call[func(tls *libc.TLS, file, from uintptr, n int32, offset int64) int32](l.its().FxWrite)(
		tls, file, address(&l.gathered), n, start)
}

func read(tls *libc.TLS, file, to uintptr, n int32, offset int64) int32 {
	l := logOf(file)
	if rc := l.flush(tls, file); rc != sqlite.SQLITE_OK {
		return rc
	}
	return call[func(tls *libc.TLS, file, to uintptr, n int32, offset int64) int32](l.its().FxRead)(tls, file, to, n, offset)
}

func truncate(tls *libc.TLS, file uintptr, to int64) int32 {
	l := logOf(file)
	if rc := l.flush(tls, file); rc != sqlite.SQLITE_OK {
		return rc
	}
	return call[func(tls *libc.TLS, file uintptr, to int64) int32](l.its().FxTruncate)(tls, file, to)
}

func syncLog(tls *libc.TLS, file uintptr, flags int32) int32 {
	l := logOf(file)
	if rc := l.flush(tls, file); rc != sqlite.SQLITE_OK {
		return rc
	}
	return call[func(tls *libc.TLS, file uintptr, flags int32) int32](l.its().FxSync)(tls, file, flags)
}

func size(tls *libc.TLS, file, to uintptr) int32 {
	l := logOf(file)
	if rc := l.flush(tls, file); rc != sqlite.SQLITE_OK {
		return rc
	}
	return call[func(tls *libc.TLS, file, to uintptr) int32](l.its().FxFileSize)(tls, file, to)
}

func closeLog(tls *libc.TLS, file uintptr) int32 {
	l := logOf(file)
	flushed := l.flush(tls, file)
	rc := call[func(tls *libc.TLS, file uintptr) int32](l.its().FxClose)(tls, file)
	libc.Xfree(tls, address(l))
	if flushed != sqlite.SQLITE_OK {
		return flushed
	}
	return rc
}

// allocate makes a T that SQLite may point to; nil without memory. What is in it is not set.
func allocate[T any](tls *libc.TLS) *T {
	var t T
	return at[T](libc.Xmalloc(tls, sqlite.Tsize_t(unsafe.Sizeof(t))))
}

// address is what SQLite takes for a pointer to v.
func address[T any](v *T) uintptr { return uintptr(unsafe.Pointer(v)) } //nolint:gosec // v is of allocate

// at is what SQLite's pointer points to.
func at[T any](pointer uintptr) *T {
	return *(**T)(unsafe.Pointer(&pointer)) //nolint:gosec // the memory is not Go's, and does not move
}

// function is what SQLite takes for a pointer to a function of this package.
func function[F any](f F) uintptr {
	return *(*uintptr)(unsafe.Pointer(&f)) //nolint:gosec // to a function value that is there for good
}

// call is the function that SQLite's pointer points to.
func call[F any](pointer uintptr) F {
	return *(*F)(unsafe.Pointer(&pointer)) //nolint:gosec // the same the other way
}
