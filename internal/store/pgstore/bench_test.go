package pgstore_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/testenv"
)

// floorFunction does to the tables what a batch of redemptions by customers who are all new does, and nothing
// else: it looks nobody up, asks no key, judges no window, keeps no slot and answers no receipt. It is the
// least that any design has to pay.
//
//nolint:dupword // a balance that is an amount
const floorFunction = `CREATE FUNCTION floor_redeem(the_code text, customers text[], ids uuid[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	c campaign;
	v voucher;
	n bigint := cardinality(ids);
	t timestamptz;
BEGIN
	SELECT * INTO v FROM voucher WHERE code_key = the_code;
	SELECT * INTO c FROM campaign WHERE id = v.campaign_id FOR NO KEY UPDATE;
	SELECT * INTO v FROM voucher WHERE id = v.id FOR NO KEY UPDATE;
	t := clock_timestamp();
	IF v.max_uses <> 0 AND v.redeemed + n > v.max_uses THEN
		RAISE EXCEPTION 'sold out';
	END IF;
	INSERT INTO wallet (customer, currency, balance, seq) SELECT u, c.currency, c.effect_amount, 1 FROM unnest(customers) u;
	INSERT INTO transfer (customer, currency, seq, id, kind, debit_kind, credit_kind, campaign_id, amount, balance, at)
		SELECT u.customer, c.currency, 1, u.id, 1, 2, 1, c.id, c.effect_amount, c.effect_amount, t
		FROM unnest(customers, ids) u(customer, id);
	INSERT INTO redemption (customer, voucher_id, slot, id, campaign_id, rank, max_uses, effect_kind, amount,
			currency, order_id, order_amount, balance, seq, idempotency, at)
		SELECT u.customer, v.id, 1, u.id, c.id, v.ranked + u.n, v.max_uses, c.effect_kind, c.effect_amount,
			c.currency, '', 0, c.effect_amount, 1, '', t
		FROM unnest(customers, ids) WITH ORDINALITY u(customer, id, n);
	UPDATE voucher SET redeemed = redeemed + n, ranked = ranked + n WHERE id = v.id;
	UPDATE campaign SET redeemed = redeemed + n, given = given + n * c.effect_amount WHERE id = c.id;
	RETURN n;
END $$`

// BenchmarkApply measures batches of redemptions by ever new customers on a server that syncs its log, each
// beside one of the same size through the hand-written function, turn by turn in one database: "ratio" is
// how much of the function's speed Apply has.
func BenchmarkApply(b *testing.B) {
	server := testenv.NewPostgres(b, testenv.PostgresOptions{Durable: true, Conf: []string{"max_wal_size = 4GB", "autovacuum = off"}})
	for _, size := range []int{1, 64, 1024} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			benchmarkApply(b, server.URL("postgres"), size)
		})
	}
}

func benchmarkApply(b *testing.B, url string, size int) {
	b.Helper()
	s := open(b, url, nil)
	key := fmt.Sprint("SA1AM", time.Now().UnixNano())
	create(b, s, key+"A", 0)
	create(b, s, key+"B", 0)
	floor := connect(b, url)
	execute(b, floor, "DROP FUNCTION IF EXISTS floor_redeem")
	execute(b, floor, floorFunction)
	var n int
	var ours, theirs time.Duration
	customers := func() []string {
		names := make([]string, size)
		for i := range names {
			n++
			names[i] = fmt.Sprintf("%s-%d", key, n*7919%1_000_003)
		}
		return names
	}
	b.ReportAllocs()
	for b.Loop() {
		batch := make([]store.Command, 0, size)
		for _, name := range customers() {
			batch = append(batch, &store.Redeem{ID: id.New(time.Now()), Code: key + "A", Customer: name})
		}
		start := time.Now()
		outcomes, err := s.Apply(b.Context(), batch)
		ours += time.Since(start)
		if err != nil || outcomes[size-1].Refusal != nil {
			b.Fatal(err, outcomes)
		}
		names, ids := customers(), make([][16]byte, size)
		for i := range ids {
			ids[i] = id.New(time.Now())
		}
		start = time.Now()
		if _, err := floor.Exec(b.Context(), "SELECT floor_redeem($1, $2, $3)", key+"B", names, ids); err != nil {
			b.Fatal(err)
		}
		theirs += time.Since(start)
	}
	b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N*size), "ns/command")
	b.ReportMetric(float64(theirs.Nanoseconds())/float64(b.N*size), "floor-ns/command")
	b.ReportMetric(float64(theirs)/float64(ours), "ratio")
}
