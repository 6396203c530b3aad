package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"scrip/internal/store"
	"scrip/internal/voucher"
)

const beginQuery = "BEGIN ISOLATION LEVEL READ COMMITTED"

// The locks. Each statement takes its rows in the order of their ids, and returns them as they are once it
// has them all.
const (
	lockCampaignsQuery = "SELECT" + campaignColumns + `FROM campaign c WHERE c.id = ANY (ARRAY(
			SELECT v.campaign_id FROM voucher v WHERE v.code_key = ANY ($1::text[])
			UNION SELECT r.campaign_id FROM redemption r WHERE r.id = ANY ($2::uuid[])))
		ORDER BY c.id FOR NO KEY UPDATE`
	lockVouchersQuery = "SELECT" + voucherColumns + `FROM voucher v WHERE v.id = ANY (ARRAY(
			SELECT o.id FROM voucher o WHERE o.code_key = ANY ($1::text[])
			UNION SELECT r.voucher_id FROM redemption r WHERE r.id = ANY ($2::uuid[])))
		ORDER BY v.id FOR NO KEY UPDATE`
)

// The reads, each of which sees what the holders of those locks have committed. LATERAL … OFFSET 0 keeps the
// planner from turning a join round, from what was asked for to all that there is: with old statistics of
// a table that a crowd is filling, it would.
const (
	// The first of each customer's standing uses of a voucher, $3 of them, each with the number of all and
	// the highest slot, which are counted only where there is one. Slots are given in the order of rank.
	usesQuery = "SELECT (SELECT count(*) FROM redemption o WHERE" + usesOfHolder + `),
			(SELECT max(o.slot) FROM redemption o WHERE` + usesOfHolder + ")," + redemptionColumns + `
		FROM unnest($1::text[], $2::text[]) u(customer, code)
		CROSS JOIN LATERAL (SELECT v.id, v.code FROM voucher v WHERE v.code_key = u.code OFFSET 0) v
		CROSS JOIN LATERAL (SELECT u.customer, v.id AS voucher_id) h
		CROSS JOIN LATERAL (SELECT * FROM redemption o WHERE` + usesOfHolder + `
			ORDER BY o.customer, o.voucher_id, o.slot LIMIT $3) r`
	// A range of the primary key and of nothing else: with three equalities, a planner without statistics is
	// as glad to go through all redemptions of the voucher.
	usesOfHolder = ` (o.customer, o.voucher_id, o.slot) > (h.customer, h.voucher_id, 0)
		AND (o.customer, o.voucher_id, o.slot) <= (h.customer, h.voucher_id, 9223372036854775807)`
	// How many uses a customer has of all vouchers of a campaign that limits that. Where no campaign of the
	// batch ($3) does, nothing is looked up. A customer's rows lie together in the primary key; IS NOT
	// DISTINCT FROM keeps the planner from going through all of the campaign instead.
	usesOfCampaignQuery = `SELECT DISTINCT u.customer, v.campaign_id, (
			SELECT count(*) FROM redemption r
			WHERE r.customer = u.customer AND r.campaign_id IS NOT DISTINCT FROM v.campaign_id AND r.slot > 0)
		FROM unnest($1::text[], $2::text[]) u(customer, code)
		CROSS JOIN LATERAL (SELECT v.campaign_id FROM voucher v WHERE v.code_key = u.code OFFSET 0) v
		JOIN campaign c ON c.id = v.campaign_id AND c.budget_per_customer <> 0
		WHERE (SELECT EXISTS (SELECT FROM voucher o JOIN campaign oc ON oc.id = o.campaign_id
			WHERE o.code_key = ANY ($3::text[]) AND oc.budget_per_customer <> 0))`
	walletsQuery = `SELECT w.customer, w.currency, w.balance, w.seq FROM wallet w WHERE w.customer = ANY ($1::text[]
		|| ARRAY(SELECT r.customer FROM redemption r WHERE r.id = ANY ($2::uuid[])))`
	lockWalletsQuery = walletsQuery + " ORDER BY w.customer, w.currency FOR NO KEY UPDATE"
	keysQuery        = `SELECT i.customer, i.key, i.kind, i.id, i.fingerprint
			FROM unnest($1::text[], $2::text[]) u(customer, key)
			CROSS JOIN LATERAL (SELECT * FROM idempotency i WHERE i.customer = u.customer AND i.key = u.key OFFSET 0) i
		UNION ALL SELECT i.customer, i.key, i.kind, i.id, i.fingerprint
			FROM unnest($3::uuid[], $4::text[]) u(redemption, key)
			CROSS JOIN LATERAL (SELECT r.customer FROM redemption r WHERE r.id = u.redemption OFFSET 0) r
			CROSS JOIN LATERAL (SELECT * FROM idempotency i WHERE i.customer = r.customer AND i.key = u.key OFFSET 0) i`
	redemptionsQuery = "SELECT" + redemptionColumns + redemptionFrom + "WHERE r.id = ANY ($1::uuid[])"
	rollbacksQuery   = `SELECT b.id, b.redemption_id, b.customer, b.seq, b.balance, b.reason, b.idempotency, b.at
		FROM rollback b WHERE b.id = ANY ($1::uuid[])`
	postsQuery = "SELECT" + transferColumns + `FROM unnest($1::text[], $2::uuid[]) u(customer, id)
		CROSS JOIN LATERAL (SELECT * FROM post p WHERE p.customer = u.customer AND p.id = u.id OFFSET 0) p
		CROSS JOIN LATERAL (SELECT * FROM transfer t
			WHERE t.customer = p.customer AND t.currency = p.currency AND t.seq = p.seq OFFSET 0) t`
)

