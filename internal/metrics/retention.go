package metrics

import "github.com/prometheus/client_golang/prometheus"

// aged counts the records that were removed because they had become old.
type aged struct {
	pruned, failed map[string]prometheus.Counter // by kind; only read once watched
}

// WatchRetention makes the series of the kinds of records that age, each at zero. It is to be called once, before
// anything is counted.
func (m *Metrics) WatchRetention(kinds []string) {
	pruned := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "scrip_pruned_total", Help: "Old records that were removed, by kind.",
	}, []string{"kind"})
	failed := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "scrip_prune_failures_total", Help: "Rounds in which old records could not be removed, by kind.",
	}, []string{"kind"})
	m.registry.MustRegister(pruned, failed)
	m.aged = aged{make(map[string]prometheus.Counter, len(kinds)), make(map[string]prometheus.Counter, len(kinds))}
	for _, kind := range kinds {
		m.aged.pruned[kind], m.aged.failed[kind] = pruned.WithLabelValues(kind), failed.WithLabelValues(kind)
	}
}

// Pruned counts records of a kind that were removed.
func (m *Metrics) Pruned(kind string, records int) {
	if c, ok := m.aged.pruned[kind]; ok {
		c.Add(float64(records))
	}
}

// PruneFailed counts a round in which a kind's records could not be removed.
func (m *Metrics) PruneFailed(kind string) {
	if c, ok := m.aged.failed[kind]; ok {
		c.Inc()
	}
}
