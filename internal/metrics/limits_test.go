package metrics_test

import (
	"testing"

	"scrip/internal/limit"
	"scrip/internal/metrics"
)

var _ limit.Observer = (*metrics.Metrics)(nil)

func TestLimitsAreCounted(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1")
	m.WatchLimits(limit.Dimensions(), true)
	m.Limited(limit.Address.String())
	m.Limited(limit.Address.String())
	m.Limited("no such dimension")
	m.LimitsShared(true)
	m.LimitsNotShared()
	got := scrape(t, m)
	for by, want := range map[string]int{"address": 2, "customer": 0, "total-misses": 0, "other": 1} {
		if n := counter(t, got, "scrip_limited_total", "by="+by); n != want {
			t.Errorf("%s = %d, want %d", by, n, want)
		}
	}
	if n := len(got["scrip_limited_total"].GetMetric()); n != len(limit.Dimensions())+1 {
		t.Errorf("%d series", n)
	}
	if v := series(t, got, "scrip_limits_shared").GetGauge().GetValue(); v != 1 {
		t.Errorf("scrip_limits_shared = %v", v)
	}
	if n := counter(t, got, "scrip_limits_exchange_failures_total"); n != 1 {
		t.Errorf("%d failures", n)
	}
	m.LimitsShared(false)
	if v := series(t, scrape(t, m), "scrip_limits_shared").GetGauge().GetValue(); v != 0 {
		t.Errorf("scrip_limits_shared = %v", v)
	}
}

func TestLimitsOfOneServerAreNotShared(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1")
	m.WatchLimits(limit.Dimensions(), false)
	if got := scrape(t, m); got["scrip_limits_shared"] != nil || got["scrip_limited_total"] == nil {
		t.Error("a server without Redis tells whether it shares its limits, or not what it limits")
	}
}