// load begins the batch's transaction, takes its locks and reads what it wants. Statements that no command
// needs are left out.
func (s *Store) load(ctx context.Context, conn *pgxpool.Conn, want *wanted, lockWallets bool) (*working, error) {
	w := newWorking(len(want.customers))
	b := &pgx.Batch{}
	b.Queue(beginQuery)
	if len(want.codes)+len(want.targets) > 0 {
		each(b.Queue(lockCampaignsQuery, want.codes, want.targets), scanCampaign, w.addCampaign)
		each(b.Queue(lockVouchersQuery, want.codes, want.targets), scanVoucher, w.addVoucher)
	}
	var clock time.Time
	b.Queue(momentQuery).QueryRow(func(row pgx.Row) error { return row.Scan(&clock, &w.standbys) })
	atOnce := len(want.uses.of) <= usesAtOnce
	if atOnce {
		readUses(b, w, want)
	}
	wallets := walletsQuery
	if lockWallets {
		wallets = lockWalletsQuery
	}
	each(b.Queue(wallets, want.customers, want.targets), scanPurse, w.addPurse)
	if len(want.keys.of)+len(want.backKeys) > 0 {
		each(b.Queue(keysQuery, want.keys.customers, want.keys.of, want.backs, want.backKeys), scanKey, w.addKey)
	}
	readEffects(b, w, append(want.redemptions, want.targets...), want.rollbacks, want.posters, want.posts)
	if err := s.trip(ctx, conn, b); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	w.now = s.now(clock)
	b = &pgx.Batch{}
	if !atOnce {
		want.uses = w.returning(want.uses)
		readUses(b, w, want)
	}
	readReplayed(b, w)
	if b.Len() > 0 {
		if err := s.trip(ctx, conn, b); err != nil {
			return nil, fmt.Errorf("load what was there before: %w", err)
		}
	}
	return w, nil
}

// usesAtOnce is how many uses are looked for in the first round trip. For more it pays to know first who has a
// wallet: most of a crowd has none yet, and then has used nothing either.
const usesAtOnce = 64

// returning are those uses whose customer has a wallet in the campaign's currency. Without one there is no
// ledger entry of the campaign's there, and so no redemption.
func (w *working) returning(uses pairs) (those pairs) {
	for i, customer := range uses.customers {
		h, known := w.codes[uses.of[i]]
		if !known || h.campaign == nil {
			continue
		}
		if _, has := w.purses[store.WalletRef{Customer: customer, Currency: h.campaign.c.Currency}]; has {
			those.add(customer, uses.of[i])
		}
	}
	return those
}

// readUses queues the reading of what customers hold of the vouchers that they use.
func readUses(b *pgx.Batch, w *working, want *wanted) {
	if len(want.uses.of) == 0 {
		return
	}
	// A batch can take away as many first uses as it rolls back, and no more.
	each(b.Queue(usesQuery, want.uses.customers, want.uses.of, len(want.targets)+1), scanUse, w.addUse)
	each(b.Queue(usesOfCampaignQuery, want.uses.customers, want.uses.of, want.codes), scanUses, w.addUses)
}

