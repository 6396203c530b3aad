package metrics_test

import (
	"testing"
	"time"

	"scrip/internal/metrics"
)

func TestSeals(t *testing.T) {
	t.Parallel()
	m := metrics.New("1.2.3")
	var told metrics.Seals
	m.WatchSeals(func() metrics.Seals { return told })
	expect := func(name string, want float64, labels ...string) {
		t.Helper()
		s := series(t, scrape(t, m), name, labels...)
		if got := s.GetGauge().GetValue() + s.GetCounter().GetValue(); got != want {
			t.Errorf("%s%v is %v, want %v", name, labels, got, want)
		}
	}
	for _, name := range []string{"scrip_seal_number", "scrip_seal_timestamp_seconds", "scrip_unsealed_oldest_timestamp_seconds", "scrip_seal_backfilling"} {
		expect(name, 0)
	}
	told = metrics.Seals{
		Number: 7, Total: 4711, At: time.UnixMilli(1_500), Waiting: 3, Since: time.UnixMilli(2_250), Backfilling: true, Made: 5, Failed: 1,
		Hash: [32]byte{0, 0, 1, 0, 31: 9},
	}
	expect("scrip_seal_number", 7)
	expect("scrip_seal_transfers", 4711)
	expect("scrip_seal_timestamp_seconds", 1.5)
	expect("scrip_seal_hash_word", 256, "word=0")
	expect("scrip_seal_hash_word", 0, "word=3")
	expect("scrip_seal_hash_word", 9, "word=7")
	expect("scrip_unsealed_transfers", 3)
	expect("scrip_unsealed_oldest_timestamp_seconds", 2.25)
	expect("scrip_seal_backfilling", 1)
	expect("scrip_seals_made_total", 5)
	expect("scrip_seal_failures_total", 1)
}
