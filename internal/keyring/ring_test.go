package keyring_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/access"
	"scrip/internal/id"
	"scrip/internal/keyring"
	"scrip/internal/store/memstore"
)

// flaky is a store that can be away.
type flaky struct {
	keyring.Store
	away    atomic.Bool
	asked   atomic.Int64
	touched atomic.Int64
}

var errAway = errors.New("the store is away")

func (f *flaky) Ring(ctx context.Context, seen int64) ([]access.Key, int64, time.Time, bool, error) {
	f.asked.Add(1)
	if f.away.Load() {
		return nil, 0, time.Time{}, false, errAway
	}
	return f.Store.Ring(ctx, seen)
}

func (f *flaky) TouchKeys(ctx context.Context, used map[id.ID]time.Time) error {
	if f.away.Load() {
		return errAway
	}
	f.touched.Add(1)
	return f.Store.TouchKeys(ctx, used)
}

// said collects a log.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) count(part string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), part)
}

func (s *said) log() *slog.Logger { return slog.New(slog.NewTextHandler(s, nil)) }

// watcher notes what a ring reports.
type watcher struct {
	usable atomic.Int64
	stale  atomic.Bool
}

func (w *watcher) KeysUsable(n int)     { w.usable.Store(int64(n)) }
func (w *watcher) KeysStale(stale bool) { w.stale.Store(stale) }

// newStore is a reference store whose clock is hours ahead of ours.
func newStore() *flaky {
	ahead := func() time.Time { return time.Now().Add(7 * time.Hour) }
	return &flaky{Store: memstore.New(memstore.Options{Clock: ahead})}
}

func newRing(t *testing.T, s keyring.Source, change ...func(*keyring.RingConfig)) *keyring.Ring {
	t.Helper()
	cfg := keyring.RingConfig{Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&cfg)
	}
	r, err := keyring.NewRing(t.Context(), cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil && !errors.Is(err, errAway) {
			t.Error(err)
		}
	})
	return r
}

func create(t *testing.T, s keyring.Store, n keyring.NewKey) keyring.Made {
	t.Helper()
	if n.Name == "" {
		n.Name = "shop"
	}
	if n.Kind == 0 {
		n.Kind, n.Scopes = access.Secret, access.Redeem
	}
	made, err := keyring.New(keyring.Config{}, s).Create(t.Context(), n, access.All, access.By{Name: access.NameCLI})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func passes(r *keyring.Ring, secret string) bool {
	_, ok := r.Authenticate(secret)
	return ok
}

// A key that is made, revoked or rotated out through one replica is so on the other within a second.
func TestRingsFollowTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		one, two := newRing(t, s), newRing(t, s)
		svc := keyring.New(keyring.Config{Changed: one.Refresh}, s)
		by := access.By{Name: access.NameCLI}
		made, err := svc.Create(t.Context(), keyring.NewKey{Name: "shop", Kind: access.Secret, Scopes: access.Redeem}, access.All, by)
		if err != nil {
			t.Fatal(err)
		}
		if !passes(one, made.Secret) || passes(two, made.Secret) {
			t.Error("at once here, not yet there")
		}
		time.Sleep(time.Second)
		k, ok := two.Authenticate(made.Secret)
		if !ok || k.ID != made.Key.ID || k.Scopes != access.Redeem || k.Name != "shop" {
			t.Fatalf("%+v, %v", k, ok)
		}
		next, err := svc.Rotate(t.Context(), made.Key.ID, keyring.Rotation{Overlap: time.Hour}, access.All, by)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if !passes(two, made.Secret) || !passes(two, next.Secret) {
			t.Error("both pass while they overlap")
		}
		time.Sleep(time.Hour - 2*time.Second)
		if !passes(one, made.Secret) {
			t.Error("the overlap ends early")
		}
		time.Sleep(2 * time.Second)
		for i, r := range []*keyring.Ring{one, two} {
			if passes(r, made.Secret) || !passes(r, next.Secret) {
				t.Errorf("ring %d: the rotated key goes on, or its successor does not", i)
			}
		}
		if _, err := svc.Revoke(t.Context(), next.Key.ID, false, by); err != nil {
			t.Fatal(err)
		}
		if passes(one, next.Secret) {
			t.Error("a revoked key passes where it was revoked")
		}
		time.Sleep(time.Second)
		if passes(two, next.Secret) {
			t.Error("a revoked key passes elsewhere a second later")
		}
	})
}

