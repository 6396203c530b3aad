package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
)

// ReadOnly is a file to be audited, beside a server that may be running.
type ReadOnly struct {
	path string
}

// OpenReadOnly recognises the file, for Audit and SealAt alone. It changes nothing, and needs no right to.
func OpenReadOnly(ctx context.Context, path string) (*ReadOnly, error) {
	ro := &ReadOnly{path: path}
	err := ro.view(ctx, func(v *view) error {
		has, err := v.schema()
		switch {
		case err != nil:
			return err
		case has.blank:
			return errForeign
		case has.version < has.target():
			return errOlder
		}
		return v.finished()
	})
	if err != nil {
		return nil, err
	}
	return ro, nil
}

// view runs do on a view of the file.
func (ro *ReadOnly) view(ctx context.Context, do func(v *view) error) error {
	v, err := openView(ctx, ro.path)
	if err != nil {
		return explainView(ro.path, err)
	}
	err = do(v)
	return explainView(ro.path, errors.Join(err, v.close()))
}

// Audit recomputes every invariant from the rows of one snapshot.
func (ro *ReadOnly) Audit(ctx context.Context, report func(store.Finding)) (seen store.Audited, err error) {
	err = ro.view(ctx, func(v *view) (err error) {
		seen, err = auditOn(v.reader, report)
		return err
	})
	return seen, err
}

// Audit recomputes every invariant from the rows of one snapshot, on a connection of its own.
func (s *Store) Audit(ctx context.Context, report func(store.Finding)) (store.Audited, error) {
	return audit(ctx, s.path, report)
}

func audit(ctx context.Context, path string, report func(store.Finding)) (_ store.Audited, err error) {
	conn, err := connect(path, sqlite.OpenReadOnly, readerPragmas())
	if err != nil {
		return store.Audited{}, explain(path, err)
	}
	conn.SetInterrupt(ctx.Done())
	defer func() { err = errors.Join(err, conn.Close()) }()
	return auditOn(reader{path: path, conn: conn, stmts: make(map[string]*stmt)}, report)
}

func auditOn(r reader, report func(store.Finding)) (store.Audited, error) {
	a := &auditor{reader: r}
	a.report = func(check, object, format string, args ...any) {
		a.seen.Findings++
		report(store.Finding{Check: check, ID: object, Detail: fmt.Sprintf(format, args...)})
	}
	err := a.run()
	return a.seen, err
}

// auditor audits. Its memory does not grow with the file, but for a bit for each rank of one voucher (and the names of
// newcomers, who are bounded): every query goes along an index and none sorts, as what SQLite sorts here it keeps in
// memory. A test of the plans holds that.
type auditor struct {
	reader
	report func(check, object, format string, args ...any)
	seen   store.Audited
	late   map[int64]string      // customers who are not in the table customer yet, by their numbers
	sums   map[int64]ledger.Sum  // what the entries come to, by account that is not a wallet
	held   map[string]ledger.Sum // and by the wallets of a currency
}

