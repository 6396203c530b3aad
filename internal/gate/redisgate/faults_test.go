package redisgate_test

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/gate/redisgate"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

// faultTimeout is long enough not to end on a loaded machine, and short enough to wait for.
const faultTimeout = 1500 * time.Millisecond

// storm calls a gate as a busy server does, and checks that it says what the local gate knows. Its calls
// wait for nobody: they take a fraction of the bound, and would take hours if each waited for Redis.
func (r *replica) storm(calls int) {
	r.t.Helper()
	const most = 5 * time.Second
	start := time.Now()
	for n := range calls {
		code := "STORM" + strconv.Itoa(n%1000)
		f := factAt(factOf(code, 1000+n%1000, voucher.SoldOut, 1), r.now().Add(storeAhead))
		f.Status = []voucher.Status{voucher.Open, voucher.Disabled}[n/1000%2]
		f.Version.Voucher = r.stormed + int64(n/1000)
		r.asks(f)
		if f.Status == voucher.Open && !r.judges(code, nil) {
			r.t.Fatalf("what the store has just opened is refused")
		}
		if f.Status == voucher.Disabled && !r.judges(code, fault.ErrDisabled) {
			r.t.Fatalf("what the store has just disabled is not refused")
		}
		r.SettleCampaign(f.Campaign, 1)
	}
	r.stormed += int64(calls)
	if took := time.Since(start); took > most {
		r.t.Errorf("%d calls took %v: they wait for Redis", calls, took)
	}
}

// states checks what a replica has said of Redis, to its observer and to its log: each change once.
func (r *replica) states(want ...bool) {
	r.t.Helper()
	if got := r.changes(); !slices.Equal(got, want) {
		r.t.Errorf("the observer was told %v, want %v", got, want)
	}
	lines := r.log.lines()
	for end := time.Now().Add(5 * time.Second); len(lines) < len(want) && time.Now().Before(end); time.Sleep(time.Millisecond) {
		lines = r.log.lines() // a change is told to the observer first
	}
	if len(lines) != len(want) {
		r.t.Fatalf("%d lines are logged, want %d:\n%s", len(lines), len(want), strings.Join(lines, "\n"))
	}
	for i, up := range want {
		if says := strings.Contains(lines[i], "redis is there"); says != up {
			r.t.Errorf("line %d is %s", i, lines[i])
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name       string
		hurt, mend func(p *pair)
	}{
		{"killed and restarted empty", (*pair).kill, (*pair).start},
		{"stopped in its tracks", (*pair).pause, (*pair).resume},
		{"full", configure("maxmemory", "1"), configure("maxmemory", "0")},
		{
			"without the replicas that it must have to write",
			configure("min-replicas-to-write", "1"), configure("min-replicas-to-write", "0"),
		},
		{"made a replica of nobody", follow("127.0.0.1", "1"), follow("NO", "ONE")},
		{"cut off", func(p *pair) { p.link.cut(true) }, func(p *pair) { p.link.cut(false) }},
		{"too slow", func(p *pair) { p.link.slow(4 * time.Second) }, func(p *pair) { p.link.slow(0) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newLinkedPair(t)
			version := int64(0)
			p.share("SALAM", 1, &version)

			c.hurt(p)
			p.a.storm(10_000)
			eventually(t, "a knows", func() bool { return !p.a.up() })
			eventually(t, "b knows", func() bool { return !p.b.up() })
			p.a.storm(10_000)

			c.mend(p)
			p.a.shared()
			p.b.shared()
			p.share("SALAM", 1, &version)
			p.a.states(true, false, true)
			p.b.states(true, false, true)
			if p.a.count(redisgate.EventError) == 0 || p.b.count(redisgate.EventError) == 0 {
				t.Error("no error is counted")
			}
		})
	}
}

// newLinkedPair is a pair with a link to its Redis that can be slow, or cut.
func newLinkedPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{server: testenv.NewRedis(t, testenv.RedisOptions{}), prefix: newPrefix(), clock: newClock(), t: t}
	p.link = newProxy(t, p.server.Addr())
	cfg := redisgate.Config{URL: "redis://" + p.link.listener.Addr().String(), Prefix: p.prefix, Clock: p.clock.Now, Timeout: faultTimeout}
	p.a, p.b = newReplica(t, cfg).shared(), newReplica(t, cfg).shared()
	return p
}

