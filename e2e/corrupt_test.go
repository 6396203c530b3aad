package e2e_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // to damage a database behind the program's back

	"scrip/client"
)

// stocked is the data folder of a stopped server, with something of everything, and the ids in it.
type stocked struct {
	data              string
	voucher, campaign string
	receipts          []string // of five winners; the last is rolled back
	rollback          string
}

func stock(t *testing.T) stocked {
	t.Helper()
	s := stocked{data: filepath.Join(t.TempDir(), "data")}
	p := serve(t, s.data, "127.0.0.1:0")
	p.code("salam", 10)
	c := p.sdk()
	v, err := c.LookupVoucher(t.Context(), "salam")
	if err != nil {
		t.Fatal(err)
	}
	s.voucher, s.campaign = v.ID, v.Campaign
	for n := range 5 {
		r, err := c.Redeem(t.Context(), client.RedeemRequest{Code: "salam", Customer: fmt.Sprintf("customer-%d", n)})
		if err != nil {
			t.Fatal(err)
		}
		s.receipts = append(s.receipts, r.ID)
	}
	discount(t, c)
	undone, err := c.Rollback(t.Context(), s.receipts[4], "a test")
	if err != nil {
		t.Fatal(err)
	}
	s.rollback = undone.ID
	p.stop()
	p.verify()
	return s
}

// discount makes an account that is neither a wallet nor a campaign's: the merchant's.
func discount(t *testing.T, c *client.Client) {
	t.Helper()
	_, err := c.CreateCampaign(t.Context(), client.NewCampaign{
		Name: "half", Effect: client.Effect{Kind: client.EffectDiscount, PercentBP: 5000}, Voucher: &client.NewCampaignVoucher{Code: "half"},
	})
	if err != nil {
		t.Fatal(err)
	}
	order := &client.Order{ID: "4711", Amount: 900, Currency: "IRR"}
	if _, err := c.Redeem(t.Context(), client.RedeemRequest{Code: "half", Customer: "customer-0", Order: order}); err != nil {
		t.Fatal(err)
	}
}

