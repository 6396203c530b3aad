package pgstore_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/store/pgstore"
	"scrip/internal/store/storetest"
	"scrip/internal/testenv"
)

// Backfilling begins with a database that an older version wrote.
func TestBackfill(t *testing.T) {
	t.Parallel()
	storetest.RunBackfill(t, func(t testing.TB, clock func() time.Time) store.Store {
		t.Helper()
		url := testenv.Database(t)
		if err := pgstore.MigrateTo(t.Context(), pgstore.Config{URL: url}, 3); err != nil {
			t.Fatal(err)
		}
		conn := connect(t, url)
		execute(t, conn, fmt.Sprintf("INSERT INTO account (kind, currency, balance) VALUES (5, 'IRR', %d)", -storetest.BeforeCustomers*storetest.BeforeCredits))
		for n := range storetest.BeforeCustomers {
			who := fmt.Sprint("old-", n)
			execute(t, conn, fmt.Sprintf("INSERT INTO wallet VALUES ('%s', 'IRR', %d, %d)", who, storetest.BeforeCredits, storetest.BeforeCredits))
			for seq := 1; seq <= storetest.BeforeCredits; seq++ {
				oldTransfer(t, conn, who, seq, seq)
			}
		}
		return open(t, url, clock)
	})
}

// oldTransfer credits 1 IRR as a server of an older version does, which knows nothing of seals, but for the balances.
func oldTransfer(tb testing.TB, conn execer, who string, seq, balance int) {
	tb.Helper()
	post := [16]byte(id.New(time.Now()))
	_, err := conn.Exec(tb.Context(), `INSERT INTO transfer (customer, currency, seq, id, kind, debit_kind, credit_kind, campaign_id, amount, balance, at)
		VALUES ($1, 'IRR', $2, $3, 3, 5, 1, NULL, 1, $4, now())`, who, seq, post, balance)
	if err == nil {
		_, err = conn.Exec(tb.Context(), `INSERT INTO post (customer, id, kind, currency, seq, to_customer, to_seq) VALUES ($1, $2, 3, 'IRR', $3, '', 0)`, who, post, seq)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// execer is a connection or a transaction.
type execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// seals makes seals until nothing more waits, and returns how many transfers they hold.
func seals(tb testing.TB, s store.Sealer, most int) (sealed int64) {
	tb.Helper()
	for {
		made, more, err := s.Seal(tb.Context(), store.Sealing{Max: most})
		if err != nil {
			tb.Fatal(err)
		}
		if made != nil {
			sealed += made.Count
		}
		if !more {
			return sealed
		}
	}
}

// sealAll seals until nothing waits. A sealing that was given up holds its lock until PostgreSQL has noticed, and whoever
// asks meanwhile is told that there is nothing to do.
func sealAll(tb testing.TB, s *pgstore.Store) {
	tb.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		seals(tb, s, 1000)
		left, err := s.Unsealed(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		if left.Waiting == 0 {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("%d transfers still wait to be sealed", left.Waiting)
		}
	}
}

// What an older server writes during a rolling upgrade, and somebody with psql, is sealed like all else, whenever it
// commits: also what was in the middle of its transaction while the migration waited for it.
func TestOlderWritersAreSealed(t *testing.T) {
	t.Parallel()
	url := testenv.Database(t)
	if err := pgstore.MigrateTo(t.Context(), pgstore.Config{URL: url}, 3); err != nil {
		t.Fatal(err)
	}
	old := connect(t, url)
	credit := func(who string, seq int) {
		if seq == 1 {
			execute(t, old, fmt.Sprintf("INSERT INTO wallet VALUES ('%s', 'IRR', 1, 1)", who))
		} else {
			execute(t, old, fmt.Sprintf("UPDATE wallet SET balance = balance + 1, seq = %d WHERE customer = '%s'", seq, who))
		}
		oldTransfer(t, old, who, seq, seq)
		execute(t, old, "INSERT INTO account AS a VALUES (5, 'IRR', -1) ON CONFLICT (kind, currency) DO UPDATE SET balance = a.balance - 1")
	}
	credit("before", 1)
	execute(t, old, "BEGIN")
	execute(t, old, "INSERT INTO wallet VALUES ('astride', 'IRR', 1, 1)")
	oldTransfer(t, old, "astride", 1, 1)
	execute(t, old, "INSERT INTO account AS a VALUES (5, 'IRR', -1) ON CONFLICT (kind, currency) DO UPDATE SET balance = a.balance - 1")

	migrated := make(chan error, 1)
	go func() { migrated <- pgstore.Migrate(t.Context(), pgstore.Config{URL: url}) }()
	select {
	case err := <-migrated:
		t.Fatalf("it did not wait for a transaction that writes: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	execute(t, old, "COMMIT")
	if err := <-migrated; err != nil {
		t.Fatal(err)
	}
	s := open(t, url, nil)
	credit("after", 1)
	credit("before", 2)
	apply(t, s, pay("new", 1))
	audited(t, s)
	if got := seals(t, s, 2); got != 5 {
		t.Errorf("%d transfers are sealed, want 5", got)
	}
	credit("after", 2) // beside a server of this version
	if got := seals(t, s, 100); got != 1 {
		t.Errorf("%d transfers are sealed, want 1", got)
	}
	audited(t, s)
}

// Transactions that are held open across seals are sealed when they commit, whatever was sealed meanwhile; those that are
// rolled back never.
func TestNothingIsSkippedWhoeverIsLate(t *testing.T) {
	t.Parallel()
	url := testenv.Database(t)
	s := open(t, url, nil)
	apply(t, s, pay("first", 1))
	type late struct {
		conn *pgx.Conn
		tx   pgx.Tx
	}
	var held []late
	for n := range 6 {
		conn := connect(t, url)
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		who := fmt.Sprint("late-", n)
		if n%2 == 0 { // as a server of this version does
			refs := store.AppendRefs(nil, store.TransferRef{Customer: who, Currency: "IRR", Seq: 1})
			if _, err := tx.Exec(t.Context(), "INSERT INTO unsealed (n, refs) VALUES (1, $1)", refs); err != nil {
				t.Fatal(err)
			}
		}
		oldTransfer(t, tx, who, 1, 1)
		if n%2 == 0 {
			if _, err := tx.Exec(t.Context(), "UPDATE transfer SET queued = true WHERE customer = $1", who); err != nil {
				t.Fatal(err)
			}
		}
		held = append(held, late{conn, tx})
	}
	want := int64(0)
	for n, one := range slices.Backward(held) { // the last to begin commits first
		apply(t, s, pay(fmt.Sprint("between-", n), 1))
		if want++; n == len(held)-1 {
			want++ // the very first
		}
		if got := seals(t, s, 2); got != want {
			t.Fatalf("%d transfers are sealed, want %d", got, want)
		}
		want = 0
		end := one.tx.Commit
		if n < 2 {
			end = one.tx.Rollback
		} else {
			want = 1
		}
		if err := end(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := seals(t, s, 2); got != want {
		t.Fatalf("at last %d transfers are sealed, want %d", got, want)
	}
	_, err := s.Audit(t.Context(), func(f store.Finding) {
		if strings.HasPrefix(f.Check, "seal") || f.Check == store.CheckWaiting {
			t.Errorf("%+v", f)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Two servers seal while four write, and are given up in the middle again and again: nothing is skipped, and nothing
// is sealed twice.
func TestSealersOfTwoServers(t *testing.T) {
	t.Parallel()
	url := testenv.Database(t)
	servers := []opened{open(t, url, nil), open(t, url, nil)}
	create(t, servers[0], "ONE", 0)
	ctx, cancel := context.WithCancel(t.Context())
	var writers, sealers sync.WaitGroup
	seal := func(most time.Duration) error {
		attempt, stop := context.WithTimeout(context.WithoutCancel(ctx), most)
		defer stop()
		_, _, err := servers[0].Seal(attempt, store.Sealing{Max: 10})
		if err == nil {
			_, _, err = servers[1].Seal(attempt, store.Sealing{Max: 10})
		}
		return err
	}
	for n := range 4 {
		writers.Go(func() {
			for i := range 25 {
				who := fmt.Sprintf("w%d-%d", n, i%9)
				if _, err := servers[n%2].Apply(t.Context(), []store.Command{pay(who, 2), send(who, "pot", 1), redeem("ONE", who)}); err != nil {
					t.Errorf("apply: %v", err)
				}
			}
		})
	}
	for range 2 {
		sealers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if n%3 == 2 {
					_ = seal(time.Duration(n%5) * time.Millisecond) // given up in the middle
				} else if err := seal(time.Minute); err != nil {
					t.Errorf("seal: %v", err)
				}
			}
		})
	}
	writers.Wait()
	cancel()
	sealers.Wait()
	sealAll(t, servers[1].Store)
	read, err := servers[0].Audit(t.Context(), func(f store.Finding) { t.Errorf("%+v", f) })
	if err != nil {
		t.Fatal(err)
	}
	newest, err := servers[0].LatestSeal(t.Context())
	if err != nil || newest.Total != read.Transfers || newest.Number != read.Seals {
		t.Errorf("%+v of %+v, %v", newest, read, err)
	}
}

// A list of unsealed transfers that nobody can read stops neither the sealing of the others nor an audit.
func TestAnUnreadableRowIsFound(t *testing.T) {
	t.Parallel()
	url := testenv.Database(t)
	s := open(t, url, nil)
	execute(t, connect(t, url), `INSERT INTO unsealed (n, refs) VALUES (1, '\xffff')`)
	apply(t, s, pay("ali", 1))
	if got := seals(t, s, 10); got != 1 {
		t.Errorf("%d transfers are sealed, want 1", got)
	}
	found := 0
	if _, err := s.Audit(t.Context(), func(f store.Finding) {
		if found++; f.Check != store.CheckWaiting || !strings.HasPrefix(f.ID, "row ") {
			t.Errorf("%+v", f)
		}
	}); err != nil || found != 1 {
		t.Errorf("%d findings, %v", found, err)
	}
}
