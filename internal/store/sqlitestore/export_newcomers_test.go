package sqlitestore

import (
	"cmp"
	"context"
	"log/slog"
	"os"

	"zombiezen.com/go/sqlite"
)

// NumberOf is a customer's number in a file, 0 for none.
func NumberOf(conn *sqlite.Conn, name string) (int64, error) {
	r := &reader{conn: conn, stmts: make(map[string]*stmt), newcomers: newNewcomers(0)}
	if err := r.newcomers.load(r); err != nil {
		return 0, err
	}
	no, err := r.customerNo(name)
	for _, q := range r.stmts {
		err = cmp.Or(err, q.s.Finalize())
	}
	return no, err
}

// AppendNames and ParseNames are how names lie in a row of the table newcomer.
func AppendNames(b []byte, names []string) []byte { return appendNames(b, names) }

func ParseNames(b []byte) ([]string, error) { return parseNames(b) }

// Waiting is how many newcomers have not left, and in how many rows.
func (s *Store) Waiting() (n int, rows int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = len(s.newcomers.young) + len(s.newcomers.old)
	q, err := s.w.conn.Prepare("SELECT count(*) FROM newcomer")
	if err != nil {
		return 0, 0, err
	}
	rows, err = count(&stmt{s: q})
	return n, rows, err
}

// Sort makes a generation that has aged ready to join, as the checkpointer does within a moment.
func (s *Store) Sort() { s.newcomers.sort() }

// MakeRoom has a checkpointer make room twice in a log that it can't write to.
func MakeRoom(ctx context.Context, path string, log *slog.Logger) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	c, s := &checkpointer{log: &logFile{file: f}}, &Store{log: log}
	c.makeRoom(ctx, s)
	c.makeRoom(ctx, s)
	return c.log.close()
}
