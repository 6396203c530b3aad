package redisgate_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/gate/redisgate"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

// pair is two replicas over one Redis, and the time of all three: theirs is the manual clock, and the
// store's is ahead of it.
type pair struct {
	a, b   *replica
	server *testenv.Redis
	link   *proxy // to the server, in tests of faults
	prefix string
	clock  *clock
	t      testing.TB
}

const storeAhead = 42 * time.Minute

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{server: testenv.NewRedis(t, testenv.RedisOptions{}), prefix: newPrefix(), clock: newClock(), t: t}
	cfg := redisgate.Config{URL: p.server.URL(), Prefix: p.prefix, Clock: p.clock.Now}
	p.a, p.b = newReplica(t, cfg).shared(), newReplica(t, cfg).shared()
	return p
}

// judged is a fact that the store judges now.
func (p *pair) judged(f voucher.Fact) voucher.Fact {
	return factAt(f, p.clock.Now().Add(storeAhead))
}

// know teaches both replicas the store's clock, and has b take an interest in the code SALAM.
func (p *pair) know() {
	p.t.Helper()
	p.a.samples(p.clock.Now().Add(storeAhead))
	p.b.samples(p.clock.Now().Add(storeAhead))
	before := p.b.count(redisgate.EventHeard)
	p.a.asks(p.judged(factOf("SALAM", 1, voucher.Open, 0)))
	p.b.Admit("SALAM", loser)
	eventually(p.t, "b hears of the code", func() bool { return p.b.count(redisgate.EventHeard) > before })
}

func TestSoldOutIsHeard(t *testing.T) {
	p := newPair(t)
	p.know()
	p.a.asks(p.judged(factOf("SALAM", 1, voucher.SoldOut, 1)))
	eventually(t, "b refuses what a has learned", func() bool { return p.b.judges("SALAM", fault.ErrSoldOut) })
	if d := p.b.Admit("SALAM", winner); d.Refusal != nil {
		t.Errorf("b refuses a winner: %v", d.Refusal)
	}
	if got := do(t, p.server, "GET", p.prefix+":{SALAM}:left"); got != "-1" {
		t.Errorf("%q is left of what is sold out", got)
	}
	// It refuses no longer than if b had asked when a did, and renews as a renews.
	for range 5 {
		p.clock.pass(voucher.FactFreshFor * 3 / 4)
		p.a.asks(p.judged(factOf("SALAM", 1, voucher.SoldOut, 1)))
		p.clock.pass(voucher.FactFreshFor * 3 / 8) // what was known before is too old now
		eventually(t, "b was renewed by a", func() bool {
			d := p.b.Admit("SALAM", loser)
			return d.Refusal == fault.ErrSoldOut && d.Want == 0
		})
	}
	p.clock.pass(voucher.FactFreshFor)
	if d := p.b.Admit("SALAM", loser); d.Refusal != nil {
		t.Errorf("b refuses with what a learned long ago: %v", d.Refusal)
	}
}

func TestReopeningIsHeard(t *testing.T) {
	p := newPair(t)
	p.know()
	version := int64(1)
	for _, c := range []struct {
		name  string
		close voucher.Status
		fault error
	}{
		{"a rollback of what is sold out", voucher.SoldOut, fault.ErrSoldOut},
		{"a raised budget", voucher.Spent, fault.ErrBudgetExceeded},
		{"what was disabled is enabled", voucher.Disabled, fault.ErrDisabled},
		{"an extended end", voucher.Ended, fault.ErrExpired},
	} {
		p.a.asks(p.judged(factOf("SALAM", 1, c.close, version)))
		eventually(t, c.name+": b refuses", func() bool { return p.b.judges("SALAM", c.fault) })
		version++
		p.a.asks(p.judged(factOf("SALAM", 1, voucher.Open, version)))
		eventually(t, c.name+": b lets pass", func() bool { return p.b.judges("SALAM", nil) })
		version++
	}
}

func TestAssigneeIsHeard(t *testing.T) {
	p := newPair(t)
	p.know()
	f := factOf("SALAM", 1, voucher.SoldOut, 1)
	f.Customer = "09350000001 کاربر"
	p.a.asks(p.judged(f))
	eventually(t, "b tells strangers that it is assigned", func() bool { return p.b.judges("SALAM", fault.ErrAssigned) })
	if d := p.b.Admit("SALAM", f.Customer); d.Refusal != nil && d.Refusal != fault.ErrSoldOut {
		t.Errorf("whom it is published to is told %v", d.Refusal)
	}
}

