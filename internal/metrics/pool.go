package metrics

import "github.com/prometheus/client_golang/prometheus"

// Pool is how a database's connections stand.
type Pool struct {
	InUse, Idle, Most int
}

// WatchPool reports what stat returns at each scrape. It is to be called once.
func (m *Metrics) WatchPool(stat func() Pool) {
	m.registry.MustRegister(poolCollector{
		stat: stat,
		connections: prometheus.NewDesc("scrip_database_connections",
			"Connections to the database, by what they do.", []string{"state"}, nil),
		most: prometheus.NewDesc("scrip_database_connections_max",
			"Most connections that this server opens to the database.", nil, nil),
	})
}

// poolCollector takes one reading for all the series of a scrape, so that they add up.
type poolCollector struct {
	stat              func() Pool
	connections, most *prometheus.Desc
}

// Describe tells the series.
func (c poolCollector) Describe(to chan<- *prometheus.Desc) {
	to <- c.connections
	to <- c.most
}

// Collect takes a reading.
func (c poolCollector) Collect(to chan<- prometheus.Metric) {
	p := c.stat()
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	gauge(c.connections, p.InUse, "in_use")
	gauge(c.connections, p.Idle, "idle")
	gauge(c.most, p.Most)
}
