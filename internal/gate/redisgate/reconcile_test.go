package redisgate_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/gate/redisgate"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/store/memstore"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

// shop is a store with one campaign, and Redis.
type shop struct {
	*memstore.Store
	t        testing.TB
	server   *testenv.Redis
	prefix   string
	campaign id.ID

	during   func() // called while the store is asked
	inside   atomic.Int64
	together atomic.Int64 // how many have asked at once, at most
	lookups  atomic.Int64
	mu       sync.Mutex
	codes    map[string]bool // that were asked for
}

func newShop(t *testing.T, codes ...string) *shop {
	t.Helper()
	s := &shop{
		Store: memstore.New(memstore.Options{}), t: t, server: testenv.NewRedis(t, testenv.RedisOptions{}),
		prefix: newPrefix(), campaign: id.New(time.Now()), codes: make(map[string]bool),
	}
	c := store.Creation{Campaign: &voucher.Campaign{
		ID: s.campaign, Name: "shop", Currency: "IRR", Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 1},
	}}
	for _, code := range codes {
		c.Vouchers = append(c.Vouchers, voucher.Voucher{
			ID: id.New(time.Now()), CampaignID: s.campaign, Code: code, Key: code, Limit: 10, PerCustomer: 1,
		})
	}
	_, _, err := s.Create(t.Context(), c)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// Lookup counts those who ask.
func (s *shop) Lookup(ctx context.Context, keys []string) ([]store.Listing, time.Time, error) {
	n := s.inside.Add(1)
	defer s.inside.Add(-1)
	for most := s.together.Load(); n > most && !s.together.CompareAndSwap(most, n); most = s.together.Load() {
	}
	s.mu.Lock()
	for _, key := range keys {
		s.codes[key] = true
	}
	s.mu.Unlock()
	ls, now, err := s.Store.Lookup(ctx, keys)
	if s.during != nil {
		s.during()
	}
	s.lookups.Add(1)
	return ls, now, err
}

// replica is one that reconciles all the time.
func (s *shop) replica() *replica {
	s.t.Helper()
	return newReplica(s.t, redisgate.Config{
		URL: s.server.URL(), Prefix: s.prefix, Source: s, Reconcile: 20 * time.Millisecond,
	}).shared()
}

// truth is what the store says of a code now.
func (s *shop) truth(code string) voucher.Fact {
	s.t.Helper()
	ls, now, err := s.Store.Lookup(s.t.Context(), []string{code})
	must(s.t, err)
	return voucher.FactOf(ls[0].Campaign, ls[0].Voucher, now)
}

// plant puts values where a code's entry is.
func (s *shop) plant(code, terms, left string) {
	s.t.Helper()
	do(s.t, s.server, "SET", redisgate.Left(s.prefix, code), left)
	do(s.t, s.server, "SET", redisgate.Terms(s.prefix, code), terms)
}

// passes waits until Redis was compared with the store n times more.
func (s *shop) passes(n int64) {
	s.t.Helper()
	until := s.lookups.Load() + n
	eventually(s.t, "redis is compared with the store", func() bool { return s.lookups.Load() >= until })
}

func (s *shop) terms(code string) string { return text(s.t, s.server, redisgate.Terms(s.prefix, code)) }

func (s *shop) left(code string) string { return text(s.t, s.server, redisgate.Left(s.prefix, code)) }

