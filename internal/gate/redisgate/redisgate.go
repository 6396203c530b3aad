// Package redisgate is the gate of many replicas: a local gate, and Redis to tell the others what this
// replica's store taught it. Redis carries facts and decides nothing; every rule of judgement is the local
// gate's.
//
// Invariants, beyond the contract's:
//  1. No request waits for Redis. Admit is the local gate's, and at most a note for the background; Settle
//     is the local gate's, and then a note for the publisher. What there is no room for is dropped.
//  2. A fact that was heard is as old as the store says, not as its arrival says. The store's clock is
//     known from above only: this replica's own questions bound it (bound). A fact that was judged more
//     than a second ago by that bound is not taken at all, nor is one that was judged later than now, nor
//     any while the bound is not known. So whatever Redis holds, delays or invents, a genuine fact refuses
//     for no longer than if this replica had asked the store itself when it was judged.
//  3. What Redis holds of a code only goes forward (forward.lua), as the local gate's facts do. Its keys
//     end by themselves; nothing is lost with them but speed.
//  4. Only what the store said of a voucher that is there is published: guessers can't fill Redis.
//  5. Memory is bounded: outboxMax facts wait to be published, watchMax keys are watched.
//
// What is too old to refuse is not taken rather than taken and expired: a fact that Redis kept from before
// the store was put back from a copy has a version above the store's, and would keep the true ones out.
//
// It rests on these of its callers and of the store: a fact's At was read from the store's clock after
// asked; that clock runs at most one part in driftPart faster or slower than this machine's. A step of it
// forward is found by the next question that this replica asks, and until then what was heard may refuse
// for as much longer; so questions are forgotten after some ten seconds. After a step back, what was
// judged before is of the future until the clock is there again. Redis must be as private as the
// database: who writes to it can have a code refused, for as long as they go on. They can't have one
// granted. docs/gate.md has the protocol, and why it is right.
//
// Locks: each part has its own, and none is taken while another is held. The observer and the log are
// called under the link's, so that they hear of its changes in order.
package redisgate

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"scrip/internal/gate"
	"scrip/internal/id"
	"scrip/internal/redislink"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

const (
	reconcileDefault = 30 * time.Second
	timeoutDefault   = 500 * time.Millisecond
	prefixDefault    = "scrip"
	prefixMax        = 64

	notesMax = 1024 // codes noted by Admit and not looked at yet
	batchMax = 256  // keys in one exchange with Redis, and codes in one question to the store
)

// Source is where reconciliation learns the truth: store.Vouchers has it.
type Source interface {
	// Lookup is store.Vouchers' own.
	Lookup(ctx context.Context, keys []string) (ls []store.Listing, now time.Time, err error)
}

// Config configures a Gate. Only URL must be set.
type Config struct {
	// URL is where Redis is:
	//
	//	redis://[user:password@]host[:port][/db]
	//	redis+sentinel://[user:password@]host[:port][,host[:port]...]/master[/db][?sentinel_user=user&sentinel_password=password]
	//	redis+cluster://[user:password@]host[:port][,host[:port]...]
	//
	// With rediss in place of redis, through TLS. What is special in a password is percent-encoded.
	URL string
	// Prefix begins every key, "scrip" by default: small letters, digits, '-', '_' and '.'. It tells two
	// Scrips on one Redis apart.
	Prefix string
	// Reconcile is how often Redis is compared with the store, 30 s by default, by one replica at a time.
	Reconcile time.Duration
	// Timeout is how long one exchange with Redis may take, and to connect, 500 ms by default. No request
	// waits for it; Redis is away when it is over.
	Timeout time.Duration
	Source  Source           // nil: Redis is not compared with the store
	Log     *slog.Logger     // nil: slog.Default
	Clock   func() time.Time // nil: time.Now; it must never run backwards, and is the clock of asked
	Observe Observer         // nil: nobody
}

// Gate is a gate.Gate that shares what it learns. It is safe for concurrent use.
type Gate struct {
	local   gate.Gate
	clock   func() time.Time
	start   time.Time // all times within are durations since then
	log     *slog.Logger
	observe Observer
	names   names
	source  Source
	every   time.Duration // between two reconciliations
	token   string        // tells this process from the others

	link  *link
	bound bound
	seen  seen
	notes chan string
	out   outbox
	watch watch

	cancel     context.CancelFunc
	background sync.WaitGroup
	reconciler sync.WaitGroup
}

var _ gate.Gate = (*Gate)(nil)

