package memstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// Audit recomputes every invariant from the rows: redemptions, rollbacks and ledger entries.
func (s *Store) Audit(_ context.Context, report func(store.Finding)) (store.Audited, error) {
	s.mu.Lock()
	a := &audit{s: s, sums: map[ledger.Account]*big.Int{}}
	a.vouchers()
	a.campaigns()
	a.customers()
	a.receipts()
	a.entries()
	a.balances()
	found := len(a.findings)
	a.seals() // in the order of the chain, behind all others
	a.read.Campaigns, a.read.Vouchers = int64(len(s.campaigns)), int64(len(s.vouchers))
	a.read.Redemptions, a.read.Rollbacks = int64(len(s.redemptions)), int64(len(s.rollbacks))
	a.read.Wallets, a.read.Findings = int64(len(s.wallets)), int64(len(a.findings))
	s.mu.Unlock()
	slices.SortFunc(a.findings[:found], func(x, y store.Finding) int {
		return cmp.Or(cmp.Compare(x.Check, y.Check), cmp.Compare(x.ID, y.ID), cmp.Compare(x.Detail, y.Detail))
	})
	for _, f := range a.findings {
		report(f)
	}
	return a.read, nil
}

// audit is one audit under way, under the store's mutex. Sums are big: many wallets together may hold
// more than an int64.
type audit struct {
	s        *Store
	sums     map[ledger.Account]*big.Int // each account's balance, by its transfers
	findings []store.Finding
	read     store.Audited
}

func (a *audit) find(check, of, format string, args ...any) {
	a.findings = append(a.findings, store.Finding{Check: check, ID: of, Detail: fmt.Sprintf(format, args...)})
}

// vouchers checks each voucher's counter, limit and ranks.
func (a *audit) vouchers() {
	for _, v := range a.s.vouchers {
		name := v.ID.Format(id.Voucher)
		var standing int64
		var ranks []int64
		for _, r := range a.s.redemptions {
			if r.VoucherID != v.ID {
				continue
			}
			ranks = append(ranks, r.Rank)
			if r.RolledBackAt.IsZero() {
				standing++
			}
		}
		if v.Redeemed != standing {
			a.find(store.CheckCounter, name, "redeemed says %d, redemptions that stand are %d", v.Redeemed, standing)
		}
		if v.Limit != 0 && standing > v.Limit {
			a.find(store.CheckLimit, name, "the limit is %d, redemptions that stand are %d", v.Limit, standing)
		}
		slices.Sort(ranks)
		for i, rank := range ranks {
			if rank != int64(i)+1 {
				a.find(store.CheckRank, name, "rank %d stands where %d should", rank, i+1)
				break
			}
		}
		if v.Ranked != int64(len(ranks)) {
			a.find(store.CheckRank, name, "ranked says %d, redemptions ever made are %d", v.Ranked, len(ranks))
		}
	}
}

// campaigns checks each campaign's counters and budget.
func (a *audit) campaigns() {
	for _, c := range a.s.campaigns {
		name := c.ID.Format(id.Campaign)
		var standing int64
		given := new(big.Int)
		for _, r := range a.s.redemptions {
			if r.CampaignID == c.ID && r.RolledBackAt.IsZero() {
				standing++
				given.Add(given, big.NewInt(r.AmountMinor))
			}
		}
		if c.Redeemed != standing {
			a.find(store.CheckCounter, name, "redeemed says %d, redemptions that stand are %d", c.Redeemed, standing)
		}
		if given.Cmp(big.NewInt(c.GivenMinor)) != 0 {
			a.find(store.CheckCounter, name, "given says %d, redemptions that stand gave %s", c.GivenMinor, given)
		}
		if c.Budget.Count != 0 && standing > c.Budget.Count {
			a.find(store.CheckLimit, name, "the budget is %d redemptions, those that stand are %d", c.Budget.Count, standing)
		}
		if c.Budget.AmountMinor != 0 && given.Cmp(big.NewInt(c.Budget.AmountMinor)) > 0 {
			a.find(store.CheckLimit, name, "the budget is %d, redemptions that stand gave %s", c.Budget.AmountMinor, given)
		}
	}
}

// customers checks that no customer holds more of a voucher than it allows.
func (a *audit) customers() {
	standing := map[holder]int64{}
	for _, r := range a.s.redemptions {
		if r.RolledBackAt.IsZero() {
			standing[holder{of: r.VoucherID, customer: r.Customer}]++
		}
	}
	for h, n := range standing {
		if v, known := a.s.vouchers[h.of]; known && n > v.PerCustomer {
			a.find(store.CheckOncePerLimit, h.customer, "holds %d uses of %s, which allows %d",
				n, h.of.Format(id.Voucher), v.PerCustomer)
		}
	}
}

