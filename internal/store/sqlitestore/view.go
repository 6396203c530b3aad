package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"
)

// view is a connection of somebody who must not write, and may not be able to: not to the file, and not beside it.
//
// SQLite makes the log and the shared memory of a file even for those who only read it. They would stay behind, and keep the
// server out where they belong to somebody else; and in a folder that can't be written it gives up. But whoever
// has the file open has made both. Where neither is there, all commits are in the file, and SQLite is told that nobody
// changes it. It then does not see who does so after all; close does.
type view struct {
	reader
	still *look // at the file as it was opened, if it is read as one that nobody changes
}

var (
	errLogNeedsWriting = errors.New("the log beside it (" + FileName + "-wal) holds commits that are not in the file yet, and this user can't write beside it, " +
		"which SQLite needs to read them; verify it as the user of the server, or, while no server runs, copy both files to a folder that can be written")
	errChanged = errors.New("a server opened or changed it while it was read, so that what was found means nothing; run this again")
)

// openView opens the file at path.
func openView(ctx context.Context, path string) (*view, error) {
	// SQLite keeps the log beside the file itself, not beside a link to it.
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	v := &view{reader: reader{path: target, stmts: make(map[string]*stmt)}}
	if err := v.open(); err != nil {
		return nil, err
	}
	v.conn.SetInterrupt(ctx.Done())
	return v, nil
}

func (v *view) open() error {
	at, err := lookAt(v.path)
	if err != nil {
		return err
	}
	if at.log < 0 && !at.shared && !at.journal {
		return v.openStill(at)
	}
	if v.conn, err = connect(v.path, sqlite.OpenReadOnly, viewPragmas()); !isNoAccess(err) {
		return err
	}
	if unreadable := v.openStill(at); unreadable != nil || at.log <= 0 && !at.journal {
		return unreadable
	}
	return errors.Join(fmt.Errorf("%w: %w", errLogNeedsWriting, err), v.conn.Close())
}

// openStill opens the file as one that nobody changes.
func (v *view) openStill(at look) (err error) {
	uri := url.URL{Scheme: "file", Opaque: url.PathEscape(v.path), RawQuery: "immutable=1"}
	v.still = &at
	v.conn, err = connect(uri.String(), sqlite.OpenReadOnly|sqlite.OpenURI, viewPragmas())
	return err
}

// viewPragmas are those of every reader. The last one reads the file: only then SQLite opens all that it needs.
func viewPragmas() []string { return append(readerPragmas(), "PRAGMA schema_version") }

// close ends the view. It is an error if what was seen may not be what was there.
func (v *view) close() error {
	err := v.conn.Close()
	if v.still == nil || err != nil {
		return err
	}
	if now, err := lookAt(v.path); err != nil || now != *v.still {
		return errors.Join(errChanged, err)
	}
	return nil
}

// look is what can be seen of a file from outside. It is not opened for that: a process that closes a file lets go of
// all the locks that it has on it.
type look struct {
	size, log int64 // log is less than 0 where there is none
	at        time.Time
	shared    bool // the shared memory is there
	journal   bool // and what SQLite needs to undo half a transaction in a file without a log
}

func lookAt(path string) (l look, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return l, err
	}
	l = look{size: info.Size(), log: -1, at: info.ModTime()}
	if info, err := os.Stat(path + "-wal"); err == nil {
		l.log = info.Size()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return l, err
	}
	_, err = os.Stat(path + "-shm")
	l.shared = err == nil
	_, err = os.Stat(path + "-journal")
	l.journal = err == nil
	return l, nil
}

// isNoAccess reports whether SQLite could not open what it needs.
func isNoAccess(err error) bool {
	if err == nil {
		return false
	}
	switch resultOf(err) {
	case sqlite.ResultReadOnly, sqlite.ResultPerm, sqlite.ResultCantOpen:
		return true
	default:
		return false
	}
}

// explainView says what to do about a file that can't be read.
func explainView(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no database at %s; choose the server's own --data, or give its --database-url", path)
	case errors.Is(err, errNotDir):
		err = fmt.Errorf("a file stands where the data folder should be; choose another --data: %w", err)
	case errors.Is(err, errLogNeedsWriting):
	case errors.Is(err, fs.ErrPermission), isNoAccess(err):
		err = fmt.Errorf("this user can't read it; check its owner and mode, and those of its folder: %w", err)
	case resultOf(err) == sqlite.ResultNotADB:
		err = fmt.Errorf("%w (%w)", errForeign, err)
	}
	return fmt.Errorf("database %s: %w", path, err)
}
