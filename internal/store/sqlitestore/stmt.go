package sqlitestore

import (
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"scrip/internal/id"
	"scrip/internal/ledger"
)

// stmt is a prepared statement whose arguments are bound in order. Every use ends in exec, or in row
// (repeated for more rows) and then done.
type stmt struct {
	s   *sqlite.Stmt
	n   int
	col int
	err error // why it was not prepared; then it can't be run
}

func (q *stmt) int(v int64) *stmt {
	q.n++
	q.s.BindInt64(q.n, v)
	return q
}

func (q *stmt) text(v string) *stmt {
	q.n++
	q.s.BindText(q.n, v)
	return q
}

func (q *stmt) bytes(v []byte) *stmt {
	q.n++
	q.s.BindBytes(q.n, v)
	return q
}

func (q *stmt) null() *stmt {
	q.n++
	q.s.BindNull(q.n)
	return q
}

func (q *stmt) id(v id.ID) *stmt { return q.bytes(v[:]) }

func (q *stmt) bool(v bool) *stmt {
	q.n++
	q.s.BindBool(q.n, v)
	return q
}

// bound binds a time that may be absent: NULL for the zero time.
func (q *stmt) bound(t time.Time) *stmt {
	if t.IsZero() {
		return q.null()
	}
	return q.int(t.UnixMicro())
}

// exec runs a statement that returns nothing.
func (q *stmt) exec() error {
	if q.err != nil {
		return q.err
	}
	_, err := q.s.Step()
	return q.end(err)
}

// execOne runs a statement that must change exactly one row.
func (q *stmt) execOne(c *sqlite.Conn) error {
	if err := q.exec(); err != nil {
		return err
	}
	if n := c.Changes(); n != 1 {
		return fmt.Errorf("a guarded write changed %d rows instead of 1", n)
	}
	return nil
}

// row steps to the next row; without one, or with an error, the statement is done.
func (q *stmt) row() (bool, error) {
	if q.err != nil {
		return false, q.err
	}
	found, err := q.s.Step()
	q.col = -1
	if err != nil || !found {
		return false, q.end(err)
	}
	return true, nil
}

// done ends a statement whose rows were not read to the end.
func (q *stmt) done() error { return q.end(nil) }

func (q *stmt) end(err error) error {
	q.n = 0
	reset := q.s.Reset()
	if err == nil {
		err = reset
	}
	return err
}

// The columns of a row are read in order too.

func (q *stmt) nextInt() int64 {
	q.col++
	return q.s.ColumnInt64(q.col)
}

// skip passes over so many columns.
func (q *stmt) skip(n int) { q.col += n }

func (q *stmt) nextText() string {
	q.col++
	return q.s.ColumnText(q.col)
}

func (q *stmt) nextBool() bool { return q.nextInt() != 0 }

func (q *stmt) nextID() (v id.ID) {
	q.col++
	q.s.ColumnBytes(q.col, v[:])
	return v
}

func (q *stmt) nextBytes() []byte {
	q.col++
	v := make([]byte, q.s.ColumnLen(q.col))
	q.s.ColumnBytes(q.col, v)
	return v
}

func (q *stmt) nextFingerprint() (v [16]byte) {
	q.col++
	q.s.ColumnBytes(q.col, v[:])
	return v
}

func (q *stmt) nextSum() ledger.Sum {
	return ledger.Sum{Hi: q.nextInt(), Lo: uint64(q.nextInt())} //nolint:gosec // two's complement
}

// nextTime reads microseconds; 0 and NULL are the zero time.
func (q *stmt) nextTime() time.Time {
	v := q.nextInt()
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMicro(v).UTC()
}