// run makes every check, in one snapshot.
func (a *auditor) run() error {
	err := a.snapshot(func() error {
		for _, check := range []func() error{a.file, a.newcome, a.count, a.vouchers, a.campaigns, a.claims, a.ranks, a.redemptions, a.rollbacks, a.entries, a.accounts, a.zeroSum, a.seals} {
			if err := check(); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, a.err)
}

// all calls do with each row of a query.
func (a *auditor) all(query string, do func(q *stmt)) error {
	q := a.stmt(query)
	if a.err != nil {
		return a.err
	}
	return q.each(func() { do(q) })
}

func (a *auditor) file() error {
	return a.all("PRAGMA quick_check(20)", func(q *stmt) {
		if said := q.nextText(); said != "ok" {
			a.report(store.CheckFile, FileName, "%s", said)
		}
	})
}

// newcome finds the customers who have not joined the table customer.
func (a *auditor) newcome() error {
	a.newcomers, a.late = newNewcomers(0), make(map[int64]string)
	if err := a.newcomers.load(&a.reader); errors.Is(err, errNames) {
		a.report(store.CheckFile, FileName, "%s", err)
	} else if err != nil {
		return err
	}
	var failed error
	a.newcomers.each(func(name string, no int64) {
		joined, err := one(a.stmt("SELECT no FROM customer WHERE ref = ?").text(name))
		switch {
		case err != nil:
			failed = err
		case joined == 0:
			a.late[no] = name
		case joined != no:
			a.report(store.CheckFile, name, "it is customer number %d, and number %d as well", joined, no)
		}
	})
	return failed
}

func (a *auditor) count() error {
	for table, n := range map[string]*int64{
		"campaign": &a.seen.Campaigns, "voucher": &a.seen.Vouchers, "redemption": &a.seen.Redemptions,
		"rollback": &a.seen.Rollbacks, "transfer": &a.seen.Transfers,
	} {
		if err := a.all("SELECT count(*) FROM "+table, func(q *stmt) { *n = q.nextInt() }); err != nil {
			return err
		}
	}
	return nil
}

func (a *auditor) vouchers() error {
	err := a.all(`SELECT v.id, v.redeemed, count(r.id), v.max_uses
		FROM voucher v LEFT JOIN redemption r ON r.voucher_no = v.no AND r.rolled_back_at = 0
		GROUP BY v.no HAVING v.redeemed <> count(r.id) OR v.max_uses <> 0 AND count(r.id) > v.max_uses`, func(q *stmt) {
		v, counter, rows, limit := q.nextID().Format(id.Voucher), q.nextInt(), q.nextInt(), q.nextInt()
		if counter != rows {
			a.report(store.CheckCounter, v, "the counter says %d, %d redemptions stand", counter, rows)
		}
		if limit != 0 && rows > limit {
			a.report(store.CheckLimit, v, "%d redemptions stand, the limit is %d", rows, limit)
		}
	})
	if err != nil {
		return err
	}
	return a.orphans(store.CheckFile, "it belongs to nothing that is there", []orphan{
		{id.Redemption, "SELECT r.id FROM redemption r LEFT JOIN voucher v ON v.no = r.voucher_no WHERE v.no IS NULL"},
		{id.Voucher, "SELECT v.id FROM voucher v LEFT JOIN campaign c ON c.no = v.campaign_no WHERE c.no IS NULL"},
	})
}

// orphan is a query for the ids of what misses its other half.
type orphan struct{ prefix, query string }

func (a *auditor) orphans(check, detail string, queries []orphan) error {
	for _, o := range queries {
		err := a.all(o.query, func(q *stmt) { a.report(check, q.nextID().Format(o.prefix), "%s", detail) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *auditor) campaigns() error {
	return a.all(`SELECT c.id, c.redeemed, count(r.id), c.given, coalesce(sum(r.amount), 0), c.budget_amount, c.budget_count
		FROM campaign c LEFT JOIN voucher v ON v.campaign_no = c.no LEFT JOIN redemption r ON r.voucher_no = v.no AND r.rolled_back_at = 0
		GROUP BY c.no`, func(q *stmt) {
		c := q.nextID().Format(id.Campaign)
		counter, rows, given, sum, budget, budgetCount := q.nextInt(), q.nextInt(), q.nextInt(), q.nextInt(), q.nextInt(), q.nextInt()
		if counter != rows {
			a.report(store.CheckCounter, c, "the counter says %d, %d redemptions stand", counter, rows)
		}
		if given != sum {
			a.report(store.CheckCounter, c, "it says that %d is given, the redemptions that stand gave %d", given, sum)
		}
		if budget != 0 && sum > budget || budgetCount != 0 && rows > budgetCount {
			a.report(store.CheckLimit, c, "%d is given by %d redemptions, beyond the budget", sum, rows)
		}
	})
}

func (a *auditor) claims() error {
	err := a.all(`SELECT v.id, r.customer_no, count(*), v.per_customer FROM redemption r JOIN voucher v ON v.no = r.voucher_no
		WHERE r.slot > 0 GROUP BY r.voucher_no, r.customer_no HAVING count(*) > v.per_customer`, func(q *stmt) {
		v, customerNo, n, most := q.nextID().Format(id.Voucher), q.nextInt(), q.nextInt(), q.nextInt()
		a.report(store.CheckOncePerLimit, v, "%s holds %d uses of it, %d are allowed", a.customer(customerNo), n, most)
	})
	if err != nil {
		return err
	}
	return a.all("SELECT id FROM redemption WHERE (slot > 0) <> (rolled_back_at = 0) OR slot <= 0 AND slot <> -rank", func(q *stmt) {
		a.report(store.CheckOncePerLimit, q.nextID().Format(id.Redemption), "its slot and its state contradict each other")
	})
}

// redemptions holds each redemption to its ledger entry, and its receipt's customer to the one whose number it has. That is
// looked up by the name, as a customer is found by nothing else.
func (a *auditor) redemptions() error {
	const another = `(t.id IS NOT r.id OR t.kind IS NOT 1 OR t.amount IS NOT r.amount OR t.balance IS NOT r.balance
		OR (r.effect_kind = 1) <> (t.credit = 0) OR t.debit <> -v.campaign_no)`
	err := a.all("SELECT r.id, "+another+`, r.at, t.at, u.no IS NOT r.customer_no, r.customer, r.customer_no FROM redemption r
		LEFT JOIN transfer t ON t.customer_no = r.customer_no AND t.currency = r.currency AND t.seq = r.seq
		LEFT JOIN voucher v ON v.no = r.voucher_no LEFT JOIN customer u ON u.ref = r.customer
		WHERE `+another+" OR t.at IS NOT r.at OR u.no IS NOT r.customer_no", func(q *stmt) {
		r := q.nextID().Format(id.Redemption)
		missing, at, entered := q.nextBool(), q.nextTime(), q.nextTime()
		switch {
		case missing:
			a.report(store.CheckTransfer, r, "its ledger entry is missing or another one")
		case !at.Equal(entered):
			a.report(store.CheckTransfer, r, "it says %s, its ledger entry %s", at.Format(time.RFC3339Nano), entered.Format(time.RFC3339Nano))
		}
		stranger, customer, no := q.nextBool(), q.nextText(), q.nextInt()
		if late, ok := a.late[no]; stranger && (!ok || late != customer) {
			a.report(store.CheckTransfer, r, "it names %s, but is of %s", customer, a.customer(no))
		}
	})
	if err != nil {
		return err
	}
	return a.all(`SELECT t.id FROM transfer t LEFT JOIN redemption r ON r.id = t.id
		WHERE t.kind = 1 AND (r.id IS NULL OR r.seq <> t.seq OR r.customer_no <> t.customer_no)`, func(q *stmt) {
		a.report(store.CheckTransfer, q.nextID().Format(id.Transaction), "this ledger entry has no redemption")
	})
}

func (a *auditor) rollbacks() error {
	err := a.all(`SELECT b.id FROM rollback b LEFT JOIN redemption r ON r.id = b.redemption_id
		LEFT JOIN transfer t ON t.customer_no = r.customer_no AND t.currency = r.currency AND t.seq = b.seq
		LEFT JOIN voucher v ON v.no = r.voucher_no
		WHERE r.rollback_id IS NOT b.id OR r.rolled_back_at IS NOT b.at OR t.id IS NOT b.id OR t.kind IS NOT 2 OR t.amount IS NOT r.amount
			OR t.balance IS NOT b.balance OR t.at IS NOT b.at OR (r.effect_kind = 1) <> (t.debit = 0) OR t.credit <> -v.campaign_no`, func(q *stmt) {
		a.report(store.CheckTransfer, q.nextID().Format(id.Rollback), "its redemption or its ledger entry does not match")
	})
	if err != nil {
		return err
	}
	return a.orphans(store.CheckTransfer, "its rollback or its posting is missing", []orphan{
		{id.Redemption, "SELECT r.id FROM redemption r LEFT JOIN rollback b ON b.id = r.rollback_id WHERE r.rolled_back_at <> 0 AND b.id IS NULL"},
		{id.Transaction, "SELECT t.id FROM transfer t LEFT JOIN rollback b ON b.id = t.id WHERE t.kind = 2 AND b.id IS NULL"},
		{id.Transaction, "SELECT t.id FROM transfer t LEFT JOIN post p ON p.id = t.id WHERE t.kind NOT IN (1, 2) AND p.id IS NULL"},
	})
}
