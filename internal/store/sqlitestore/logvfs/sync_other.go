//go:build !linux

package logvfs

import (
	"modernc.org/libc"

	sqlite "modernc.org/sqlite/lib"
)

// syncAgain syncs a file that was synced before, as SQLite does.
func syncAgain(tls *libc.TLS, methods *sqlite.Tsqlite3_io_methods, file uintptr, flags int32) int32 {
	return call[syncer](methods.FxSync)(tls, file, flags)
}
