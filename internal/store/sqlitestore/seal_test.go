package sqlitestore_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/store/sqlitestore"
	"scrip/internal/store/storetest"
)

// TestBackfill migrates a file that an older version wrote.
func TestBackfill(t *testing.T) {
	t.Parallel()
	storetest.RunBackfill(t, func(t testing.TB, clock func() time.Time) store.Store {
		t.Helper()
		path := filepath.Join(t.TempDir(), sqlitestore.FileName)
		if err := sqlitestore.MigrateTo(t.Context(), path, 3); err != nil {
			t.Fatal(err)
		}
		conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		run := func(sql string, args ...any) {
			if err := sqlitex.Execute(conn, sql, &sqlitex.ExecOptions{Args: args}); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
		run("INSERT INTO account (no, kind, currency, balance_hi, balance_lo) VALUES (1, 5, 'IRR', -1, ?)", -storetest.BeforeCustomers*storetest.BeforeCredits)
		for n := range storetest.BeforeCustomers {
			run("INSERT INTO customer (ref, no) VALUES (?, ?)", fmt.Sprint("old-", n), n+1)
			run("INSERT INTO wallet (customer_no, currency, balance, seq) VALUES (?, 'IRR', ?, ?)", n+1, storetest.BeforeCredits, storetest.BeforeCredits)
			for seq := 1; seq <= storetest.BeforeCredits; seq++ {
				post := id.New(clock())
				run(`INSERT INTO transfer (customer_no, currency, seq, id, kind, debit, credit, amount, balance, at)
					VALUES (?, 'IRR', ?, ?, 3, 1, 0, 1, ?, ?)`, n+1, seq, post[:], seq, clock().UnixMicro())
				run("INSERT INTO post (id, kind, customer_no, currency, seq, to_no, to_seq) VALUES (?, 3, ?, 'IRR', ?, 0, 0)", post[:], n+1, seq)
			}
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		return open(t, path, clock)
	})
}
