package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"scrip/internal/id"
	"scrip/internal/store"
)

// Audit recomputes every invariant from the rows of one snapshot.
//
// The database does the work, check by check, and only what is wrong comes back, row by row: an audit takes
// no memory here, however much it reads or finds. There the sums and the joins of large tables go through
// temporary files. The snapshot holds no lock; while it lasts, the server can't remove old versions of
// rows, so that a large audit belongs into a quiet hour.
//
// CheckFile is what PostgreSQL tells anybody about its own files (audit_file.go). It looks into the indexes
// themselves only where its extension amcheck is there and may be used; otherwise their pages are
// PostgreSQL's own business, as are the checksums of all pages.
func (s *Store) Audit(ctx context.Context, report func(store.Finding)) (store.Audited, error) {
	conn, err := s.readers.Acquire(ctx)
	if err != nil {
		return store.Audited{}, fmt.Errorf("audit: %w", unavailable(ctx, err))
	}
	defer conn.Release()
	a := &auditor{}
	a.report = func(check, object, format string, args ...any) {
		a.seen.Findings++
		report(store.Finding{Check: check, ID: object, Detail: fmt.Sprintf(format, args...)})
	}
	err = a.indexes(ctx, conn)
	if err == nil {
		err = a.rows(ctx, conn)
	}
	if err != nil {
		return a.seen, fmt.Errorf("audit: %w", unavailable(ctx, err))
	}
	return a.seen, nil
}

type auditor struct {
	tx     pgx.Tx
	report func(check, object, format string, args ...any)
	seen   store.Audited
}

