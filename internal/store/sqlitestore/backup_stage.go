package sqlitestore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// stage is the folder in which a copy is made, until it is whole and gets its name.
type stage struct {
	to   string   // the name that it gets
	dir  string   // the folder, beside it, so that it is on the same file system
	path string   // the copy in it
	file *os.File // the copy, to be synced. It is closed after SQLite: whoever closes a file lets go of all its locks
	lock *os.File
}

// Whatever stands in a data folder that a restore may go into.
const (
	lockSuffix  = ".lock"
	stageSuffix = ".partial"
	lostFound   = "lost+found" // of a file system's own
)

// newStage makes the folder for a copy that will be called to. What an earlier one that was killed has left in
// it is removed; one that goes on keeps this one out.
func newStage(to string) (*stage, error) {
	if err := absent(to); err != nil {
		return nil, err
	}
	st := &stage{to: to, dir: to + stageSuffix}
	st.path = filepath.Join(st.dir, FileName)
	if err := os.Mkdir(st.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, explainTarget(to, err)
	}
	if err := st.own(); err != nil {
		return nil, explainTarget(to, err)
	}
	var err error
	if err := st.empty(); err != nil {
		return nil, errors.Join(explainTarget(to, err), st.clear())
	}
	if st.file, err = os.OpenFile(st.path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600); err != nil {
		return nil, errors.Join(explainTarget(to, err), st.clear())
	}
	return st, nil
}

// own takes the lock on the folder. Its file is removed with the folder, so that what was locked may be a file
// that is gone, while somebody else has locked the next one.
func (st *stage) own() error {
	path := st.dir + lockSuffix
	lock, err := lockFile(path)
	switch {
	case errors.Is(err, errLocked):
		return errBusy
	case err != nil:
		return err
	}
	have, err := lock.Stat()
	there, gone := os.Stat(path)
	if err != nil || gone != nil || !os.SameFile(have, there) {
		return errors.Join(errBusy, lock.Close())
	}
	st.lock = lock
	return nil
}

var errBusy = errors.New("another scrip process is making it; let it end")

// absent refuses a name that is taken.
func absent(to string) error {
	_, err := os.Lstat(to)
	switch {
	case err == nil:
		return explainTarget(to, errors.New("it exists already, and is left as it is; choose another name"))
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return explainTarget(to, err)
	}
}

// empty makes the folder anew.
func (st *stage) empty() error {
	return errors.Join(os.RemoveAll(st.dir), os.Mkdir(st.dir, 0o700))
}

// publish syncs the copy and gives it its name, which must still be free, and returns its size.
func (st *stage) publish() (size int64, err error) {
	info, err := st.file.Stat()
	if err != nil {
		return 0, err
	}
	if err := st.file.Sync(); err != nil {
		return 0, explainTarget(st.to, err)
	}
	// A link is made only where nothing stands; a rename would replace it.
	if err := os.Link(st.path, st.to); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return 0, absent(st.to)
		}
		// This file system has no links.
		if err := errors.Join(absent(st.to), os.Rename(st.path, st.to)); err != nil {
			return 0, explainTarget(st.to, err)
		}
	}
	return info.Size(), explainTarget(st.to, syncFolder(filepath.Dir(st.to)))
}

// clear removes the folder and lets the next one in. It may be called again.
func (st *stage) clear() error {
	if st.lock == nil {
		return nil
	}
	var errs []error
	if st.file != nil {
		errs = append(errs, st.file.Close())
	}
	// The lock's own file goes first: who takes it over then has another file, and finds no folder to share.
	errs = append(errs, os.RemoveAll(st.dir), os.Remove(st.lock.Name()), st.lock.Close())
	st.lock = nil
	return explainTarget(st.to, errors.Join(errs...))
}

// takeFolder makes a data folder for a restore, or takes an empty one, and keeps a server out of it. leave lets
// one in; where nothing was restored, it removes what was made.
func takeFolder(dir string) (leave func(restored bool) error, err error) {
	path := filepath.Join(dir, FileName)
	_, err = os.Stat(dir)
	made := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, explain(path, err)
	}
	lock, err := lockFile(path + lockSuffix)
	if err != nil {
		return nil, explain(path, err)
	}
	leave = func(restored bool) error {
		var errs []error
		if !restored {
			errs = append(errs, os.Remove(lock.Name()))
		}
		if errs = append(errs, lock.Close()); made && !restored {
			errs = append(errs, os.Remove(dir))
		}
		return errors.Join(errs...)
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		switch e.Name() {
		case FileName + lockSuffix, FileName + stageSuffix, FileName + stageSuffix + lockSuffix, lostFound:
		default:
			err = fmt.Errorf("data folder %s is not empty (it holds %s); move it away, or choose another --data", dir, e.Name())
		}
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if made {
		err = syncFolder(filepath.Dir(dir))
	}
	if err != nil {
		return nil, errors.Join(err, leave(false))
	}
	return leave, nil
}

// syncFolder makes the names in a folder last. Windows has no such thing.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	return syncFile(dir)
}

// explainTarget says what to do about a file that can't be made.
func explainTarget(to string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNoSpace):
		err = fmt.Errorf("the disk is full; make room and start again: %w", err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, errReadOnlyFS):
		err = fmt.Errorf("its folder can't be written; check its owner and mode: %w", err)
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("its folder is not there: %w", err)
	}
	return fmt.Errorf("%s: %w", to, err)
}
