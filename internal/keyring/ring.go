package keyring

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"scrip/internal/access"
	"scrip/internal/id"
	"scrip/internal/store"
)

// Source is what a ring is refreshed from. store.Keys is one.
type Source interface {
	Ring(ctx context.Context, seen int64) (keys []access.Key, version int64, now time.Time, changed bool, err error)
	ListKeys(ctx context.Context, p store.Page) (ks []access.Key, more bool, err error)
	TouchKeys(ctx context.Context, used map[id.ID]time.Time) error
}

// Observer is told how a ring fares. It must be safe for concurrent use.
type Observer interface {
	// KeysUsable is told how many keys the ring holds.
	KeysUsable(n int)
	// KeysStale is told whether the store could not be asked the last time.
	KeysStale(stale bool)
}

// The pace of a ring that is told nothing else. A key that is revoked is refused everywhere after a
// refresh and the time that its question takes: well within a second.
const (
	DefaultEvery = 250 * time.Millisecond
	DefaultTouch = 30 * time.Second

	patience = 2 * time.Second // for one question; the last ring stays in force meanwhile
)

// RingConfig says how a ring works; zero members are the defaults.
type RingConfig struct {
	Every time.Duration // between two refreshes
	Touch time.Duration // between two writings of when keys were last used
	// OpenWhileEmpty lets everybody in for as long as no key has ever been made. The first key closes the
	// server, for as long as it runs, and for ever as far as the store remembers the key.
	OpenWhileEmpty bool
	Clock          func() time.Time // nil: time.Now, whose monotonic reading no change of the clock moves
	Log            *slog.Logger     // nil: slog.Default
	Observer       Observer         // nil: nobody
}

// Ring answers from memory who a secret belongs to, and follows the store. It is safe for concurrent use.
type Ring struct {
	cfg    RingConfig
	source Source

	keys atomic.Pointer[map[[32]byte]*entry] // the usable keys by the hashes of their secrets
	base atomic.Pointer[moment]
	tick atomic.Int64 // about now by the store's clock, in nanoseconds: it moves with the refreshes
	open atomic.Bool

	refreshing sync.Mutex // one question at a time
	version    int64      // of the keys; guarded by refreshing

	using sync.Mutex
	uses  map[id.ID]*use // guarded by using

	quit    chan struct{}
	closing sync.Once
	running sync.WaitGroup
}

// entry is a key of the ring.
type entry struct {
	key access.Key
	use *use
}

// use is when a key was last used, by the store's clock, in nanoseconds; 0 for not since the start.
type use struct {
	at   atomic.Int64
	told int64 // what the store knows; guarded by Ring.using
}

// moment ties the store's clock to ours.
type moment struct{ store, here time.Time }

