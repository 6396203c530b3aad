package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"os"

	"zombiezen.com/go/sqlite"

	"scrip/internal/store"
)

var (
	_ store.Exporter = (*Store)(nil)
	_ store.Importer = (*Store)(nil)
	_ store.Exporter = (*Source)(nil)
	_ store.Auditor  = (*Source)(nil)
)

// Source is a file that stands still while it is copied: it is open for reading, under the lock that keeps a server
// out. It is left as it is.
type Source struct {
	path string
	lock *os.File
}

// OpenSource opens the file at path to be copied. It refuses a file that a server has open, one of another
// program, one whose schema is not this version's, and one that is itself an unfinished copy.
func OpenSource(ctx context.Context, path string) (*Source, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, explain(path, err)
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, explain(path, err)
	}
	s := &Source{path: path, lock: lock}
	if _, err := OpenReadOnly(ctx, path); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.settle(ctx); err != nil {
		return nil, errors.Join(explain(path, err), s.Close())
	}
	return s, nil
}

// settle lets the file's newcomers join the table of customers, which is all that it changes.
func (s *Source) settle(ctx context.Context) (err error) {
	if err := s.Close(); err != nil { // the lock goes to a store for as long as that takes
		return err
	}
	open, err := Open(ctx, Config{Path: s.path})
	if err != nil {
		return err
	}
	err = open.settled(func() error { return nil })
	s.lock, open.lock = open.lock, nil
	return errors.Join(err, open.Close())
}

// Export tells all that the file holds.
func (s *Source) Export(ctx context.Context, after store.Place, yield func(store.Record) error) error {
	still := func(do func() error) error { return do() }
	return export(ctx, s.path, still, after, yield)
}

// Audit recomputes every invariant from the rows of one snapshot.
func (s *Source) Audit(ctx context.Context, report func(store.Finding)) (store.Audited, error) {
	return audit(ctx, s.path, report)
}

// Close lets a server in again. It may be called again.
func (s *Source) Close() error {
	if s.lock == nil {
		return nil
	}
	lock := s.lock
	s.lock = nil
	return lock.Close()
}

// OpenTarget opens the file to be copied into: as Open does, but for an unfinished copy too.
func OpenTarget(ctx context.Context, cfg Config) (*Store, error) {
	return open(ctx, cfg, func() error { return nil })
}

// finished refuses a file that is an unfinished copy.
func finished(path string) (err error) {
	conn, err := connect(path, sqlite.OpenReadOnly, readerPragmas())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	r := reader{path: path, conn: conn, stmts: make(map[string]*stmt)}
	return r.finished()
}

func (r *reader) finished() error {
	unfinished, err := count(r.stmt("SELECT count(*) FROM copied_from WHERE finished_at IS NULL"))
	if err != nil {
		return fmt.Errorf("ask whether it is an unfinished copy: %w", err)
	}
	if unfinished != 0 {
		return store.ErrUnfinishedCopy
	}
	return nil
}
