//go:build !unix

package sqlitestore

import (
	"errors"
	"fmt"
	"os"
)

// errLocked: another process has the database open for writing.
var errLocked = errors.New("another scrip process has this database open; stop it, or choose another --data")

// lockFile holds a lock by the file's mere existence; after a crash it must be removed by hand.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%w (if none runs, remove %s)", errLocked, path)
	}
	return f, err
}
