// Package metrics counts what Scrip does, for Prometheus. It promises that counting is cheap enough for
// the hot path (every series is made before or at its first use and is then one atomic addition), that
// the number of series is bounded whatever is asked, and that two servers in one process do not share
// a registry. It must not know what is done with the figures.
package metrics

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"scrip/internal/fault"
)

// Metrics counts for one server. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	redeemed prometheus.Counter
	replayed prometheus.Counter
	refusals map[fault.Code]refusal // of every fault; only read after New
	strange  refusal                // of a code outside the closed set: a defect, but counted

	batchSize      prometheus.Histogram
	commitSeconds  prometheus.Histogram
	commitFailures prometheus.Counter
	ready          prometheus.Gauge

	http    requests
	redis   shared
	aged    aged
	callers callers

	limits limited
}

// refusal counts one reason by who found it.
type refusal struct{ memory, store prometheus.Counter }

// The buckets of the histograms. A batch holds up to 2^14 commands; a commit takes from a tenth of a
// millisecond on a good disk to seconds on a stalled one.
const (
	batchBuckets  = 15
	commitFirst   = 0.0001
	commitBuckets = 17
)

// New makes the metrics of a server of this version.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		refusals: make(map[fault.Code]refusal, len(fault.All())),
		batchSize: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "scrip_batch_size", Help: "Commands in each commit that was tried.",
			Buckets: prometheus.ExponentialBuckets(1, 2, batchBuckets),
		}),
		commitSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "scrip_commit_seconds", Help: "How long the store took for each batch.",
			Buckets: prometheus.ExponentialBuckets(commitFirst, 2, commitBuckets),
		}),
		commitFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "scrip_commit_failures_total", Help: "Batches that the store did not commit, or may not have.",
		}),
		ready: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "scrip_ready", Help: "1 while the server takes requests.",
		}),
	}
	m.registry.MustRegister(m.batchSize, m.commitSeconds, m.commitFailures, m.ready,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.addVerdicts()
	m.http.register(m.registry)
	m.callers.register(m.registry)
	m.addBuild(version)
	return m
}

// addVerdicts makes every series of the verdicts, so that each is there, at zero, from the start.
func (m *Metrics) addVerdicts() {
	won := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "scrip_redemptions_total", Help: "Redemptions that were answered as won.",
	}, []string{"verdict"})
	lost := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "scrip_refusals_total", Help: "Redemptions that were refused, by reason and by who found it.",
	}, []string{"reason", "from"})
	m.registry.MustRegister(won, lost)
	m.redeemed, m.replayed = won.WithLabelValues("redeemed"), won.WithLabelValues("replayed")
	count := func(reason string) refusal {
		return refusal{memory: lost.WithLabelValues(reason, "memory"), store: lost.WithLabelValues(reason, "store")}
	}
	for _, f := range fault.All() {
		m.refusals[f.Code] = count(string(f.Code))
	}
	m.strange = count("other")
}

func (m *Metrics) addBuild(version string) {
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "scrip_build_info", Help: "1, labelled with the version that runs.",
	}, []string{"version", "goversion"})
	m.registry.MustRegister(build)
	build.WithLabelValues(version, runtime.Version()).Set(1)
}

// WatchQueue reports what depth returns as the length of the queue in front of the store. It is to be
// called once.
func (m *Metrics) WatchQueue(depth func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "scrip_queue_depth", Help: "Redemptions that wait for a commit.",
	}, func() float64 { return float64(depth()) }))
}

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// SetReady says whether the server takes requests.
func (m *Metrics) SetReady(ready bool) {
	value := 0.0
	if ready {
		value = 1
	}
	m.ready.Set(value)
}

// Redeemed counts a success; replayed where it answered an earlier one again.
func (m *Metrics) Redeemed(replayed bool) {
	if replayed {
		m.replayed.Inc()
		return
	}
	m.redeemed.Inc()
}

// Refused counts a refusal; fromMemory where the store was not asked.
func (m *Metrics) Refused(reason fault.Code, fromMemory bool) {
	r, ok := m.refusals[reason]
	if !ok {
		r = m.strange
	}
	if fromMemory {
		r.memory.Inc()
		return
	}
	r.store.Inc()
}

// Flushed counts one batch: its size, how long the store took, and whether it failed.
func (m *Metrics) Flushed(size int, took time.Duration, err error) {
	m.batchSize.Observe(float64(size))
	m.commitSeconds.Observe(took.Seconds())
	if err != nil {
		m.commitFailures.Inc()
	}
}