// receipts checks that each redemption and each rollback has the ledger entry that it says.
func (a *audit) receipts() {
	for _, r := range a.s.redemptions {
		name := r.ID.Format(id.Redemption)
		c, known := a.s.campaigns[r.CampaignID]
		if v := a.s.vouchers[r.VoucherID]; !known || v == nil || v.CampaignID != c.ID {
			a.find(store.CheckTransfer, name, "its voucher or its campaign is not there")
			continue
		}
		a.matches(name, ledger.Transfer{
			ID: r.ID, Customer: r.Customer, Currency: r.Currency, Seq: r.Seq, Kind: ledger.Redemption,
			Debit: ledger.FundingOf(c.ID, c.Currency), Credit: a.creditOf(r), Amount: r.AmountMinor, Balance: r.BalanceMinor, At: r.At,
		})
		b, reversed := a.s.rollbacks[r.RollbackID]
		if reversed != !r.RolledBackAt.IsZero() || reversed && b.RedemptionID != r.ID {
			a.find(store.CheckTransfer, name, "rolled back by %s, which says otherwise", r.RollbackID.Format(id.Rollback))
		}
	}
	for _, b := range a.s.rollbacks {
		name := b.ID.Format(id.Rollback)
		r, known := a.s.redemptions[b.RedemptionID]
		if !known || r.RollbackID != b.ID || r.AmountMinor != b.AmountMinor {
			a.find(store.CheckTransfer, name, "does not match its redemption %s", b.RedemptionID.Format(id.Redemption))
			continue
		}
		a.matches(name, ledger.Transfer{
			ID: b.ID, Customer: b.Customer, Currency: b.Currency, Seq: b.Seq, Kind: ledger.Rollback,
			Debit: a.creditOf(r), Credit: ledger.FundingOf(r.CampaignID, r.Currency), Amount: b.AmountMinor, Balance: b.BalanceMinor, At: b.At,
		})
	}
}

// creditOf is the account that a redemption credited.
func (a *audit) creditOf(r *voucher.Redemption) ledger.Account {
	if r.Effect == voucher.Discount {
		return ledger.Account{Kind: ledger.Merchant, Currency: r.Currency}
	}
	return ledger.WalletOf(r.Customer, r.Currency)
}

// matches checks that want stands in its wallet.
func (a *audit) matches(name string, want ledger.Transfer) {
	w, known := a.s.wallets[walletOf(&want)]
	if !known || !slices.Contains(w.entries, want) {
		a.find(store.CheckTransfer, name, "has no ledger entry of %d that matches it", want.Amount)
	}
}

// entries checks each wallet's entries, one after the other, and sums them up by account.
func (a *audit) entries() {
	for ref, w := range a.s.wallets {
		name := accountName(ledger.WalletOf(ref.Customer, ref.Currency))
		var balance int64
		for i, t := range w.entries {
			a.read.Transfers++
			a.sum(t.Credit).Add(a.sum(t.Credit), big.NewInt(t.Amount))
			a.sum(t.Debit).Sub(a.sum(t.Debit), big.NewInt(t.Amount))
			next, ok := money.Add(balance, t.Delta())
			if !ok || t.Balance != next || t.Seq != int64(i)+1 || walletOf(&t) != ref || !t.Sound() {
				a.find(store.CheckSequence, name, "entry %d (%s) does not follow from the one before", t.Seq, t.ID.Format(id.Transaction))
			}
			if t.Balance < 0 {
				a.find(store.CheckFloor, name, "entry %d leaves %d", t.Seq, t.Balance)
			}
			balance = t.Balance
			_, redeemed := a.s.redemptions[t.ID]
			_, reversed := a.s.rollbacks[t.ID]
			if redeemed != (t.Kind == ledger.Redemption) || reversed != (t.Kind == ledger.Rollback) {
				a.find(store.CheckTransfer, t.ID.Format(id.Transaction), "a %s without its cause", t.Kind)
			}
		}
		if w.balance.Seq != int64(len(w.entries)) {
			a.find(store.CheckSequence, name, "seq says %d, entries are %d", w.balance.Seq, len(w.entries))
		}
		if w.balance.Minor < 0 {
			a.find(store.CheckFloor, name, "the balance is %d", w.balance.Minor)
		}
	}
}

// balances checks the balances that are kept (a wallet's, and a funding account's as what its campaign
// has given) against the sums, and that each currency sums to zero.
func (a *audit) balances() {
	kept := maps.Clone(a.sums) // an account that keeps no balance of its own has the sum of its entries
	for ref, w := range a.s.wallets {
		kept[ledger.WalletOf(ref.Customer, ref.Currency)] = big.NewInt(w.balance.Minor)
	}
	for _, c := range a.s.campaigns {
		given := big.NewInt(c.GivenMinor)
		kept[ledger.FundingOf(c.ID, c.Currency)] = given.Neg(given)
	}
	totals := map[money.Currency]*big.Int{}
	for account, balance := range kept {
		if sum := a.sum(account); sum.Cmp(balance) != 0 {
			a.find(store.CheckBalance, accountName(account), "the balance is %s, its transfers sum to %s", balance, sum)
		}
		if account.Kind == ledger.Clearing && balance.Sign() != 0 {
			a.find(store.CheckZeroSum, accountName(account), "%s hangs between two customers", balance)
		}
		if totals[account.Currency] == nil {
			totals[account.Currency] = new(big.Int)
		}
		totals[account.Currency].Add(totals[account.Currency], balance)
	}
	for currency, total := range totals {
		if total.Sign() != 0 {
			a.find(store.CheckZeroSum, string(currency), "all accounts sum to %s", total)
		}
	}
}

func (a *audit) sum(of ledger.Account) *big.Int {
	if a.sums[of] == nil {
		a.sums[of] = new(big.Int)
	}
	return a.sums[of]
}

func accountName(a ledger.Account) string {
	name := a.Kind.String()
	if a.Owner != "" {
		name += ":" + a.Owner
	}
	return name + ":" + string(a.Currency)
}