// readReplayed queues the reading of the effects that keys of this batch have caused before.
func readReplayed(b *pgx.Batch, w *working) {
	var redemptions, rollbacks, posts uids
	var posters texts
	for k, used := range w.keys {
		switch used.kind {
		case kindRedeem:
			redemptions = append(redemptions, used.effect)
		case kindRollback:
			rollbacks = append(rollbacks, used.effect)
		case kindPost:
			posters, posts = append(posters, k.customer), append(posts, used.effect)
		}
	}
	for _, r := range w.rollbacks {
		if _, here := w.redemptions[r.RedemptionID]; !here {
			redemptions = append(redemptions, r.RedemptionID)
		}
	}
	readEffects(b, w, redemptions, rollbacks, posters, posts)
	if len(rollbacks) > 0 {
		each(b.Queue(redemptionsOfRollbacksQuery, rollbacks), scanRedemption, w.addRedemption)
	}
}

const redemptionsOfRollbacksQuery = "SELECT" + redemptionColumns + redemptionFrom +
	"WHERE r.id = ANY (ARRAY(SELECT b.redemption_id FROM rollback b WHERE b.id = ANY ($1::uuid[])))"

// readEffects queues the reading of effects by their ids.
func readEffects(b *pgx.Batch, w *working, redemptions, rollbacks uids, posters texts, posts uids) {
	if len(redemptions) > 0 {
		each(b.Queue(redemptionsQuery, redemptions), scanRedemption, w.addRedemption)
	}
	if len(rollbacks) > 0 {
		each(b.Queue(rollbacksQuery, rollbacks), scanRollback, w.addRollback)
	}
	if len(posts) > 0 {
		each(b.Queue(postsQuery, posters, posts), scanTransfer, w.addPost)
	}
}

// trip sends a pipeline and reads all its answers.
func (s *Store) trip(ctx context.Context, conn *pgxpool.Conn, b *pgx.Batch) error {
	ctx, cancel := context.WithTimeout(ctx, s.tripMax())
	defer cancel()
	return conn.SendBatch(ctx, b).Close()
}

// each calls do with every row of a queued query.
func each[T any](q *pgx.QueuedQuery, scan func(pgx.CollectableRow) (T, error), do func(T)) {
	q.Query(func(rows pgx.Rows) error {
		for rows.Next() {
			v, err := scan(rows)
			if err != nil {
				return err
			}
			do(v)
		}
		return rows.Err()
	})
}

// use is one standing redemption, beside how many its customer has of that voucher.
type use struct {
	standing, highest int64
	first             voucher.Redemption
}

func scanUse(row pgx.CollectableRow) (u use, err error) {
	err = row.Scan(append([]any{&u.standing, &u.highest}, redemptionTargets(&u.first)...)...)
	completeOrder(&u.first)
	return u, err
}

// uses is how many standing redemptions a customer has of a campaign.
type uses struct {
	holder
	count int64
}

func scanUses(row pgx.CollectableRow) (u uses, err error) {
	err = row.Scan(&u.customer, (*uid)(&u.of), &u.count)
	return u, err
}

func scanPurse(row pgx.CollectableRow) (*purse, error) {
	p := &purse{stored: true}
	return p, row.Scan(&p.Customer, (*string)(&p.Currency), &p.balance, &p.seq)
}

func scanKey(row pgx.CollectableRow) (k keyed, err error) {
	var fingerprint []byte
	err = row.Scan(&k.customer, &k.key, &k.kind, (*uid)(&k.effect), &fingerprint)
	if err == nil && copy(k.fingerprint[:], fingerprint) != len(k.fingerprint) {
		err = fmt.Errorf("the fingerprint of an Idempotency-Key has %d bytes", len(fingerprint))
	}
	return k, err
}

func scanRollback(row pgx.CollectableRow) (*voucher.Rollback, error) {
	b := &voucher.Rollback{}
	return b, row.Scan((*uid)(&b.ID), (*uid)(&b.RedemptionID), &b.Customer, &b.Seq, &b.BalanceMinor, &b.Reason, &b.Key, (*instant)(&b.At))
}
