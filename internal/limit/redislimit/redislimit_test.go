package redislimit_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scrip/internal/limit"
	"scrip/internal/limit/redislimit"
	"scrip/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

var prefixes atomic.Int64

func newPrefix() string { return fmt.Sprintf("limits%d", prefixes.Add(1)) }

// patient is a timeout that a loaded machine does not reach.
const patient = 20 * time.Second

// replica is a limiter that exchanges its counts.
type replica struct {
	*limit.Limiter
	shared   atomic.Bool
	failures atomic.Int64
}

func (r *replica) Limited(string)        {}
func (r *replica) LimitsShared(yes bool) { r.shared.Store(yes) }
func (r *replica) LimitsNotShared()      { r.failures.Add(1) }

// misses is a budget that time does not fill within a test.
var misses = limit.Rate{Every: time.Hour, Burst: 20}

func newReplica(t *testing.T, url, prefix string, timeout time.Duration) *replica {
	t.Helper()
	r := &replica{}
	var err error
	if r.Limiter, err = limit.New(limit.Config{AddressMisses: misses, Observe: r, Entries: 1024}); err != nil {
		t.Fatal(err)
	}
	e, err := redislimit.New(redislimit.Config{URL: url, Prefix: prefix, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { r.Share(ctx, e, slog.New(slog.DiscardHandler)) })
	t.Cleanup(func() {
		stop()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		running.Wait()
	})
	return r
}

var home = limit.PlaceOf(netip.MustParseAddr("192.0.2.1"))

// guesses is where each guess has a code of its own.
var guesses atomic.Int64

// guess misses once, and reports whether the guess was judged.
func (r *replica) guess() bool {
	var a limit.Attempt
	ruling, _ := r.Try(&a, r.Now(), home, "", fmt.Sprintf("X%d", guesses.Add(1)))
	if ruling != limit.Pass {
		return false
	}
	a.Missed()
	return true
}

// full reports whether the address has no misses left here.
func (r *replica) full() bool {
	var a limit.Attempt
	ruling, _ := r.Try(&a, r.Now(), home, "", "LOOK")
	a.Done()
	return ruling != limit.Pass
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for start := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 2*time.Minute {
			t.Fatalf("still not: %s", what)
		}
	}
}

// Three replicas that are asked in turns let through what one would: each hears what the others have taken with
// its next exchange.
func TestThreeReplicasShareABudget(t *testing.T) {
	t.Parallel()
	server := testenv.SharedRedis(t)
	prefix := newPrefix()
	var rs [3]*replica
	for i := range rs {
		rs[i] = newReplica(t, server.URL(), prefix, patient)
	}
	judged := 0
	for i := range 60 {
		r := rs[i%3]
		if !r.guess() {
			continue
		}
		judged++
		eventually(t, "the miss is exchanged", func() bool { return r.shared.Load() && owes(t, server, prefix) >= judgedTime(judged) })
	}
	// One that has not guessed since does not know of the last guess of each of the others, and beyond the burst
	// the test waits no longer.
	if judged < int(misses.Burst) || judged > int(misses.Burst)+len(rs) {
		t.Errorf("%d guesses were judged, want %d and at most one more for each replica", judged, misses.Burst)
	}
}

// judgedTime is how far n misses move the bucket, less what time has brought since.
func judgedTime(n int) time.Duration {
	return time.Duration(min(n, int(misses.Burst)))*misses.Every - 10*time.Minute
}

