package sqlitestore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // goose speaks database/sql
	"zombiezen.com/go/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID stands in the file's header, so that the file of another program is not taken for ours:
// the bytes "SCRP".
const applicationID = 0x53435250

var (
	errForeign = errors.New("this is not a Scrip database")
	errNewer   = errors.New("this database was made by a newer version of Scrip; run that version, or restore a backup")
	errOlder   = errors.New("this database is older than this version of Scrip; run `scrip migrate up`")

	errContradicts = errors.New("the books of this database contradict themselves, and it was left as it is; " +
		"run `scrip verify` of the version that wrote it, and restore a backup from before")
)

// Migrate brings the file at path up to this version's schema, under the lock that keeps a second process
// out.
func Migrate(ctx context.Context, path string) (err error) {
	s, err := Open(ctx, Config{Path: path})
	if err != nil {
		return err
	}
	return s.Close()
}

// migrate recognises the file and brings it up to date.
func migrate(ctx context.Context, path string) error {
	if err := recognise(path); err != nil {
		return err
	}
	return withProvider(path, func(p *goose.Provider) error {
		behind, err := isBehind(ctx, p)
		if err == nil && behind {
			_, err = p.Up(ctx)
		}
		if resultOf(err) == sqlite.ResultConstraint { // each migration is one transaction
			err = fmt.Errorf("%w (%w)", errContradicts, err)
		}
		return err
	})
}

// isBehind reports whether migrations are missing; a newer schema is an error.
func isBehind(ctx context.Context, p *goose.Provider) (bool, error) {
	current, target, err := p.GetVersions(ctx)
	if err == nil && current > target {
		err = newer(current, target)
	}
	return current < target, err
}

// recognise refuses a file that is not ours, and marks an empty one as ours.
func recognise(path string) (err error) {
	conn, err := connect(path, sqlite.OpenReadWrite, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	read := func(query string) (int64, error) {
		s, _, err := conn.PrepareTransient(query)
		if err != nil {
			return 0, err
		}
		n, err := count(&stmt{s: s})
		return n, errors.Join(err, s.Finalize())
	}
	appID, err := read("PRAGMA application_id")
	if err != nil || appID == applicationID {
		return err
	}
	tables, err := read("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return err
	}
	if appID != 0 || tables != 0 {
		return errForeign
	}
	s, _, err := conn.PrepareTransient(fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	if err != nil {
		return err
	}
	return errors.Join((&stmt{s: s}).exec(), s.Finalize())
}

func withProvider(path string, do func(*goose.Provider) error) (err error) {
	dsn := url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: "_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)"}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	return do(p)
}

// resultOf is SQLite's own word for what failed, whichever of its two faces said it.
func resultOf(err error) sqlite.ResultCode {
	var migration interface{ Code() int } // database/sql's
	if errors.As(err, &migration) {
		return sqlite.ResultCode(migration.Code()).ToPrimary() //nolint:gosec // one of SQLite's few codes
	}
	return sqlite.ErrCode(err).ToPrimary()
}

// explain says what to do about a file that can't be opened.
func explain(path string, err error) error {
	if err == nil {
		return nil
	}
	switch resultOf(err) {
	case sqlite.ResultNotADB:
		err = fmt.Errorf("%w (%w)", errForeign, err)
	case sqlite.ResultReadOnly, sqlite.ResultPerm, sqlite.ResultCantOpen:
		err = fmt.Errorf("the file or its folder can't be written; check its owner and mode: %w", err)
	case sqlite.ResultFull:
		err = fmt.Errorf("the disk is full; make room and start again, nothing is lost: %w", err)
	}
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, errReadOnlyFS):
		err = fmt.Errorf("the folder can't be written; check its owner and mode, or choose another --data: %w", err)
	case errors.Is(err, errNoSpace):
		err = fmt.Errorf("the disk is full; make room and start again, nothing is lost: %w", err)
	case errors.Is(err, errNotDir):
		err = fmt.Errorf("a file stands where the data folder should be; choose another --data: %w", err)
	}
	return fmt.Errorf("database %s: %w", path, err)
}
