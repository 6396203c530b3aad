package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"scrip/internal/store"
)

// ErrUnsound means that what was copied is not sound. Nothing was left of it under the name that was asked for.
var ErrUnsound = errors.New("the copy is not sound, and was thrown away")

// BackupOptions say how a file is copied, for a backup and for a restore.
type BackupOptions struct {
	// NoVerify leaves out the recomputing of every invariant. SQLite's own check is always made.
	NoVerify bool
	// Report, if set, is told of each thing that is wrong.
	Report func(store.Finding)
	// Progress, if set, is told how many of how many bytes are copied.
	Progress func(done, total int64)
}

// BackupResult is what became of a backup or a restore.
type BackupResult struct {
	Path     string        // of the file that was made
	Bytes    int64         // its size
	From     int64         // the schema of what was copied
	Schema   int64         // the schema of the file that was made
	Verified bool          // every invariant was recomputed, and holds
	Read     store.Audited // what was read for that
}

// Backup makes a file at to that holds what the database at path held at one moment after the call. Whatever
// was acknowledged before is in it, and a redemption with its credit, or neither.
//
// It works beside a running server and holds up no commit: it reads one snapshot of the log, in steps of a
// mebibyte. While it reads, the server can't begin its log again, which grows by what is written meanwhile.
//
// The file appears under its name when it is whole, checked and synced, or not at all; an existing one is never
// replaced. A crash in the middle leaves a folder beside it, with .partial at the end of its name, that the next
// backup to the same name clears.
func Backup(ctx context.Context, path, to string, o BackupOptions) (_ BackupResult, err error) {
	if _, err := os.Stat(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return BackupResult{}, fmt.Errorf("there is no database at %s; choose the server's own --data", path)
		}
		return BackupResult{}, explain(path, err)
	}
	st, err := newStage(to)
	if err != nil {
		return BackupResult{}, err
	}
	defer func() { err = errors.Join(err, st.clear()) }()
	about, err := copyPages(ctx, path, st, o, func(about described) error {
		if o.NoVerify || about.schema == about.known {
			return nil
		}
		return fmt.Errorf("its backup could not be verified, as it is at schema %d and this version knows %d; "+
			"back it up with the version that wrote it, or with --no-verify", about.schema, about.known)
	})
	if err != nil {
		return BackupResult{}, err
	}
	r := BackupResult{Path: to, From: about.schema, Schema: about.schema}
	err = st.finish(ctx, o, &r)
	return r, err
}

// Restore makes the database of the data folder dir from a backup, and brings it to this version's schema. It
// refuses a folder that holds anything, a file that is not ours, and one of a newer version. The database
// appears when it is whole, verified and synced, or not at all. The backup is left as it is.
func Restore(ctx context.Context, from, dir string, o BackupOptions) (_ BackupResult, err error) {
	if info, err := os.Stat(from); err != nil {
		return BackupResult{}, fmt.Errorf("backup %s: %w", from, err)
	} else if !info.Mode().IsRegular() {
		return BackupResult{}, fmt.Errorf("backup %s: it is no file; give the file that scrip backup made", from)
	}
	leave, err := takeFolder(dir)
	if err != nil {
		return BackupResult{}, err
	}
	defer func() { err = errors.Join(err, leave(err == nil)) }()
	st, err := newStage(filepath.Join(dir, FileName))
	if err != nil {
		return BackupResult{}, err
	}
	defer func() { err = errors.Join(err, st.clear()) }()
	about, err := copyPages(ctx, from, st, o, func(described) error { return nil })
	if err != nil {
		return BackupResult{}, err
	}
	if about.schema < about.known {
		if err := migrate(ctx, st.path); err != nil {
			return BackupResult{}, explain(st.path, err)
		}
		if err := standAlone(st.path); err != nil {
			return BackupResult{}, explain(st.path, err)
		}
	}
	r := BackupResult{Path: st.to, From: about.schema, Schema: about.known}
	err = st.finish(ctx, o, &r)
	return r, err
}

// finish checks the copy and gives it its name.
func (st *stage) finish(ctx context.Context, o BackupOptions, r *BackupResult) error {
	if o.Report == nil {
		o.Report = func(store.Finding) {}
	}
	if err := sound(ctx, st.path, o.Report); err != nil {
		return err
	}
	if !o.NoVerify {
		var err error
		if r.Read, err = audit(ctx, st.path, o.Report); err != nil {
			return err
		}
		if r.Read.Findings > 0 {
			return fmt.Errorf("%w: %d findings", ErrUnsound, r.Read.Findings)
		}
		r.Verified = true
	}
	var err error
	r.Bytes, err = st.publish()
	return err
}
