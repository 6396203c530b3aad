package pgstore_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// Winners waits for a batch that holds the voucher, wherever that runs, and reads what it did.
func TestWinnersWaitForABatch(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	v := b.look(t, "SALAM").Voucher
	tx, err := b.conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{ // a batch of another process, between its lock and its commit
		"SELECT 1 FROM voucher WHERE code_key = 'SALAM' FOR NO KEY UPDATE",
		`INSERT INTO redemption SELECT 'late', voucher_id, 1, gen_random_uuid(), campaign_id, 6, max_uses, effect_kind, amount, currency,
			'', 0, balance, seq, '', at FROM redemption WHERE customer = 'customer-4'`,
		"UPDATE voucher SET redeemed = 5, ranked = 6 WHERE code_key = 'SALAM'",
	} {
		if _, err := tx.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	type answer struct {
		names []string
		fact  voucher.Fact
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		a.fact, a.err = b.s.Winners(t.Context(), v.ID, func(name string) bool {
			a.names = append(a.names, name)
			return true
		})
		answers <- a
	}()
	b.untilSomebodyWaits(t, tx)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := <-answers
	if a.err != nil || !slices.Contains(a.names, "late") || a.fact.Status != voucher.SoldOut {
		t.Errorf("got %v with the fact %+v, %v; want the late one, and sold out", a.names, a.fact, a.err)
	}
}

// untilSomebodyWaits returns once another connection waits for a lock that tx holds.
func (b *books) untilSomebodyWaits(t *testing.T, tx pgx.Tx) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for waiting := false; !waiting; {
		err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))").Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// The voucher is free while its winners are read: a batch goes on, and is not in what is read.
func TestWinnersHoldNobodyUp(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	var names []string
	fact, err := b.s.Winners(t.Context(), b.look(t, "SALAM").Voucher.ID, func(name string) bool {
		if len(names) == 0 {
			b.apply(t, &store.Redeem{ID: id.New(time.Now()), Code: "SALAM", Customer: "meanwhile"})
		}
		names = append(names, name)
		return true
	})
	slices.Sort(names)
	want := []string{"customer-1", "customer-2", "customer-3", "customer-4", "customer-5"}
	if err != nil || !slices.Equal(names, want) || fact.Status != voucher.Open || fact.Remaining != 1 {
		t.Errorf("got %v with %+v, %v; want %v with one use left", names, fact, err, want)
	}
	if at := b.look(t, "SALAM").Voucher; at.Remaining() != 0 {
		t.Errorf("%d uses are left, want none", at.Remaining())
	}
}

// The time of a read is what the database told it, whatever the store's clock was told meanwhile; it is never
// earlier than what the store had told before the read began.
func TestMomentOfARead(t *testing.T) {
	t.Parallel()
	s := newBooks(t).s
	base := s.Now(time.Now()).Add(time.Hour).Truncate(time.Microsecond)
	s.Now(base)
	asked := s.Asked()
	s.Now(base.Add(time.Hour)) // a batch commits between the read and its answer
	if got, want := s.Moment(asked, base.Add(time.Second)), base.Add(time.Second); !got.Equal(want) {
		t.Errorf("got %s, want what was told, %s", got, want)
	}
	if got := s.Moment(asked, base.Add(-time.Second)); !got.Equal(base) {
		t.Errorf("got %s, want what the store had told before, %s", got, base)
	}
	if got, want := s.Now(base), base.Add(time.Hour); !got.Equal(want) {
		t.Errorf("the clock ran backwards to %s, want %s", got, want)
	}
}
