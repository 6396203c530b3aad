package sqlitestore_test

import (
	"slices"
	"strings"
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
		"a redemption of somebody else":      {"UPDATE redemption SET customer = 'somebody' WHERE rank = 5", store.CheckTransfer},
		"a redemption of another time":       {"UPDATE redemption SET at = at + 3600000000 WHERE rank = 5", store.CheckTransfer},
		"a redemption of another campaign":   {"UPDATE transfer SET debit = -9 WHERE customer_no = 2", store.CheckTransfer},
		"a slot of one that was given back":  {"UPDATE redemption SET slot = -9 WHERE slot < 0", store.CheckOncePerLimit},
		"a rollback of another time": {
			"UPDATE rollback SET at = at + 1; UPDATE redemption SET rolled_back_at = rolled_back_at + 1 WHERE slot < 0", store.CheckTransfer,
		},
		"a rollback that leaves another balance": {"UPDATE rollback SET balance = 7", store.CheckTransfer},
		"a rollback without its transfer":        {"DELETE FROM rollback", store.CheckTransfer},
		"a wallet that is gone":                  {"DELETE FROM transfer WHERE customer_no = 2", store.CheckBalance},
		"a campaign that holds less":             {"UPDATE campaign SET given = given + 1", store.CheckBalance},
		"an account from nowhere":                {"INSERT INTO account VALUES (9, 5, 'IRR', 0, 7)", store.CheckBalance},
		"a wallet below zero":                    {force + "UPDATE transfer SET balance = -1 WHERE customer_no = 2", store.CheckFloor},
		"an entry that is left out": {
			"UPDATE transfer SET seq = 3 WHERE customer_no = 2 AND seq = 1", store.CheckSequence,
		},
		"a balance that does not follow": {"UPDATE transfer SET balance = 7 WHERE customer_no = 2", store.CheckSequence},
		"money from nowhere":             {"UPDATE transfer SET balance = balance + 1", store.CheckZeroSum},
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

// An audit's memory does not grow with the file: what SQLite sorts, or keeps to look things up in, it keeps in memory.
func TestAuditSortsNothing(t *testing.T) {
	t.Parallel()
	_, path := redeemed(t, 5)
	plans, err := sqlitestore.AuditPlans(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(plans) < 30 {
		t.Errorf("only %d queries", len(plans))
	}
	for query, plan := range plans {
		for _, kept := range []string{"TEMP B-TREE", "MATERIALIZE", "AUTOMATIC"} {
			if strings.Contains(plan, kept) {
				t.Errorf("%s in the plan of\n%s\n%s", kept, query, plan)
			}
		}
	}
}

// Ranks are held to each other voucher by voucher, however many there are and whatever they say.
func TestAuditOfRanks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ tamper, says string }{
		"twice, far away":   {"UPDATE redemption SET rank = 130 WHERE rank = 3", "200 redemptions have 199 different ranks, from 1 to 200"},
		"beyond all":        {"UPDATE redemption SET rank = 4611686018427387904 WHERE rank = 64", "200 different ranks, from 1 to 4611686018427387904"},
		"below one":         {"UPDATE redemption SET rank = -5 WHERE rank = 1", "200 different ranks, from -5 to 200"},
		"the first is gone": {"UPDATE redemption SET rank = 201 WHERE rank = 1", "200 different ranks, from 2 to 201"},
		"none is left":      {"DELETE FROM redemption", "0 redemptions have 0 different ranks, from 1 to 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, path := redeemed(t, 200)
			tamper(t, path, c.tamper)
			if found := audit(t, path); !slices.ContainsFunc(found, func(f store.Finding) bool {
				return f.Check == store.CheckRank && strings.Contains(f.Detail, c.says)
			}) {
				t.Errorf("no %q in %+v", c.says, found)
			}
		})
	}
}

// A receipt is its customer's and of its time, whether the customer waits among the newcomers or has joined.
func TestAuditOfReceipts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tamper string
		says   []string
	}{
		"none altered":        {"SELECT 1", nil},
		"of somebody else":    {"UPDATE redemption SET customer = 'somebody' WHERE rank = 3", []string{"it names somebody, but is of customer-2"}},
		"of another customer": {"UPDATE redemption SET customer = 'customer-0' WHERE rank = 3", []string{"it names customer-0, but is of customer-2"}},
		"exchanged": {
			"UPDATE redemption SET customer = CASE rank WHEN 1 THEN 'customer-1' ELSE 'customer-0' END WHERE rank <= 2",
			[]string{"it names customer-0, but is of customer-1", "it names customer-1, but is of customer-0"},
		},
		"of the epoch": {"UPDATE redemption SET at = 1 WHERE rank = 3", []string{"it says 1970-01-01T00:00:00.000001Z, its ledger entry 20"}},
		"of another time and customer": {
			"UPDATE redemption SET at = at - 1, customer = '' WHERE rank = 3", []string{"it names , but is of customer-2", "it says 20"},
		},
	} {
		for joined, made := range map[string]func(t *testing.T) string{"newcomers": killed, "joined": stopped} {
			t.Run(name+", "+joined, func(t *testing.T) {
				t.Parallel()
				path := made(t)
				tamper(t, path, c.tamper)
				found := audit(t, path)
				slices.SortFunc(found, func(a, b store.Finding) int { return strings.Compare(a.Detail, b.Detail) })
				if len(found) != len(c.says) {
					t.Fatalf("found %+v, want %q", found, c.says)
				}
				for i, f := range found {
					if f.Check != store.CheckTransfer || !strings.HasPrefix(f.ID, "rdm_") || !strings.HasPrefix(f.Detail, c.says[i]) {
						t.Errorf("found %+v, want %q", f, c.says[i])
					}
				}
			})
		}
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
