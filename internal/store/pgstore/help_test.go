package pgstore_test

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

// create makes a code with a campaign of its own that gives 1000, once to each customer; limit 0 is none.
func create(tb testing.TB, s store.Store, key string, limit int64) {
	tb.Helper()
	if _, _, err := s.Create(tb.Context(), creation(key, limit)); err != nil {
		tb.Fatal(err)
	}
}

func creation(key string, limit int64) store.Creation {
	c := &voucher.Campaign{
		ID: id.New(time.Now()), Name: key, Currency: "IRR",
		Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 1000},
	}
	v := voucher.Voucher{ID: id.New(time.Now()), CampaignID: c.ID, Code: key, Key: key, Limit: limit, PerCustomer: 1}
	return store.Creation{Campaign: c, Vouchers: []voucher.Voucher{v}}
}

func redeem(code, customer string) *store.Redeem {
	return &store.Redeem{ID: id.New(time.Now()), Code: code, Customer: customer}
}

func pay(customer string, minor int64) *store.Post {
	return &store.Post{ID: id.New(time.Now()), Kind: ledger.Credit, Customer: customer, Currency: "IRR", AmountMinor: minor}
}

func send(from, to string, minor int64) *store.Post {
	return &store.Post{ID: id.New(time.Now()), Kind: ledger.TransferOut, Customer: from, To: to, Currency: "IRR", AmountMinor: minor}
}

// again are copies of commands that ask again.
func again(commands []store.Command) []store.Command {
	asked := make([]store.Command, len(commands))
	for i, c := range commands {
		switch c := c.(type) {
		case *store.Redeem:
			copied := *c
			copied.Again = true
			asked[i] = &copied
		case *store.Rollback:
			copied := *c
			copied.Again = true
			asked[i] = &copied
		case *store.Post:
			copied := *c
			copied.Again = true
			asked[i] = &copied
		}
	}
	return asked
}

// apply applies commands, of which none may be refused.
func apply(tb testing.TB, s store.Store, commands ...store.Command) []store.Outcome {
	tb.Helper()
	outcomes, err := s.Apply(tb.Context(), commands)
	if err != nil {
		tb.Fatal(err)
	}
	for i, o := range outcomes {
		if o.Refusal != nil {
			tb.Fatalf("command %d is refused: %v", i, o.Refusal)
		}
	}
	return outcomes
}

// audited fails the test unless the books are in order.
func audited(tb testing.TB, s store.Store) {
	tb.Helper()
	if _, err := s.Audit(tb.Context(), func(f store.Finding) { tb.Errorf("audit: %+v", f) }); err != nil {
		tb.Fatal(err)
	}
}

func balance(tb testing.TB, s store.Store, customer string) int64 {
	tb.Helper()
	b, err := s.Balances(tb.Context(), []store.WalletRef{{Customer: customer, Currency: "IRR"}})
	if err != nil {
		tb.Fatal(err)
	}
	return b[0]
}

// host is the server's address in a database's URL.
func host(tb testing.TB, at string) string {
	tb.Helper()
	u, err := url.Parse(at)
	if err != nil {
		tb.Fatal(err)
	}
	return u.Host
}

// viaProxy is a fresh database with a proxy before it.
func viaProxy(tb testing.TB) (at string, p *proxy) {
	tb.Helper()
	at = testenv.Database(tb)
	return at, newProxy(tb, host(tb, at))
}

func name(i int) string { return fmt.Sprintf("0912%07d", i) }
