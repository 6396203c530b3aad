package wallet_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/store/memstore"
	"scrip/internal/wallet"
)

// slow lets a crowd gather while a read is under way, and counts the reads.
type slow struct {
	store.Wallets
	reads atomic.Int64
	fail  error
}

func (s *slow) Balances(ctx context.Context, refs []store.WalletRef) ([]int64, error) {
	s.reads.Add(1)
	time.Sleep(time.Second)
	if s.fail != nil {
		return nil, s.fail
	}
	return s.Wallets.Balances(ctx, refs)
}

func paid(t *testing.T, n int) *memstore.Store {
	t.Helper()
	s := memstore.New(memstore.Options{})
	for i := range n {
		cmd := &store.Post{
			ID: id.New(time.Now()), Kind: ledger.Credit, Customer: fmt.Sprintf("+98912000%04d", i), Currency: "IRR", AmountMinor: int64(i + 1),
		}
		if _, err := s.Apply(t.Context(), []store.Command{cmd}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestACrowdOfBalancesIsOneRead(t *testing.T) {
	s := paid(t, 100)
	synctest.Test(t, func(t *testing.T) {
		reads := &slow{Wallets: s}
		svc, err := wallet.New(wallet.Config{MaxBatch: 1024, MaxQueue: 1024}, reads)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				got, err := svc.Balance(t.Context(), fmt.Sprintf("0912000%04d", i), "IRR")
				if err != nil || got != int64(i+1) {
					t.Errorf("customer %d: %d, %v", i, got, err)
				}
			})
		}
		all.Wait()
		if n := reads.reads.Load(); n > 2 {
			t.Errorf("%d reads for a hundred balances", n)
		}
		reads.fail = errors.New("the disk broke")
		if _, err := svc.Balance(t.Context(), "ali", "IRR"); !errors.Is(err, fault.ErrStoreUnavailable) {
			t.Errorf("got %v", err)
		}
		if err := svc.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := svc.Balance(t.Context(), "ali", "IRR"); !errors.Is(err, fault.ErrShuttingDown) {
			t.Errorf("got %v", err)
		}
	})
}

func TestLookingIntoAWallet(t *testing.T) {
	svc, err := wallet.New(wallet.Config{MaxBatch: 16, MaxQueue: 16}, paid(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer svc.Close(t.Context()) //nolint:errcheck // nothing waits
	who, balances, err := svc.Wallet(t.Context(), "۰۹۱۲ ۰۰۰ ۰۰۰۰")
	if err != nil || who != "+989120000000" || len(balances) != 1 || balances[0].Minor != 1 {
		t.Errorf("got %q %+v, %v", who, balances, err)
	}
	ts, more, err := svc.Transactions(t.Context(), "09120000000", "IRR", wallet.Page{Limit: 10})
	if err != nil || more || len(ts) != 1 || ts[0].Amount != 1 {
		t.Errorf("got %+v %v, %v", ts, more, err)
	}
	if got, err := svc.Balance(t.Context(), "nobody", "IRR"); err != nil || got != 0 {
		t.Errorf("a stranger: %d, %v", got, err)
	}
	if _, err := svc.Balance(t.Context(), "", "IRR"); !errors.Is(err, fault.ErrInvalidCustomer) {
		t.Errorf("nobody: %v", err)
	}
}
