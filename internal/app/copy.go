package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"scrip/internal/store"
	"scrip/internal/store/copying"
	"scrip/internal/store/pgstore"
	"scrip/internal/store/sqlitestore"
)

// The words of a copy, so that the command need not see the store.
type (
	// CopyProgress is how far a copy is.
	CopyProgress = copying.Progress
	// CopyReport is what became of a copy that came to its end.
	CopyReport = copying.Report
	// CopyTotals are the money of one currency.
	CopyTotals = copying.Totals
	// CopyDifference is one record that is not the same on both sides.
	CopyDifference = copying.Difference
)

// CopyKinds are the names of the kinds of record, in order, each with its number in a CopyReport.
func CopyKinds() iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for k := store.CampaignKind; k < store.RecordKinds; k++ {
			if !yield(int(k), k.String()) {
				return
			}
		}
	}
}

// CopyOptions is what to copy.
type CopyOptions struct {
	From, To string // as ParseStore takes them
	BatchMax int    // records in one transaction; 0 for the default
	Progress func(CopyProgress)
	Log      *slog.Logger // what the stores have to say
}

// Copy carries all that one store holds into another and proves it. An error says what to do.
func Copy(ctx context.Context, o CopyOptions) (_ *CopyReport, err error) {
	from, err := ParseStore(o.From)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	to, err := ParseStore(o.To)
	if err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	if from.same(to) {
		return nil, errors.New("--from and --to are the same database")
	}
	source, closeSource, err := from.openSource(ctx, o.Log)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	defer func() { err = errors.Join(err, closeSource()) }()
	target, err := to.openTarget(ctx, o.Log)
	if err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	return copying.Run(ctx, source, target, copying.Config{BatchMax: o.BatchMax, Progress: o.Progress})
}

// StorePlace is where a store is: a file of SQLite, or a database of PostgreSQL.
type StorePlace struct {
	path string
	url  string
}

var errStorePlace = errors.New("it must be sqlite: with the data folder, as in sqlite:./data, or the URL of a PostgreSQL, as in postgres://user:password@host:5432/scrip")

// ParseStore reads where a store is: "sqlite:" and a data folder or a file in it, or the URL of a PostgreSQL. Its
// error quotes nothing, as any part may be a password.
func ParseStore(text string) (StorePlace, error) {
	if path, ok := strings.CutPrefix(text, "sqlite:"); ok {
		path = strings.TrimPrefix(path, "//")
		if path == "" || strings.ContainsRune(path, 0) {
			return StorePlace{}, errStorePlace
		}
		if !isFile(path) {
			path = filepath.Join(path, sqlitestore.FileName)
		}
		return StorePlace{path: path}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Host == "" && u.Query().Get("host") == "" {
		return StorePlace{}, errStorePlace
	}
	return StorePlace{url: text}, nil
}

// isFile reports whether a path is that of a database's file, there or to be made, and not of its folder.
func isFile(path string) bool {
	if info, err := os.Stat(path); err == nil {
		return !info.IsDir()
	}
	return strings.HasSuffix(path, ".db")
}

// String is where the store is, without secrets.
func (p StorePlace) String() string {
	if p.path != "" {
		return p.path
	}
	return "PostgreSQL at " + place(p.url)
}

func (p StorePlace) same(q StorePlace) bool {
	if p.path == "" || q.path == "" {
		return p == q
	}
	a, errA := os.Stat(p.path)
	b, errB := os.Stat(q.path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// openSource opens a store to be copied, and keeps others from changing it.
func (p StorePlace) openSource(ctx context.Context, log *slog.Logger) (copying.Source, func() error, error) {
	if p.path == "" {
		s, err := pgstore.OpenSource(ctx, pgstore.Config{URL: p.url, Log: log})
		if err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	}
	s, err := sqlitestore.OpenSource(ctx, p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("there is no database at %s; give the data folder of the server", p.path)
	case err != nil:
		return nil, nil, err
	}
	return s, s.Close, nil
}

// closingTarget is a target that is closed at the end.
type closingTarget interface {
	copying.Target
	Close() error
}

// openTarget opens a store to be copied into, made and migrated as needed.
func (p StorePlace) openTarget(ctx context.Context, log *slog.Logger) (closingTarget, error) {
	if p.path == "" {
		return pgstore.OpenTarget(ctx, pgstore.Config{URL: p.url, Log: log})
	}
	return sqlitestore.OpenTarget(ctx, sqlitestore.Config{Path: p.path, Log: log})
}
