package metrics

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Seals is what is known of the seals.
type Seals struct {
	Number      int64 // of the newest; 0 while there is none, as the next three
	Total       int64 // transfers up to it
	At          time.Time
	Hash        [32]byte
	Waiting     int64     // transfers that are not sealed
	Since       time.Time // when the one was written that has waited longest; zero for none
	Backfilling bool
	Made        int64 // seals that this process made
	Failed      int64
}

// WatchSeals makes the series of the seals, which are read anew for each scrape. It is to be called once.
func (m *Metrics) WatchSeals(read func() Seals) {
	m.registry.MustRegister(&sealCollector{
		read:    read,
		number:  sealSeries("scrip_seal_number", "Number of the newest seal."),
		total:   sealSeries("scrip_seal_transfers", "Transfers that the newest seal and all before it hold."),
		at:      sealSeries("scrip_seal_timestamp_seconds", "When the newest seal was made, by the store's clock."),
		hash:    sealSeries("scrip_seal_hash_word", "The newest seal's hash, in eight words of 32 bits: together with scrip_seal_number, a publication.", "word"),
		waiting: sealSeries("scrip_unsealed_transfers", "Transfers that are not sealed yet."),
		since:   sealSeries("scrip_unsealed_oldest_timestamp_seconds", "When the transfer was written that has waited longest to be sealed; 0 for none."),
		filling: sealSeries("scrip_seal_backfilling", "1 while transfers from before there were seals are not all sealed."),
		made:    sealSeries("scrip_seals_made_total", "Seals that this process made."),
		failed:  sealSeries("scrip_seal_failures_total", "Attempts of this process to seal that failed."),
	})
}

func sealSeries(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// sealCollector tells one state of the seals for each scrape, so that a number never stands beside another's hash.
type sealCollector struct {
	read                                                           func() Seals
	number, total, at, hash, waiting, since, filling, made, failed *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (c *sealCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.number, c.total, c.at, c.hash, c.waiting, c.since, c.filling, c.made, c.failed} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *sealCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.read()
	tell := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	tell(c.number, prometheus.GaugeValue, float64(s.Number))
	tell(c.total, prometheus.GaugeValue, float64(s.Total))
	tell(c.at, prometheus.GaugeValue, seconds(s.At))
	for word := range len(s.Hash) / 4 {
		tell(c.hash, prometheus.GaugeValue, float64(binary.BigEndian.Uint32(s.Hash[4*word:])), strconv.Itoa(word))
	}
	tell(c.waiting, prometheus.GaugeValue, float64(s.Waiting))
	tell(c.since, prometheus.GaugeValue, seconds(s.Since))
	filling := 0.0
	if s.Backfilling {
		filling = 1
	}
	tell(c.filling, prometheus.GaugeValue, filling)
	tell(c.made, prometheus.CounterValue, float64(s.Made))
	tell(c.failed, prometheus.CounterValue, float64(s.Failed))
}

// seconds is a time as Prometheus has it: 0 for none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}
