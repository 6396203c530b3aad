package sqlitestore_test

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/store/sqlitestore"
	"scrip/internal/voucher"
)

// BenchmarkCrowd measures Apply as a crowd meets it: customers whom the file has never seen, whose names are
// scattered over it, among three hundred thousand that are there. Beside the time it reports the processor's
// time for each command, which a busy machine disturbs less.
func BenchmarkCrowd(b *testing.B) {
	s, err := sqlitestore.Open(b.Context(), sqlitestore.Config{Path: filepath.Join(b.TempDir(), sqlitestore.FileName)})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the file goes with its folder
	crowd := newCrowd(b, s)
	for crowd.n < 300_000 {
		crowd.redeem(b, s, 1000)
	}
	for _, size := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("Apply/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			before := processorTime(b)
			for b.Loop() {
				crowd.redeem(b, s, size)
			}
			used := processorTime(b) - before
			b.ReportMetric(float64(used.Nanoseconds())/float64(b.N*size), "cpu-ns/command")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/command")
		})
	}
}

type crowd struct {
	key string
	n   int64
}

func newCrowd(b *testing.B, s *sqlitestore.Store) *crowd {
	b.Helper()
	now := time.Now()
	c := &voucher.Campaign{
		ID: id.New(now), Name: "crowd", Currency: "IRR",
		Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 1000},
	}
	v := voucher.Voucher{ID: id.New(now), CampaignID: c.ID, Code: "CROWD", Key: "CROWD", PerCustomer: 1}
	if _, _, err := s.Create(b.Context(), store.Creation{Campaign: c, Vouchers: []voucher.Voucher{v}}); err != nil {
		b.Fatal(err)
	}
	return &crowd{key: v.Key}
}

// redeem applies a batch of new customers.
func (c *crowd) redeem(b *testing.B, s *sqlitestore.Store, size int) {
	b.Helper()
	batch := make([]store.Command, size)
	now := time.Now()
	for i := range batch {
		c.n++
		batch[i] = &store.Redeem{ID: id.New(now), Code: c.key, Customer: fmt.Sprintf("+989%09d", c.n*618033%1_000_000_000)}
	}
	outcomes, err := s.Apply(b.Context(), batch)
	if err != nil {
		b.Fatal(err)
	}
	for _, o := range outcomes {
		if o.Refusal != nil {
			b.Fatal(o.Refusal)
		}
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
