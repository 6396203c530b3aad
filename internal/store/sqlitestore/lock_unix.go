//go:build unix

package sqlitestore

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// errLocked: another process has the database open for writing.
var errLocked = errors.New("another scrip process has this database open; stop it, or choose another --data")

// How long a lock is waited for. Who is told to stop and start again holds it a moment longer than its last
// word; and a process that is being started inherits it between its fork and its exec.
const (
	lockTries = 20
	lockPause = 50 * time.Millisecond
)

// lockFile holds a lock that ends with the process, however it ends. It stands beside the database and
// not on it, because SQLite's own locks come and go, and a reader (verify) must not be kept out. It waits a
// second for whoever has the lock.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // beside the operator's own database
	if err != nil {
		return nil, err
	}
	for range lockTries {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			break
		}
		time.Sleep(lockPause)
	}
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, errors.Join(errLocked, f.Close())
	default:
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
}
