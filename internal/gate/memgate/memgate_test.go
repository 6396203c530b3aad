package memgate_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"scrip/internal/gate"
	"scrip/internal/gate/gatetest"
	"scrip/internal/gate/memgate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	gatetest.Run(t, func(t testing.TB, clock func() time.Time) gate.Gate {
		t.Helper()
		g, err := memgate.New(memgate.Config{Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		return g
	})
}
