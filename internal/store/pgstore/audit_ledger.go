package pgstore

import (
	"context"
	"fmt"
	"strconv"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
)

// The numbers in these queries are those of package ledger, which are stored and never renumbered. Kinds of
// entry: 1 redemption, 2 rollback, 3 credit, 4 debit, 5 transfer out, 6 transfer in. Kinds of account:
// 1 wallet, 2 funding, 3 merchant, 6 clearing. Kind of effect: 1 credit, 2 discount.
//
// Joins of what a customer owns name the customer on both sides, so that a distributed database joins on
// each of its nodes. Sums are numeric: they stay exact beyond 64 bits.

const noEntry = "its ledger entry is missing or another one"

func (a *auditor) redemptions(ctx context.Context) error {
	err := a.missing(ctx, store.CheckTransfer, noEntry, halfQuery{id.Redemption, `SELECT r.id FROM redemption r LEFT JOIN transfer t
			ON t.customer = r.customer AND t.currency = r.currency AND t.seq = r.seq
		WHERE t.id IS DISTINCT FROM r.id OR t.kind <> 1 OR t.amount <> r.amount OR t.balance <> r.balance
			OR t.debit_kind <> 2 OR t.credit_kind <> CASE r.effect_kind WHEN 1 THEN 1 ELSE 3 END
			OR t.campaign_id IS DISTINCT FROM r.campaign_id OR t.at <> r.at`})
	if err != nil {
		return err
	}
	return a.missing(ctx, store.CheckTransfer, "this ledger entry has no redemption", halfQuery{id.Transaction, `SELECT t.id FROM transfer t
		LEFT JOIN redemption r ON r.customer = t.customer AND r.id = t.id
		WHERE t.kind = 1 AND (r.id IS NULL OR r.seq <> t.seq OR r.currency <> t.currency)`})
}

func (a *auditor) rollbacks(ctx context.Context) error {
	err := a.missing(ctx, store.CheckTransfer, "its redemption or its ledger entry does not match", halfQuery{id.Rollback, `SELECT b.id
		FROM rollback b LEFT JOIN redemption r ON r.customer = b.customer AND r.id = b.redemption_id
		LEFT JOIN transfer t ON t.customer = b.customer AND t.currency = r.currency AND t.seq = b.seq
		WHERE r.rollback_id IS DISTINCT FROM b.id OR r.rolled_back_at IS DISTINCT FROM b.at OR t.id IS DISTINCT FROM b.id
			OR t.kind <> 2 OR t.amount <> r.amount OR t.balance <> b.balance OR t.at <> b.at
			OR t.credit_kind <> 2 OR t.debit_kind <> CASE r.effect_kind WHEN 1 THEN 1 ELSE 3 END
			OR t.campaign_id IS DISTINCT FROM r.campaign_id`})
	if err != nil {
		return err
	}
	return a.missing(ctx, store.CheckTransfer, "its rollback is missing",
		halfQuery{id.Redemption, `SELECT r.id FROM redemption r LEFT JOIN rollback b ON b.customer = r.customer AND b.redemption_id = r.id
			WHERE (r.rolled_back_at IS NOT NULL OR r.rollback_id IS NOT NULL) AND b.id IS DISTINCT FROM r.rollback_id`},
		halfQuery{id.Transaction, `SELECT t.id FROM transfer t LEFT JOIN rollback b ON b.customer = t.customer AND b.id = t.id
			WHERE t.kind = 2 AND b.id IS NULL`})
}

