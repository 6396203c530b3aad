package ledger_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/money"
)

const (
	rial = money.Currency("IRR")
	euro = money.Currency("EUR")
)

func account(k ledger.AccountKind) ledger.Account { return ledger.Account{Kind: k, Currency: rial} }

// between is a transfer of ali's, of an amount.
func between(debit, credit ledger.Account, amount int64) ledger.Transfer {
	return ledger.Transfer{Customer: "ali", Currency: rial, Debit: debit, Credit: credit, Amount: amount}
}

func TestTransferDelta(t *testing.T) {
	t.Parallel()
	own := ledger.WalletOf("ali", rial)
	for _, c := range []struct {
		name          string
		debit, credit ledger.Account
		want          int64
	}{
		{"in", account(ledger.External), own, 7},
		{"out", own, account(ledger.Merchant), -7},
		{"a discount", account(ledger.Funding), account(ledger.Merchant), 0},
		{"another customer's", account(ledger.External), ledger.WalletOf("bita", rial), 0},
		{"another currency's", account(ledger.External), ledger.WalletOf("ali", euro), 0},
		{"an account that is no wallet", account(ledger.External), ledger.Account{Kind: ledger.Funding, Owner: "ali", Currency: rial}, 0},
	} {
		transfer := between(c.debit, c.credit, 7)
		if got := transfer.Delta(); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

func TestTransferApply(t *testing.T) {
	t.Parallel()
	own, outside := ledger.WalletOf("ali", rial), account(ledger.External)
	in := func(amount int64) ledger.Transfer { return between(outside, own, amount) }
	out := func(amount int64) ledger.Transfer { return between(own, outside, amount) }
	for _, c := range []struct {
		name     string
		transfer ledger.Transfer
		balance  int64
		want     int64
		refusal  *fault.Error
	}{
		{"in", in(7), 3, 10, nil},
		{"in, to the largest", in(7), math.MaxInt64 - 7, math.MaxInt64, nil},
		{"in, beyond the largest", in(7), math.MaxInt64 - 6, 0, fault.ErrBalanceOverflow},
		{"in, far beyond", in(math.MaxInt64), math.MaxInt64, 0, fault.ErrBalanceOverflow},
		{"out", out(7), 10, 3, nil},
		{"out, to nothing", out(7), 7, 0, nil},
		{"out, below nothing", out(7), 6, 0, fault.ErrInsufficientFunds},
		{"out, far below", out(math.MaxInt64), 0, 0, fault.ErrInsufficientFunds},
		{"past it", between(account(ledger.Funding), account(ledger.Merchant), math.MaxInt64), math.MaxInt64, math.MaxInt64, nil},
	} {
		got, refusal := c.transfer.Apply(c.balance)
		if got != c.want || (refusal == nil) != (c.refusal == nil) || refusal != nil && !refusal.Is(c.refusal) {
			t.Errorf("%s: got %d and %v, want %d and %v", c.name, got, refusal, c.want, c.refusal)
		}
	}
}

// TestTransferApplyKeepsInvariant4 checks that no transfer takes a wallet below zero or past the largest
// number, and that the reverse of one that was applied leads back.
func TestTransferApplyKeepsInvariant4(t *testing.T) {
	t.Parallel()
	own, outside := ledger.WalletOf("ali", rial), account(ledger.External)
	rapid.Check(t, func(t *rapid.T) {
		balance, amount := rapid.Int64Min(0).Draw(t, "balance"), rapid.Int64Min(1).Draw(t, "amount")
		there, back := between(outside, own, amount), between(own, outside, amount)
		if rapid.Bool().Draw(t, "out") {
			there, back = back, there
		}
		after, refusal := there.Apply(balance)
		if refusal != nil {
			return
		}
		if after < 0 || after != balance+there.Delta() {
			t.Fatalf("%d and %d are %d", balance, there.Delta(), after)
		}
		if before, refusal := back.Apply(after); refusal != nil || before != balance {
			t.Fatalf("back from %d are %d (%v), want %d", after, before, refusal, balance)
		}
	})
}

func TestTransferSound(t *testing.T) {
	t.Parallel()
	own, outside := ledger.WalletOf("ali", rial), account(ledger.External)
	for _, c := range []struct {
		name     string
		transfer ledger.Transfer
		want     bool
	}{
		{"in", between(outside, own, 1), true},
		{"past it", between(account(ledger.Funding), account(ledger.Merchant), 1), true},
		{"between wallets", between(own, ledger.WalletOf("bita", rial), 1), true},
		{"of nothing", between(outside, own, 0), false},
		{"of less than nothing", between(outside, own, -1), false},
		{"to itself", between(own, own, 1), false},
		{"from another currency", between(ledger.Account{Kind: ledger.External, Currency: euro}, own, 1), false},
		{"to another currency", between(outside, ledger.WalletOf("ali", euro), 1), false},
		{"in another currency", between(ledger.Account{Kind: ledger.External, Currency: euro}, ledger.WalletOf("ali", euro), 1), false},
	} {
		if got := c.transfer.Sound(); got != c.want {
			t.Errorf("%s: got %t, want %t", c.name, got, c.want)
		}
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	campaign := id.New(time.Date(2026, time.March, 20, 12, 0, 0, 0, time.UTC))
	if got, want := ledger.FundingOf(campaign, rial), (ledger.Account{Kind: ledger.Funding, Owner: campaign.Format(id.Campaign), Currency: rial}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if ledger.WalletOf("ali", rial) == ledger.WalletOf("ali", euro) || ledger.WalletOf("ali", rial) == ledger.WalletOf("Ali", rial) {
		t.Error("two wallets are one")
	}
}

// TestNames holds the numbers that are stored, and the names that are shown, to what they are.
func TestNames(t *testing.T) {
	t.Parallel()
	for number, want := range []string{"unknown", "wallet", "funding", "merchant", "expired", "external", "clearing", "unknown"} {
		if got := ledger.AccountKind(number).String(); got != want {
			t.Errorf("account %d: got %s, want %s", number, got, want)
		}
	}
	for number, want := range []string{"unknown", "redemption", "rollback", "credit", "debit", "transfer_out", "transfer_in", "expiry", "unknown"} {
		if got := ledger.Kind(number).String(); got != want {
			t.Errorf("transfer %d: got %s, want %s", number, got, want)
		}
	}
}
