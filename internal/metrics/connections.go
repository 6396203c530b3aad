package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Connections is how those of clients stand.
type Connections struct {
	Open, Most int64
	Refused    int64 // since the start: there were too many
}

// WatchConnections reports what stat returns at each scrape. It is to be called once.
func (m *Metrics) WatchConnections(stat func() Connections) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "scrip_connections", Help: "Connections of clients that are open.",
	}, func() float64 { return float64(stat().Open) }), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "scrip_connections_max", Help: "Connections that may be open at once: --max-connections, or what the open files allow.",
	}, func() float64 { return float64(stat().Most) }), prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "scrip_connections_refused_total", Help: "Connections that were ended because there were too many.",
	}, func() float64 { return float64(stat().Refused) }))
}

// WatchCertificate reports at each scrape when the certificate that is in use ends. It is to be called once, and only
// where there is one: an alert on its end must not go off for who has none.
func (m *Metrics) WatchCertificate(ends func() time.Time) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "scrip_tls_certificate_end_timestamp_seconds", Help: "When the TLS certificate in use ends.",
	}, func() float64 { return seconds(ends()) }))
}
