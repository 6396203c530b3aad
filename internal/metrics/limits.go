package metrics

import "github.com/prometheus/client_golang/prometheus"

// limited counts what limits turn away.
type limited struct {
	by       map[string]prometheus.Counter // only read once watched
	strange  prometheus.Counter            // of a dimension outside the closed set: a defect, but counted
	shared   prometheus.Gauge
	failures prometheus.Counter
}

// WatchLimits makes the series of limits, each at zero. shared says whether replicas exchange their counts. It is
// to be called once, before anything is limited.
func (m *Metrics) WatchLimits(dimensions []string, shared bool) {
	count := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "scrip_limited_total", Help: "Requests that a limit turned away, by what ran out.",
	}, []string{"by"})
	m.registry.MustRegister(count)
	m.limits.by = make(map[string]prometheus.Counter, len(dimensions))
	for _, d := range dimensions {
		m.limits.by[d] = count.WithLabelValues(d)
	}
	m.limits.strange = count.WithLabelValues("other")
	if !shared {
		return
	}
	m.limits.shared = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "scrip_limits_shared", Help: "1 while replicas exchange what they count; 0 while each has its own limits.",
	})
	m.limits.failures = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "scrip_limits_exchange_failures_total", Help: "Exchanges of limits between replicas that failed.",
	})
	m.registry.MustRegister(m.limits.shared, m.limits.failures)
}

// Limited counts a request that a limit turned away.
func (m *Metrics) Limited(by string) {
	c, ok := m.limits.by[by]
	if !ok {
		c = m.limits.strange
	}
	c.Inc()
}

// LimitsShared says whether replicas exchange what they count.
func (m *Metrics) LimitsShared(yes bool) {
	value := 0.0
	if yes {
		value = 1
	}
	m.limits.shared.Set(value)
}

// LimitsNotShared counts an exchange that failed.
func (m *Metrics) LimitsNotShared() { m.limits.failures.Inc() }
