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
//  4. A sync makes durable all that it takes to read what was written, the file's name included (used.sync).
//
// A checkpoint writes the other way, from the log into the database, beside commits. What it writes is synced a little at a time
// (see pacedMax).
//
// It must not know what is in the files.
package logvfs

import (
	"unsafe"

	"modernc.org/libc"

	sqlite "modernc.org/sqlite/lib"
)

// gatheredMax bounds what is gathered. SQLite's own VFS writes no more at a time: it keeps the lower seventeen bits of a
// length.
const gatheredMax = 1<<17 - 1

// log is an open log, and its first field how it is used, where SQLite's file points. SQLite uses a file by one
// thread at a time.
type log struct {
	used

	start    int64 // where in the file the gathered bytes belong
	n        int32 // how many they are
	gathered [gatheredMax]byte
}

func logOf(file uintptr) *log { return at[log](at[sqlite.Tsqlite3_file](file).FpMethods) }

// gather makes a file an open log.
func gather(tls *libc.TLS, f *sqlite.Tsqlite3_file) {
	l := allocate[log](tls)
	if l == nil {
		return // it is written as ever
	}
	l.begin(f)
	l.start, l.n = 0, 0
	l.methods.FxClose, l.methods.FxRead, l.methods.FxWrite = function(closeLog), function(read), function(write)
	l.methods.FxTruncate, l.methods.FxSync, l.methods.FxFileSize = function(truncate), function(syncLog), function(size)
	f.FpMethods = address(l)
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
	return call[mover](l.its().FxWrite)(tls, file, address(&l.gathered), n, start)
}

func read(tls *libc.TLS, file, to uintptr, n int32, offset int64) int32 {
	l := logOf(file)
	if rc := l.flush(tls, file); rc != sqlite.SQLITE_OK {
		return rc
	}
	return call[mover](l.its().FxRead)(tls, file, to, n, offset)
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
	return l.sync(tls, file, flags)
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
	rc := call[closer](l.its().FxClose)(tls, file)
	libc.Xfree(tls, address(l))
	if flushed != sqlite.SQLITE_OK {
		return flushed
	}
	return rc
}
