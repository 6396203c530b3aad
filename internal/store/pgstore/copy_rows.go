package pgstore

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/id"
	"scrip/internal/store"
)

// col is one column of an import's rows.
func col[C ~[]E, E, R any](rows []R, of func(r R) E) C {
	column := make(C, len(rows))
	for i, r := range rows {
		column[i] = of(r)
	}
	return column
}

// asKind are records of one kind as what they are.
func asKind[R store.Record](run []store.Record) ([]R, error) {
	rows := make([]R, len(run))
	for i, r := range run {
		var ok bool
		if rows[i], ok = r.(R); !ok {
			return nil, fmt.Errorf("%s is a %T, among records of another kind", r, r)
		}
	}
	return rows, nil
}

// queueRecords queues the statement that adds records of one kind, but for those whose place, or another thing of
// which there may be one, is taken.
func queueRecords(b *pgx.Batch, run []store.Record) error {
	switch run[0].(type) {
	case *store.CampaignRecord:
		return queueAs(b, run, queueCampaignRecords)
	case *store.VoucherRecord:
		return queueAs(b, run, queueVoucherRecords)
	case *store.WalletRecord:
		return queueAs(b, run, queueWalletRecords)
	case *store.TransferRecord:
		return queueAs(b, run, queueTransferRecords)
	case *store.AccountRecord:
		return queueAs(b, run, queueAccountRecords)
	case *store.RedemptionRecord:
		return queueAs(b, run, queueRedemptionRecords)
	case *store.RollbackRecord:
		return queueAs(b, run, queueRollbackRecords)
	case *store.PostRecord:
		return queueAs(b, run, queuePostRecords)
	case *store.KeyRecord:
		return queueAs(b, run, queueKeyRecords)
	case *store.AccessKeyRecord:
		return queueAs(b, run, queueAccessKeyRecords)
	case *store.EventRecord:
		return queueAs(b, run, queueEventRecords)
	case *store.SealRecord:
		return queueAs(b, run, queueSealRecords)
	case *store.UnsealedRecord:
		return queueAs(b, run, queueUnsealedRecords)
	default:
		return fmt.Errorf("no such record: %T", run[0])
	}
}

func queueAs[R store.Record](b *pgx.Batch, run []store.Record, queue func(*pgx.Batch, []R) error) error {
	rows, err := asKind[R](run)
	if err != nil {
		return err
	}
	return queue(b, rows)
}

func queueCampaignRecords(b *pgx.Batch, rows []*store.CampaignRecord) error {
	type r = *store.CampaignRecord
	b.Queue(`INSERT INTO campaign (id, name, currency, effect_kind, effect_amount, effect_percent_bp, effect_max, starts_at, ends_at,
			budget_amount, budget_count, budget_per_customer, disabled, given, redeemed, version, created_at, updated_at)
		SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::smallint[], $5::bigint[], $6::bigint[], $7::bigint[],
			$8::timestamptz[], $9::timestamptz[], $10::bigint[], $11::bigint[], $12::bigint[], $13::boolean[],
			$14::bigint[], $15::bigint[], $16::bigint[], $17::timestamptz[], $18::timestamptz[]) ON CONFLICT DO NOTHING`,
		col[uids](rows, func(c r) id.ID { return c.ID }), col[texts](rows, func(c r) string { return c.Name }),
		col[texts](rows, func(c r) string { return string(c.Currency) }), col[smallints](rows, func(c r) int16 { return int16(c.Effect.Kind) }),
		col[bigints](rows, func(c r) int64 { return c.Effect.AmountMinor }), col[bigints](rows, func(c r) int64 { return c.Effect.PercentBP }),
		col[bigints](rows, func(c r) int64 { return c.Effect.MaxMinor }),
		col[instants](rows, func(c r) time.Time { return c.Window.Start }), col[instants](rows, func(c r) time.Time { return c.Window.End }),
		col[bigints](rows, func(c r) int64 { return c.Budget.AmountMinor }), col[bigints](rows, func(c r) int64 { return c.Budget.Count }),
		col[bigints](rows, func(c r) int64 { return c.Budget.PerCustomer }), col[[]bool](rows, func(c r) bool { return c.Disabled }),
		col[bigints](rows, func(c r) int64 { return c.GivenMinor }), col[bigints](rows, func(c r) int64 { return c.Redeemed }),
		col[bigints](rows, func(c r) int64 { return c.Version }),
		col[instants](rows, func(c r) time.Time { return c.CreatedAt }), col[instants](rows, func(c r) time.Time { return c.UpdatedAt }))
	return nil
}

