package faults_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/client"
	"scrip/internal/testenv"

	rig "scrip/e2e/site"
)

const (
	rounds       = 20              // times that each fault comes
	recoverMax   = 5 * time.Second // from a fault's end until every replica redeems again
	databaseName = "scrip"
	endless      = "endless" // a code without a limit, for as long as the site stands
	credit       = 100       // what each use of a code gives, in minor units
	currency     = "IRR"
)

// site is a PostgreSQL, perhaps a Redis, and the replicas over them, with the record of what their crowd
// was told.
type site struct {
	t        *testing.T
	random   *rand.Rand // moments, drawn by the test's goroutine alone
	postgres *testenv.Postgres
	redis    *testenv.Redis // nil for none
	replicas []*replica
	book     *book
	options  options
	activity *pgx.Conn // to look at what the replicas' connections do, where a test does
	opened   time.Time

	recoveries []time.Duration // of each replica after each fault
}

// options say what differs from a plain site of three replicas over a PostgreSQL and a Redis.
type options struct {
	postgres testenv.PostgresOptions
	noRedis  bool
	replicas int      // 0 for three
	args     []string // of every server
	timeout  time.Duration
	// What stands between the parts: each takes an address and returns the one to use instead.
	toPostgres, toRedis, toReplica func(address string) string
}

const replicasUsual = 3

// requestTimeout is the servers' own. Tests wait for it now and then, so it is shorter than the default.
const requestTimeout = 3 * time.Second

// newSite starts everything. It is stopped when the test ends, and says what it has to say if that failed.
func newSite(t *testing.T, o options) *site {
	t.Helper()
	if o.timeout == 0 {
		o.timeout = requestTimeout
	}
	if o.replicas == 0 {
		o.replicas = replicasUsual
	}
	s := &site{t: t, options: o, random: random(t), opened: time.Now()}
	s.book = newBook(o.timeout)
	s.postgres = testenv.NewPostgres(t, o.postgres)
	if err := s.postgres.CreateDatabase(t.Context(), databaseName); err != nil {
		t.Fatal(err)
	}
	if !o.noRedis {
		s.redis = testenv.NewRedis(t, testenv.RedisOptions{})
	}
	t.Cleanup(s.report)
	for range o.replicas {
		s.add()
	}
	s.start(s.replicas...)
	s.code(endless, 0)
	return s
}

// add describes one more replica.
func (s *site) add() *replica {
	s.t.Helper()
	o := s.options
	name := "ABCDEFGH"[len(s.replicas):][:1]
	listen := rig.FreeAddress(s.t)
	args := append([]string{
		"--request-timeout", o.timeout.String(),
		"--database-url", databaseURL(through(o.toPostgres, s.postgres.Addr()), name),
	}, o.args...)
	if s.redis != nil {
		args = append(args, "--redis-url", "redis://"+through(o.toRedis, s.redis.Addr()))
	}
	r := newReplica(s.t, name, listen, through(o.toReplica, listen), args...)
	s.replicas = append(s.replicas, r)
	return r
}

// databaseURL is where the site's database is, and how a replica shows in pg_stat_activity.
func databaseURL(address, name string) string {
	return "postgres://scrip@" + address + "/" + databaseName + "?sslmode=disable&application_name=" + name
}

func through(proxy func(string) string, address string) string {
	if proxy == nil {
		return address
	}
	return proxy(address)
}

// start starts replicas together.
func (s *site) start(replicas ...*replica) {
	s.t.Helper()
	var all sync.WaitGroup
	for _, r := range replicas {
		all.Go(r.start)
	}
	all.Wait()
	if s.t.Failed() {
		s.t.FailNow()
	}
}

// code makes a shared code; a limit of zero is none.
func (s *site) code(name string, limit int64) *client.Campaign {
	s.t.Helper()
	v := &client.NewCampaignVoucher{Code: name}
	if limit > 0 {
		v.Limit = &limit
	}
	c, err := s.replicas[0].client.CreateCampaign(s.t.Context(), client.NewCampaign{
		Name: name, Currency: currency, Effect: client.Effect{Kind: client.EffectCredit, Amount: credit}, Voucher: v,
	})
	if err != nil {
		s.t.Fatalf("make the code %s: %v", name, err)
	}
	return c
}

// random is a test's own source of moments. SCRIP_FAULTS_SEED repeats those of a run.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("SCRIP_FAULTS_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SCRIP_FAULTS_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // moments, not secrets
}

// between is a moment left to chance.
func (s *site) between(least, most time.Duration) time.Duration {
	return least + time.Duration(s.random.Int64N(int64(most-least)))
}

// linger lets the load go on for a moment left to chance.
func (s *site) linger(least, most time.Duration) { time.Sleep(s.between(least, most)) }

// eventually waits until something is so, at most for so long.
func (s *site) eventually(most time.Duration, what string, is func() bool) {
	s.t.Helper()
	for end := time.Now().Add(most); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("after %v it is still not so that %s", most, what)
		}
	}
}

// report tells how the test went: in figures, and with the ends of all logs where it failed.
func (s *site) report() {
	s.t.Logf("%v in all; %s; recoveries: %s", time.Since(s.opened).Round(time.Millisecond), s.book, spread(s.recoveries))
	if dir := os.Getenv("SCRIP_FAULTS_LOGS"); dir != "" {
		s.keepLogs(dir)
	}
	if !s.t.Failed() {
		return
	}
	for _, r := range s.replicas {
		s.t.Logf("--- the log of replica %s ends:\n%s", r.name, rig.Tail(r.log.String(), 12))
	}
	s.t.Logf("--- PostgreSQL's log ends:\n%s", rig.Tail(s.postgres.Log(), 15))
	if s.redis != nil {
		s.t.Logf("--- Redis's log ends:\n%s", rig.Tail(s.redis.Log(), 5))
	}
}

// keepLogs writes all logs into a folder, for who wants to know more.
func (s *site) keepLogs(dir string) {
	logs := map[string]string{"postgres": s.postgres.Log()}
	for _, r := range s.replicas {
		logs[r.name] = r.log.String()
	}
	for name, text := range logs {
		if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(s.t.Name(), "/", "-")+"-"+name+".log"), []byte(text), 0o600); err != nil {
			s.t.Error(err)
		}
	}
}

// spread is the middle and the longest of some durations.
func spread(of []time.Duration) string {
	if len(of) == 0 {
		return "none"
	}
	sorted := sortedCopy(of)
	return fmt.Sprintf("%d, half within %v, the longest %v", len(of),
		sorted[len(sorted)/2].Round(time.Millisecond), sorted[len(sorted)-1].Round(time.Millisecond))
}
