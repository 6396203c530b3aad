package logvfs

import (
	"fmt"
	"net/url"
	"sync"
	"unsafe"

	"modernc.org/libc"

	sqlite "modernc.org/sqlite/lib"
)

// SQLite is C in Go's clothes: a pointer is a number there, and what it points to is no part of Go's heap but memory of malloc's,
// or a function that is no closure. So all that is kept here is kept in memory that SQLite points to.

// driver is a VFS: the system's own, but for how it opens a file. It is the first field, where SQLite's pointer points.
type driver struct {
	vfs    sqlite.Tsqlite3_vfs
	system uintptr // the system's own
	name   [len(name) + 1]byte
}

// What SQLite calls xOpen, xClose, xRead, xWrite and xSync.
type (
	opener func(tls *libc.TLS, vfs, path, file uintptr, flags int32, outFlags uintptr) int32
	closer func(tls *libc.TLS, file uintptr) int32
	mover  func(tls *libc.TLS, file, memory uintptr, n int32, offset int64) int32
	syncer func(tls *libc.TLS, file uintptr, flags int32) int32
)

const name = "scrip"

// URI names a database file so that SQLite opens it with this VFS; it is to be opened with SQLITE_OPEN_URI.
func URI(path string) (string, error) {
	if err := register(); err != nil {
		return "", err
	}
	u := url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: "vfs=" + name}
	return u.String(), nil
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

func open(tls *libc.TLS, vfs, path, file uintptr, flags int32, outFlags uintptr) int32 {
	system := at[driver](vfs).system
	rc := call[opener](at[sqlite.Tsqlite3_vfs](system).FxOpen)(tls, system, path, file, flags, outFlags)
	if rc != sqlite.SQLITE_OK {
		return rc
	}
	switch f := at[sqlite.Tsqlite3_file](file); {
	case flags&sqlite.SQLITE_OPEN_WAL != 0:
		gather(tls, f)
	case flags&sqlite.SQLITE_OPEN_MAIN_DB != 0:
		pace(tls, f)
	}
	return rc
}

// used is how a file is used that was opened here. It is the first field of what an open file is, where SQLite's file points.
type used struct {
	methods sqlite.Tsqlite3_io_methods
	system  uintptr // the methods of the system's own VFS
	synced  bool    // the file has been, and with it its name in its folder
}

// begin sets the methods to the system's own, for a file of its.
func (u *used) begin(f *sqlite.Tsqlite3_file) {
	u.system, u.synced = f.FpMethods, false
	u.methods = *u.its()
}

func (u *used) its() *sqlite.Tsqlite3_io_methods { return at[sqlite.Tsqlite3_io_methods](u.system) }

// sync is the system's own for the first time, when it makes the name of a new file durable, too, and later syncAgain.
func (u *used) sync(tls *libc.TLS, file uintptr, flags int32) int32 {
	if u.synced {
		return syncAgain(tls, u.its(), file, flags)
	}
	rc := call[syncer](u.its().FxSync)(tls, file, flags)
	u.synced = rc == sqlite.SQLITE_OK
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
