package pgstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"scrip/internal/store"
)

// importLock is the key of the advisory lock under which one process copies into a database: the bytes "SCRIPCPY".
const importLock = 0x5343524950435059

// OpenImport begins or takes up a copy into the database. The lock that keeps other copies out belongs to the
// connection over which the records go, so that one that lost it can't write any more.
func (s *Store) OpenImport(ctx context.Context) (store.Import, error) {
	conn, err := connectPatient(ctx, s.cfg)
	if err != nil {
		return nil, explain(s.cfg, err)
	}
	i := &importer{s: s, conn: conn}
	if err := i.open(ctx); err != nil {
		return nil, errors.Join(explain(s.cfg, err), i.Close()) //nolint:contextcheck // it disconnects, whatever ctx says
	}
	return i, nil
}

// importer is a copy under way.
type importer struct {
	s     *Store
	conn  *pgx.Conn
	state store.ImportState
}

func (i *importer) open(ctx context.Context) error {
	if err := patiently(ctx, func() (bool, error) { return i.lock(ctx) }); err != nil {
		return err
	}
	if err := i.alone(ctx); err != nil {
		return err
	}
	found, err := i.read(ctx)
	if err != nil {
		return err
	}
	var holds bool
	err = i.conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM campaign) OR EXISTS (SELECT FROM voucher) OR EXISTS (SELECT FROM wallet)
		OR EXISTS (SELECT FROM transfer) OR EXISTS (SELECT FROM redemption) OR EXISTS (SELECT FROM idempotency)
		OR EXISTS (SELECT FROM api_key) OR EXISTS (SELECT FROM audit_event)`).Scan(&holds)
	switch {
	case err != nil:
		return err
	case holds && !found:
		return store.ErrNotEmpty
	case !holds:
		i.state.At, i.state.Finished = store.Place{}, false
	}
	return nil
}

// lock takes the lock, or reports that it is taken.
func (i *importer) lock(ctx context.Context) (taken bool, err error) {
	var ours bool
	if err := i.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(importLock)).Scan(&ours); err != nil {
		return false, fmt.Errorf("take the lock for copying: %w", err)
	}
	if !ours {
		return true, fmt.Errorf("%w: %w", store.ErrInUse, errCopier)
	}
	return false, nil
}

// alone refuses a database that servers are connected to, where that is asked for.
func (i *importer) alone(ctx context.Context) error {
	if !i.s.cfg.alone {
		return nil
	}
	return noServers(ctx, i.conn, i.s.cfg)
}

// read reads how far the copy is, and reports whether there is one.
func (i *importer) read(ctx context.Context) (bool, error) {
	var source, place []byte
	err := i.conn.QueryRow(ctx, "SELECT source, place, finished_at IS NOT NULL FROM copied_from").Scan(&source, &place, &i.state.Finished)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	copy(i.state.Source[:], source)
	i.state.At, err = store.ParsePlace(place)
	return err == nil, err
}

// State returns how far the copy was.
func (i *importer) State() store.ImportState { return i.state }

var errNotText = errors.New("PostgreSQL keeps no text that has a NUL character or is not UTF-8")

// Check refuses a record with a text that the database can't keep.
func (i *importer) Check(r store.Record) error {
	for _, text := range textsOf(r) {
		if !storable(text) {
			return fmt.Errorf("%w: %.100q", errNotText, text)
		}
	}
	return nil
}

// Begin marks the database as the unfinished copy of a source. A server that was there first is found now, and one
// that comes later finds the mark.
func (i *importer) Begin(ctx context.Context, source store.Digest) error {
	if i.state.At != (store.Place{}) {
		if i.state.Source != source {
			return explain(i.s.cfg, store.ErrOtherSource)
		}
		return nil
	}
	_, err := i.conn.Exec(ctx, `INSERT INTO copied_from (one, source, place, began_at) VALUES (1, $1, '', clock_timestamp())
		ON CONFLICT (one) DO UPDATE SET source = $1, place = '', began_at = clock_timestamp(), finished_at = NULL`, source[:])
	if err != nil {
		return explain(i.s.cfg, err)
	}
	if err := i.alone(ctx); err != nil {
		_, undone := i.conn.Exec(ctx, "DELETE FROM copied_from")
		return explain(i.s.cfg, errors.Join(err, undone))
	}
	return nil
}

// Add adds records in one transaction: each kind in one statement, all in one round trip, and another for the
// commit.
func (i *importer) Add(ctx context.Context, records []store.Record) error {
	if len(records) == 0 {
		return nil
	}
	err := pgx.BeginTxFunc(ctx, i.conn, pgx.TxOptions{}, func(tx pgx.Tx) error { return i.add(ctx, tx, records) })
	return explain(i.s.cfg, err)
}

func (i *importer) add(ctx context.Context, tx pgx.Tx, records []store.Record) error {
	runs := runsOf(records)
	b := &pgx.Batch{}
	for _, run := range runs {
		if err := queueRecords(b, run); err != nil {
			return err
		}
	}
	at := records[len(records)-1].Place()
	b.Queue("UPDATE copied_from SET place = $1 WHERE finished_at IS NULL", at.Append(nil))
	answers := tx.SendBatch(ctx, b)
	inTheWay, err := readAnswers(answers, runs)
	if closed := answers.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	for _, run := range inTheWay {
		err := store.CheckThere(run, func(after store.Place, yield func(store.Record) error) error {
			return export(ctx, tx, after, yield)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// readAnswers returns the runs of which not all records were added.
func readAnswers(answers pgx.BatchResults, runs [][]store.Record) (inTheWay [][]store.Record, err error) {
	for _, run := range runs {
		tag, err := answers.Exec()
		if err != nil {
			return nil, fmt.Errorf("add %s, %s and what follows: %w", run[0].Place().Kind, run[0], err)
		}
		if tag.RowsAffected() != int64(len(run)) {
			inTheWay = append(inTheWay, run)
		}
	}
	tag, err := answers.Exec()
	if err == nil && tag.RowsAffected() != 1 {
		err = errors.New("the mark of the copy is gone")
	}
	return inTheWay, err
}

// runsOf cuts records, which are in order, into runs of one kind.
func runsOf(records []store.Record) (runs [][]store.Record) {
	start := 0
	for at := range records {
		if at+1 == len(records) || records[at+1].Place().Kind != records[start].Place().Kind {
			runs = append(runs, records[start:at+1])
			start = at + 1
		}
	}
	return runs
}

// Filled has the server look at what it got, so that it finds its way through it.
func (i *importer) Filled(ctx context.Context) error {
	_, err := i.conn.Exec(ctx, "ANALYZE "+copiedTables)
	return explain(i.s.cfg, err)
}

// Finish makes the database fit for use.
func (i *importer) Finish(ctx context.Context) error {
	tag, err := i.conn.Exec(ctx, "UPDATE copied_from SET finished_at = clock_timestamp()")
	if err == nil && tag.RowsAffected() != 1 {
		err = errors.New("the mark of the copy is gone")
	}
	return explain(i.s.cfg, err)
}

// Close lets other copies in.
func (i *importer) Close() error {
	if i.conn != nil {
		disconnect(i.conn)
		i.conn = nil
	}
	return nil
}
