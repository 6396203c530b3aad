package cli

import (
	"context"
	"io"
	"time"

	"scrip/client"
	"scrip/internal/money"
)

type redeemCmd struct {
	remote `embed:""`

	Code     string `arg:"" help:"The code, as people type it."`
	Customer string `arg:"" help:"The customer, most often a mobile number."`
	Once     string `name:"idempotency-key" placeholder:"TEXT" help:"The same key again gets the same answer again."`
	Order    string `name:"order" placeholder:"AMOUNT" help:"For a discount: the order's amount, in whole units."`
	OrderID  string `name:"order-id" placeholder:"TEXT" help:"For a discount: the order's id."`
	Currency string `name:"currency" env:"SCRIP_CURRENCY" placeholder:"CODE" help:"ISO 4217 code of the order; left out, the code's, for which the key needs the scope read or campaigns."`
}

// Help is the long help.
func (*redeemCmd) Help() string {
	return `A refusal exits with 1 and says why on stderr.

Example:
  scrip redeem salam 09123456789
  scrip redeem salam 09123456789 --idempotency-key order-4711 --json`
}

// Run redeems.
func (k *redeemCmd) Run(c *command) error {
	api, err := k.dial()
	if err != nil {
		return err
	}
	if k.Order == "" && c.given("currency") {
		return usage("--currency is that of the order: give its amount too, with --order")
	}
	request := client.RedeemRequest{Code: k.Code, Customer: k.Customer}
	if request.Order, err = k.order(c.ctx, api); err != nil {
		return err
	}
	var options []client.RequestOption
	if k.Once != "" {
		options = append(options, client.IdempotencyKey(k.Once))
	}
	r, err := api.Redeem(c.ctx, request, options...)
	if err != nil {
		return err
	}
	return c.answer(r, func(w io.Writer) {
		rank := "number " + count(r.Rank)
		if r.Limit != nil {
			rank += " of " + count(*r.Limit)
		}
		again := ""
		if r.Replayed {
			again = " (the first answer again)"
		}
		line(w, "Redeemed: %s is %s.%s", r.Customer, rank, again)
		line(w, "%s\t%s", r.Effect.Kind, amount(r.Effect.Amount, r.Effect.Currency))
		if r.Balance.Currency != "" { // not on the public face
			line(w, "balance\t%s", amount(r.Balance.Amount, r.Balance.Currency))
		}
		line(w, "receipt\t%s", r.ID)
	})
}

// order is what a discount is for, or nil.
func (k *redeemCmd) order(ctx context.Context, api *client.Client) (*client.Order, error) {
	if k.Order == "" {
		if k.OrderID != "" {
			return nil, usage("--order-id is the id of an order: give its amount too, with --order")
		}
		return nil, nil //nolint:nilnil // there is none
	}
	currency := money.Currency(k.Currency)
	if currency == "" { // an order in another currency than the code's would be refused
		v, err := api.LookupVoucher(ctx, k.Code)
		if client.CodeOf(err) == client.CodeInsufficientScope {
			return nil, usage("--order needs --currency here: this key may not look up the code's own")
		}
		if err != nil {
			return nil, err
		}
		currency = money.Currency(v.Effect.Currency)
	}
	minor, err := money.ParseDecimal(k.Order, currency)
	if err != nil {
		return nil, usage("--order is %.40q in %.40s: %w", k.Order, currency, err)
	}
	return &client.Order{ID: k.OrderID, Amount: minor, Currency: string(currency)}, nil
}

type walletCmd struct {
	Show walletShowCmd `cmd:"" help:"Show a customer's balances."`
}

type walletShowCmd struct {
	remote `embed:""`

	Customer     string `arg:"" help:"The customer, most often a mobile number."`
	Transactions int    `name:"transactions" placeholder:"N" help:"Show the last N transactions too, up to 100."`
	Currency     string `name:"currency" placeholder:"CODE" help:"Currency of the transactions; left out, the server's."`
}

// Help is the long help.
func (*walletShowCmd) Help() string {
	return `Example:
  scrip wallet show 09123456789
  scrip wallet show 09123456789 --transactions 10`
}

// walletShown is the answer of wallet show.
type walletShown struct {
	*client.Wallet

	Transactions []client.Transaction `json:"transactions,omitempty"`
}

// Run shows a wallet.
func (k *walletShowCmd) Run(c *command) error {
	if k.Transactions < 0 || k.Transactions > 100 {
		return usage("--transactions is %d: it must be from 0 to 100", k.Transactions)
	}
	if k.Currency != "" && k.Transactions == 0 {
		return usage("--currency is that of the transactions: say how many to show, with --transactions")
	}
	api, err := k.dial()
	if err != nil {
		return err
	}
	shown := walletShown{}
	if shown.Wallet, err = api.Wallet(c.ctx, k.Customer); err != nil {
		return err
	}
	if k.Transactions > 0 {
		list, err := api.Transactions(c.ctx, k.Customer, client.TransactionQuery{
			Currency: k.Currency, Page: client.Page{Limit: k.Transactions},
		})
		if err != nil {
			return err
		}
		shown.Transactions = list.Data
	}
	return c.answer(shown, func(w io.Writer) { shown.describe(w) })
}

func (s *walletShown) describe(w io.Writer) {
	line(w, "customer\t%s", s.Customer)
	if len(s.Balances) == 0 {
		line(w, "balance\tnone yet")
	}
	for _, b := range s.Balances {
		line(w, "balance\t%s", amount(b.Amount, b.Currency))
	}
	if len(s.Transactions) == 0 {
		return
	}
	line(w, "\nTIME\tKIND\tAMOUNT\tBALANCE\tTRANSACTION")
	for i := range s.Transactions {
		t := &s.Transactions[i]
		line(w, "%s\t%s\t%s\t%s\t%s", t.CreatedAt.Format(time.RFC3339), t.Kind, amount(t.Amount, t.Currency), amount(t.Balance, t.Currency), t.ID)
	}
}