// NewRing loads the ring; Close ends it. It is an error if the store can't be asked: a server that does
// not know its keys can't start. Later the last ring stays in force while the store is away: a payment
// system that forgot its keys with its database would be down twice.
func NewRing(ctx context.Context, cfg RingConfig, source Source) (*Ring, error) {
	if cfg.Every == 0 {
		cfg.Every = DefaultEvery
	}
	if cfg.Touch == 0 {
		cfg.Touch = DefaultTouch
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Observer == nil {
		cfg.Observer = nobody{}
	}
	r := &Ring{cfg: cfg, source: source, uses: map[id.ID]*use{}, quit: make(chan struct{})}
	r.keys.Store(&map[[32]byte]*entry{})
	r.open.Store(cfg.OpenWhileEmpty)
	if err := r.Refresh(ctx); err != nil {
		return nil, err
	}
	r.running.Go(r.follow)
	r.running.Go(r.report)
	return r, nil
}

// Authenticate returns the usable key that a secret belongs to. It neither waits nor allocates.
func (r *Ring) Authenticate(secret string) (*access.Key, bool) {
	hash, ok := access.Hash(secret)
	if !ok {
		return nil, false
	}
	e := (*r.keys.Load())[hash]
	if e == nil || !e.key.ExpiresAt.IsZero() && !e.key.Usable(r.Now()) {
		return nil, false
	}
	if now := r.tick.Load(); e.use.at.Load() < now { // at most one write a refresh, however many requests
		e.use.at.Store(now)
	}
	return &e.key, true
}

// Open reports whether the server asks for no keys, because there never was one.
func (r *Ring) Open() bool { return r.open.Load() }

// Len is how many keys the ring holds.
func (r *Ring) Len() int { return len(*r.keys.Load()) }

// Now is the store's clock, as far as we know it.
func (r *Ring) Now() time.Time {
	b := r.base.Load()
	return b.store.Add(r.cfg.Clock().Sub(b.here))
}

// Refresh asks the store for what has changed. Whoever changes a key calls it, so that the next request
// on this replica obeys.
func (r *Ring) Refresh(ctx context.Context) error {
	r.refreshing.Lock()
	defer r.refreshing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	keys, version, now, changed, err := r.source.Ring(ctx, r.version)
	if err == nil {
		r.base.Store(&moment{store: now, here: r.cfg.Clock()})
	}
	if r.base.Load() != nil {
		r.tick.Store(r.Now().UnixNano())
	}
	if err != nil {
		return fmt.Errorf("ask the store for the keys: %w", err)
	}
	if !changed {
		return nil
	}
	r.take(keys)
	if err := r.shut(ctx, keys); err != nil {
		return err
	}
	r.version = version
	return nil
}

// shut closes an open server if there is a key, be it revoked already.
func (r *Ring) shut(ctx context.Context, usable []access.Key) error {
	if !r.open.Load() {
		return nil
	}
	made := len(usable) > 0
	if !made {
		keys, _, err := r.source.ListKeys(ctx, store.Page{Limit: 1})
		if err != nil {
			return fmt.Errorf("ask the store whether there is a key: %w", err)
		}
		made = len(keys) > 0
	}
	if made {
		r.open.Store(false)
		r.cfg.Log.InfoContext(ctx, "there is a key: from now on requests need one")
	}
	return nil
}

// take puts keys in force.
func (r *Ring) take(keys []access.Key) {
	r.using.Lock()
	defer r.using.Unlock()
	fresh := make(map[[32]byte]*entry, len(keys))
	for _, k := range keys {
		u := r.uses[k.ID]
		if u == nil {
			u = &use{}
			r.uses[k.ID] = u
		}
		fresh[k.Hash] = &entry{key: k, use: u}
	}
	r.keys.Store(&fresh)
	r.cfg.Observer.KeysUsable(len(fresh))
}

// follow keeps the ring like the store until Close.
func (r *Ring) follow() {
	ctx := context.Background() //nolint:forbidigo // outlives the start that made it
	tick := time.NewTicker(r.cfg.Every)
	defer tick.Stop()
	stale := false
	for {
		select {
		case <-tick.C:
			stale = r.look(ctx, stale)
		case <-r.quit:
			return
		}
	}
}

// report tells the store of the keys' use until Close. It has a goroutine of its own, so that no slow
// write keeps a revoked key alive.
func (r *Ring) report() {
	ctx := context.Background() //nolint:forbidigo // outlives the start that made it
	tick := time.NewTicker(r.cfg.Touch)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := r.flush(ctx); err != nil {
				r.cfg.Log.WarnContext(ctx, "can't record when keys were last used; it is tried again", "err", err)
			}
		case <-r.quit:
			return
		}
	}
}

// look refreshes, says so once where that begins to fail and once where it works again, and returns
// whether the keys are stale. stale is what it returned the last time.
func (r *Ring) look(ctx context.Context, stale bool) bool {
	err := r.Refresh(ctx)
	failed := err != nil
	if failed == stale {
		return failed
	}
	r.cfg.Observer.KeysStale(failed)
	if failed {
		r.cfg.Log.WarnContext(ctx, "the keys can't be read; those known stay in force, and what is revoked meanwhile is not heard of", "err", err)
		return true
	}
	r.cfg.Log.InfoContext(ctx, "the keys are read again")
	return false
}

// flush tells the store when keys were last used, in one write. What could not be told is told the next
// time.
func (r *Ring) flush(ctx context.Context) error {
	used := r.untold()
	if len(used) == 0 {
		return nil
	}
	at := make(map[id.ID]time.Time, len(used))
	for key, nanos := range used {
		at[key] = time.Unix(0, nanos).UTC().Truncate(time.Microsecond)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := r.source.TouchKeys(ctx, at); err != nil {
		return fmt.Errorf("record when keys were last used: %w", err)
	}
	r.told(used)
	return nil
}

// untold is what the store does not know of the keys' use.
func (r *Ring) untold() map[id.ID]int64 {
	r.using.Lock()
	defer r.using.Unlock()
	used := map[id.ID]int64{}
	for key, u := range r.uses {
		if at := u.at.Load(); at > u.told {
			used[key] = at
		}
	}
	return used
}

// told notes what the store knows now, and drops what is known of keys that are no longer in the ring.
func (r *Ring) told(used map[id.ID]int64) {
	r.using.Lock()
	defer r.using.Unlock()
	for key, at := range used {
		if u := r.uses[key]; u != nil {
			u.told = at
		}
	}
	held := map[id.ID]bool{}
	for _, e := range *r.keys.Load() {
		held[e.key.ID] = true
	}
	maps.DeleteFunc(r.uses, func(key id.ID, u *use) bool { return !held[key] && u.at.Load() == u.told })
}

// Close ends the ring and records what it knows of the keys' use.
func (r *Ring) Close(ctx context.Context) error {
	r.closing.Do(func() { close(r.quit) })
	r.running.Wait()
	return r.flush(ctx)
}

// nobody observes nothing.
type nobody struct{}

func (nobody) KeysUsable(int) {}
func (nobody) KeysStale(bool) {}