func queueVoucherRecords(b *pgx.Batch, rows []*store.VoucherRecord) error {
	type r = *store.VoucherRecord
	b.Queue(`INSERT INTO voucher (id, campaign_id, code, code_key, max_uses, per_customer, customer, disabled, redeemed, ranked,
			version, created_at, updated_at)
		SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::boolean[],
			$9::bigint[], $10::bigint[], $11::bigint[], $12::timestamptz[], $13::timestamptz[]) ON CONFLICT DO NOTHING`,
		col[uids](rows, func(v r) id.ID { return v.ID }), col[uids](rows, func(v r) id.ID { return v.CampaignID }),
		col[texts](rows, func(v r) string { return v.Code }), col[texts](rows, func(v r) string { return v.Key }),
		col[bigints](rows, func(v r) int64 { return v.Limit }), col[bigints](rows, func(v r) int64 { return v.PerCustomer }),
		col[texts](rows, func(v r) string { return v.Customer }), col[[]bool](rows, func(v r) bool { return v.Disabled }),
		col[bigints](rows, func(v r) int64 { return v.Redeemed }), col[bigints](rows, func(v r) int64 { return v.Ranked }),
		col[bigints](rows, func(v r) int64 { return v.Version }),
		col[instants](rows, func(v r) time.Time { return v.CreatedAt }), col[instants](rows, func(v r) time.Time { return v.UpdatedAt }))
	return nil
}

func queueWalletRecords(b *pgx.Batch, rows []*store.WalletRecord) error {
	type r = *store.WalletRecord
	b.Queue(addWalletsQuery+onceOnly,
		col[texts](rows, func(w r) string { return w.Customer }), col[texts](rows, func(w r) string { return string(w.Currency) }),
		col[bigints](rows, func(w r) int64 { return w.BalanceMinor }), col[bigints](rows, func(w r) int64 { return w.Seq }))
	return nil
}

// onceOnly leaves what is there as it is.
const onceOnly = " ON CONFLICT DO NOTHING"

func queueTransferRecords(b *pgx.Batch, rows []*store.TransferRecord) error {
	type r = *store.TransferRecord
	funders := make(uids, len(rows))
	for i, t := range rows {
		var err error
		if funders[i], err = funderOf(t); err != nil {
			return err
		}
	}
	b.Queue(`INSERT INTO transfer (customer, currency, seq, id, kind, debit_kind, credit_kind, campaign_id, amount, balance, at, queued)
		SELECT u.*, true FROM unnest($1::text[], $2::text[], $3::bigint[], $4::uuid[], $5::smallint[], $6::smallint[], $7::smallint[],
			$8::uuid[], $9::bigint[], $10::bigint[], $11::timestamptz[]) u ON CONFLICT DO NOTHING`,
		col[texts](rows, func(t r) string { return t.Customer }), col[texts](rows, func(t r) string { return string(t.Currency) }),
		col[bigints](rows, func(t r) int64 { return t.Seq }), col[uids](rows, func(t r) id.ID { return t.ID }),
		col[smallints](rows, func(t r) int16 { return int16(t.Kind) }),
		col[smallints](rows, func(t r) int16 { return int16(t.Debit.Kind) }), col[smallints](rows, func(t r) int16 { return int16(t.Credit.Kind) }),
		funders, col[bigints](rows, func(t r) int64 { return t.Amount }), col[bigints](rows, func(t r) int64 { return t.Balance }),
		col[instants](rows, func(t r) time.Time { return t.At }))
	return nil
}

func queueAccountRecords(b *pgx.Batch, rows []*store.AccountRecord) error {
	type r = *store.AccountRecord
	b.Queue(`INSERT INTO account (kind, currency, balance)
		SELECT u.kind, u.currency, u.balance::numeric FROM unnest($1::smallint[], $2::text[], $3::text[]) u(kind, currency, balance)
		ON CONFLICT DO NOTHING`,
		col[smallints](rows, func(a r) int16 { return int16(a.Kind) }), col[texts](rows, func(a r) string { return string(a.Currency) }),
		col[texts](rows, func(a r) string { return a.Balance.String() }))
	return nil
}

