// Package ledger is the double-entry arithmetic of Scrip: accounts, transfers and the invariants that
// every store keeps.
//
// Invariants:
//  1. A transfer moves a positive amount from exactly one account (debit) to exactly one other (credit),
//     both in one currency.
//  2. An account's balance is the sum of its credits less the sum of its debits.
//  3. Therefore all balances of a currency sum to zero, always.
//  4. A wallet's balance is never below zero and never overflows int64.
//
// The package is pure: it knows no store, no clock and no I/O.
package ledger

import (
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/money"
)

// AccountKind says whose money an account counts.
type AccountKind uint8

// The kinds of account. Stored by number: never renumber.
const (
	Wallet   AccountKind = 1 // a customer's; the only kind that can't go below zero
	Funding  AccountKind = 2 // a campaign's; its balance, negated, is what the campaign has given away
	Merchant AccountKind = 3 // what discounts and debits have paid for
	Expired  AccountKind = 4 // credit that ran out
	External AccountKind = 5 // the world outside: money paid in or out
	Clearing AccountKind = 6 // between two customers, within one transaction; zero after each
)

// String returns the kind's name as it is shown in the API.
func (k AccountKind) String() string {
	switch k {
	case Wallet:
		return "wallet"
	case Funding:
		return "funding"
	case Merchant:
		return "merchant"
	case Expired:
		return "expired"
	case External:
		return "external"
	case Clearing:
		return "clearing"
	default:
		return "unknown"
	}
}

// Account names one account. It is comparable, so that it can be a map's key.
type Account struct {
	Kind     AccountKind
	Owner    string // a wallet's customer, a funding account's campaign id (cmp_…); otherwise empty
	Currency money.Currency
}

// WalletOf names the wallet of a customer in a currency.
func WalletOf(customer string, c money.Currency) Account {
	return Account{Kind: Wallet, Owner: customer, Currency: c}
}

// FundingOf names the funding account of a campaign.
func FundingOf(campaign id.ID, c money.Currency) Account {
	return Account{Kind: Funding, Owner: campaign.Format(id.Campaign), Currency: c}
}

// Kind says why a transfer was made. Stored by number: never renumber.
type Kind uint8

// The kinds of transfer.
const (
	Redemption  Kind = 1 // funding -> wallet (credit), or funding -> merchant (discount)
	Rollback    Kind = 2 // the reverse of a redemption
	Credit      Kind = 3 // external -> wallet
	Debit       Kind = 4 // wallet -> merchant
	TransferOut Kind = 5 // wallet -> clearing, the sender's row
	TransferIn  Kind = 6 // clearing -> wallet, the receiver's row
	Expiry      Kind = 7 // wallet -> expired
)

// String returns the kind's name as it is shown in the API.
func (k Kind) String() string {
	switch k {
	case Redemption:
		return "redemption"
	case Rollback:
		return "rollback"
	case Credit:
		return "credit"
	case Debit:
		return "debit"
	case TransferOut:
		return "transfer_out"
	case TransferIn:
		return "transfer_in"
	case Expiry:
		return "expiry"
	default:
		return "unknown"
	}
}

// Transfer is one immutable ledger entry: a transaction in the API's words. It belongs to one customer
// and lives with that customer's wallet.
type Transfer struct {
	// ID is the id of the command that caused it, so the redemption rdm_X has the transaction txn_X.
	// It is unique per customer: the two rows of a transfer between customers share it.
	ID       id.ID
	Customer string
	Currency money.Currency
	Seq      int64 // 1, 2, 3 … within the customer's wallet of this currency, without gaps
	Kind     Kind
	Debit    Account
	Credit   Account
	Amount   int64 // minor units, above zero
	// Balance is the customer's wallet right after this transfer, minor units, never below zero.
	Balance int64
	At      time.Time
}

// Delta is what the transfer adds to the customer's own wallet: Amount, -Amount, or 0 where neither side
// is that wallet (a discount).
func (t *Transfer) Delta() int64 {
	own := WalletOf(t.Customer, t.Currency)
	switch own {
	case t.Credit:
		return t.Amount
	case t.Debit:
		return -t.Amount
	default:
		return 0
	}
}

// Apply returns the wallet's balance after t, or the refusal that invariant 4 demands.
func (t *Transfer) Apply(balance int64) (int64, *fault.Error) {
	next, ok := money.Add(balance, t.Delta())
	if !ok {
		return 0, fault.ErrBalanceOverflow
	}
	if next < 0 {
		return 0, fault.ErrInsufficientFunds
	}
	return next, nil
}

// Sound reports whether t keeps invariant 1; a transfer that does not is a defect, never a caller's fault.
func (t *Transfer) Sound() bool {
	return t.Amount > 0 && t.Debit != t.Credit && t.Debit.Currency == t.Currency && t.Credit.Currency == t.Currency
}

// Balance is a wallet's balance in one currency.
type Balance struct {
	Currency money.Currency
	Minor    int64
	// Seq is the number of transfers behind the balance.
	Seq int64
}
