package redisgate_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"scrip/internal/gate/redisgate"
)

// The store's clock runs a little fast or slow, to and fro, and is far from ours. Whatever this replica
// asks, and however long the answers take: what the store judged is never taken for younger than it is,
// and never for of the future.
func TestBoundHolds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := redisgate.NewBound()
		now := time.Duration(0) // of this replica
		store := time.Unix(1_700_000_000, rapid.Int64Range(0, 999_999_999).Draw(rt, "nanosecond"))
		type judgement struct {
			here  time.Duration
			store time.Time
		}
		var judged []judgement
		pass := func(most time.Duration) {
			d := time.Duration(rapid.Int64Range(0, int64(most)).Draw(rt, "pass"))
			drift := time.Duration(rapid.Int64Range(-int64(d)/1000, int64(d)/1000).Draw(rt, "drift"))
			now += d
			store = store.Add(d + drift)
		}
		cut := func() time.Time { return store.Truncate(time.Microsecond) }
		for range rapid.IntRange(1, 50).Draw(rt, "steps") {
			pass(2 * time.Second)
			judged = append(judged, judgement{now, cut()})
			if rapid.Bool().Draw(rt, "ask") {
				asked := now
				pass(300 * time.Millisecond)
				at := cut()
				pass(300 * time.Millisecond)
				if !b.Sample(asked, now, at) {
					rt.Fatalf("a clock that does not step is said to have stepped")
				}
			}
			for _, j := range judged {
				if now-j.here > time.Second { // what is older refuses nobody
					continue
				}
				at, ok, future := b.Judged(j.store, now)
				if future {
					rt.Fatalf("what was judged %v ago is said to be of the future", now-j.here)
				}
				if ok && at > j.here {
					rt.Fatalf("what was judged %v ago is said to be judged %v ago", now-j.here, now-at)
				}
			}
		}
	})
}

// It is of use, too: what is judged now is known to be judged about as long ago as a question takes.
func TestBoundIsTight(t *testing.T) {
	b := redisgate.NewBound()
	store := func(t time.Duration) time.Time { return time.Unix(1_700_000_000, 0).Add(t) }
	if _, ok, _ := b.Judged(store(0), 0); ok {
		t.Error("a time is known before anything was asked")
	}
	b.Sample(0, 100*time.Millisecond, store(90*time.Millisecond)) // a slow one
	b.Sample(time.Second, time.Second+time.Millisecond, store(time.Second+time.Millisecond))
	b.Sample(2*time.Second, 3*time.Second, store(3*time.Second)) // a slow one
	now := 5 * time.Second
	at, ok, _ := b.Judged(store(now), now)
	if slack := now - at; !ok || slack > 10*time.Millisecond {
		t.Errorf("what is judged now is said to be judged %v ago", slack)
	}
}

func TestBoundIsForgotten(t *testing.T) {
	b := redisgate.NewBound()
	store := time.Unix(1_700_000_000, 0)
	b.Sample(0, 0, store)
	for _, c := range []struct {
		now time.Duration
		ok  bool
	}{{redisgate.SampleFor / 2, true}, {redisgate.SampleFor, true}, {2*redisgate.SampleFor - 1, true}, {2 * redisgate.SampleFor, false}} {
		if _, ok, _ := b.Judged(store.Add(c.now/2), c.now); ok != c.ok {
			t.Errorf("after %v it is known: %v", c.now, ok)
		}
	}
	b.Sample(time.Hour, time.Hour, store)
	if _, ok, _ := b.Judged(store, 2*time.Hour); ok {
		t.Error("it is known after an hour")
	}
}

// Another server with another clock takes the store's place.
func TestClockSteps(t *testing.T) {
	b := redisgate.NewBound()
	store := time.Unix(1_700_000_000, 0)
	b.Sample(0, 0, store)
	ahead, now := store.Add(5*time.Second), time.Second
	if _, _, future := b.Judged(ahead.Add(now), now); !future {
		t.Error("what the new clock says is not of the future, before it is known")
	}
	if b.Sample(now, now, ahead.Add(now)) {
		t.Error("the step ahead is not found")
	}
	at, ok, _ := b.Judged(ahead.Add(now), now)
	if !ok || at > now || now-at > 10*time.Millisecond {
		t.Errorf("by the new clock it was judged %v ago", now-at)
	}
	if at, ok, _ := b.Judged(ahead, now); !ok || at > 0 {
		t.Errorf("what was judged a second ago by the new clock is said to be judged %v ago", now-at)
	}

	behind := store.Add(-time.Hour)
	now = 2 * time.Second
	if !b.Sample(now, now, behind.Add(now)) {
		t.Error("a step back is no contradiction, for a slow answer looks the same")
	}
	if _, _, future := b.Judged(ahead.Add(now), now); !future {
		t.Error("what the old clock said is not of the future by the new one")
	}
}