// queueRedemptionRecords gives each its slot among its customer's uses of the voucher. Slots need only tell standing
// uses apart and grow with the rank; the one use of a voucher that allows no more has the slot that any other
// would want.
func queueRedemptionRecords(b *pgx.Batch, rows []*store.RedemptionRecord) error {
	type r = *store.RedemptionRecord
	b.Queue(`INSERT INTO redemption (customer, voucher_id, slot, id, campaign_id, rank, max_uses, effect_kind, amount,
			currency, order_id, order_amount, balance, seq, idempotency, at, rolled_back_at, rollback_id)
		SELECT u.customer, u.voucher_id,
			CASE WHEN u.rolled_back_at IS NOT NULL THEN -u.rank WHEN v.per_customer = 1 THEN 1 ELSE u.rank END,
			u.id, u.campaign_id, u.rank, u.max_uses, u.effect_kind, u.amount, u.currency, u.order_id, u.order_amount,
			u.balance, u.seq, u.idempotency, u.at, u.rolled_back_at, u.rollback_id
		FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::smallint[], $8::bigint[],
				$9::text[], $10::text[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], $15::timestamptz[],
				$16::timestamptz[], $17::uuid[])
			u(customer, voucher_id, id, campaign_id, rank, max_uses, effect_kind, amount, currency, order_id, order_amount,
				balance, seq, idempotency, at, rolled_back_at, rollback_id)
		LEFT JOIN voucher v ON v.id = u.voucher_id
		ON CONFLICT DO NOTHING`,
		col[texts](rows, func(e r) string { return e.Customer }), col[uids](rows, func(e r) id.ID { return e.VoucherID }),
		col[uids](rows, func(e r) id.ID { return e.ID }), col[uids](rows, func(e r) id.ID { return e.CampaignID }),
		col[bigints](rows, func(e r) int64 { return e.Rank }), col[bigints](rows, func(e r) int64 { return e.Limit }),
		col[smallints](rows, func(e r) int16 { return int16(e.Effect) }), col[bigints](rows, func(e r) int64 { return e.AmountMinor }),
		col[texts](rows, func(e r) string { return string(e.Currency) }), col[texts](rows, func(e r) string { return e.Order.ID }),
		col[bigints](rows, func(e r) int64 { return e.Order.AmountMinor }), col[bigints](rows, func(e r) int64 { return e.BalanceMinor }),
		col[bigints](rows, func(e r) int64 { return e.Seq }), col[texts](rows, func(e r) string { return e.Key }),
		col[instants](rows, func(e r) time.Time { return e.At }), col[instants](rows, func(e r) time.Time { return e.RolledBackAt }),
		col[uids](rows, func(e r) id.ID { return e.RollbackID }))
	return nil
}

func queueRollbackRecords(b *pgx.Batch, rows []*store.RollbackRecord) error {
	type r = *store.RollbackRecord
	b.Queue(addRollbacksQuery+onceOnly,
		col[texts](rows, func(e r) string { return e.Customer }), col[uids](rows, func(e r) id.ID { return e.RedemptionID }),
		col[uids](rows, func(e r) id.ID { return e.ID }), col[bigints](rows, func(e r) int64 { return e.Seq }),
		col[bigints](rows, func(e r) int64 { return e.BalanceMinor }), col[texts](rows, func(e r) string { return e.Reason }),
		col[texts](rows, func(e r) string { return e.Key }), col[instants](rows, func(e r) time.Time { return e.At }))
	return nil
}

func queuePostRecords(b *pgx.Batch, rows []*store.PostRecord) error {
	type r = *store.PostRecord
	b.Queue(addPostsQuery+onceOnly,
		col[texts](rows, func(p r) string { return p.Customer }), col[uids](rows, func(p r) id.ID { return p.ID }),
		col[smallints](rows, func(p r) int16 { return int16(p.Kind) }), col[texts](rows, func(p r) string { return string(p.Currency) }),
		col[bigints](rows, func(p r) int64 { return p.Seq }), col[texts](rows, func(p r) string { return p.To }),
		col[bigints](rows, func(p r) int64 { return p.ToSeq }))
	return nil
}

