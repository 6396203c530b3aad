package pgstore

import (
	"fmt"

	"scrip/internal/ledger"
	"scrip/internal/voucher"
)

// The express lane's statement, which runs behind expressLockQuery and so sees all that was committed before the locks. In
// the order in which it runs:
//
//	campaigns, vouchers  the counters, if the versions are those that the terms are of
//	seen                 what the customers have: their wallet, a use of the voucher, an effect of their key
//	crowd                how many of them have neither use nor effect, and so will win
//	hot                  the guard: one row if the terms hold for all that will win, at the time that is now; else none
//	won                  the winners, each with its rank, its balance and the number of its ledger entry
//
// and then each table from won and hot, so that without a row in hot nothing is written. It answers with hot and, for
// those who have a wallet, with what they had; with no row at all where the guard does not hold. Who has no wallet has
// used nothing; a key that was used in another currency all the same is refused by its primary key.
//
// Wallets are not locked before they are read: one that moved in between has its next number taken, and the primary key
// of the ledger refuses, as it does the ordinary way.
//
// A CTE that writes and that nobody reads runs in the end, the last one first: so they stand here with the one whose
// locks come first last.
const expressText = `WITH campaigns AS MATERIALIZED (
		SELECT c.given, c.redeemed AS used FROM campaign c WHERE c.id = $1 AND c.version = $2
	), vouchers AS MATERIALIZED (
		SELECT c.given, c.used, v.redeemed, v.ranked FROM campaigns c CROSS JOIN voucher v
		WHERE v.id = $3 AND v.version = $4
	), seen AS MATERIALIZED (
		SELECT u.*, w.balance, w.seq, CASE WHEN w.seq IS NULL THEN false ELSE EXISTS (
				SELECT FROM redemption o CROSS JOIN (SELECT u.customer, $3 AS voucher_id) h WHERE %[1]s) END AS has%[2]s
		LEFT JOIN LATERAL (SELECT w.balance, w.seq FROM wallet w WHERE w.customer = u.customer AND w.currency = $8 OFFSET 0) w ON true
	), crowd AS MATERIALIZED (
		SELECT count(*) FILTER (WHERE wins) AS winners, coalesce(array_agg(n ORDER BY n) FILTER (WHERE NOT wins), '{}') AS others,
			bool_or(has AND NOT taken) AS again, bool_and(seq IS NULL) AS fresh, coalesce(max(seq), 0) AS highest
		FROM (SELECT *, NOT has AND NOT taken AS wins FROM seen) s
	), hot AS MATERIALIZED (
		SELECT * FROM (SELECT v.*, coalesce($10, greatest(clock_timestamp(), $11::timestamptz)) AS at FROM vouchers v OFFSET 0) v CROSS JOIN crowd
		WHERE at >= coalesce($12, '-infinity'::timestamptz) AND at < coalesce($13, 'infinity'::timestamptz)
			AND redeemed <= $14 - winners AND used <= $15 - winners AND given <= $16 - winners * $9
			AND highest < %[4]d AND (NOT again OR $17::boolean)
	), won AS MATERIALIZED (
		SELECT s.*, hot.ranked + s.n - width_bucket(s.n, hot.others) AS rank,
			coalesce(s.balance, 0) + $9 AS after, coalesce(s.seq, 0) + 1 AS entry, hot.at
		FROM hot CROSS JOIN seen s WHERE NOT s.has AND NOT s.taken
	), unsealing AS (
		INSERT INTO unsealed (id, n, refs) SELECT $21, winners,
			CASE WHEN fresh THEN $18::bytea ELSE (SELECT string_agg(%[6]s, '') FROM won) END FROM hot WHERE winners > 0
	)%[7]s, redemptions AS (
		INSERT INTO redemption (customer, voucher_id, slot, id, campaign_id, rank, max_uses, effect_kind, amount, currency,
			order_id, order_amount, balance, seq, idempotency, at)
		SELECT customer, $3, 1, id, $1, rank, $19, %[8]d, $9, $8, '', 0, after, entry, %[9]s, at FROM won
	), transfers AS (
		INSERT INTO transfer (customer, currency, seq, id, kind, debit_kind, credit_kind, campaign_id, amount, balance, at, queued)
		SELECT customer, $8, entry, id, %[10]d, %[11]d, %[12]d, $1, $9, after, at, true FROM won
	), known_wallets AS (
		UPDATE wallet w SET balance = won.after, seq = won.entry FROM won
		WHERE won.seq IS NOT NULL AND w.customer = won.customer AND w.currency = $8
	), new_wallets AS (
		INSERT INTO wallet (customer, currency, balance, seq) SELECT customer, $8, after, entry FROM won WHERE seq IS NULL
	), counted AS (
		UPDATE voucher v SET redeemed = v.redeemed + hot.winners, ranked = v.ranked + hot.winners
		FROM hot WHERE v.id = $3 AND hot.winners > 0
	), funded AS (
		UPDATE campaign c SET redeemed = c.redeemed + hot.winners, given = c.given + hot.winners * $9
		FROM hot WHERE c.id = $1 AND hot.winners > 0
	)
	SELECT hot.given, hot.used, hot.redeemed, hot.ranked, hot.at, s.n, s.balance, s.seq, s.taken, %[3]s,` + redemptionColumns + `
	FROM hot LEFT JOIN seen s ON s.seq IS NOT NULL%[5]s
	LEFT JOIN LATERAL (%[13]s(SELECT o.* FROM redemption o CROSS JOIN (SELECT s.customer, $3 AS voucher_id) h
		WHERE s.has AND NOT s.taken AND %[1]s ORDER BY o.customer, o.voucher_id, o.slot LIMIT 1)) r ON true
	LEFT JOIN voucher v ON v.id = r.voucher_id`

