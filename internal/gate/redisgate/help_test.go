package redisgate_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"scrip/internal/gate"
	"scrip/internal/gate/memgate"
	"scrip/internal/gate/redisgate"
	"scrip/internal/id"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

// What a cluster's client put aside it closes five seconds later, in a goroutine that nobody can hasten.
func TestMain(m *testing.M) {
	testenv.MainLeak(m, goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient)._refresh.func2"))
}

// prefixes makes every test's keys its own.
var prefixes atomic.Int64

func newPrefix() string { return "test" + strconv.FormatInt(prefixes.Add(1), 10) }

// clock is a time that the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 20, 20, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// observed counts what a gate tells its observer.
type observed struct {
	mu     sync.Mutex
	ups    []bool
	counts map[string]int
}

func (o *observed) RedisUp(up bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ups = append(o.ups, up)
}

func (o *observed) RedisCounted(event string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n <= 0 || !slices.Contains(redisgate.Events(), event) {
		panic("counted " + strconv.Itoa(n) + " of " + event)
	}
	o.counts[event] += n
}

func (o *observed) count(event string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts[event]
}

// changes is what was said of Redis, in order.
func (o *observed) changes() []bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.ups)
}

func (o *observed) up() bool {
	ups := o.changes()
	return len(ups) > 0 && ups[len(ups)-1]
}

// logged is a log that the test reads.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSpace(l.text.String()), "\n")
}

// replica is a gate under test.
type replica struct {
	*redisgate.Gate
	*observed
	t   testing.TB
	log *logged
	now func() time.Time

	stormed int64 // versions that storm has used up
}

// newReplica makes a gate that is closed with the test.
func newReplica(t testing.TB, cfg redisgate.Config) *replica {
	t.Helper()
	r := openReplica(t, cfg)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return r
}

func openReplica(t testing.TB, cfg redisgate.Config) *replica {
	t.Helper()
	return openReplicaWith(t.Context(), t, cfg)
}

func openReplicaWith(ctx context.Context, t testing.TB, cfg redisgate.Config) *replica {
	t.Helper()
	r := &replica{observed: &observed{counts: make(map[string]int)}, t: t, log: &logged{}, now: cfg.Clock}
	if r.now == nil {
		r.now = time.Now
	}
	local, err := memgate.New(memgate.Config{Clock: cfg.Clock})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 10 * time.Second // a loaded machine is slow; tests of faults take less
	}
	cfg.Observe, cfg.Log = r, slog.New(slog.NewTextHandler(r.log, nil))
	if r.Gate, err = redisgate.New(ctx, cfg, local); err != nil {
		t.Fatal(err)
	}
	return r
}

// shared waits until the replica has found Redis.
func (r *replica) shared() *replica {
	r.t.Helper()
	eventually(r.t, "redis is found", r.up)
	return r
}

// asks settles facts as if the store had been asked just now. Their time is the store's clock.
func (r *replica) asks(fs ...voucher.Fact) { r.Settle(r.now(), fs...) }

// samples teaches the replica the store's clock, by a fact about another code.
func (r *replica) samples(at time.Time) {
	f := factOf("SAMPLE", 9999, voucher.Open, 1)
	f.At = at
	r.asks(f)
}

// judges reports whether a refusal, of the loser, is the one wanted; nil wants a pass. It plays the
// learner of winners, for without them the gate refuses nobody.
func (r *replica) judges(key string, want error) bool {
	d := r.Admit(key, loser)
	if d.Want&gate.WantWinners != 0 {
		r.SettleWinners(d.Fact, winners(r.t))
		d = r.Admit(key, loser)
	}
	if want == nil {
		return d.Refusal == nil
	}
	return d.Refusal != nil && error(d.Refusal) == want //nolint:errorlint // the sentinel itself
}

const (
	winner = "09120000001"
	loser  = "09350000002"
)

func winners(t testing.TB) *gate.Winners {
	t.Helper()
	w, err := gate.NewWinners([]uint64{gate.HashCustomer(winner)})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// factOf is about voucher number n of campaign 1, judged at no time yet.
func factOf(key string, n int, s voucher.Status, version int64) voucher.Fact {
	f := voucher.Fact{
		Key: key, Voucher: idOf(1, n), Campaign: idOf(2, 1),
		Version: voucher.Version{Campaign: 1, Voucher: version},
		Status:  s, FreshFor: voucher.FactFreshFor,
	}
	if s == voucher.Open || s == voucher.NotStarted {
		f.Remaining = 10
	}
	return f
}

func factAt(f voucher.Fact, at time.Time) voucher.Fact {
	f.At = at
	return f
}

func idOf(kind byte, n int) id.ID {
	i := id.ID{0: kind}
	binary.BigEndian.PutUint64(i[len(i)-8:], uint64(n)) //nolint:gosec // n counts from zero
	return i
}

// eventually waits until something holds, and fails the test if it never does.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	const most = time.Minute
	for start := time.Now(); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Since(start) > most {
			t.Fatalf("after %v still not: %s", most, what)
		}
	}
}

// do sends one command to a server.
func do(t rapid.TB, r *testenv.Redis, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	answer, err := r.Do(ctx, args...)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func clusterURL(c *testenv.RedisCluster) string {
	hosts := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		hosts[i] = n.Addr()
	}
	return "redis+cluster://" + strings.Join(hosts, ",")
}
