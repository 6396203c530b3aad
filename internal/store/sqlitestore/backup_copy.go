package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"os"

	"zombiezen.com/go/sqlite"

	"scrip/internal/store"
)

const (
	stepPages   = 256  // a step of the copy: 1 MiB at 4 KiB a page
	stepsSynced = 16   // of so many steps the kernel holds unwritten pages: a server's commits share the disk
	integrityOf = "20" // findings of SQLite's own check, at most
)

// described is what a file says of itself.
type described struct {
	schema int64 // its own
	known  int64 // this version's
}

// copyPages copies one snapshot of the database at from into the stage, page by page, as a file that needs no
// log beside it, unless fit refuses it. Nothing of from is changed.
//
// The snapshot is a read transaction that lasts for the whole copy. Without it each step would read a moment of
// its own, and SQLite would begin the copy again whenever somebody has committed: under load, for ever.
func copyPages(ctx context.Context, from string, st *stage, o BackupOptions, fit func(described) error) (about described, err error) {
	source, err := connect(from, sqlite.OpenReadOnly, readerPragmas())
	if err != nil {
		return about, explain(from, err)
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	r := &reader{path: from, conn: source, stmts: make(map[string]*stmt)}
	err = r.snapshot(func() (err error) {
		if about, err = describe(r); err == nil {
			err = fit(about)
		}
		if err != nil {
			return explain(from, err)
		}
		return explain(st.to, st.fill(ctx, source, o.Progress))
	})
	if err != nil {
		return about, err
	}
	return about, explain(st.to, standAlone(st.path))
}

// fill copies what source sees into the stage's file. No journal: after a crash the file is thrown away.
func (st *stage) fill(ctx context.Context, source *sqlite.Conn, progress func(done, total int64)) (err error) {
	target, err := connect(st.path, sqlite.OpenReadWrite, []string{"PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -2048"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	b, err := sqlite.NewBackup(target, "main", source, "main")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	for steps, more := 1, true; more; steps++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if more, err = b.Step(stepPages); err != nil {
			return err
		}
		if progress != nil {
			progress(int64(b.PageCount()-b.Remaining())*pageSize, int64(b.PageCount())*pageSize)
		}
		if steps%stepsSynced == 0 {
			if err := st.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// pageSize is that of our files: SQLite's default, which we never change.
const pageSize = 4096

// standAlone turns the log off in a file that nobody has open, so that it is whole without one. Who opens it as
// a store turns it on again. Locked for itself alone, SQLite needs no shared memory beside the file.
func standAlone(path string) error {
	conn, err := connect(path, sqlite.OpenReadWrite, []string{"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA synchronous = OFF", "PRAGMA journal_mode = DELETE"})
	if err != nil {
		return err
	}
	return conn.Close()
}

// describe tells what a file is, and refuses one that is not ours, one of a newer version, and an unfinished
// copy. The transaction that it begins in is the snapshot.
func describe(r *reader) (about described, err error) {
	has, err := r.schema()
	if err != nil {
		return about, err
	}
	if has.version == 0 {
		return about, errForeign
	}
	about = described{schema: has.version, known: has.target()}
	ask := func(query string) (n int64) {
		if err == nil {
			n, err = count(r.stmt(query))
		}
		return n
	}
	if ask("SELECT count(*) FROM sqlite_schema WHERE name = 'copied_from'") == 0 {
		return about, err
	}
	if ask("SELECT count(*) FROM copied_from WHERE finished_at IS NULL") != 0 {
		return about, store.ErrUnfinishedCopy
	}
	return about, err
}

// sound is SQLite's own check of the whole file: every page, every row and every index entry.
func sound(ctx context.Context, path string, report func(store.Finding)) (err error) {
	conn, err := connect(path, sqlite.OpenReadOnly, readerPragmas())
	if err != nil {
		return explain(path, err)
	}
	conn.SetInterrupt(ctx.Done())
	defer func() { err = errors.Join(err, conn.Close()) }()
	r := &reader{path: path, conn: conn, stmts: make(map[string]*stmt)}
	findings := 0
	q := r.stmt("PRAGMA integrity_check(" + integrityOf + ")")
	err = q.each(func() {
		if said := q.nextText(); said != "ok" {
			findings++
			report(store.Finding{Check: store.CheckFile, ID: FileName, Detail: said})
		}
	})
	if err = errors.Join(r.err, err); err != nil {
		return explain(path, err)
	}
	if findings > 0 {
		return fmt.Errorf("%w: SQLite's own check finds it damaged", ErrUnsound)
	}
	return nil
}

// flush writes what the kernel holds of the copy to the disk, bit by bit: at the end all of it at once would
// stand before the commits of a server on the same disk.
func (st *stage) flush() error { return st.file.Sync() }

// syncFile writes what the kernel holds of a file, or of a folder, to the disk.
func syncFile(path string) error {
	f, err := os.Open(path) //nolint:gosec // the operator's own choice
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
