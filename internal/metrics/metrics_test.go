package metrics_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"scrip/internal/fault"
	"scrip/internal/gate/redisgate"
	"scrip/internal/metrics"
	"scrip/internal/redemption"

	dto "github.com/prometheus/client_model/go"
)

var (
	_ redemption.Observer = (*metrics.Metrics)(nil)
	_ redisgate.Observer  = (*metrics.Metrics)(nil)
)

// scrape asks the handler as a Prometheus does and parses its answer.
func scrape(t *testing.T, m *metrics.Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	if w.Code != http.StatusOK {
		t.Fatalf("scrape: status %d: %s", w.Code, w.Body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(w.Body)
	if err != nil {
		t.Fatalf("scrape: %v", err)
	}
	return families
}

// series returns the one series of a family with these labels ("name=value").
func series(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) *dto.Metric {
	t.Helper()
	for _, metric := range families[name].GetMetric() {
		have := map[string]bool{}
		for _, l := range metric.GetLabel() {
			have[l.GetName()+"="+l.GetValue()] = true
		}
		match := true
		for _, want := range labels {
			match = match && have[want]
		}
		if match {
			return metric
		}
	}
	t.Fatalf("no series %s{%s}", name, strings.Join(labels, ","))
	return nil
}

func counter(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) int {
	t.Helper()
	return int(series(t, families, name, labels...).GetCounter().GetValue())
}

func TestVerdictsAreCounted(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1")
	m.Redeemed(false)
	m.Redeemed(false)
	m.Redeemed(true)
	m.Refused(fault.ErrSoldOut.Code, true)
	m.Refused(fault.ErrSoldOut.Code, true)
	m.Refused(fault.ErrSoldOut.Code, false)
	m.Refused("no_such_code", false)
	got := scrape(t, m)
	for _, c := range []struct {
		want   int
		name   string
		labels []string
	}{
		{2, "scrip_redemptions_total", []string{"verdict=redeemed"}},
		{1, "scrip_redemptions_total", []string{"verdict=replayed"}},
		{2, "scrip_refusals_total", []string{"reason=quantity_exceeded", "from=memory"}},
		{1, "scrip_refusals_total", []string{"reason=quantity_exceeded", "from=store"}},
		{1, "scrip_refusals_total", []string{"reason=other", "from=store"}},
		{0, "scrip_refusals_total", []string{"reason=other", "from=memory"}},
	} {
		if n := counter(t, got, c.name, c.labels...); n != c.want {
			t.Errorf("%s%v = %d, want %d", c.name, c.labels, n, c.want)
		}
	}
}

func TestEveryFaultHasItsSeriesFromTheStart(t *testing.T) {
	t.Parallel()
	got := scrape(t, metrics.New("v1"))
	for _, f := range fault.All() {
		for _, from := range []string{"memory", "store"} {
			if n := counter(t, got, "scrip_refusals_total", "reason="+string(f.Code), "from="+from); n != 0 {
				t.Errorf("%s from %s = %d before anything happened", f.Code, from, n)
			}
		}
	}
}

func TestBatchesQueueAndState(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1")
	depth := 7
	m.WatchQueue(func() int { return depth })
	m.SetReady(true)
	m.Flushed(1, time.Millisecond, nil)
	m.Flushed(1000, 3*time.Millisecond, errors.New("the disk is full"))
	got := scrape(t, m)

	size := series(t, got, "scrip_batch_size").GetHistogram()
	if size.GetSampleCount() != 2 || size.GetSampleSum() != 1001 {
		t.Errorf("scrip_batch_size: %v", size)
	}
	took := series(t, got, "scrip_commit_seconds").GetHistogram()
	if took.GetSampleCount() != 2 || took.GetSampleSum() < .0039 || took.GetSampleSum() > .0041 {
		t.Errorf("scrip_commit_seconds: %v", took)
	}
	if n := counter(t, got, "scrip_commit_failures_total"); n != 1 {
		t.Errorf("scrip_commit_failures_total = %d", n)
	}
	for name, want := range map[string]float64{"scrip_queue_depth": 7, "scrip_ready": 1} {
		if v := series(t, got, name).GetGauge().GetValue(); v != want {
			t.Errorf("%s = %v, want %v", name, v, want)
		}
	}
	series(t, got, "scrip_build_info", "version=v1")
	series(t, got, "go_goroutines")
	m.SetReady(false)
	if v := series(t, scrape(t, m), "scrip_ready").GetGauge().GetValue(); v != 0 {
		t.Errorf("scrip_ready = %v after it ended", v)
	}
}

func TestRequestsAreCountedByRouteAndStatus(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1")
	m.Request("POST /codes/use", http.StatusOK, time.Millisecond)
	m.Request("POST /codes/use", http.StatusOK, time.Millisecond)
	m.Request("POST /codes/use", http.StatusNotFound, time.Microsecond)
	m.Request("", http.StatusNotFound, time.Microsecond)
	m.Request("GET /odd", 7, 0)
	got := scrape(t, m)
	for _, c := range []struct {
		want   int
		labels []string
	}{
		{2, []string{"route=POST /codes/use", "code=200"}},
		{1, []string{"route=POST /codes/use", "code=404"}},
		{1, []string{"route=other", "code=404"}},
		{1, []string{"route=GET /odd", "code=100"}},
	} {
		if n := counter(t, got, "scrip_http_requests_total", c.labels...); n != c.want {
			t.Errorf("%v = %d, want %d", c.labels, n, c.want)
		}
	}
	h := series(t, got, "scrip_http_request_seconds", "route=POST /codes/use").GetHistogram()
	if h.GetSampleCount() != 3 {
		t.Errorf("the histogram has %d requests, want 3", h.GetSampleCount())
	}
}

func TestRoutesAreBounded(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1")
	var done sync.WaitGroup
	for worker := range 4 {
		done.Go(func() {
			for n := range 1000 {
				m.Request(fmt.Sprintf("GET /%d/%d", worker, n), http.StatusOK, 0)
			}
		})
	}
	done.Wait()
	got := scrape(t, m)
	family := got["scrip_http_requests_total"].GetMetric()
	if len(family) > 256 {
		t.Errorf("%d series of requests", len(family))
	}
	total := 0
	for _, s := range family {
		total += int(s.GetCounter().GetValue())
	}
	if total != 4000 {
		t.Errorf("%d requests counted, want 4000", total)
	}
}

func TestRedisIsToldOnlyWhereThereShouldBeOne(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1")
	if m.RedisDown() || scrape(t, m)["scrip_redis_up"] != nil {
		t.Error("a server without Redis speaks of it")
	}
	m.WatchRedis(redisgate.Events())
	if !m.RedisDown() {
		t.Error("Redis is up before it has answered")
	}
	m.RedisUp(true)
	m.RedisCounted(redisgate.EventPublished, 3)
	m.RedisCounted(redisgate.EventPublished, 2)
	m.RedisCounted("no such event", 1)
	got := scrape(t, m)
	if v := series(t, got, "scrip_redis_up").GetGauge().GetValue(); v != 1 || m.RedisDown() {
		t.Errorf("scrip_redis_up = %v, down %v", v, m.RedisDown())
	}
	for event, want := range map[string]int{redisgate.EventPublished: 5, redisgate.EventContradicted: 0, "other": 1} {
		if n := counter(t, got, "scrip_redis_events_total", "event="+event); n != want {
			t.Errorf("%s = %d, want %d", event, n, want)
		}
	}
	if n := len(got["scrip_redis_events_total"].GetMetric()); n != len(redisgate.Events())+1 {
		t.Errorf("%d series of events", n)
	}
	m.RedisUp(false)
	if v := series(t, scrape(t, m), "scrip_redis_up").GetGauge().GetValue(); v != 0 || !m.RedisDown() {
		t.Errorf("scrip_redis_up = %v, down %v", v, m.RedisDown())
	}
}

func TestConnectionsAreRead(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1")
	m.WatchPool(func() metrics.Pool { return metrics.Pool{InUse: 3, Idle: 2, Most: 16} })
	got := scrape(t, m)
	for state, want := range map[string]float64{"in_use": 3, "idle": 2} {
		if v := series(t, got, "scrip_database_connections", "state="+state).GetGauge().GetValue(); v != want {
			t.Errorf("%s = %v, want %v", state, v, want)
		}
	}
	if v := series(t, got, "scrip_database_connections_max").GetGauge().GetValue(); v != 16 {
		t.Errorf("most = %v", v)
	}
}

func TestCountingDoesNotAllocate(t *testing.T) {
	m := metrics.New("v1")
	count := func() {
		m.Redeemed(false)
		m.Refused(fault.ErrSoldOut.Code, true)
		m.Request("POST /codes/use", http.StatusOK, time.Millisecond)
	}
	count()
	if n := testing.AllocsPerRun(100, count); n != 0 {
		t.Errorf("%v allocations for one redemption's counts", n)
	}
}

func BenchmarkRequest(b *testing.B) {
	m := metrics.New("v1")
	for b.Loop() {
		m.Request("POST /codes/use", http.StatusOK, time.Millisecond)
	}
}

func BenchmarkRefused(b *testing.B) {
	m := metrics.New("v1")
	for b.Loop() {
		m.Refused(fault.ErrSoldOut.Code, true)
	}
}