// owes is how long the only bucket in Redis lives.
func owes(t *testing.T, server *testenv.Redis, prefix string) time.Duration {
	t.Helper()
	keys := strings.Fields(do(t, server, "KEYS", prefix+":limit:address-misses:*"))
	if len(keys) != 1 {
		return 0
	}
	left, err := time.ParseDuration(do(t, server, "PTTL", keys[0]) + "ms")
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func do(t *testing.T, server *testenv.Redis, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	answer, err := server.Do(ctx, args...)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// At once, before they hear of one another, each lets through its own budget and no more.
func TestAloneUntilTheFirstExchange(t *testing.T) {
	t.Parallel()
	server := testenv.SharedRedis(t)
	prefix := newPrefix()
	judged := 0
	var rs [3]*replica
	for i := range rs {
		rs[i] = newReplica(t, server.URL(), prefix, patient)
		for range 100 {
			if rs[i].guess() {
				judged++
			}
		}
	}
	if judged < int(misses.Burst) || judged > 3*int(misses.Burst) {
		t.Errorf("%d guesses were judged, want at most three budgets of %d", judged, misses.Burst)
	}
	for _, r := range rs {
		eventually(t, "the counts are exchanged", r.shared.Load)
	}
}

// A Redis that dies leaves each replica with its own limits; one that is back, or was flushed, learns from them
// what they know.
func TestRedisGoesAndComesBack(t *testing.T) {
	t.Parallel()
	server := testenv.NewRedis(t, testenv.RedisOptions{})
	prefix := newPrefix()
	a, b := newReplica(t, server.URL(), prefix, time.Second), newReplica(t, server.URL(), prefix, time.Second)
	for range 10 {
		a.guess()
	}
	eventually(t, "a tells", func() bool { return a.shared.Load() && owes(t, server, prefix) > 9*time.Hour })
	b.guess()
	eventually(t, "b hears of ten beside its own", func() bool { return owes(t, server, prefix) > 10*time.Hour })

	do(t, server, "FLUSHALL")
	b.guess()
	eventually(t, "b tells a flushed Redis what both had taken", func() bool { return owes(t, server, prefix) > 11*time.Hour })

	if err := server.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	// a knows of its own ten, and perhaps of one of b's.
	judged := 0
	for range 40 {
		if a.guess() {
			judged++
		}
	}
	if judged < 7 || judged > 10 {
		t.Errorf("without Redis a judges %d more, want the ten that it has left or less", judged)
	}
	eventually(t, "the failure is told", func() bool { return !a.shared.Load() && a.failures.Load() > 0 })

	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.guess()
	eventually(t, "what was taken without Redis is told", func() bool { return owes(t, server, prefix) > 18*time.Hour })
}

// What stands under our keys and is not ours is overwritten, and nothing in it blocks anybody.
func TestGarbageIsOverwritten(t *testing.T) {
	t.Parallel()
	server := testenv.SharedRedis(t)
	prefix := newPrefix()
	a := newReplica(t, server.URL(), prefix, patient)
	a.guess()
	name := ""
	eventually(t, "there is a bucket", func() bool {
		name = strings.TrimSpace(do(t, server, "KEYS", prefix+":limit:*"))
		return name != ""
	})
	for _, garbage := range [][]string{
		{"SET", name, "garbage"},
		{"SET", name, "9e300"},
		{"SET", name, "inf"},
		{"SET", name, "nan"},
		{"SET", name, "-5"},
		{"SET", name, strings.Repeat("9", 1000)},
		{"RPUSH", name, "a", "list"},
		{"HSET", name, "a", "hash"},
	} {
		do(t, server, "DEL", name)
		do(t, server, garbage...)
		if !a.guess() {
			t.Fatalf("after %v nothing is judged any more", garbage)
		}
		eventually(t, fmt.Sprintf("%.40v is overwritten", garbage), func() bool {
			if do(t, server, "TYPE", name) != "string" {
				return false
			}
			left := owes(t, server, prefix)
			return left > 0 && left < 20*time.Hour
		})
		if a.failures.Load() > 0 {
			t.Errorf("%v makes the exchange fail", garbage)
		}
	}
	if a.full() {
		t.Error("garbage has used up the budget")
	}
}

func TestWrongURLs(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "http://h", "redis://u:s3cr3t@h:bad"} {
		_, err := redislimit.New(redislimit.Config{URL: url})
		if err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%q: %v", url, err)
		}
	}
}