// An expiry is a time of the store's clock, which may be hours from ours; while the store is away it
// goes on by ours.
func TestRingExpires(t *testing.T) {
	t.Parallel()
	for _, away := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newStore()
			made := create(t, s, keyring.NewKey{ExpiresAt: time.Now().Add(7*time.Hour + 10*time.Minute)})
			r := newRing(t, s)
			s.away.Store(away)
			time.Sleep(10*time.Minute - time.Millisecond)
			if !passes(r, made.Secret) {
				t.Errorf("away %v: it expires early", away)
			}
			time.Sleep(2 * time.Millisecond)
			if passes(r, made.Secret) {
				t.Errorf("away %v: it does not expire", away)
			}
		})
	}
}

// While the store is away the keys known stay in force, and it is said once.
func TestRingOutlivesTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, log, w := newStore(), &said{}, &watcher{}
		made := create(t, s, keyring.NewKey{})
		r := newRing(t, s, func(c *keyring.RingConfig) { c.Log, c.Observer = log.log(), w })
		if w.usable.Load() != 1 {
			t.Errorf("%d keys are reported", w.usable.Load())
		}
		s.away.Store(true)
		time.Sleep(time.Hour)
		if !passes(r, made.Secret) || !w.stale.Load() {
			t.Errorf("the keys are forgotten, or it is not reported: stale %v", w.stale.Load())
		}
		if n := log.count("can't be read"); n != 1 {
			t.Errorf("said %d times:\n%s", n, log.text.String())
		}
		s.away.Store(false)
		if _, err := keyring.New(keyring.Config{}, s).Revoke(t.Context(), made.Key.ID, true, access.By{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if passes(r, made.Secret) || w.stale.Load() || w.usable.Load() != 0 || log.count("read again") != 1 {
			t.Errorf("after the outage: stale %v, %d keys\n%s", w.stale.Load(), w.usable.Load(), log.text.String())
		}
	})
}

// A server that can't learn its keys does not start.
func TestRingNeedsTheStoreAtFirst(t *testing.T) {
	t.Parallel()
	s := newStore()
	s.away.Store(true)
	if _, err := keyring.NewRing(t.Context(), keyring.RingConfig{}, s); !errors.Is(err, errAway) {
		t.Errorf("%v", err)
	}
}

// The use of a key is written once in half a minute, however often it is used, and at the end.
func TestRingRecordsUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, log := newStore(), &said{}
		used, unused := create(t, s, keyring.NewKey{}), create(t, s, keyring.NewKey{})
		r := newRing(t, s, func(c *keyring.RingConfig) { c.Log = log.log() })
		began := time.Now().Add(7 * time.Hour)
		for range 60 {
			time.Sleep(time.Second)
			for range 100 {
				if !passes(r, used.Secret) {
					t.Fatal("the key does not pass")
				}
			}
		}
		last := time.Now().Add(7 * time.Hour)
		time.Sleep(time.Minute)
		if n := s.touched.Load(); n < 2 || n > 3 {
			t.Errorf("%d writes in a minute", n)
		}
		k, err := s.Key(t.Context(), used.Key.ID)
		if err != nil || k.LastUsedAt.Before(began) || last.Sub(k.LastUsedAt) > time.Second || k.LastUsedAt.After(last) {
			t.Errorf("last used at %v, which was %v: %v", k.LastUsedAt, last, err)
		}
		if k, err := s.Key(t.Context(), unused.Key.ID); err != nil || !k.LastUsedAt.IsZero() {
			t.Errorf("never used, but at %v: %v", k.LastUsedAt, err)
		}

		// What can't be written is written later, and the end writes the rest.
		s.away.Store(true)
		passes(r, used.Secret)
		time.Sleep(2 * time.Minute)
		if log.count("last used") == 0 {
			t.Error("the failure is not said")
		}
		s.away.Store(false)
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if again, err := s.Key(t.Context(), used.Key.ID); err != nil || !again.LastUsedAt.After(k.LastUsedAt) {
			t.Errorf("last used at %v, then at %v: %v", k.LastUsedAt, again.LastUsedAt, err)
		}
	})
}