// What the store can't have said is deleted, and what it says is written.
func TestContradictionsAreHealed(t *testing.T) {
	s := newShop(t, "SALAM")
	r := s.replica()
	truth := s.truth("SALAM")
	lie := func(change func(f *voucher.Fact)) string {
		f := truth
		change(&f)
		return redisgate.EncodeTerms(f)
	}
	for _, c := range []struct{ name, terms, left string }{
		{"a version ahead of the store's", lie(func(f *voucher.Fact) { f.Version.Voucher += 1000; f.Status = voucher.SoldOut }), "-1"},
		{"a campaign's version ahead of the store's", lie(func(f *voucher.Fact) { f.Version.Campaign++ }), "10"},
		{"further along than the store", lie(func(f *voucher.Fact) { f.Status = voucher.SoldOut }), "-1"},
		{"ended, though it is open", lie(func(f *voucher.Fact) { f.Status = voucher.Ended }), "10"},
		{"another voucher's", lie(func(f *voucher.Fact) { f.Voucher = idOf(7, 7) }), "10"},
		{"of another campaign", lie(func(f *voucher.Fact) { f.Campaign = idOf(7, 7) }), "10"},
		{"assigned, though it is not", lie(func(f *voucher.Fact) { f.Customer = "somebody" }), "10"},
		{"of the future", lie(func(f *voucher.Fact) { f.At = f.At.Add(time.Hour) }), "10"},
		{"garbage", "garbage", "10"},
		{"huge", strings.Repeat("x", 1<<20), "10"},
		{"too little left", redisgate.EncodeTerms(truth), "3"},
		{"sold out, though it is open", redisgate.EncodeTerms(truth), "-1"},
		{"garbage left", redisgate.EncodeTerms(truth), "many"},
	} {
		before := r.count(redisgate.EventContradicted)
		s.plant("SALAM", c.terms, c.left)
		eventually(t, c.name+" is replaced by the truth", func() bool {
			f, err := redisgate.DecodeTerms("SALAM", s.terms("SALAM"))
			return err == nil && f.Version == truth.Version && f.Status == voucher.Open && f.Voucher == truth.Voucher &&
				f.Campaign == truth.Campaign && f.Customer == "" && f.At.Before(time.Now()) && s.left("SALAM") == "10"
		})
		if r.count(redisgate.EventContradicted) == before {
			t.Errorf("%s is not counted", c.name)
		}
	}
	for _, key := range []string{redisgate.Terms(s.prefix, "SALAM"), redisgate.Left(s.prefix, "SALAM")} {
		do(t, s.server, "DEL", key)
		do(t, s.server, "RPUSH", key, "a list")
		if key == redisgate.Left(s.prefix, "SALAM") {
			do(t, s.server, "SET", redisgate.Terms(s.prefix, "SALAM"), redisgate.EncodeTerms(truth))
		}
		eventually(t, "a list is replaced", func() bool { return s.terms("SALAM") != "" && s.left("SALAM") == "10" })
	}
	r.states(true)
}

// A code that the store does not know goes, and so does what is no code.
func TestStrangersAreDeleted(t *testing.T) {
	s := newShop(t)
	s.replica()
	f := factAt(factOf("NOSUCH", 1, voucher.SoldOut, 1), time.Now())
	s.plant("NOSUCH", redisgate.EncodeTerms(f), "-1")
	odd := s.prefix + ":{no code}:terms"
	do(t, s.server, "SET", odd, "x")
	eventually(t, "they are deleted", func() bool {
		return do(t, s.server, "EXISTS", odd, redisgate.Terms(s.prefix, "NOSUCH"), redisgate.Left(s.prefix, "NOSUCH")) == "0"
	})
}

func TestCampaignAheadIsDeleted(t *testing.T) {
	s := newShop(t, "SALAM")
	s.replica()
	key := s.prefix + ":campaign:{" + s.campaign.Format(id.Campaign) + "}"
	s.plant("SALAM", redisgate.EncodeTerms(s.truth("SALAM")), "10")
	for _, lie := range []string{"999", "garbage", "-1"} {
		do(t, s.server, "SET", key, lie)
		eventually(t, lie+" is deleted", func() bool { return do(t, s.server, "EXISTS", key) == "0" })
	}
	do(t, s.server, "SET", key, "0")
	s.passes(3)
	if do(t, s.server, "GET", key) != "0" {
		t.Error("a version that the campaign has had is deleted")
	}
}

