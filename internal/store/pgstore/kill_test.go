package pgstore_test

import (
	"errors"
	"sync"
	"testing"

	"scrip/internal/store"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

// kills is how often the server is killed and started again.
const kills = 5

// PostgreSQL is killed under load and comes back, again and again, on a server that syncs its log: everything
// that was acknowledged is there, and nothing is there twice.
func TestServerIsKilledUnderLoad(t *testing.T) {
	server := testenv.NewPostgres(t, testenv.PostgresOptions{Durable: true})
	s := open(t, server.URL("postgres"), nil)
	create(t, s, "SA1AM", 0)
	var mu sync.Mutex
	var receipts []*voucher.Redemption
	stop := make(chan struct{})
	var running sync.WaitGroup
	progress := make(chan struct{}, 1)
	for w := range 3 {
		running.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				batch := []store.Command{redeem("SA1AM", name(w*1_000_000+2*n)), redeem("SA1AM", name(w*1_000_000+2*n+1))}
				won := insist(t, s, batch)
				mu.Lock()
				receipts = append(receipts, won...)
				mu.Unlock()
				select {
				case progress <- struct{}{}:
				default:
				}
			}
		})
	}
	for range kills {
		for range 30 {
			<-progress
		}
		if err := server.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		<-progress
	}
	close(stop)
	running.Wait()
	for _, r := range receipts {
		if kept, err := s.Redemption(t.Context(), r.ID); err != nil || *kept != *r {
			t.Fatalf("acknowledged as %+v, there is %+v (%v)", r, kept, err)
		}
	}
	ls, _, err := s.Lookup(t.Context(), []string{"SA1AM"})
	if err != nil {
		t.Fatal(err)
	}
	if got := ls[0].Voucher.Redeemed; got != int64(len(receipts)) {
		t.Errorf("%d uses are counted, %d were acknowledged", got, len(receipts))
	}
	t.Logf("%d redemptions over %d kills", len(receipts), kills)
	audited(t, s)
}

// insist applies a batch as the use case does: until its fate is known, and until it is done.
func insist(t *testing.T, s store.Store, batch []store.Command) (won []*voucher.Redemption) {
	t.Helper()
	for {
		outcomes, err := s.Apply(t.Context(), batch)
		switch {
		case errors.Is(err, store.ErrFateUnknown):
			batch = again(batch)
		case errors.Is(err, store.ErrNotApplied): // and so it is asked again as it was
		case err != nil:
			t.Errorf("an error that does not say what became of the batch: %v", err)
			return nil
		default:
			for _, o := range outcomes {
				if o.Refusal != nil {
					t.Errorf("refused: %v", o.Refusal)
					continue
				}
				won = append(won, o.Redemption)
			}
			return won
		}
	}
}
