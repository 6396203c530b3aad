package client

import (
	"context"
	"iter"
	"time"
)

// Wallet is a customer's balances, one per currency.
type Wallet struct {
	Object   string  `json:"object"`
	Customer string  `json:"customer"` // as the server knows them: a mobile number with its country code
	Balances []Money `json:"balances"`
}

// Balance is the balance in one currency, in minor units.
func (w *Wallet) Balance(currency string) int64 {
	for _, b := range w.Balances {
		if b.Currency == currency {
			return b.Amount
		}
	}
	return 0
}

// Wallet returns a customer's wallet; a customer never seen has an empty one.
func (c *Client) Wallet(ctx context.Context, customer string, o ...RequestOption) (*Wallet, error) {
	out := &Wallet{}
	_, err := c.into(ctx, get("/v1/wallets/"+segment(customer), nil), o, out)
	return orNil(out, err)
}

// Account is one side of a transaction.
type Account struct {
	Kind  string `json:"kind"`            // wallet, funding, merchant, expired, external or clearing
	Owner string `json:"owner,omitempty"` // a wallet's customer, a funding account's campaign
}

// Transaction is an immutable ledger entry of a wallet.
type Transaction struct {
	ID         string    `json:"id"`
	Object     string    `json:"object"`
	Customer   string    `json:"customer"`
	Kind       string    `json:"kind"`
	Amount     int64     `json:"amount"` // what it changed in this wallet, with its sign
	Currency   string    `json:"currency"`
	Debit      Account   `json:"debit"`
	Credit     Account   `json:"credit"`
	Balance    int64     `json:"balance"`  // of the wallet, right after it
	Sequence   int64     `json:"sequence"` // 1, 2, 3 … within the wallet
	CreatedAt  time.Time `json:"created_at"`
	Redemption string    `json:"redemption,omitempty"` // where Kind is "redemption"
	Rollback   string    `json:"rollback,omitempty"`   // where Kind is "rollback"
}

// TransactionQuery asks for a page of a wallet's transactions, newest first.
type TransactionQuery struct {
	Currency string // empty: the server's
	Page
}

// Transactions returns a page.
func (c *Client) Transactions(ctx context.Context, customer string, q TransactionQuery, o ...RequestOption) (*List[Transaction], error) {
	v := q.values()
	setIf(v, "currency", q.Currency)
	out := &List[Transaction]{}
	_, err := c.into(ctx, get("/v1/wallets/"+segment(customer)+"/transactions", v), o, out)
	return orNil(out, err)
}

// AllTransactions walks over all pages from q on.
func (c *Client) AllTransactions(ctx context.Context, customer string, q TransactionQuery) iter.Seq2[Transaction, error] {
	return walk(q.Page, func(p Page) (*List[Transaction], error) {
		q.Page = p
		return c.Transactions(ctx, customer, q)
	}, func(t *Transaction) string { return t.ID })
}
