package metrics

import "github.com/prometheus/client_golang/prometheus"

// callers counts who may not call, and watches the keys.
type callers struct {
	refused *prometheus.CounterVec
	usable  prometheus.Gauge
	stale   prometheus.Gauge
}

func (c *callers) register(registry *prometheus.Registry) {
	c.refused = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "scrip_callers_refused_total", Help: "Requests refused for want of a key or of a right, by reason.",
	}, []string{"reason"})
	c.usable = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "scrip_keys_usable", Help: "Keys that open anything.",
	})
	c.stale = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "scrip_keys_stale", Help: "1 while the keys can't be read from the store and the last known stay in force.",
	})
	registry.MustRegister(c.refused, c.usable, c.stale)
}

// CallerRefused counts a request without a key, or without the right. The reasons are few words of ours.
func (m *Metrics) CallerRefused(reason string) { m.callers.refused.WithLabelValues(reason).Inc() }

// KeysUsable says how many keys are in force.
func (m *Metrics) KeysUsable(n int) { m.callers.usable.Set(float64(n)) }

// KeysStale says whether the keys could not be read the last time.
func (m *Metrics) KeysStale(stale bool) {
	value := 0.0
	if stale {
		value = 1
	}
	m.callers.stale.Set(value)
}
