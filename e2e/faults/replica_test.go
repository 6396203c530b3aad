package faults_test

import (
	"testing"
	"time"
)

// TestReplicaKilled kills one replica of three, each in turn. The others go on, and it comes back.
func TestReplicaKilled(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{})
	for n := range rounds {
		victim := s.replicas[n%len(s.replicas)]
		r := s.begin(n)
		r.linger(20*time.Millisecond, 250*time.Millisecond)
		victim.shaky.Store(true)
		victim.kill()
		r.untilAnswered(r.mark())
		r.linger(20*time.Millisecond, 200*time.Millisecond)
		victim.start()
		ended := time.Now()
		r.recover(ended)
		victim.shaky.Store(false)
		r.finish()
	}
	s.close()
}

// TestReplicaJoinsAndLeaves starts a fourth replica under load, which answers exactly from its first request on;
// then it is stopped in order, under load as well.
func TestReplicaJoinsAndLeaves(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{})
	veterans := s.replicas
	for n := range rounds {
		s.replicas = veterans
		guest := s.add()
		guest.shaky.Store(true) // not there yet
		r := s.begin(n)
		r.linger(20*time.Millisecond, 150*time.Millisecond)
		guest.start()
		r.recover(time.Now())
		guest.shaky.Store(false)
		r.untilAnswered(r.mark())
		r.linger(20*time.Millisecond, 150*time.Millisecond)
		guest.shaky.Store(true)
		guest.stop()
		r.finish()
	}
	s.replicas = veterans
	s.close()
}