// expressLockQuery locks the campaign and then the voucher. It is a statement of its own because one sees what was
// committed before it began: in one with the rest, whoever won elsewhere during the wait for the locks would not be seen,
// and the whole batch be refused by their slot.
const expressLockQuery = `WITH campaigns AS MATERIALIZED (SELECT FROM campaign WHERE id = $1 FOR NO KEY UPDATE)
	SELECT FROM campaigns CROSS JOIN voucher v WHERE v.id = $2 FOR NO KEY UPDATE OF v`

// expressSeqEnd bounds the numbers of ledger entries whose names refText can write. A customer with a longer history
// goes the ordinary way.
const expressSeqEnd = 1 << 14

// refText is the name of a winner's transfer, as store.AppendRefs would write it with nothing shared with the one before,
// and $20 for the currency: a length and a number are of seven bits a byte, the lowest first.
const refText = `'\x00'::bytea || set_byte('\x00', 0, octet_length(customer)) || convert_to(customer, 'UTF8') || $20::bytea
				|| CASE WHEN entry < 128 THEN set_byte('\x00', 0, entry::integer)
					ELSE set_byte(set_byte('\x0000', 0, (entry & 127)::integer | 128), 1, (entry >> 7)::integer) END`

// expressQuery is the statement itself, for redemptions without keys, or for those of whom at least one has a key.
func expressQuery(keyed bool) string {
	from, used, theirs, earlier, adding, key := `, false AS taken
		FROM unnest($5::text[], $6::uuid[], $7::smallint[]) u(customer, id, n)`, "false", "", "", "", "''"
	if keyed {
		from = `, CASE WHEN w.seq IS NULL OR u.key = '' THEN false ELSE EXISTS (
				SELECT FROM idempotency i WHERE i.customer = u.customer AND i.key = u.key) END AS taken
		FROM unnest($5::text[], $6::uuid[], $7::smallint[], $22::text[], $23::bytea[]) u(customer, id, n, key, fingerprint)`
		used = fmt.Sprintf("i.kind = %d AND i.fingerprint = s.fingerprint", kindRedeem)
		theirs = `
	LEFT JOIN LATERAL (SELECT i.kind, i.id, i.fingerprint FROM idempotency i
		WHERE s.taken AND i.customer = s.customer AND i.key = s.key OFFSET 0) i ON true`
		earlier = "SELECT o.* FROM redemption o WHERE o.id = i.id UNION ALL "
		adding = fmt.Sprintf(`, keys AS (
		INSERT INTO idempotency (customer, key, kind, id, fingerprint, snapshot)
		SELECT customer, key, %d, id, fingerprint, '' FROM won WHERE key <> ''
	)`, kindRedeem)
		key = "key"
	}
	return fmt.Sprintf(expressText, usesOfHolder, from, used, expressSeqEnd-1, theirs, refText, adding,
		voucher.Credit, key, ledger.Redemption, ledger.Funding, ledger.Wallet, earlier)
}