// queueKeyRecords gives a creation's key, which has no id of its own, the id of all zeros: nobody asks for it.
func queueKeyRecords(b *pgx.Batch, rows []*store.KeyRecord) error {
	type r = *store.KeyRecord
	b.Queue(`INSERT INTO idempotency (customer, key, kind, id, fingerprint, snapshot)
		SELECT u.customer, u.key, u.kind, coalesce(u.id, '00000000-0000-0000-0000-000000000000'), u.fingerprint, u.snapshot
		FROM unnest($1::text[], $2::text[], $3::smallint[], $4::uuid[], $5::bytea[], $6::text[]) u(customer, key, kind, id, fingerprint, snapshot)
		ON CONFLICT DO NOTHING`,
		col[texts](rows, func(k r) string { return k.Customer }), col[texts](rows, func(k r) string { return k.Key }),
		col[smallints](rows, func(k r) int16 { return int16(k.Kind) }), col[uids](rows, func(k r) id.ID { return k.ID }),
		col[fingerprints](rows, func(k r) store.Fingerprint { return k.Fingerprint }), col[texts](rows, func(k r) string { return k.Snapshot }))
	return nil
}

func queueAccessKeyRecords(b *pgx.Batch, rows []*store.AccessKeyRecord) error {
	type r = *store.AccessKeyRecord
	b.Queue(`INSERT INTO api_key (id, name, kind, scopes, hash, tail, rate_per_second, burst, replaces, created_at, expires_at, revoked_at,
			last_used_at)
		SELECT * FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::integer[], $5::bytea[], $6::text[], $7::bigint[], $8::bigint[],
			$9::uuid[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[]) ON CONFLICT DO NOTHING`,
		col[uids](rows, func(k r) id.ID { return k.ID }), col[texts](rows, func(k r) string { return k.Name }),
		col[smallints](rows, func(k r) int16 { return int16(k.Kind) }), col[[]int32](rows, func(k r) int32 { return int32(k.Scopes) }),
		col[[][]byte](rows, func(k r) []byte { return k.Hash[:] }), col[texts](rows, func(k r) string { return k.Tail }),
		col[bigints](rows, func(k r) int64 { return k.RatePerSecond }), col[bigints](rows, func(k r) int64 { return k.Burst }),
		col[uids](rows, func(k r) id.ID { return k.Replaces }), col[instants](rows, func(k r) time.Time { return k.CreatedAt }),
		col[instants](rows, func(k r) time.Time { return k.ExpiresAt }), col[instants](rows, func(k r) time.Time { return k.RevokedAt }),
		col[instants](rows, func(k r) time.Time { return k.LastUsedAt }))
	return nil
}

func queueEventRecords(b *pgx.Batch, rows []*store.EventRecord) error {
	events := make([]*store.Event, len(rows))
	for i, r := range rows {
		events[i] = (*store.Event)(r)
	}
	queueEventsBy(b, addEventsQuery+onceOnly, events)
	return nil
}

// textsOf are all texts of a record that the database keeps as text.
func textsOf(r store.Record) []string {
	switch r := r.(type) {
	case *store.CampaignRecord:
		return []string{r.Name, string(r.Currency)}
	case *store.VoucherRecord:
		return []string{r.Code, r.Key, r.Customer}
	case *store.WalletRecord:
		return []string{r.Customer, string(r.Currency)}
	case *store.TransferRecord:
		return []string{r.Customer, string(r.Currency)}
	case *store.AccountRecord:
		return []string{string(r.Currency)}
	case *store.RedemptionRecord:
		return []string{r.Customer, string(r.Currency), r.Order.ID, r.Key}
	case *store.RollbackRecord:
		return []string{r.Customer, r.Reason, r.Key}
	case *store.PostRecord:
		return []string{r.Customer, string(r.Currency), r.To}
	case *store.KeyRecord:
		return []string{r.Customer, r.Key, r.Snapshot}
	case *store.AccessKeyRecord:
		return []string{r.Name, r.Tail}
	case *store.EventRecord:
		return []string{r.By.Name, r.By.RequestID, r.Action, r.Object, r.Before, r.After}
	default:
		return nil
	}
}