func (p *pair) kill()   { must(p.t, p.server.Kill(context.Background())) }
func (p *pair) start()  { must(p.t, p.server.Start(context.Background())) }
func (p *pair) pause()  { must(p.t, p.server.Pause()) }
func (p *pair) resume() { must(p.t, p.server.Resume()) }

func configure(name, value string) func(p *pair) {
	return func(p *pair) { do(p.t, p.server, "CONFIG", "SET", name, value) }
}

func follow(host, port string) func(p *pair) {
	return func(p *pair) { do(p.t, p.server, "REPLICAOF", host, port) }
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestMissingAtStart(t *testing.T) {
	server := testenv.NewRedis(t, testenv.RedisOptions{})
	must(t, server.Kill(t.Context()))
	p := &pair{server: server, prefix: newPrefix(), clock: newClock(), t: t}
	cfg := redisgate.Config{URL: server.URL(), Prefix: p.prefix, Clock: p.clock.Now, Timeout: faultTimeout}
	p.a, p.b = newReplica(t, cfg), newReplica(t, cfg)
	p.a.storm(10_000)
	eventually(t, "they know", func() bool { return len(p.a.changes())+len(p.b.changes()) == 2 })
	must(t, server.Start(t.Context()))
	p.a.shared()
	p.b.shared()
	version := int64(0)
	p.share("SALAM", 1, &version)
	p.a.states(false, true)
	p.b.states(false, true)
}

// A slow link is slow, and no more.
func TestSlowLink(t *testing.T) {
	p := newLinkedPair(t)
	p.link.slow(50 * time.Millisecond)
	p.a.storm(10_000)
	version := int64(0)
	p.share("SALAM", 1, &version)
	p.a.states(true)
	p.b.states(true)
}

// A flush is no fault: nobody is told, and what is known is written and read again.
func TestFlushedUnderLoad(t *testing.T) {
	p := newPair(t)
	version := int64(0)
	for range 20 {
		p.share("SALAM", 1, &version)
		p.a.storm(500)
		do(t, p.server, "FLUSHALL")
		do(t, p.server, "SCRIPT", "FLUSH")
	}
	p.share("SALAM", 1, &version)
	p.a.states(true)
	p.b.states(true)
}

// What a Redis older than 6 can't, this one is told not to.
func TestNoTracking(t *testing.T) {
	const may, mayNot = "user limited on >secret ~* &* +@all", "user limited on >secret ~* &* +@all -client|tracking"
	for _, c := range []struct {
		name string
		conf []string
	}{
		{"the user may not", []string{mayNot}},
		{"the server can't", []string{may, `rename-command CLIENT ""`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := testenv.NewRedis(t, testenv.RedisOptions{Conf: c.conf})
			r := newReplica(t, redisgate.Config{URL: "redis://limited:secret@" + server.Addr(), Prefix: newPrefix(), Timeout: faultTimeout})
			r.storm(10_000)
			eventually(t, "it is known", func() bool { return len(r.changes()) == 1 })
			r.states(false)
			if line := r.log.lines()[0]; !strings.Contains(line, "client tracking") || strings.Contains(line, "secret") {
				t.Errorf("the log says %s", line)
			}
			_, number, _ := strings.Cut(server.Addr(), ":")
			port, err := strconv.Atoi(number)
			must(t, err)
			must(t, server.Kill(t.Context()))
			testenv.NewRedis(t, testenv.RedisOptions{Port: port, Conf: []string{may}}) // a newer one takes its place
			r.shared()
			r.states(false, true)
		})
	}
}

// One node of a cluster hangs. Redis is away until that node works again, and is not said to come and go with
// what the others take.
func TestOneNodeHangs(t *testing.T) {
	cluster := testenv.NewRedisCluster(t)
	r := newReplica(t, redisgate.Config{URL: clusterURL(cluster), Prefix: newPrefix(), Timeout: faultTimeout}).shared()
	must(t, cluster.Nodes[1].Pause())
	eventually(t, "it fails", func() bool {
		r.storm(1000)
		return !r.up()
	})
	errors := r.count(redisgate.EventError)
	eventually(t, "it fails again", func() bool { return r.count(redisgate.EventError) > errors+2 })
	must(t, cluster.Nodes[1].Resume())
	r.shared()
	// As the cluster finds itself together again it may say for a moment that it is down.
	if n := len(r.changes()); n > 7 {
		t.Errorf("redis is said to have come and gone %d times", n)
	}
	r.states(r.changes()...)
}

// A closed gate leaves nothing behind, whatever Redis does meanwhile, and does not wait for it.
func TestClose(t *testing.T) {
	for _, c := range []struct {
		name string
		hurt func(*testenv.Redis) error
		wait bool
	}{
		{"there", func(*testenv.Redis) error { return nil }, true},
		{"there, and gone before it is known", func(r *testenv.Redis) error { return r.Kill(context.Background()) }, true},
		{"hanging", (*testenv.Redis).Pause, true},
		{"hanging while it is connected to", (*testenv.Redis).Pause, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := testenv.NewRedis(t, testenv.RedisOptions{})
			if !c.wait {
				must(t, c.hurt(server))
			}
			r := openReplica(t, redisgate.Config{URL: server.URL(), Prefix: newPrefix(), Timeout: faultTimeout})
			if c.wait {
				r.shared()
				must(t, c.hurt(server))
			}
			r.storm(1000)
			must(t, r.Close())
			r.stormClosed(100)
			must(t, r.Close())
		})
	}
}

