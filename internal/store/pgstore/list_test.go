package pgstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"scrip/internal/store"
	"scrip/internal/store/pgstore"
	"scrip/internal/testenv"
)

// Every list can go along an index from its cursor: no table is read whole, and nothing is sorted but the
// redemptions of one customer. What the planner would rather not do is forbidden only as far as it can do
// otherwise, so that a plan with it says that there is no other.
func TestListsGoAlongAnIndex(t *testing.T) {
	t.Parallel()
	url := testenv.Database(t)
	open(t, url, nil)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // it only read
	for _, way := range []string{"enable_seqscan", "enable_sort", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin"} {
		if _, err := conn.Exec(t.Context(), "SET "+way+" = off"); err != nil {
			t.Fatal(err)
		}
	}
	for name, page := range pgstore.Pages() {
		plan := explain(t, conn, page)
		ofCustomer := strings.HasPrefix(name, "redemptions of a customer")
		if strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Sort") != ofCustomer {
			t.Errorf("%s:\n%s\n%s", name, page.Query, plan)
		}
		if ofCustomer && !strings.Contains(plan, "redemption_pkey") {
			t.Errorf("%s: not by the customer:\n%s", name, plan)
		}
	}
}

func explain(t *testing.T, conn *pgx.Conn, s pgstore.Statement) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "EXPLAIN (COSTS OFF) "+s.Query, s.Args...)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// A receiver's entry is a cursor of the receiver's list and of no other, as is every kind of entry.
func TestTransactionsFromEveryKindOfEntry(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	for _, customer := range []string{"customer-1", "customer-2", "customer-3"} {
		of := store.WalletRef{Customer: customer, Currency: "IRR"}
		all, _, err := b.s.Transactions(t.Context(), of, store.Page{Limit: 100})
		if err != nil || len(all) < 2 {
			t.Fatalf("%s: %d entries, %v", customer, len(all), err)
		}
		for i, entry := range all {
			older, more, err := b.s.Transactions(t.Context(), of, store.Page{Limit: 100, After: entry.ID})
			if err != nil || more || len(older) != len(all)-i-1 {
				t.Errorf("%s after %s: %d entries, more: %t, %v", customer, entry.Kind, len(older), more, err)
			}
		}
	}
}

// Texts that PostgreSQL can't hold are nowhere, and spoil nothing for those that are asked for with them.
func TestReadsOfWhatCannotBe(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	const bad, worse = "a\x00b", "\xff"
	got, err := b.s.Balances(t.Context(), []store.WalletRef{{Customer: bad, Currency: "IRR"}, {Customer: "customer-4", Currency: "IRR"}, {Customer: worse}})
	if err != nil || fmt.Sprint(got) != "[0 1000 0]" {
		t.Errorf("balances: %v, %v", got, err)
	}
	ls, _, err := b.s.Lookup(t.Context(), []string{bad, "SALAM", worse})
	if err != nil || ls[0].Voucher != nil || ls[1].Voucher == nil || ls[2].Voucher != nil {
		t.Errorf("lookup: %+v, %v", ls, err)
	}
	if bs, err := b.s.Wallet(t.Context(), bad); err != nil || len(bs) != 0 {
		t.Errorf("wallet: %v, %v", bs, err)
	}
	if rs, more, err := b.s.ListRedemptions(t.Context(), store.RedemptionFilter{Customer: bad}, store.Page{Limit: 1}); err != nil || more || len(rs) != 0 {
		t.Errorf("redemptions: %v, %t, %v", rs, more, err)
	}
}
