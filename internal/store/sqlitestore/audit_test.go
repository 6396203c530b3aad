package sqlitestore_test

import (
	"slices"
	"testing"

	"scrip/internal/store"
	"scrip/internal/store/sqlitestore"
)

// Each way of tampering is found, by the invariant that it breaks. What a constraint would not let pass is
// forced past it, as a defect or a broken disk would.
func TestAuditFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	const force = "PRAGMA ignore_check_constraints = ON; "
	for name, tc := range map[string]struct{ tamper, check string }{
		"a counter too high":            {"UPDATE voucher SET redeemed = 6, ranked = 6", store.CheckCounter},
		"a counter too low":             {"UPDATE voucher SET redeemed = 3", store.CheckCounter},
		"a campaign's counter":          {"UPDATE campaign SET redeemed = 9", store.CheckCounter},
		"a campaign's money":            {"UPDATE campaign SET given = given + 1", store.CheckCounter},
		"a limit below the redemptions": {force + "UPDATE voucher SET max_uses = 3", store.CheckLimit},
		"a budget below what is given":  {force + "UPDATE campaign SET budget_amount = 1", store.CheckLimit},
		"a customer who won twice": {
			`UPDATE redemption SET customer_no = 1, slot = 2 WHERE customer_no = 2`, store.CheckOncePerLimit,
		},
		"a slot of a redemption that stands": {"UPDATE redemption SET slot = -1 WHERE rank = 2", store.CheckOncePerLimit},
		"a rank given twice":                 {"UPDATE redemption SET rank = 1 WHERE rank = 2", store.CheckRank},
		"a rank left out":                    {"UPDATE redemption SET rank = 6 WHERE rank = 5", store.CheckRank},
		"a redemption without its transfer":  {"DELETE FROM transfer WHERE customer_no = 3", store.CheckTransfer},
		"a transfer without its redemption":  {"DELETE FROM redemption WHERE rank = 5", store.CheckTransfer},
		"a redemption of another amount":     {"UPDATE redemption SET amount = 1 WHERE rank = 2", store.CheckTransfer},
		"a rollback without its transfer":    {"DELETE FROM rollback", store.CheckTransfer},
		"a wallet that holds more":           {"UPDATE wallet SET balance = balance + 1 WHERE customer_no = 2", store.CheckBalance},
		"a wallet that is gone":              {"DELETE FROM wallet WHERE customer_no = 2", store.CheckBalance},
		"a wallet from nowhere":              {"INSERT INTO wallet VALUES (77, 'IRR', 0, 0)", store.CheckBalance},
		"a campaign that holds less":         {"UPDATE campaign SET given = given + 1", store.CheckBalance},
		"an account from nowhere":            {"INSERT INTO account VALUES (9, 5, 'IRR', 0, 7)", store.CheckBalance},
		"a wallet below zero":                {force + "UPDATE wallet SET balance = -1 WHERE customer_no = 2", store.CheckFloor},
		"an entry that is left out": {
			"UPDATE transfer SET seq = 3 WHERE customer_no = 2 AND seq = 1", store.CheckSequence,
		},
		"a balance that does not follow": {"UPDATE transfer SET balance = 7 WHERE customer_no = 2", store.CheckSequence},
		"money from nowhere":             {"UPDATE wallet SET balance = balance + 1", store.CheckZeroSum},
		"a voucher that is gone":         {"DELETE FROM voucher", store.CheckFile},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, path := redeemed(t, 5)
			if err := rollBackTheLast(t, s); err != nil {
				t.Fatal(err)
			}
			if found := audit(t, path); len(found) != 0 {
				t.Fatalf("before: %+v", found)
			}
			tamper(t, path, tc.tamper)
			found := audit(t, path)
			if !slices.ContainsFunc(found, func(f store.Finding) bool { return f.Check == tc.check && f.ID != "" && f.Detail != "" }) {
				t.Errorf("want a finding of %s, got %+v", tc.check, found)
			}
		})
	}
}

func rollBackTheLast(t *testing.T, s *sqlitestore.Store) error {
	t.Helper()
	rs, _, err := s.ListRedemptions(t.Context(), store.RedemptionFilter{Customer: "customer-3"}, store.Page{Limit: 1})
	if err != nil {
		return err
	}
	cmd := &store.Rollback{ID: rs[0].ID, Redemption: rs[0].ID, Reason: "a test"}
	cmd.ID[15]++
	_, err = s.Apply(t.Context(), []store.Command{cmd})
	return err
}

func audit(t *testing.T, path string) (found []store.Finding) {
	t.Helper()
	ro, err := sqlitestore.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ro.Audit(t.Context(), func(f store.Finding) { found = append(found, f) }); err != nil {
		t.Fatal(err)
	}
	return found
}