// New returns a gate around local, which it closes with itself. It does not wait for Redis, and does not
// fail because it is not there; it fails on a configuration that can't be right. The errors never show
// the password. The gate outlives ctx; Close ends it.
func New(ctx context.Context, cfg Config, local gate.Gate) (*Gate, error) {
	options, err := redislink.Parse(cfg.URL)
	if err != nil {
		return nil, err
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	g := &Gate{
		local: local, clock: cfg.Clock, start: cfg.Clock(), log: cfg.Log, observe: cfg.Observe,
		names: names{prefix: cfg.Prefix}, source: cfg.Source, every: cfg.Reconcile, token: rand.Text(),
		notes: make(chan string, notesMax),
	}
	g.bound.open()
	g.seen.open()
	g.out.open()
	g.watch.open(g.names)
	options.OnInvalidations = g.invalidated
	g.link = newLink(options, cfg.Timeout, g.names, g.token, g.log, g.observe)

	ctx, g.cancel = context.WithCancel(context.WithoutCancel(ctx))
	g.background.Go(func() { g.link.keep(ctx, g.watch.lost) })
	g.background.Go(func() { g.publish(ctx) })
	g.background.Go(func() { g.hear(ctx) })
	if g.source != nil {
		g.reconciler.Go(func() { g.reconcile(ctx) })
	}
	return g, nil
}

// complete sets the defaults and refuses what can't be right.
func (cfg *Config) complete() error {
	if cfg.Prefix == "" {
		cfg.Prefix = prefixDefault
	}
	if len(cfg.Prefix) > prefixMax || strings.Trim(cfg.Prefix, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return fmt.Errorf("redisgate: the prefix %q must be 1 to %d small letters, digits, '-', '_' and '.'", cfg.Prefix, prefixMax)
	}
	if cfg.Reconcile < 0 || cfg.Timeout < 0 {
		return fmt.Errorf("redisgate: times below zero: %v between two reconciliations, %v for an exchange", cfg.Reconcile, cfg.Timeout)
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = timeoutDefault
	}
	if cfg.Reconcile == 0 {
		cfg.Reconcile = reconcileDefault
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Observe == nil {
		cfg.Observe = nobody{}
	}
	return nil
}

// Admit judges one request from memory. It allocates nothing and waits for nobody.
func (g *Gate) Admit(key, customer string) gate.Decision {
	d := g.local.Admit(key, customer)
	if d.Refusal != nil && d.Want == 0 { // all is known that there is to know
		return d
	}
	if g.link.up.Load() && g.seen.first(key) {
		select {
		case g.notes <- key:
		default:
			g.observe.RedisCounted(EventDropped, 1)
		}
	}
	return d
}

// Settle takes facts into account and publishes them. asked must carry a monotonic reading, as
// time.Now's does; each fact's At must have been read from the store's clock after asked.
func (g *Gate) Settle(asked time.Time, facts ...voucher.Fact) {
	g.local.Settle(asked, facts...)
	g.sample(asked, facts)
	if !g.link.up.Load() {
		return
	}
	if n := g.out.put(facts); n > 0 {
		g.observe.RedisCounted(EventDropped, n)
	}
}

// sample learns from each fact how late the store's clock can be.
func (g *Gate) sample(asked time.Time, facts []voucher.Fact) {
	now := g.now()
	since := min(asked.Sub(g.start), now) // nothing was asked in the future
	for i := range facts {
		if at := facts[i].At; !at.IsZero() && !g.bound.sample(since, now, at) {
			g.observe.RedisCounted(EventClockStepped, 1)
		}
	}
}

// SettleCampaign makes every fact about a campaign's vouchers of an older campaign version unusable, here
// at once and on the other replicas as soon as they hear of it.
func (g *Gate) SettleCampaign(campaign id.ID, version int64) {
	g.local.SettleCampaign(campaign, version)
	if g.link.up.Load() && !g.out.putCampaign(campaign, version) {
		g.observe.RedisCounted(EventDropped, 1)
	}
}

// SettleWinners hands over a closed voucher's winners. They stay on this replica: their filter is made with
// a seed of its process.
func (g *Gate) SettleWinners(f voucher.Fact, w *gate.Winners) { g.local.SettleWinners(f, w) }

// Close ends the work in the background and closes the local gate. It waits for Redis for one exchange at
// most, to give back the lock of reconciliation.
func (g *Gate) Close() error {
	g.cancel()
	g.reconciler.Wait() // it may have a lock to give back
	g.link.close()
	g.background.Wait()
	g.link.end()
	return g.local.Close()
}

// now is the time since the gate was made, on the clock of asked.
func (g *Gate) now() time.Duration { return g.clock().Sub(g.start) }
