//go:build unix

package faults_test

import (
	"context"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	longPause   = 60 * time.Second
	pauseLeast  = 500 * time.Millisecond
	pauseMost   = 2500 * time.Millisecond
	midTries    = 60 // to stop a replica in the middle of a transaction
	heldUpAtAll = 10 * time.Second

	// Every so often a pause surely outlasts the time after which the database throws locks out, two seconds: it lasts until the
	// others have redeemed. The rest end before that or soon after it.
	thrownOutEvery = 7
)

// TestReplicaPaused stops a replica (SIGSTOP) for up to three seconds, again and again, mostly in the middle
// of a transaction whose locks it holds; and another one for a minute meanwhile, so that its connections,
// its facts and what it was asked grow old. The others go on, at the latest when the database has thrown
// the locks out. What was paused goes on with what it knew, and gives nobody a wrong answer.
func TestReplicaPaused(t *testing.T) {
	t.Parallel()
	// The crowd asks for the locked code as well, so an answer may take as long as the locks are held.
	s := newSite(t, options{replicas: 4, timeout: heldUpAtAll})
	long, others := s.replicas[3], s.replicas[:3]
	s.activity = s.connect()
	var paused time.Time
	mid := 0
	for n := range rounds {
		r := s.begin(n)
		r.linger(20*time.Millisecond, 150*time.Millisecond)
		if n == 0 {
			r.pauseInTransaction(long)
			paused = time.Now()
		}
		victim := others[n%len(others)]
		if r.pauseInTransaction(victim) {
			mid++
		}
		began := r.mark()
		if n%thrownOutEvery == 0 {
			r.untilRedeemed(victim, long)
		}
		r.untilAnswered(began)
		r.linger(pauseLeast, pauseMost)
		r.resume(victim)
		r.recover(time.Now(), others...)
		victim.shaky.Store(false)
		if n == rounds-1 {
			time.Sleep(time.Until(paused.Add(longPause)))
		}
		if long.shaky.Load() && time.Since(paused) >= longPause {
			t.Logf("one replica was paused for %v", time.Since(paused).Round(time.Millisecond))
			r.resume(long)
			r.recover(time.Now())
			long.shaky.Store(false)
		}
		r.finish()
	}
	t.Logf("of %d short pauses %d were in the middle of a transaction", rounds, mid)
	if mid == 0 {
		t.Error("no pause left a transaction open: nothing is proven about its locks")
	}
	s.close()
}

// pauseInTransaction stops a replica, if it can be had in the middle of a transaction, and reports whether it
// was.
func (r *round) pauseInTransaction(victim *replica) bool {
	r.t.Helper()
	victim.shaky.Store(true)
	for try := range midTries {
		victim.signal(syscall.SIGSTOP)
		if r.inTransaction(victim) {
			return true
		}
		if try == midTries-1 {
			break
		}
		victim.signal(syscall.SIGCONT)
		r.linger(time.Millisecond, 5*time.Millisecond)
	}
	return false
}

// inTransaction reports whether PostgreSQL waits for the replica to go on with a transaction.
func (s *site) inTransaction(of *replica) bool {
	s.t.Helper()
	var open bool
	err := s.activity.QueryRow(s.t.Context(),
		"SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND state = 'idle in transaction')", of.name).Scan(&open)
	if err != nil {
		s.t.Fatal(err)
	}
	return open
}

// connect is a connection of the test's own to the database.
func (s *site) connect() *pgx.Conn {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.postgres.URL(databaseName))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(s.t.Context())) })
	return conn
}

func (r *round) resume(victim *replica) {
	r.t.Helper()
	victim.signal(syscall.SIGCONT)
}

// untilRedeemed waits until each other replica has redeemed, though these are paused: the locks that they hold
// are thrown out.
func (r *round) untilRedeemed(except ...*replica) {
	r.t.Helper()
	began := time.Now()
	var all sync.WaitGroup
	for _, of := range r.replicas {
		if of == except[0] || of == except[1] {
			continue
		}
		k := r.newProbe()
		all.Go(func() {
			if _, err := r.probe(of, k, began, heldUpAtAll); err != nil {
				r.t.Errorf("round %d: %s does not redeem for %v because another is paused: %v", r.n, of.name, heldUpAtAll, err)
			}
		})
	}
	all.Wait()
}
