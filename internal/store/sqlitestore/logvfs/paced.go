package logvfs

import (
	"modernc.org/libc"

	sqlite "modernc.org/sqlite/lib"
)

// pacedMax is how many bytes of a database are written before they are synced.
//
// It is a checkpoint that writes there, beside commits. SQLite syncs the thousands of pages of one, scattered over the file, at its end, and
// the sync of a commit, which the disk does behind them, would take as long as they all do. A sync more makes nothing
// weaker: a checkpoint has synced the log before it writes the first page.
const pacedMax = 256 << 10

// paced is an open database, and its first field how it is used, where SQLite's file points.
type paced struct {
	used

	unsynced int32 // bytes
}

func pacedOf(file uintptr) *paced { return at[paced](at[sqlite.Tsqlite3_file](file).FpMethods) }

// pace makes a file an open database.
func pace(tls *libc.TLS, f *sqlite.Tsqlite3_file) {
	p := allocate[paced](tls)
	if p == nil {
		return // it is written as ever
	}
	p.begin(f)
	p.unsynced = 0
	p.methods.FxClose, p.methods.FxWrite, p.methods.FxSync = function(closePaced), function(writePaced), function(syncPaced)
	f.FpMethods = address(p)
}

func writePaced(tls *libc.TLS, file, from uintptr, n int32, offset int64) int32 {
	p := pacedOf(file)
	rc := call[mover](p.its().FxWrite)(tls, file, from, n, offset)
	if rc != sqlite.SQLITE_OK {
		return rc
	}
	if p.unsynced += n; p.unsynced < pacedMax {
		return sqlite.SQLITE_OK
	}
	return syncPaced(tls, file, sqlite.SQLITE_SYNC_NORMAL)
}

func syncPaced(tls *libc.TLS, file uintptr, flags int32) int32 {
	p := pacedOf(file)
	p.unsynced = 0
	return p.sync(tls, file, flags)
}

func closePaced(tls *libc.TLS, file uintptr) int32 {
	p := pacedOf(file)
	rc := call[closer](p.its().FxClose)(tls, file)
	libc.Xfree(tls, address(p))
	return rc
}
