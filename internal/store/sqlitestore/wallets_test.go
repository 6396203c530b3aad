package sqlitestore_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/store/sqlitestore"
)

// ofSchema5 is a file as the version before wallets were their newest entries wrote it: two customers, with three entries
// in rial and two in dollars each.
func ofSchema5(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), sqlitestore.FileName)
	if err := sqlitestore.MigrateTo(t.Context(), path, 5); err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	script.WriteString("UPDATE sealing SET backfilled = 0;") // the entries are from before there were seals
	for account, w := range []struct {
		currency string
		entries  int
	}{{"IRR", 3}, {"USD", 2}} {
		fmt.Fprintf(&script, "INSERT INTO account VALUES (%d, 5, '%s', -1, %d);", account+1, w.currency, -2*10*w.entries)
		for customer := 1; customer <= 2; customer++ {
			fmt.Fprintf(&script, "INSERT OR IGNORE INTO customer VALUES ('customer-%d', %[1]d);", customer)
			fmt.Fprintf(&script, "INSERT INTO wallet VALUES (%d, '%s', %d, %d);", customer, w.currency, 10*w.entries, w.entries)
			for seq := 1; seq <= w.entries; seq++ {
				post := fmt.Sprintf("x'0000000000007000800000000000%02d%d%d'", account, customer, seq)
				fmt.Fprintf(&script, "INSERT INTO transfer VALUES (%d, '%s', %d, %s, 3, %d, 0, 10, %d, 1, NULL);", customer, w.currency, seq, post, account+1, 10*seq)
				fmt.Fprintf(&script, "INSERT INTO post VALUES (%s, 3, %d, '%s', %d, 0, 0);", post, customer, w.currency, seq)
			}
		}
	}
	tamper(t, path, script.String())
	return path
}

func TestWalletsBecomeTheirNewestEntries(t *testing.T) {
	t.Parallel()
	s := open(t, ofSchema5(t), nil)
	for _, customer := range []string{"customer-1", "customer-2"} {
		got, err := s.Wallet(t.Context(), customer)
		want := []ledger.Balance{{Currency: "IRR", Minor: 30, Seq: 3}, {Currency: "USD", Minor: 20, Seq: 2}}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", customer, got, err, want)
		}
		ts, _, err := s.Transactions(t.Context(), store.WalletRef{Customer: customer, Currency: "IRR"}, store.Page{Limit: 10})
		if err != nil || len(ts) != 3 || ts[0].Seq != 3 || ts[2].Balance != 10 {
			t.Errorf("%s: %+v, %v", customer, ts, err)
		}
	}
	seen, err := s.Audit(t.Context(), func(f store.Finding) { t.Errorf("%+v", f) })
	if err != nil || seen.Wallets != 4 || seen.Transfers != 10 {
		t.Errorf("%+v, %v", seen, err)
	}
}

// Of two that contradict each other neither is thrown away.
func TestAContradictingWalletStopsTheMigration(t *testing.T) {
	t.Parallel()
	for name, contradiction := range map[string]string{
		"it holds more":           "UPDATE wallet SET balance = balance + 1 WHERE customer_no = 2 AND currency = 'USD'",
		"it is gone":              "DELETE FROM wallet WHERE customer_no = 1 AND currency = 'IRR'",
		"it has no entry":         "INSERT INTO wallet VALUES (1, 'EUR', 5, 1)",
		"an entry came after":     "UPDATE wallet SET balance = 10, seq = 1 WHERE customer_no = 2 AND currency = 'USD'",
		"its last entry is gone":  "DELETE FROM transfer WHERE customer_no = 2 AND seq = 3",
		"it was used for nothing": "INSERT INTO wallet VALUES (2, 'EUR', 0, 0)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := ofSchema5(t)
			tamper(t, path, contradiction)
			_, err := sqlitestore.Open(t.Context(), sqlitestore.Config{Path: path})
			if err == nil || !strings.Contains(err.Error(), "scrip verify") {
				t.Fatalf("it opens, or does not say what to do: %v", err)
			}
			conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close() //nolint:errcheck // it only reads
			version, entries := int64(0), int64(0)
			query := "SELECT max(version_id), (SELECT count(*) FROM transfer), (SELECT count(*) FROM wallet) FROM goose_db_version"
			if err := sqlitex.Execute(conn, query, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
				version, entries = s.ColumnInt64(0), s.ColumnInt64(1)
				return nil
			}}); err != nil {
				t.Fatal(err)
			}
			if version != 5 || entries < 9 {
				t.Errorf("it is at schema %d, with %d entries; want it as it was", version, entries)
			}
		})
	}
}
