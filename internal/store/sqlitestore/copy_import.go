package sqlitestore

import (
	"context"
	"errors"
	"fmt"

	"scrip/internal/id"
	"scrip/internal/store"
)

// OpenImport begins or takes up a copy into the file. The lock file keeps others out, and did since Open.
func (s *Store) OpenImport(context.Context) (store.Import, error) {
	i := &importer{s: s}
	if err := s.write(i.open); err != nil {
		return nil, explain(s.path, err)
	}
	return i, nil
}

// importer is a copy under way. It shares the writer's connection, and its way to begin and end transactions.
type importer struct {
	s     *Store
	r     reader // statements on the writer's connection
	state store.ImportState
	at    store.Place // of the last record that is in the file for good

	// What was found of late, as the file has it; forgotten when a transaction fails, for it may not be there.
	customer   string
	customerNo int64 // 0: none was found yet
	vouchers   map[id.ID]voucherRow
	campaigns  map[id.ID]int64
	inTheWay   []store.Record // of the batch: those whose place was taken
}

// voucherRow is what a redemption needs to know of its voucher's row.
type voucherRow struct {
	no, perCustomer int64
}

func (i *importer) open(w *writer) error {
	if i.s.importing {
		return store.ErrInUse
	}
	i.r = reader{path: i.s.path, conn: w.conn, stmts: make(map[string]*stmt)}
	i.forget()
	found, err := i.read()
	if err != nil {
		return err
	}
	holds, err := count(i.r.stmt(`SELECT EXISTS (SELECT 1 FROM campaign) OR EXISTS (SELECT 1 FROM voucher) OR EXISTS (SELECT 1 FROM customer)
		OR EXISTS (SELECT 1 FROM transfer) OR EXISTS (SELECT 1 FROM redemption) OR EXISTS (SELECT 1 FROM idempotency)
		OR EXISTS (SELECT 1 FROM api_key) OR EXISTS (SELECT 1 FROM audit_event)`))
	switch {
	case err != nil:
		return err
	case holds != 0 && !found:
		return store.ErrNotEmpty
	case holds == 0:
		i.state.At, i.state.Finished = store.Place{}, false
	}
	// A customer comes before their first transfer, by which the writer counts customers.
	last, err := count(i.r.stmt("SELECT coalesce(max(no), 0) FROM customer"))
	if err != nil {
		return err
	}
	w.nextCustomer = max(w.nextCustomer, last+1)
	i.at, i.s.importing = i.state.At, true
	return i.r.err
}

// read reads how far the copy is, and reports whether there is one.
func (i *importer) read() (bool, error) {
	q := i.r.stmt("SELECT source, place, finished_at IS NOT NULL FROM copied_from")
	if i.r.err != nil {
		return false, i.r.err
	}
	found, err := q.row()
	if err != nil || !found {
		return false, err
	}
	copy(i.state.Source[:], q.nextBytes())
	place := q.nextBytes()
	i.state.Finished = q.nextBool()
	if err := q.done(); err != nil {
		return false, err
	}
	i.state.At, err = store.ParsePlace(place)
	return err == nil, err
}

func (i *importer) forget() {
	i.customer, i.customerNo = "", 0
	i.vouchers, i.campaigns = make(map[id.ID]voucherRow), make(map[id.ID]int64)
}

// State returns how far the copy was.
func (i *importer) State() store.ImportState { return i.state }

// Check takes whatever there is: a text may hold any bytes here.
func (i *importer) Check(store.Record) error { return nil }

// Begin marks the file as the unfinished copy of a source.
func (i *importer) Begin(_ context.Context, source store.Digest) error {
	if i.state.At != (store.Place{}) {
		if i.state.Source != source {
			return explain(i.s.path, store.ErrOtherSource)
		}
		return nil
	}
	return i.write(func(w *writer) error {
		return i.r.stmt("INSERT OR REPLACE INTO copied_from (one, source, place, began_at, finished_at) VALUES (1, ?, x'', ?, NULL)").
			bytes(source[:]).int(w.now.UnixMicro()).exec()
	})
}

// write runs a transaction; after one that failed, nothing is known of what the file holds.
func (i *importer) write(do func(w *writer) error) error {
	i.r.err = nil
	err := i.s.write(func(w *writer) error { return errors.Join(do(w), i.r.err) })
	if err != nil {
		i.forget()
		return explain(i.s.path, err)
	}
	return nil
}

// Add adds records, in one transaction and one sync of the log.
func (i *importer) Add(ctx context.Context, records []store.Record) error {
	if err := ctx.Err(); err != nil || len(records) == 0 {
		return err
	}
	at := records[len(records)-1].Place()
	err := i.write(func(w *writer) error {
		if err := i.addAll(w, records); err != nil {
			return err
		}
		return i.r.stmt("UPDATE copied_from SET place = ? WHERE finished_at IS NULL").bytes(at.Append(nil)).execOne(w.conn)
	})
	if err == nil && at.Compare(i.at) > 0 {
		i.at = at
	}
	return err
}

func (i *importer) addAll(w *writer, records []store.Record) error {
	i.inTheWay = i.inTheWay[:0]
	for _, r := range records {
		added, err := i.add(w, r)
		if err != nil {
			return fmt.Errorf("%s: %w", r, err)
		}
		if !added {
			i.inTheWay = append(i.inTheWay, r)
		}
	}
	return store.CheckThere(i.inTheWay, func(after store.Place, yield func(store.Record) error) error {
		if err := w.flushHot(); err != nil {
			return err
		}
		e := &exporter{reader: i.r, yield: yield, importing: true}
		return e.all(after)
	})
}

// Filled has nothing to prepare.
func (i *importer) Filled(context.Context) error { return nil }

// Finish makes the file fit for use. The writer forgets what it knew of the file before.
func (i *importer) Finish(context.Context) error {
	return i.write(func(w *writer) error {
		w.forget()
		if err := i.r.stmt("DELETE FROM copied_wallet").exec(); err != nil {
			return err
		}
		return i.r.stmt("UPDATE copied_from SET finished_at = ?").int(w.now.UnixMicro()).execOne(w.conn)
	})
}

// Close lets another import in; the file's lock is the store's.
func (i *importer) Close() error {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	i.s.importing = false
	return nil
}