// What lags behind the store is brought up to it, for replicas that use it.
func TestLaggingIsBroughtUp(t *testing.T) {
	s := newShop(t, "SALAM")
	old := s.truth("SALAM")
	listing, _, err := s.Store.Lookup(t.Context(), []string{"SALAM"})
	must(t, err)
	disabled := true
	_, err = s.AmendVoucher(t.Context(), listing[0].Voucher.ID, voucher.Patch{Disabled: &disabled}, access.By{})
	must(t, err)

	r := s.replica()
	r.samples(time.Now())
	r.Admit("SALAM", loser)
	s.plant("SALAM", redisgate.EncodeTerms(old), "10")
	eventually(t, "it is disabled in Redis", func() bool { return strings.Contains(s.terms("SALAM"), " disabled ") })
	eventually(t, "and here", func() bool {
		s.plant("SALAM", redisgate.EncodeTerms(old), "10")
		return r.judges("SALAM", fault.ErrDisabled)
	})
}

// What is right is left alone: written anew it would live for ever, and wake everybody.
func TestTruthIsLeftAlone(t *testing.T) {
	s := newShop(t, "SALAM")
	r := s.replica()
	terms := redisgate.EncodeTerms(s.truth("SALAM"))
	s.plant("SALAM", terms, "10")
	do(t, s.server, "PEXPIRE", redisgate.Terms(s.prefix, "SALAM"), "100000")
	s.passes(5)
	if got := s.terms("SALAM"); got != terms {
		t.Errorf("it is now %s", got)
	}
	if ttl, err := strconv.Atoi(do(t, s.server, "PTTL", redisgate.Terms(s.prefix, "SALAM"))); err != nil || ttl > 100_000 {
		t.Errorf("it lives %d ms more", ttl)
	}
	if n := r.count(redisgate.EventContradicted); n != 0 {
		t.Errorf("%d times it contradicted", n)
	}
	if r.count(redisgate.EventReconciled) < 5 {
		t.Error("it was not compared")
	}
}

// Another replica writes what the store has just told it, while this one asks the store about what was there
// before.
func TestNewerWriteIsNotDeleted(t *testing.T) {
	s := newShop(t, "SALAM")
	lie := s.truth("SALAM")
	lie.Version.Voucher += 5
	s.plant("SALAM", redisgate.EncodeTerms(lie), "8")
	listing, _, err := s.Store.Lookup(t.Context(), []string{"SALAM"})
	must(t, err)
	var once sync.Once
	var newer atomic.Pointer[string]
	s.during = func() {
		once.Do(func() { // the store has answered, and moves on
			limit := int64(20)
			_, err := s.AmendVoucher(context.Background(), listing[0].Voucher.ID, voucher.Patch{Limit: &limit}, access.By{})
			must(t, err)
			terms := redisgate.EncodeTerms(s.truth("SALAM"))
			s.plant("SALAM", terms, "20")
			newer.Store(&terms)
		})
	}
	r := s.replica()
	s.passes(3)
	if got := s.terms("SALAM"); got != *newer.Load() {
		t.Errorf("there is %q now, not the newer %q", got, *newer.Load())
	}
	if got := s.left("SALAM"); got != "20" {
		t.Errorf("%q is left", got)
	}
	if n := r.count(redisgate.EventContradicted); n != 0 {
		t.Errorf("%d entries were deleted", n)
	}
}

func TestOneReconcilesAtATime(t *testing.T) {
	s := newShop(t, "SALAM")
	s.plant("SALAM", redisgate.EncodeTerms(s.truth("SALAM")), "10")
	s.during = func() { time.Sleep(5 * time.Millisecond) } // long enough to meet
	replicas := []*replica{s.replica(), s.replica(), s.replica()}
	s.passes(30)
	if n := s.together.Load(); n != 1 {
		t.Errorf("%d asked at once", n)
	}
	busy := 0
	for _, r := range replicas {
		if r.count(redisgate.EventReconciled) > 0 {
			busy++
		}
	}
	if busy == 0 {
		t.Error("nobody has reconciled")
	}
}

