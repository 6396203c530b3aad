package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/access"
	"scrip/internal/campaign"
	"scrip/internal/fault"
	"scrip/internal/gate/memgate"
	"scrip/internal/store/memstore"
)

// slow lets a crowd gather while a read is under way, and remembers what was asked.
type slow struct {
	*memstore.Store
	asked [][]string
	fail  error
}

func (s *slow) Lookup(ctx context.Context, keys []string) ([]campaign.Listing, time.Time, error) {
	s.asked = append(s.asked, slices.Clone(keys))
	time.Sleep(time.Second)
	if s.fail != nil {
		return nil, time.Time{}, s.fail
	}
	return s.Store.Lookup(ctx, keys)
}

func TestACrowdOfReportsIsOneRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := memgate.New(memgate.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close() //nolint:errcheck // not what is tested
		reads := &slow{Store: memstore.New(memstore.Options{})}
		s, err := campaign.New(campaign.Config{MaxBatch: 512, MaxQueue: 512}, reads, g)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if _, err := s.Create(t.Context(), asked(fmt.Sprintf("code%d", i)), "", access.By{}); err != nil {
				t.Fatal(err)
			}
		}
		var all sync.WaitGroup
		for i := range 400 {
			all.Go(func() {
				typed := fmt.Sprintf("Code-%d", i%4)
				got, err := s.ByCode(t.Context(), typed)
				switch {
				case i%4 == 3: // there is no such code, and its neighbours are none the worse for it
					if !errors.Is(err, fault.ErrVoucherNotFound) {
						t.Errorf("%s: %v", typed, err)
					}
				case err != nil || got.Voucher.Code != fmt.Sprintf("code%d", i%4) || got.Campaign.ID != got.Voucher.CampaignID:
					t.Errorf("%s: %+v, %v", typed, got.Voucher, err)
				}
			})
		}
		all.Wait()
		if len(reads.asked) > 2 {
			t.Errorf("%d reads for a crowd", len(reads.asked))
		}
		if last := reads.asked[len(reads.asked)-1]; len(last) > 4 {
			t.Errorf("one read asks for %d codes, and there are four", len(last))
		}
		reads.fail = errors.New("the disk broke")
		if _, err := s.ByCode(t.Context(), "code0"); !errors.Is(err, fault.ErrStoreUnavailable) {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := s.ByCode(ctx, "code0"); !errors.Is(err, fault.ErrTimeout) {
			t.Errorf("got %v", err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := s.ByCode(t.Context(), "code0"); !errors.Is(err, fault.ErrShuttingDown) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAFullQueueOfReportsIsSaidAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := memgate.New(memgate.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close() //nolint:errcheck // not what is tested
		s, err := campaign.New(campaign.Config{MaxBatch: 1, MaxQueue: 1}, &slow{Store: memstore.New(memstore.Options{})}, g)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 2 { // one is read, one waits
			all.Go(func() {
				if _, err := s.ByCode(t.Context(), "x"); !errors.Is(err, fault.ErrVoucherNotFound) {
					t.Errorf("got %v", err)
				}
			})
			synctest.Wait()
		}
		if _, err := s.ByCode(t.Context(), "x"); !errors.Is(err, fault.ErrOverloaded) {
			t.Errorf("got %v", err)
		}
		all.Wait()
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
