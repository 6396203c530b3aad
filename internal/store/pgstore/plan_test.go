package pgstore_test

import (
	"regexp"
	"testing"

	"scrip/internal/testenv"
)

// unbounded is a way through all of a table, or through all the redemptions of a voucher or a campaign.
var unbounded = regexp.MustCompile(`Seq Scan|Hash Join` +
	`|Index (Only )?Scan using \w+ on (campaign|voucher|redemption|wallet|transfer|post|idempotency|rollback) .*\n\s*(Filter|->|$)` +
	`|Index Cond: \(+(voucher_id|campaign_id) = [^()]*\)\n`)

// Whatever the server knows of the tables (nothing, when a replica starts on an empty database and keeps its
// plans while a crowd fills it), no statement of Apply goes through a whole table, nor through all the
// redemptions of a voucher or a campaign.
func TestPlansKeepToKeys(t *testing.T) {
	t.Parallel()
	at := testenv.Database(t)
	s := open(t, at, nil)
	server := connect(t, at)
	check := func(when string) {
		t.Helper()
		plans, err := s.Plans(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for query, plan := range plans {
			if bad := unbounded.FindString(plan); bad != "" {
				t.Errorf("%s, %q in the plan of\n%s\n%s", when, bad, query, plan)
			}
		}
	}
	check("with empty tables")
	create(t, s, "SA1AM", 0)
	execute(t, server, "ANALYZE")
	execute(t, server, `INSERT INTO campaign SELECT gen_random_uuid(), name, currency, effect_kind, effect_amount, effect_percent_bp,
			effect_max, starts_at, ends_at, budget_amount, budget_count, budget_per_customer, disabled, given, redeemed, version,
			created_at, updated_at FROM campaign, generate_series(1, 2000)`)
	execute(t, server, `INSERT INTO voucher SELECT gen_random_uuid(), campaign_id, code || n, code_key || n, max_uses, per_customer, customer,
			disabled, redeemed, ranked, version, created_at, updated_at FROM voucher, generate_series(1, 20000) n`)
	execute(t, server, `INSERT INTO redemption (customer, voucher_id, slot, id, campaign_id, rank, max_uses, effect_kind, amount,
			currency, order_id, order_amount, balance, seq, idempotency, at)
		SELECT 'c' || n, v.id, 1, gen_random_uuid(), v.campaign_id, n, 0, 1, 1, 'IRR', '', 0, 1, 1, '', now()
		FROM voucher v, generate_series(1, 20000) n WHERE v.code = 'SA1AM'`)
	execute(t, server, "INSERT INTO wallet SELECT r.customer, 'IRR', 1, 1 FROM redemption r")
	check("with full tables that were last seen nearly empty")
	execute(t, server, "ANALYZE")
	check("with full tables")
}
