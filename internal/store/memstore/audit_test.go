package memstore

import (
	"testing"
	"time"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// corruptible is a store with one redemption, one that was rolled back, and a transfer.
func corruptible(t *testing.T) (s *Store, won, undone *voucher.Redemption) {
	t.Helper()
	now := time.Date(2026, time.March, 20, 14, 46, 0, 0, time.UTC)
	s = New(Options{Clock: func() time.Time { return now }})
	c := &voucher.Campaign{
		ID: id.New(now), Name: "Nowruz", Currency: "IRR",
		Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 1000},
		Budget: voucher.Budget{AmountMinor: 9000, Count: 9},
	}
	v := voucher.Voucher{ID: id.New(now), CampaignID: c.ID, Code: "SALAM", Key: "SA1AM", Limit: 5, PerCustomer: 1}
	if _, _, err := s.Create(t.Context(), store.Creation{Campaign: c, Vouchers: []voucher.Voucher{v}}); err != nil {
		t.Fatal(err)
	}
	first, second := id.New(now), id.New(now)
	outcomes, err := s.Apply(t.Context(), []store.Command{
		&store.Redeem{ID: first, Code: "SA1AM", Customer: "ali"},
		&store.Redeem{ID: second, Code: "SA1AM", Customer: "bita"},
		&store.Rollback{ID: id.New(now), Redemption: second},
		&store.Post{ID: id.New(now), Kind: ledger.TransferOut, Customer: "ali", To: "bita", Currency: "IRR", AmountMinor: 300},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		if o.Refusal != nil {
			t.Fatal(o.Refusal)
		}
	}
	return s, s.redemptions[first], s.redemptions[second]
}

// TestAuditFinds plants one fault at a time and asks for the check that must find it.
func TestAuditFinds(t *testing.T) {
	t.Parallel()
	wallet := func(s *Store, customer string) *wallet {
		return s.wallets[store.WalletRef{Customer: customer, Currency: "IRR"}]
	}
	for _, c := range []struct {
		name    string
		check   string
		corrupt func(s *Store, won, undone *voucher.Redemption)
	}{
		{"a voucher's counter", store.CheckCounter, func(s *Store, won, _ *voucher.Redemption) { s.vouchers[won.VoucherID].Redeemed++ }},
		{"a campaign's counter", store.CheckCounter, func(s *Store, won, _ *voucher.Redemption) { s.campaigns[won.CampaignID].Redeemed-- }},
		{"what is given", store.CheckCounter, func(s *Store, won, _ *voucher.Redemption) { s.campaigns[won.CampaignID].GivenMinor++ }},
		{"what is given, as an account", store.CheckBalance, func(s *Store, won, _ *voucher.Redemption) { s.campaigns[won.CampaignID].GivenMinor++ }},
		{"a limit", store.CheckLimit, func(s *Store, _, undone *voucher.Redemption) {
			s.vouchers[undone.VoucherID].Limit = 1
			undone.RolledBackAt = time.Time{}
		}},
		{"a budget of redemptions", store.CheckLimit, func(s *Store, _, undone *voucher.Redemption) {
			s.campaigns[undone.CampaignID].Budget.Count = 1
			undone.RolledBackAt = time.Time{}
		}},
		{"a budget of money", store.CheckLimit, func(s *Store, won, _ *voucher.Redemption) { s.campaigns[won.CampaignID].Budget.AmountMinor = 999 }},
		{"a customer's limit", store.CheckOncePerLimit, func(_ *Store, _, undone *voucher.Redemption) {
			undone.Customer, undone.RolledBackAt = "ali", time.Time{}
		}},
		{"a rank given twice", store.CheckRank, func(_ *Store, _, undone *voucher.Redemption) { undone.Rank = 1 }},
		{"a rank left out", store.CheckRank, func(_ *Store, _, undone *voucher.Redemption) { undone.Rank = 3 }},
		{"a rank to come", store.CheckRank, func(s *Store, won, _ *voucher.Redemption) { s.vouchers[won.VoucherID].Ranked++ }},
		{"a redemption's amount", store.CheckTransfer, func(_ *Store, won, _ *voucher.Redemption) { won.AmountMinor++ }},
		{"a redemption's balance", store.CheckTransfer, func(_ *Store, won, _ *voucher.Redemption) { won.BalanceMinor++ }},
		{"a redemption's customer", store.CheckTransfer, func(_ *Store, won, _ *voucher.Redemption) { won.Customer = "somebody" }},
		{"a redemption's time", store.CheckTransfer, func(_ *Store, won, _ *voucher.Redemption) { won.At = won.At.Add(time.Hour) }},
		{"a redemption without its entry", store.CheckTransfer, func(s *Store, _, _ *voucher.Redemption) { wallet(s, "ali").entries[0].ID[15]++ }},
		{"an entry without its redemption", store.CheckTransfer, func(s *Store, won, _ *voucher.Redemption) { delete(s.redemptions, won.ID) }},
		{"a rollback without its redemption", store.CheckTransfer, func(s *Store, _, undone *voucher.Redemption) { delete(s.redemptions, undone.ID) }},
		{"a rollback that nobody made", store.CheckTransfer, func(_ *Store, won, _ *voucher.Redemption) { won.RolledBackAt = won.At }},
		{"a rollback that is lost", store.CheckTransfer, func(s *Store, _, undone *voucher.Redemption) { delete(s.rollbacks, undone.RollbackID) }},
		{"a redemption without a voucher", store.CheckTransfer, func(s *Store, won, _ *voucher.Redemption) { delete(s.vouchers, won.VoucherID) }},
		{"a balance", store.CheckBalance, func(s *Store, _, _ *voucher.Redemption) { wallet(s, "ali").balance.Minor++ }},
		{"a balance, as a sum", store.CheckZeroSum, func(s *Store, _, _ *voucher.Redemption) { wallet(s, "ali").balance.Minor++ }},
		{"a wallet below zero", store.CheckFloor, func(s *Store, _, _ *voucher.Redemption) { wallet(s, "ali").balance.Minor = -1 }},
		{"a wallet that was below zero", store.CheckFloor, func(s *Store, _, _ *voucher.Redemption) { wallet(s, "ali").entries[0].Balance = -1 }},
		{"a number left out", store.CheckSequence, func(s *Store, _, _ *voucher.Redemption) { wallet(s, "ali").entries[1].Seq++ }},
		{"a number to come", store.CheckSequence, func(s *Store, _, _ *voucher.Redemption) { wallet(s, "ali").balance.Seq++ }},
		{"a balance that does not follow", store.CheckSequence, func(s *Store, _, _ *voucher.Redemption) { wallet(s, "bita").entries[1].Balance++ }},
		{"an entry of another wallet", store.CheckSequence, func(s *Store, _, _ *voucher.Redemption) { wallet(s, "bita").entries[2].Customer = "ali" }},
		{"money between two customers", store.CheckZeroSum, func(s *Store, _, _ *voucher.Redemption) {
			w := wallet(s, "bita")
			w.entries, w.balance = w.entries[:2], ledger.Balance{Currency: "IRR", Seq: 2}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, won, undone := corruptible(t)
			if found := findings(t, s); len(found) > 0 {
				t.Fatalf("a sound store, and yet: %v", found)
			}
			c.corrupt(s, won, undone)
			found := findings(t, s)
			for _, f := range found {
				if f.Check == c.check && f.ID != "" && f.Detail != "" {
					return
				}
			}
			t.Fatalf("%s is not among the findings: %v", c.check, found)
		})
	}
}

func findings(t *testing.T, s *Store) []store.Finding {
	t.Helper()
	var found []store.Finding
	read, err := s.Audit(t.Context(), func(f store.Finding) { found = append(found, f) })
	if err != nil {
		t.Fatal(err)
	}
	if read.Findings != int64(len(found)) {
		t.Fatalf("%d findings, and %d told", read.Findings, len(found))
	}
	return found
}