// posts compares what was posted with its ledger entries. A receiver lives apart from the sender, who owns
// the post: OFFSET 0 lets a distributed database fetch the posts before it joins them.
func (a *auditor) posts(ctx context.Context) error {
	return a.missing(ctx, store.CheckTransfer, "its posting or its ledger entry is missing or another one",
		halfQuery{id.Transaction, `SELECT t.id FROM transfer t LEFT JOIN post p ON p.customer = t.customer AND p.id = t.id
			WHERE t.kind NOT IN (1, 2, 6) AND (p.kind IS DISTINCT FROM t.kind OR p.currency <> t.currency OR p.seq <> t.seq)`},
		halfQuery{id.Transaction, `SELECT t.id FROM transfer t
			LEFT JOIN (SELECT to_customer, id, currency, to_seq FROM post WHERE to_customer <> '' OFFSET 0) p
				ON p.to_customer = t.customer AND p.id = t.id
			WHERE t.kind = 6 AND (p.currency IS DISTINCT FROM t.currency OR p.to_seq <> t.seq)`},
		halfQuery{id.Transaction, `SELECT p.id FROM post p
			LEFT JOIN transfer t ON t.customer = p.customer AND t.currency = p.currency AND t.seq = p.seq
			WHERE t.id IS DISTINCT FROM p.id`},
		halfQuery{id.Transaction, `SELECT p.id FROM (SELECT to_customer, id, currency, to_seq FROM post WHERE to_customer <> '' OFFSET 0) p
			LEFT JOIN (SELECT customer, currency, seq, id FROM transfer WHERE kind = 6 OFFSET 0) t
				ON t.customer = p.to_customer AND t.currency = p.currency AND t.seq = p.to_seq
			WHERE t.id IS DISTINCT FROM p.id`})
}

// delta is what an entry adds to its customer's wallet.
const delta = " CASE WHEN credit_kind = 1 THEN amount WHEN debit_kind = 1 THEN -amount ELSE 0 END "

// sequence looks at every ledger entry beside the one before it: the numbers run without gaps, and each
// balance follows from the one before.
func (a *auditor) sequence(ctx context.Context) error {
	var customer, currency, want string
	var entry id.ID
	var seq, last, balance int64
	return a.each(ctx, `SELECT customer, currency, id, seq, last, balance, (before + delta)::text FROM (
			SELECT customer, currency, id, seq, balance,`+delta+`AS delta, coalesce(lag(seq) OVER entries, 0) AS last,
				coalesce(lag(balance) OVER entries, 0)::numeric AS before
			FROM transfer WINDOW entries AS (PARTITION BY customer, currency ORDER BY seq)) t
		WHERE seq <> last + 1 OR balance <> before + delta OR balance < 0`,
		[]any{&customer, &currency, (*uid)(&entry), &seq, &last, &balance, &want}, func() {
			name, of := entry.Format(id.Transaction), customer+" "+currency
			if seq != last+1 {
				a.report(store.CheckSequence, name, "%s: entry %d follows entry %d", of, seq, last)
			}
			if want != strconv.FormatInt(balance, 10) {
				a.report(store.CheckSequence, name, "%s: it leaves %s, but says %d", of, want, balance)
			}
			if balance < 0 {
				a.report(store.CheckFloor, name, "%s: it leaves %d", of, balance)
			}
		})
}

// wallets compares each wallet with the sum of its entries.
func (a *auditor) wallets(ctx context.Context) error {
	var customer, currency, sum string
	var balance, seq *int64
	var entries int64
	return a.each(ctx, `SELECT customer, currency, w.balance, w.seq, coalesce(t.sum, 0)::text, coalesce(t.n, 0)
		FROM wallet w FULL JOIN (SELECT customer, currency, count(*) AS n, sum(`+delta+`) AS sum FROM transfer GROUP BY customer, currency) t
			USING (customer, currency)
		WHERE w.balance IS DISTINCT FROM t.sum OR w.seq IS DISTINCT FROM t.n OR w.balance < 0`,
		[]any{&customer, &currency, &balance, &seq, &sum, &entries}, func() {
			name := customer + " " + currency
			switch {
			case balance == nil || seq == nil:
				a.report(store.CheckBalance, name, "its entries come to %s, but there is no such wallet", sum)
				return
			case entries == 0:
				a.report(store.CheckBalance, name, "a wallet without a ledger entry")
			case sum != strconv.FormatInt(*balance, 10) || *seq != entries:
				a.report(store.CheckBalance, name, "it holds %d after %d entries; its entries come to %s after %d", *balance, *seq, sum, entries)
			}
			if *balance < 0 {
				a.report(store.CheckFloor, name, "it holds %d", *balance)
			}
		})
}