func TestChangedCampaignIsHeard(t *testing.T) {
	p := newPair(t)
	p.know()
	f := factOf("SALAM", 1, voucher.SoldOut, 1)
	p.a.asks(p.judged(f))
	eventually(t, "b refuses", func() bool { return p.b.judges("SALAM", fault.ErrSoldOut) })
	p.a.SettleCampaign(f.Campaign, f.Version.Campaign+1)
	eventually(t, "b does not use what is older than the campaign's change", func() bool { return p.b.judges("SALAM", nil) })

	f.Version.Campaign++
	f.Status = voucher.Disabled
	p.a.asks(p.judged(f))
	eventually(t, "b refuses by the new version", func() bool { return p.b.judges("SALAM", fault.ErrDisabled) })
	p.a.SettleCampaign(f.Campaign, f.Version.Campaign-1)
	if !p.b.judges("SALAM", fault.ErrDisabled) {
		t.Error("an older version of the campaign came to b")
	}
}

// A writer that was paused wakes up and says what it knew.
func TestLateSettleChangesNothing(t *testing.T) {
	p := newPair(t)
	p.know()
	old := p.judged(factOf("SALAM", 1, voucher.SoldOut, 1))
	asked := p.clock.Now()
	p.clock.pass(100 * time.Millisecond)
	p.a.asks(p.judged(factOf("SALAM", 1, voucher.Open, 2)))
	eventually(t, "the new version is written", func() bool {
		return strings.HasPrefix(do(t, p.server, "GET", p.prefix+":{SALAM}:terms"), "1 3 ")
	})
	was := do(t, p.server, "GET", p.prefix+":{SALAM}:terms")
	published := p.b.count(redisgate.EventPublished)
	p.b.Settle(asked, old)
	eventually(t, "b has tried to publish it", func() bool { return p.b.count(redisgate.EventPublished) > published })
	if now := do(t, p.server, "GET", p.prefix+":{SALAM}:terms"); now != was {
		t.Errorf("an old version has replaced a new one: %s", now)
	}
	if got := do(t, p.server, "GET", p.prefix+":{SALAM}:left"); got != "10" {
		t.Errorf("%q is left", got)
	}
	if !p.a.judges("SALAM", nil) {
		t.Error("a refuses by the old version")
	}

	// After a flush it can be published, but it is too old by the store's clock to refuse.
	do(t, p.server, "FLUSHALL")
	p.clock.pass(2 * voucher.FactFreshFor)
	p.a.samples(p.clock.Now().Add(storeAhead))
	tooOld := p.a.count(redisgate.EventTooOld)
	p.a.Admit("SALAM", loser)
	eventually(t, "a hears it and finds it too old", func() bool {
		p.b.Settle(asked, old) // until b knows of the flush, it knows that it has published that
		return p.a.count(redisgate.EventTooOld) > tooOld
	})
	if !p.a.judges("SALAM", nil) || !p.b.judges("SALAM", nil) {
		t.Error("a replica refuses by the old version")
	}
}

// What is heard is judged by the store's clock as this replica knows it, whenever it comes.
func TestAgeOfWhatIsHeard(t *testing.T) {
	p := newPair(t)
	p.know()
	p.clock.pass(time.Second)
	p.b.samples(p.clock.Now().Add(storeAhead))
	n := 0
	for _, c := range []struct {
		name  string
		at    time.Duration // from the store's now
		event string
		want  error
	}{
		{"fresh", 0, redisgate.EventHeard, fault.ErrSoldOut},
		{"half old", -voucher.FactFreshFor / 2, redisgate.EventHeard, fault.ErrSoldOut},
		{"just old", -voucher.FactFreshFor, redisgate.EventTooOld, nil},
		{"of last year", -365 * 24 * time.Hour, redisgate.EventTooOld, nil},
		{"of the future", 100 * time.Millisecond, redisgate.EventFuture, nil},
		{"of the far future", 100 * 365 * 24 * time.Hour, redisgate.EventFuture, nil},
	} {
		n++
		code := "CODE" + string(rune('A'+n))
		f := factAt(factOf(code, 10+n, voucher.SoldOut, 1), p.clock.Now().Add(storeAhead+c.at))
		do(t, p.server, "SET", p.prefix+":{"+code+"}:terms", redisgate.EncodeTerms(f))
		before := p.b.count(c.event)
		p.b.Admit(code, loser)
		eventually(t, c.name+": it is "+c.event, func() bool { return p.b.count(c.event) > before })
		if !p.b.judges(code, c.want) {
			t.Errorf("%s: not judged as %v", c.name, c.want)
		}
	}
}