// stormClosed calls a closed gate: everybody passes.
func (r *replica) stormClosed(calls int) {
	r.t.Helper()
	for n := range calls {
		f := factAt(factOf("CLOSED"+strconv.Itoa(n), n, voucher.SoldOut, 1), time.Now())
		r.asks(f)
		if d := r.Admit(f.Key, loser); d.Refusal != nil {
			r.t.Fatalf("a closed gate refuses: %v", d.Refusal)
		}
	}
}

// The one line says what to look at, where the error itself does not.
func TestWhatIsWrongWithTheURL(t *testing.T) {
	plain := testenv.NewRedis(t, testenv.RedisOptions{})
	stopped := testenv.NewRedis(t, testenv.RedisOptions{})
	if err := stopped.Pause(); err != nil {
		t.Fatal(err)
	}
	defer stopped.Resume()                         //nolint:errcheck // it is ended with the test
	other, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is this test's
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close() //nolint:errcheck // a test's
	go func() {
		for {
			c, err := other.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			_ = c.Close() // as PostgreSQL does with what is none of its messages
		}
	}()
	for url, says := range map[string]string{
		"rediss://" + plain.Addr():                  "should begin with redis://",
		"redis://" + stopped.Addr():                 "look whether Redis runs",
		"redis://" + other.Addr().String():          "the host and the port",
		"rediss://" + other.Addr().String():         "should begin with redis://",
		"redis://:wrong@" + stopped.Addr():          "no answer in time",
		"redis+cluster://" + stopped.Addr():         "no answer in time",
		"redis+sentinel://" + stopped.Addr() + "/m": "no answer in time",
	} {
		r := newReplica(t, redisgate.Config{URL: url, Prefix: newPrefix(), Timeout: 300 * time.Millisecond})
		eventually(t, "it is told", func() bool { return strings.Contains(strings.Join(r.log.lines(), ""), "redis is away") })
		if line := r.log.lines()[0]; !strings.Contains(line, says) {
			t.Errorf("%s: no %q in %s", url, says, line)
		}
	}
}
