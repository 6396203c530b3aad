package logvfs

import (
	"errors"
	"syscall"

	"modernc.org/libc"

	sqlite "modernc.org/sqlite/lib"
)

// syncData is fdatasync, which tests replace.
var syncData = syscall.Fdatasync //nolint:gochecknoglobals // what the operating system offers

// syncAgain syncs a file that was synced before, by fdatasync, as SQLite does where it is compiled from C: what was written is
// durable then, and what it takes to read it, such as a new length. SQLite translated into Go calls fsync, which makes durable when
// the file was written as well, and for that a file system with a journal writes twice, one after the other.
func syncAgain(_ *libc.TLS, _ *sqlite.Tsqlite3_io_methods, file uintptr, _ int32) int32 {
	f := at[sqlite.TunixFile](file)
	err := syncData(int(f.Fh))
	for errors.Is(err, syscall.EINTR) {
		err = syncData(int(f.Fh))
	}
	if err == nil {
		return sqlite.SQLITE_OK
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		f.FlastErrno = int32(number) //nolint:gosec // as small as all of them
	}
	return sqlite.SQLITE_IOERR_FSYNC
}