// A replica that has not asked the store for a while does not know its clock, and refuses nobody by hearsay.
func TestNothingIsUsedWithoutAClock(t *testing.T) {
	p := newPair(t)
	f := p.judged(factOf("SALAM", 1, voucher.SoldOut, 1))
	p.a.asks(f)
	eventually(t, "it is written", func() bool { return do(t, p.server, "EXISTS", p.prefix+":{SALAM}:terms") == "1" })
	p.b.Admit("SALAM", loser)
	eventually(t, "b hears it without a clock", func() bool { return p.b.count(redisgate.EventNoClock) > 0 })
	if !p.b.judges("SALAM", nil) {
		t.Error("b refuses")
	}
	p.b.samples(p.clock.Now().Add(storeAhead))
	heard := p.b.count(redisgate.EventHeard)
	p.a.asks(p.judged(factOf("OTHER", 2, voucher.Open, 1)))
	p.b.Admit("OTHER", loser)
	eventually(t, "b hears something with a clock", func() bool { return p.b.count(redisgate.EventHeard) > heard })
	without := p.b.count(redisgate.EventNoClock)
	p.clock.pass(time.Minute)
	p.a.asks(p.judged(factOf("SALAM", 1, voucher.SoldOut, 1)))
	eventually(t, "b hears it with a clock that is forgotten", func() bool { return p.b.count(redisgate.EventNoClock) > without })
	if !p.b.judges("SALAM", nil) {
		t.Error("b refuses by a clock of a minute ago")
	}
}

// A fact without a time is never published, and is no sample of the clock; nor is an unknown code.
func TestWhatIsNotPublished(t *testing.T) {
	p := newPair(t)
	timeless := factOf("TIMELESS", 1, voucher.SoldOut, 1)
	p.a.asks(timeless, voucher.UnknownFact("NOSUCH"), factAt(factOf("", 2, voucher.SoldOut, 1), p.clock.Now()),
		factAt(factOf(strings.Repeat("X", 257), 3, voucher.SoldOut, 1), p.clock.Now()),
		factAt(factOf("ANCIENT", 4, voucher.SoldOut, 1), time.Unix(-1, 0)),
		factAt(factOf("INVALID", 5, voucher.Spent+1, 1), p.clock.Now()),
		p.judged(factOf("LAST", 6, voucher.Open, 1)))
	eventually(t, "the last is written", func() bool { return do(t, p.server, "EXISTS", p.prefix+":{LAST}:terms") == "1" })
	keys := do(t, p.server, "KEYS", p.prefix+":{*}:terms")
	if keys != p.prefix+":{LAST}:terms" {
		t.Errorf("in Redis are %s", keys)
	}
	if do(t, p.server, "EXISTS", p.prefix+":{LAST}:left") != "1" {
		t.Error("nothing says how many are left")
	}
}

func TestKeysEnd(t *testing.T) {
	p := newPair(t)
	f := p.judged(factOf("SALAM", 1, voucher.Open, 1))
	p.a.asks(f)
	p.a.SettleCampaign(f.Campaign, 7)
	campaign := p.prefix + ":campaign:{" + f.Campaign.Format("cmp") + "}"
	eventually(t, "all is written", func() bool {
		return do(t, p.server, "EXISTS", p.prefix+":{SALAM}:terms", p.prefix+":{SALAM}:left", campaign) == "3"
	})
	for key := range strings.SplitSeq(do(t, p.server, "KEYS", "*"), "\n") {
		if ttl := do(t, p.server, "PTTL", key); ttl == "-1" {
			t.Errorf("%s never ends", key)
		}
	}
}

// What an open voucher has left falls with every batch; nobody is woken by it, for the terms, of which Redis
// tells everybody when they are touched, are not.
func TestBatchesWakeNobody(t *testing.T) {
	p := newPair(t)
	p.know()
	terms, left := redisgate.Terms(p.prefix, "SALAM"), redisgate.Left(p.prefix, "SALAM")
	const ttl = 3_000_000 // not what a write would make of it
	do(t, p.server, "PEXPIRE", terms, strconv.Itoa(ttl))
	was := do(t, p.server, "GET", terms)
	f := factOf("SALAM", 1, voucher.Open, 0)
	for f.Remaining > 1 {
		f.Remaining--
		p.clock.pass(10 * time.Millisecond)
		p.a.asks(p.judged(f))
		want := strconv.FormatInt(f.Remaining, 10)
		eventually(t, "what is left has fallen", func() bool { return do(t, p.server, "GET", left) == want })
	}
	if now := do(t, p.server, "GET", terms); now != was {
		t.Errorf("the terms were %s and are %s", was, now)
	}
	if now, err := strconv.Atoi(do(t, p.server, "PTTL", terms)); err != nil || now > ttl {
		t.Errorf("the terms were written: they live %d ms more", now)
	}
}

// share has b learn from a, closing a voucher and opening it again. What is lost on the way while Redis
// comes and goes is said again.
func (p *pair) share(key string, n int, version *int64) {
	p.t.Helper()
	for _, step := range []struct {
		what   string
		status voucher.Status
		want   error
	}{
		{"b refuses what a closed", voucher.SoldOut, fault.ErrSoldOut},
		{"b lets pass what a opened", voucher.Open, nil},
	} {
		eventually(p.t, step.what, func() bool {
			p.b.samples(p.clock.Now().Add(storeAhead))
			*version++
			p.a.asks(p.judged(factOf(key, n, step.status, *version)))
			return p.b.judges(key, step.want)
		})
	}
}

