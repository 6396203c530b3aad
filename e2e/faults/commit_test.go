package faults_test

import (
	"testing"
	"time"

	rig "scrip/e2e/site"
)

// TestCutAtCommit cuts a replica's connection to PostgreSQL exactly at a COMMIT of the load's: before the
// server gets it, as it gets it, and when it has answered. The batch is asked again by the ids of its commands
// and happens once, whatever became of the first one.
func TestCutAtCommit(t *testing.T) {
	t.Parallel()
	var cutters []*rig.Cutter // of the replicas, in their order
	s := newSite(t, options{toPostgres: func(address string) string {
		c := rig.NewCutter(t, address)
		cutters = append(cutters, c)
		return c.Address()
	}})
	for n := range rounds {
		r := s.begin(n)
		for i, m := range []rig.Moment{rig.BeforeCommit, rig.AtCommit, rig.AfterCommit} {
			r.linger(10*time.Millisecond, 100*time.Millisecond)
			whose := (n + i) % len(cutters)
			cut := cutters[whose].Arm(m)
			select {
			case <-cut:
			case <-time.After(answerMax):
				t.Fatalf("round %d: no COMMIT of %s goes by within %v", n, s.replicas[whose].name, answerMax)
			}
			r.recover(time.Now(), s.replicas[whose])
		}
		r.finish()
	}
	s.close()
}
