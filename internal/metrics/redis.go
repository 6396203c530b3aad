package metrics

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// shared counts what the gate does with Redis.
type shared struct {
	watched bool // set before anything is counted
	up      atomic.Bool
	events  map[string]prometheus.Counter // only read once watched
	strange prometheus.Counter            // of an event outside the closed set: a defect, but counted
}

// WatchRedis makes the series of Redis, each at zero: the gauge of whether it is there and a counter for
// each of the events. It is to be called once, before the gate is made.
func (m *Metrics) WatchRedis(events []string) {
	count := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "scrip_redis_events_total", Help: "What the gate did with Redis, by event.",
	}, []string{"event"})
	m.registry.MustRegister(count, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "scrip_redis_up", Help: "1 while facts are shared through Redis.",
	}, func() float64 {
		if m.redis.up.Load() {
			return 1
		}
		return 0
	}))
	m.redis.events = make(map[string]prometheus.Counter, len(events))
	for _, event := range events {
		m.redis.events[event] = count.WithLabelValues(event)
	}
	m.redis.strange = count.WithLabelValues("other")
	m.redis.watched = true
}

// RedisUp says whether facts are shared.
func (m *Metrics) RedisUp(up bool) { m.redis.up.Store(up) }

// RedisCounted adds n to the count of an event.
func (m *Metrics) RedisCounted(event string, n int) {
	c, ok := m.redis.events[event]
	if !ok {
		c = m.redis.strange
	}
	c.Add(float64(n))
}

// RedisDown reports whether there should be a Redis and is none.
func (m *Metrics) RedisDown() bool { return m.redis.watched && !m.redis.up.Load() }
