package metrics_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"scrip/internal/metrics"
)

func TestRetentionIsCountedByKind(t *testing.T) {
	t.Parallel()
	m := metrics.New("test")
	m.Pruned("audit", 7) // nobody watches: it is no kind yet
	m.WatchRetention([]string{"audit", "jobs"})
	m.Pruned("audit", 500)
	m.Pruned("audit", 3)
	m.PruneFailed("jobs")
	m.Pruned("strange", 9)
	m.PruneFailed("strange")
	scrape := httptest.NewRecorder()
	m.Handler().ServeHTTP(scrape, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	for _, line := range []string{
		`scrip_pruned_total{kind="audit"} 503`, `scrip_pruned_total{kind="jobs"} 0`,
		`scrip_prune_failures_total{kind="audit"} 0`, `scrip_prune_failures_total{kind="jobs"} 1`,
	} {
		if !strings.Contains(scrape.Body.String(), line+"\n") {
			t.Errorf("%s is not in\n%s", line, scrape.Body)
		}
	}
	if strings.Contains(scrape.Body.String(), "strange") {
		t.Error("there is a series of a kind that nobody made")
	}
}