// rows runs the checks of the rows, all in one snapshot.
func (a *auditor) rows(ctx context.Context, conn *pgxpool.Conn) error {
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, conn, snapshot, func(tx pgx.Tx) error {
		a.tx = tx
		if _, err := tx.Exec(ctx, auditSettings); err != nil {
			return err
		}
		for _, check := range []func(context.Context) error{
			a.schema, a.count, a.vouchers, a.campaigns, a.orphans, a.claims, a.ranks, a.redemptions, a.rollbacks, a.posts,
			a.sequence, a.wallets, a.funding, a.accounts, a.zeroSum, a.seals,
		} {
			if err := check(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// auditSettings hold for the audit's transaction. It takes as long as it takes, and ends with ctx; whoever is
// told of a finding may take their time. It reads whole tables, unlike all else (planByKeys).
const auditSettings = `SELECT set_config(name, value, true) FROM (VALUES
	('statement_timeout', '0'), ('idle_in_transaction_session_timeout', '0'), ('plan_cache_mode', 'auto'),
	('enable_seqscan', 'on'), ('enable_hashjoin', 'on'), ('enable_mergejoin', 'on')) AS s (name, value)`

// each calls found with every row of a query, after it was read into the targets.
func (a *auditor) each(ctx context.Context, query string, targets []any, found func()) error {
	rows, err := a.tx.Query(ctx, query)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, targets, func() error {
		found()
		return nil
	})
	return err
}

func (a *auditor) count(ctx context.Context) error {
	s := &a.seen
	return a.each(ctx, `SELECT (SELECT count(*) FROM campaign), (SELECT count(*) FROM voucher), (SELECT count(*) FROM redemption),
			(SELECT count(*) FROM rollback), (SELECT count(*) FROM wallet), (SELECT count(*) FROM transfer)`,
		[]any{&s.Campaigns, &s.Vouchers, &s.Redemptions, &s.Rollbacks, &s.Wallets, &s.Transfers}, func() {})
}

func (a *auditor) vouchers(ctx context.Context) error {
	var v id.ID
	var counter, rows, limit int64
	return a.each(ctx, `SELECT v.id, v.redeemed, coalesce(r.n, 0), v.max_uses
		FROM voucher v LEFT JOIN (SELECT voucher_id, count(*) AS n FROM redemption WHERE rolled_back_at IS NULL GROUP BY voucher_id) r
			ON r.voucher_id = v.id
		WHERE v.redeemed <> coalesce(r.n, 0) OR v.max_uses <> 0 AND coalesce(r.n, 0) > v.max_uses`,
		[]any{(*uid)(&v), &counter, &rows, &limit}, func() {
			if counter != rows {
				a.report(store.CheckCounter, v.Format(id.Voucher), "the counter says %d, %d redemptions stand", counter, rows)
			}
			if limit != 0 && rows > limit {
				a.report(store.CheckLimit, v.Format(id.Voucher), "%d redemptions stand, the limit is %d", rows, limit)
			}
		})
}

func (a *auditor) campaigns(ctx context.Context) error {
	var c id.ID
	var counter, rows, given, budgetCount int64
	var sum string
	var overspent bool
	return a.each(ctx, `SELECT c.id, c.redeemed, coalesce(r.n, 0), c.given, coalesce(r.given, 0)::text, c.budget_count,
			c.budget_amount <> 0 AND coalesce(r.given, 0) > c.budget_amount
		FROM campaign c LEFT JOIN (SELECT campaign_id, count(*) AS n, sum(amount) AS given FROM redemption
			WHERE rolled_back_at IS NULL GROUP BY campaign_id) r ON r.campaign_id = c.id
		WHERE c.redeemed <> coalesce(r.n, 0) OR c.given <> coalesce(r.given, 0)
			OR c.budget_amount <> 0 AND coalesce(r.given, 0) > c.budget_amount OR c.budget_count <> 0 AND coalesce(r.n, 0) > c.budget_count`,
		[]any{(*uid)(&c), &counter, &rows, &given, &sum, &budgetCount, &overspent}, func() {
			name := c.Format(id.Campaign)
			if counter != rows {
				a.report(store.CheckCounter, name, "the counter says %d, %d redemptions stand", counter, rows)
			}
			if sum != strconv.FormatInt(given, 10) {
				a.report(store.CheckCounter, name, "it says that %d is given, the redemptions that stand gave %s", given, sum)
			}
			if overspent || budgetCount != 0 && rows > budgetCount {
				a.report(store.CheckLimit, name, "%s is given by %d redemptions, beyond the budget", sum, rows)
			}
		})
}

// halfQuery is a query for the ids of what misses its other half.
type halfQuery struct{ prefix, query string }

func (a *auditor) missing(ctx context.Context, check, detail string, queries ...halfQuery) error {
	var errs []error
	for _, q := range queries {
		var object id.ID
		errs = append(errs, a.each(ctx, q.query, []any{(*uid)(&object)}, func() {
			a.report(check, object.Format(q.prefix), "%s", detail)
		}))
	}
	return errors.Join(errs...)
}

func (a *auditor) orphans(ctx context.Context) error {
	return a.missing(ctx, store.CheckFile, "it belongs to nothing that is there, or to two things that do not belong together",
		halfQuery{id.Redemption, `SELECT r.id FROM redemption r LEFT JOIN voucher v ON v.id = r.voucher_id
			WHERE v.campaign_id IS DISTINCT FROM r.campaign_id`},
		halfQuery{id.Voucher, "SELECT v.id FROM voucher v LEFT JOIN campaign c ON c.id = v.campaign_id WHERE c.id IS NULL"})
}

func (a *auditor) claims(ctx context.Context) error {
	var v id.ID
	var customer string
	var n, most int64
	err := a.each(ctx, `SELECT r.voucher_id, r.customer, r.n, v.per_customer
		FROM (SELECT customer, voucher_id, count(*) AS n FROM redemption WHERE slot > 0 GROUP BY customer, voucher_id) r
		JOIN voucher v ON v.id = r.voucher_id WHERE r.n > v.per_customer`,
		[]any{(*uid)(&v), &customer, &n, &most}, func() {
			a.report(store.CheckOncePerLimit, v.Format(id.Voucher), "%s holds %d uses of it, %d are allowed", customer, n, most)
		})
	if err != nil {
		return err
	}
	return a.missing(ctx, store.CheckOncePerLimit, "its slot and its state contradict each other", halfQuery{
		id.Redemption, "SELECT id FROM redemption WHERE (slot > 0) <> (rolled_back_at IS NULL) OR slot <= 0 AND slot <> -rank",
	})
}

func (a *auditor) ranks(ctx context.Context) error {
	var v id.ID
	var ranked, n, distinct, lowest, highest int64
	return a.each(ctx, `SELECT v.id, v.ranked, coalesce(r.n, 0), coalesce(r.different, 0), coalesce(r.lowest, 1), coalesce(r.highest, 0)
		FROM voucher v LEFT JOIN (SELECT voucher_id, count(*) AS n, count(DISTINCT rank) AS different,
			min(rank) AS lowest, max(rank) AS highest FROM redemption GROUP BY voucher_id) r ON r.voucher_id = v.id
		WHERE v.ranked <> coalesce(r.n, 0) OR v.ranked <> coalesce(r.different, 0)
			OR coalesce(r.lowest, 1) <> 1 OR coalesce(r.highest, 0) <> v.ranked`,
		[]any{(*uid)(&v), &ranked, &n, &distinct, &lowest, &highest}, func() {
			a.report(store.CheckRank, v.Format(id.Voucher), "%d ranks are given out, but %d redemptions have %d different ranks, from %d to %d",
				ranked, n, distinct, lowest, highest)
		})
}