func TestCluster(t *testing.T) {
	cluster := testenv.NewRedisCluster(t)
	cfg := redisgate.Config{URL: clusterURL(cluster), Prefix: newPrefix()}
	p := &pair{prefix: cfg.Prefix, clock: newClock(), t: t}
	cfg.Clock = p.clock.Now
	p.a, p.b = newReplica(t, cfg).shared(), newReplica(t, cfg).shared()
	version := int64(0)
	for n, code := range []string{"SALAM", "A", "B", "C", "کد۱", "{}", "}{", strings.Repeat("{é}", 64)} {
		p.share(code, n+1, &version)
	}
	slots := make(map[string]bool)
	for _, node := range cluster.Nodes {
		for key := range strings.FieldsSeq(do(t, node, "KEYS", p.prefix+":{*}:terms")) {
			slots[node.Addr()] = true
			slot := do(t, node, "CLUSTER", "KEYSLOT", key)
			left := strings.TrimSuffix(key, "terms") + "left"
			if other := do(t, node, "CLUSTER", "KEYSLOT", left); slot != other {
				t.Errorf("%s is in slot %s, and %s in %s", key, slot, left, other)
			}
			if do(t, node, "EXISTS", left) != "1" {
				t.Errorf("%s has no %s beside it", key, left)
			}
		}
	}
	if len(slots) < 2 {
		t.Errorf("all entries are on %d node", len(slots))
	}
}

// After a failover the replicas go on with the new master, which may be behind the old one.
func TestSentinel(t *testing.T) {
	master := testenv.NewRedis(t, testenv.RedisOptions{})
	host, port, _ := strings.Cut(master.Addr(), ":")
	second := testenv.NewRedis(t, testenv.RedisOptions{Conf: []string{"replicaof " + host + " " + port, "repl-diskless-sync-delay 0"}})
	sentinel := testenv.NewRedis(t, testenv.RedisOptions{Sentinel: true, Conf: []string{
		"sentinel monitor scrip " + host + " " + port + " 1", "sentinel down-after-milliseconds scrip 1000",
		"sentinel failover-timeout scrip 5000",
	}})
	cfg := redisgate.Config{URL: "redis+sentinel://" + sentinel.Addr() + "/scrip", Prefix: newPrefix()}
	p := &pair{prefix: cfg.Prefix, clock: newClock(), t: t}
	cfg.Clock = p.clock.Now
	p.a, p.b = newReplica(t, cfg).shared(), newReplica(t, cfg).shared()
	version := int64(0)
	p.share("SALAM", 1, &version)
	eventually(t, "the second follows the first", func() bool {
		return strings.Contains(do(t, second, "INFO", "replication"), "master_link_status:up") &&
			strings.Contains(do(t, sentinel, "SENTINEL", "REPLICAS", "scrip"), second.Addr())
	})
	if err := master.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second is the master", func() bool {
		role, err := second.Do(t.Context(), "INFO", "replication") // it cuts its clients off as it is made the master
		return err == nil && strings.Contains(role, "role:master")
	})
	p.share("SALAM", 1, &version)
	if got := do(t, second, "EXISTS", p.prefix+":{SALAM}:terms"); got != "1" {
		t.Error("the entry is not on the new master")
	}
}

// Sentinels that want a password get that of Redis, or one of their own.
func TestSentinelsWithPasswords(t *testing.T) {
	master := testenv.NewRedis(t, testenv.RedisOptions{Conf: []string{"requirepass redis-secret"}})
	host, port, _ := strings.Cut(master.Addr(), ":")
	watched := func(conf ...string) string {
		return testenv.NewRedis(t, testenv.RedisOptions{Sentinel: true, Conf: append([]string{
			"sentinel monitor scrip " + host + " " + port + " 1", "sentinel auth-pass scrip redis-secret",
		}, conf...)}).Addr()
	}
	same := watched("requirepass redis-secret")
	other := watched("requirepass sentinel?secret")
	named := watched("user default off", "user ali on >ali-secret allchannels +@all")
	open := watched()
	for _, url := range []string{
		"redis+sentinel://:redis-secret@" + same + "/scrip",
		"redis+sentinel://:redis-secret@" + other + "/scrip?sentinel_password=sentinel%3Fsecret",
		"redis+sentinel://:redis-secret@" + named + "/scrip?sentinel_user=ali&sentinel_password=ali-secret",
		"redis+sentinel://:redis-secret@" + open + "/scrip",
		"redis+sentinel://default:redis-secret@" + open + "/scrip?sentinel_password=",
	} {
		newReplica(t, redisgate.Config{URL: url, Prefix: newPrefix()}).shared()
	}
}