// copied is the folder once more, to be damaged.
func (s stocked) copied(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(dir, os.DirFS(s.data)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// damage runs SQL on the folder's database, past its constraints.
func damage(t *testing.T, dir string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "scrip.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // each statement was waited for
	db.SetMaxOpenConns(1)
	for _, s := range append([]string{"PRAGMA ignore_check_constraints = ON"}, statements...) {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// finding is what verify says of one thing.
type finding struct{ Check, ID, Detail string }

func TestVerifyFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := stock(t)
	const second = "(SELECT id FROM redemption WHERE rank = 2)"
	transaction := "txn" + strings.TrimPrefix(s.receipts[1], "rdm")
	for _, c := range []struct {
		name, check, id string
		sql             []string
	}{
		{"a counter too high", "counter_equals_redemptions", s.voucher, []string{"UPDATE voucher SET redeemed = redeemed + 1 WHERE code = 'salam'"}},
		{"a campaign's counter too low", "counter_equals_redemptions", s.campaign, []string{"UPDATE campaign SET redeemed = redeemed - 1 WHERE name = 'salam'"}},
		{"money given that was not", "counter_equals_redemptions", s.campaign, []string{"UPDATE campaign SET given = given + 1 WHERE name = 'salam'"}},
		{"more than the limit", "limit_not_exceeded", s.voucher, []string{"UPDATE voucher SET max_uses = 2 WHERE code = 'salam'"}},
		{"a budget exceeded", "limit_not_exceeded", s.campaign, []string{"UPDATE campaign SET budget_amount = 100 WHERE name = 'salam'"}},
		{"a rank given twice", "rank_once", s.voucher, []string{"UPDATE redemption SET rank = 1 WHERE rank = 2"}},
		{"a rank left out", "rank_once", s.voucher, []string{"UPDATE redemption SET rank = 9 WHERE rank = 2"}},
		{"a customer who won twice", "customer_within_limit", s.voucher, []string{
			"UPDATE redemption SET slot = 2, customer_no = (SELECT customer_no FROM redemption WHERE rank = 1) WHERE rank = 2",
		}},
		{"a redemption without its entry", "redemption_has_transfer", s.receipts[1], []string{"DELETE FROM transfer WHERE id = " + second}},
		{"an entry without its redemption", "redemption_has_transfer", transaction, []string{"DELETE FROM redemption WHERE rank = 2"}},
		{"another amount", "redemption_has_transfer", s.receipts[1], []string{"UPDATE redemption SET amount = 7 WHERE rank = 2"}},
		{"another customer", "redemption_has_transfer", s.receipts[1], []string{"UPDATE redemption SET customer = 'somebody' WHERE rank = 2"}},
		{"another time", "redemption_has_transfer", s.receipts[1], []string{"UPDATE redemption SET at = at + 3600000000 WHERE rank = 2"}},
		{"a lost rollback", "redemption_has_transfer", s.receipts[4], []string{"DELETE FROM rollback"}},
		{"a rollback of another", "redemption_has_transfer", s.rollback, []string{"UPDATE rollback SET redemption_id = " + second}},
		{"a wallet too full", "zero_sum", "IRR", []string{"UPDATE transfer SET balance = balance + 1 WHERE customer_no = 2"}},
		{"a wallet that is gone", "balance_equals_transfers", "", []string{"DELETE FROM transfer WHERE customer_no = 2"}},
		{"a wallet below zero", "wallet_not_below_zero", "", []string{"UPDATE transfer SET balance = -5 WHERE customer_no = 2"}},
		{"a gap in a wallet", "wallet_sequence_without_gaps", transaction, []string{"UPDATE transfer SET seq = 3 WHERE id = " + second}},
		{"a balance that does not follow", "wallet_sequence_without_gaps", transaction, []string{"UPDATE transfer SET balance = 7 WHERE id = " + second}},
		{"an entry of another amount", "wallet_sequence_without_gaps", transaction, []string{"UPDATE transfer SET amount = 7 WHERE id = " + second}},
		{"a campaign that gave what nobody got", "zero_sum", "IRR", []string{"UPDATE campaign SET given = given + 1 WHERE name = 'salam'"}},
		{"an account off by one", "balance_equals_transfers", "merchant", []string{"UPDATE account SET balance_lo = balance_lo + 1"}},
		{"an account off by one, again", "zero_sum", "IRR", []string{"UPDATE account SET balance_lo = balance_lo + 1"}},
		{"an entry of another time", "seal_holds_its_transfers", "customer-1 IRR 1", []string{"UPDATE transfer SET at = at + 1 WHERE id = " + second}},
		{"a sealed entry that is gone", "seal_holds_its_transfers", "customer-1 IRR 1", []string{"DELETE FROM transfer WHERE id = " + second}},
		{"an entry past the ledger", "transfer_is_sealed_or_waiting", "customer-1 IRR 2", []string{
			"INSERT INTO transfer SELECT NULL, customer_no, currency, 2, id, kind, debit, credit, amount, balance, at, queued FROM transfer WHERE id = " + second,
		}},
		{"a seal altered", "seal_chain_unbroken", "seal 1", []string{"UPDATE seal SET at = at - 1 WHERE number = 1"}},
		{"an account that is gone", "zero_sum", "IRR", []string{"DELETE FROM account"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := s.copied(t)
			damage(t, dir, c.sql...)
			got := scrip(t, "verify", "--json", "--data", dir)
			var out struct {
				Sound    bool
				Findings []finding
			}
			if err := json.Unmarshal([]byte(got.stdout), &out); err != nil || got.code != 1 || out.Sound {
				t.Fatalf("exit %d: %v\n%s%s", got.code, err, got.stdout, got.stderr)
			}
			found := false
			for _, f := range out.Findings {
				found = found || f.Check == c.check && strings.Contains(f.ID, c.id)
			}
			if !found {
				t.Errorf("no %s of %s in %+v", c.check, c.id, out.Findings)
			}
			human := scrip(t, "verify", "--data", dir)
			if human.code != 1 || !strings.Contains(human.stdout, c.check) || strings.Contains(human.stdout, "Every invariant holds") {
				t.Errorf("for people: %+v", human)
			}
		})
	}
}

func TestVerifyOfADamagedFile(t *testing.T) {
	t.Parallel()
	s := stock(t)
	for _, c := range []struct {
		name string
		do   func(t *testing.T, path string)
	}{
		{"cut off", truncate},
		{"garbage in every other page", scribble},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := s.copied(t)
			damage(t, dir, "PRAGMA wal_checkpoint(TRUNCATE)") // so that the file is all there is
			c.do(t, filepath.Join(dir, "scrip.db"))
			got := scrip(t, "verify", "--data", dir)
			if got.code == 0 || strings.Contains(got.stderr+got.stdout, "goroutine") {
				t.Errorf("%+v", got)
			}
		})
	}
}

const page = 4096

// truncate keeps the first pages.
func truncate(t *testing.T, path string) {
	t.Helper()
	if err := os.Truncate(path, 3*page); err != nil {
		t.Fatal(err)
	}
}

// scribble keeps the header and the schema.
func scribble(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 8 * page; at+page <= len(text); at += 2 * page {
		for i := range page {
			text[at+i] = byte(i * 7)
		}
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