// Whoever loses the lock stops, and does not give back what is another's.
func TestLostLock(t *testing.T) {
	codes := make([]string, 600)
	for i := range codes {
		codes[i] = "CODE" + strconv.Itoa(i)
	}
	s := newShop(t, codes...)
	for _, code := range codes {
		s.plant(code, redisgate.EncodeTerms(s.truth(code)), "10")
	}
	lock := s.prefix + ":reconcile"
	s.during = func() { do(t, s.server, "SET", lock, "another's") }
	r := s.replica()
	eventually(t, "it is said", func() bool {
		return strings.Contains(strings.Join(r.log.lines(), "\n"), "another replica has taken over")
	})
	if got := do(t, s.server, "GET", lock); got != "another's" {
		t.Errorf("the lock is %q", got)
	}
	if n := s.lookups.Load(); n != 1 {
		t.Errorf("it asked the store %d times", n)
	}
}

func TestManyAreReconciled(t *testing.T) {
	codes := make([]string, 1000)
	for i := range codes {
		codes[i] = "CODE" + strconv.Itoa(i)
	}
	s := newShop(t, codes...)
	for _, code := range codes {
		s.plant(code, "garbage", "garbage")
	}
	s.replica()
	eventually(t, "all are right", func() bool {
		for _, code := range codes {
			if !strings.HasPrefix(s.terms(code), "1 ") || s.left(code) != "10" {
				return false
			}
		}
		return true
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.codes) != len(codes) {
		t.Errorf("the store was asked for %d codes", len(s.codes))
	}
}

func TestClusterIsReconciled(t *testing.T) {
	cluster := testenv.NewRedisCluster(t)
	s := newShop(t)
	r := newReplica(t, redisgate.Config{URL: clusterURL(cluster), Prefix: s.prefix, Source: s, Reconcile: 20 * time.Millisecond}).shared()
	for n := range 50 {
		f := factAt(factOf("CODE"+strconv.Itoa(n), n, voucher.SoldOut, 1), time.Now())
		r.asks(f)
	}
	eventually(t, "what the store does not know is deleted on all nodes", func() bool {
		for _, node := range cluster.Nodes {
			if do(t, node, "KEYS", s.prefix+":{*}:terms") != "" {
				return false
			}
		}
		return r.count(redisgate.EventContradicted) >= 50
	})
}

// The store's failure is logged once, and its end.
func TestReconciliationFails(t *testing.T) {
	s := newShop(t, "SALAM")
	s.plant("SALAM", redisgate.EncodeTerms(s.truth("SALAM")), "10")
	f := &failing{shop: s}
	f.broken.Store(true)
	r := newReplica(t, redisgate.Config{URL: s.server.URL(), Prefix: s.prefix, Source: f, Reconcile: 10 * time.Millisecond}).shared()
	eventually(t, "it fails often", func() bool { return f.failures.Load() > 5 })
	f.broken.Store(false)
	s.passes(1)
	eventually(t, "it says so", func() bool { return len(r.log.lines()) == 3 })
	for i, says := range []string{"redis is there", "could not be compared", "compared with the store again"} {
		if line := r.log.lines()[i]; !strings.Contains(line, says) {
			t.Errorf("line %d is %s", i, line)
		}
	}
}

// failing is a source that fails.
type failing struct {
	*shop
	broken   atomic.Bool
	failures atomic.Int64
}

func (f *failing) Lookup(ctx context.Context, keys []string) ([]store.Listing, time.Time, error) {
	if f.broken.Load() {
		f.failures.Add(1)
		return nil, time.Time{}, fault.ErrStoreUnavailable
	}
	return f.shop.Lookup(ctx, keys)
}