// The use of a key that was revoked meanwhile is still told.
func TestRingRecordsTheUseOfARevokedKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		made := create(t, s, keyring.NewKey{})
		r := newRing(t, s)
		passes(r, made.Secret)
		if _, err := keyring.New(keyring.Config{Changed: r.Refresh}, s).Revoke(t.Context(), made.Key.ID, true, access.By{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if k, err := s.Key(t.Context(), made.Key.ID); err != nil || k.LastUsedAt.IsZero() {
			t.Errorf("%+v, %v", k, err)
		}
	})
}

// An open server closes itself within a second of the first key, and never opens again.
func TestRingClosesAnOpenServer(t *testing.T) {
	t.Parallel()
	open := func(c *keyring.RingConfig) { c.OpenWhileEmpty = true }
	synctest.Test(t, func(t *testing.T) {
		s, log := newStore(), &said{}
		r := newRing(t, s, open, func(c *keyring.RingConfig) { c.Log = log.log() })
		time.Sleep(time.Hour)
		if !r.Open() || newRing(t, s).Open() {
			t.Fatal("open with no key only where it is asked for")
		}
		made := create(t, s, keyring.NewKey{})
		time.Sleep(time.Second)
		if r.Open() || !passes(r, made.Secret) || log.count("there is a key") != 1 {
			t.Fatalf("open %v\n%s", r.Open(), log.text.String())
		}
		if _, err := keyring.New(keyring.Config{}, s).Revoke(t.Context(), made.Key.ID, true, access.By{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if r.Open() || passes(r, made.Secret) {
			t.Error("the last key's end opens the server")
		}
		if newRing(t, s, open).Open() {
			t.Error("a server starts open though there was a key")
		}
	})
}

// A key that lives for less than a refresh closes the server as well.
func TestRingSeesAKeyThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		r := newRing(t, s, func(c *keyring.RingConfig) { c.OpenWhileEmpty = true })
		made := create(t, s, keyring.NewKey{})
		if _, err := keyring.New(keyring.Config{}, s).Revoke(t.Context(), made.Key.ID, true, access.By{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if r.Open() {
			t.Error("the server is open though a key was made")
		}
	})
}

func TestAuthenticateDoesNotAllocate(t *testing.T) {
	s := newStore()
	made := create(t, s, keyring.NewKey{ExpiresAt: time.Now().Add(24 * time.Hour)})
	r := newRing(t, s)
	stranger, _, _, err := access.NewSecret(access.Secret, strings.NewReader(strings.Repeat("x", 32)))
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if !passes(r, made.Secret) || passes(r, stranger) {
			t.Error("the wrong key passes")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	s := &flaky{Store: memstore.New(memstore.Options{})}
	made, err := keyring.New(keyring.Config{}, s).Create(b.Context(),
		keyring.NewKey{Name: "shop", Kind: access.Secret, Scopes: access.Redeem}, access.All, access.By{})
	if err != nil {
		b.Fatal(err)
	}
	r, err := keyring.NewRing(b.Context(), keyring.RingConfig{}, s)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = r.Close(b.Context()) }()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if !passes(r, made.Secret) {
				b.Error("it does not pass")
			}
		}
	})
}
