package faults_test

import (
	"strings"
	"testing"
	"time"
)

// TestRedisKilled kills Redis and starts it empty. Nobody notices.
func TestRedisKilled(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{})
	for n := range rounds {
		r := s.begin(n)
		r.linger(20*time.Millisecond, 250*time.Millisecond)
		if err := s.redis.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.untilAnswered(r.mark())
		r.linger(20*time.Millisecond, 250*time.Millisecond)
		if err := s.redis.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.recover(time.Now())
		r.finish()
	}
	s.noFaultWasTold()
	s.redisWasMissed(rounds)
	s.close()
}

// TestRedisFlushed takes everything out of Redis, again and again while a code sells out.
func TestRedisFlushed(t *testing.T) {
	t.Parallel()
	s := newSite(t, options{})
	for n := range rounds {
		r := s.begin(n)
		for range 3 {
			r.linger(20*time.Millisecond, 150*time.Millisecond)
			if _, err := s.redis.Do(t.Context(), "FLUSHALL"); err != nil {
				t.Fatal(err)
			}
			r.untilAnswered(r.mark())
		}
		r.recover(time.Now())
		r.finish()
	}
	s.noFaultWasTold()
	s.close()
}

// noFaultWasTold holds the replicas to this: whatever happened was none of a client's business.
func (s *site) noFaultWasTold() {
	s.t.Helper()
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	if s.book.refused+s.book.silent > 0 {
		s.t.Errorf("%d answers of 503 and %d without an answer, for nothing that a client needs", s.book.refused, s.book.silent)
	}
}

// redisWasMissed holds the replicas to a line in the log for each time that Redis goes away, or two where it
// comes and goes, and not to one for each request.
func (s *site) redisWasMissed(times int) {
	s.t.Helper()
	for _, r := range s.replicas {
		if n := strings.Count(r.log.String(), "redis is away"); n == 0 || n > 2*times {
			s.t.Errorf("%s says %d times that Redis is away; it was, %d times at most", r.name, n, times)
		}
	}
}
