package redisgate_test

import (
	"testing"
	"time"

	"scrip/internal/gate"
	"scrip/internal/gate/gatetest"
	"scrip/internal/gate/redisgate"
	"scrip/internal/testenv"
)

// Each gate of the suite has a prefix of its own, for the suite tells all of them of the same codes at the
// same times of its clock.

func TestConformanceSingle(t *testing.T) {
	server := testenv.SharedRedis(t)
	conform(t, server.URL(), true)
}

func TestConformanceCluster(t *testing.T) {
	conform(t, clusterURL(testenv.NewRedisCluster(t)), true)
}

// Without Redis the gate is the local one.
func TestConformanceAway(t *testing.T) {
	conform(t, "redis://127.0.0.1:1", false)
}

func conform(t *testing.T, url string, wait bool) {
	t.Helper()
	gatetest.Run(t, func(t testing.TB, clock func() time.Time) gate.Gate {
		t.Helper()
		r := openReplica(t, redisgate.Config{URL: url, Prefix: newPrefix(), Clock: clock})
		if wait {
			r.shared()
		}
		return r
	})
}
