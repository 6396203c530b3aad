package faults_test

import (
	"testing"
	"time"

	rig "scrip/e2e/site"
)

// trouble is one way in which a network fails.
type trouble struct {
	name  string
	begin func(l *rig.Link, n int)
	least time.Duration // it lasts, and at most half as long again
}

// troubles come in every round, one after the other. Every fifth stall outlasts the request timeout.
func troubles() []trouble {
	return []trouble{
		{"latency", func(l *rig.Link, _ int) {
			l.Breaks("latency", map[string]int{"latency": 80, "jitter": 70}, rig.Upstream, rig.Downstream)
		}, 250 * time.Millisecond},
		{"a stall", func(l *rig.Link, n int) {
			directions := [][]string{{rig.Upstream}, {rig.Downstream}, {rig.Upstream, rig.Downstream}}
			l.Breaks("timeout", map[string]int{"timeout": 0}, directions[n%len(directions)]...)
		}, 150 * time.Millisecond},
		{"resets", func(l *rig.Link, n int) {
			l.Breaks("reset_peer", map[string]int{"timeout": n % 3 * 20}, rig.Downstream)
		}, 150 * time.Millisecond},
	}
}

const (
	networkTimeout = time.Second
	longStallEvery = 5
)

// links are the ways to one part, one for each replica.
type links struct {
	t   *testing.T
	all []*rig.Link
}

func (l *links) to(address string) string {
	l.t.Helper()
	next := rig.NewLink(l.t, address)
	l.all = append(l.all, next)
	return next.Address()
}

// TestNetworkToPostgres breaks the ways between the replicas and PostgreSQL: all of them, and every other time
// one alone.
func TestNetworkToPostgres(t *testing.T) {
	t.Parallel()
	ways := &links{t: t}
	s := newSite(t, options{toPostgres: ways.to, timeout: networkTimeout})
	s.trouble(ways, false)
	if s.book.refused == 0 {
		t.Error("no replica has told of any fault: there was none")
	}
	s.close()
}

// TestNetworkToRedis breaks the ways between the replicas and Redis. Nobody notices, so that the servers have the usual
// timeout: one request that the machine itself holds up for longer would look like a fault.
func TestNetworkToRedis(t *testing.T) {
	t.Parallel()
	ways := &links{t: t}
	s := newSite(t, options{toRedis: ways.to})
	s.trouble(ways, false)
	s.noFaultWasTold()
	s.redisWasMissed(len(troubles()) * rounds)
	s.close()
}

// TestNetworkToReplicas breaks the ways between the clients and the replicas.
func TestNetworkToReplicas(t *testing.T) {
	t.Parallel()
	ways := &links{t: t}
	s := newSite(t, options{toReplica: ways.to, timeout: networkTimeout})
	s.trouble(ways, true)
	if s.book.silent == 0 {
		t.Error("no client was left without an answer: there was no fault")
	}
	s.close()
}

// trouble goes through all troubles in each round; clients tells that the ways are those of the clients.
func (s *site) trouble(ways *links, clients bool) {
	for n := range rounds {
		r := s.begin(n)
		for _, what := range troubles() {
			r.linger(10*time.Millisecond, 100*time.Millisecond)
			broken, hit := ways.all, s.replicas
			if n%2 == 1 {
				one := n / 2 % len(ways.all)
				broken, hit = ways.all[one:one+1], s.replicas[one:one+1]
			}
			for i, l := range broken {
				hit[i].shaky.Store(clients)
				what.begin(l, n)
			}
			if what.name == "a stall" && n%longStallEvery == 0 {
				time.Sleep(s.book.timeout + 300*time.Millisecond)
			}
			r.linger(what.least, what.least*3/2)
			for _, l := range broken {
				l.Heal(s.t.Context())
			}
			ended := time.Now()
			r.recover(ended)
			for _, of := range hit {
				of.shaky.Store(false)
			}
		}
		r.finish()
	}
}