// funding compares each campaign, which is its own funding account, with the sum of its entries.
func (a *auditor) funding(ctx context.Context) error {
	var c id.ID
	var holds *string
	var sum string
	return a.each(ctx, `SELECT coalesce(c.id, t.campaign_id), (-c.given::numeric)::text, coalesce(t.sum, 0)::text
		FROM campaign c FULL JOIN (SELECT campaign_id, sum(CASE WHEN credit_kind = 2 THEN amount ELSE -amount END) AS sum
			FROM transfer WHERE debit_kind = 2 OR credit_kind = 2 OR campaign_id IS NOT NULL GROUP BY campaign_id) t ON t.campaign_id = c.id
		WHERE c.id IS NULL OR -c.given::numeric <> coalesce(t.sum, 0)`,
		[]any{(*uid)(&c), &holds, &sum}, func() {
			if holds == nil {
				a.report(store.CheckBalance, c.Format(id.Campaign), "its entries come to %s, but there is no such campaign", sum)
				return
			}
			a.report(store.CheckBalance, c.Format(id.Campaign), "the account holds %s, its entries come to %s", *holds, sum)
		})
}

// accounts compares every other account with the sum of its entries. Clearing is empty after every transfer
// between two customers.
func (a *auditor) accounts(ctx context.Context) error {
	var kind ledger.AccountKind
	var currency, sum string
	var holds *string
	err := a.each(ctx, `SELECT kind, currency, a.balance::text, coalesce(t.sum, 0)::text
		FROM account a FULL JOIN (SELECT kind, currency, sum(sum) AS sum FROM (
				SELECT credit_kind AS kind, currency, sum(amount) AS sum FROM transfer GROUP BY credit_kind, currency
				UNION ALL SELECT debit_kind, currency, -sum(amount) FROM transfer GROUP BY debit_kind, currency
			) sides WHERE kind > 2 GROUP BY kind, currency) t USING (kind, currency)
		WHERE a.kind IS NULL OR a.balance <> coalesce(t.sum, 0)`,
		[]any{(*uint8)(&kind), &currency, &holds, &sum}, func() {
			name := accountName(kind, currency)
			if holds == nil {
				a.report(store.CheckBalance, name, "its entries come to %s, but there is no such account", sum)
				return
			}
			a.report(store.CheckBalance, name, "the account holds %s, its entries come to %s", *holds, sum)
		})
	if err != nil {
		return err
	}
	return a.each(ctx, "SELECT currency, balance::text FROM account WHERE kind = 6 AND balance <> 0", []any{&currency, &sum}, func() {
		a.report(store.CheckZeroSum, accountName(ledger.Clearing, currency), "what left one wallet has not reached the other: it holds %s instead of 0", sum)
	})
}

func accountName(kind ledger.AccountKind, currency string) string {
	return fmt.Sprintf("%s account, %s", kind, currency)
}

// zeroSum adds up all accounts of each currency.
func (a *auditor) zeroSum(ctx context.Context) error {
	var currency, sum string
	return a.each(ctx, `SELECT currency, sum(sum)::text FROM (
			SELECT currency, sum(balance) AS sum FROM wallet GROUP BY currency
			UNION ALL SELECT currency, -sum(given) FROM campaign GROUP BY currency
			UNION ALL SELECT currency, sum(balance) FROM account GROUP BY currency
		) every GROUP BY currency HAVING sum(sum) <> 0`, []any{&currency, &sum}, func() {
		a.report(store.CheckZeroSum, currency, "all accounts come to %s instead of 0", sum)
	})
}
