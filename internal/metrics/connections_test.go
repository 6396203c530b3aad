package metrics_test

import (
	"testing"
	"time"

	"scrip/internal/metrics"
)

func TestConnections(t *testing.T) {
	t.Parallel()
	m := metrics.New("1.2.3")
	var stat metrics.Connections
	var ends time.Time
	m.WatchConnections(func() metrics.Connections { return stat })
	m.WatchCertificate(func() time.Time { return ends })
	expect := func(name string, want float64) {
		t.Helper()
		s := series(t, scrape(t, m), name)
		if got := s.GetGauge().GetValue() + s.GetCounter().GetValue(); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	expect("scrip_connections", 0)
	expect("scrip_tls_certificate_end_timestamp_seconds", 0)
	stat, ends = metrics.Connections{Open: 7, Most: 20, Refused: 3}, time.Unix(1_900_000_000, 0)
	expect("scrip_connections", 7)
	expect("scrip_connections_max", 20)
	expect("scrip_connections_refused_total", 3)
	expect("scrip_tls_certificate_end_timestamp_seconds", 1_900_000_000)
}
