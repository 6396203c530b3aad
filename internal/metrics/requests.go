package metrics

import (
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	routesMax = 256 // more are counted together, so that no caller can make the series grow
	statusMin = 100
	statusMax = 599
	elsewhere = "other" // what has no route, or a route too many
)

// requests counts HTTP requests by route and status. The routes are few and settle soon, so the map of
// them is copied when one is added and never locked when one is found.
type requests struct {
	count   *prometheus.CounterVec
	seconds *prometheus.HistogramVec

	routes atomic.Pointer[map[string]*route]
	adding sync.Mutex
}

// route holds the series of one route, so that a request need not look for them by their labels.
type route struct {
	name     string
	seconds  prometheus.Observer
	statuses [statusMax - statusMin + 1]atomic.Pointer[prometheus.Counter]
}

func (r *requests) register(registry *prometheus.Registry) {
	r.count = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "scrip_http_requests_total", Help: "HTTP requests, by route and status.",
	}, []string{"route", "code"})
	r.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "scrip_http_request_seconds", Help: "How long requests took to answer, by route.",
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route"})
	registry.MustRegister(r.count, r.seconds)
	r.routes.Store(&map[string]*route{})
	r.add(elsewhere)
}

// Request counts one answered HTTP request. The route is the pattern that matched, never the path.
func (m *Metrics) Request(pattern string, status int, took time.Duration) {
	r := m.http.route(pattern)
	r.seconds.Observe(took.Seconds())
	at := min(max(status, statusMin), statusMax) - statusMin
	c := r.statuses[at].Load()
	if c == nil {
		made := m.http.count.WithLabelValues(r.name, strconv.Itoa(at+statusMin))
		c = &made
		r.statuses[at].Store(c) // another may have stored the same counter; either will do
	}
	(*c).Inc()
}

// route returns the series of a pattern, or of everything else.
func (r *requests) route(pattern string) *route {
	routes := *r.routes.Load()
	if found, ok := routes[pattern]; ok {
		return found
	}
	if pattern == "" || len(routes) >= routesMax {
		return routes[elsewhere]
	}
	return r.add(pattern)
}

func (r *requests) add(pattern string) *route {
	r.adding.Lock()
	defer r.adding.Unlock()
	routes := *r.routes.Load()
	if found, ok := routes[pattern]; ok {
		return found
	}
	if len(routes) >= routesMax {
		return routes[elsewhere]
	}
	routes = maps.Clone(routes)
	routes[pattern] = &route{name: pattern, seconds: r.seconds.WithLabelValues(pattern)}
	r.routes.Store(&routes)
	return routes[pattern]
}
