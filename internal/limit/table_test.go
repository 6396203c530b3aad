package limit

import (
	"math/rand/v2"
	"testing"
	"time"
)

// seconds is a time within a table.
func seconds(s float64) int64 { return 1 + int64(s*float64(time.Second)) }

func TestBucket(t *testing.T) {
	t.Parallel()
	r := PerSecond(2, 4)
	b := newTable(64, 1, never)
	for i, c := range []struct {
		at   float64
		n    int64
		ok   bool
		left int64
		wait time.Duration
	}{
		{at: 10, n: 1, ok: true, left: 3},
		{at: 10, n: 3, ok: true, left: 0},
		{at: 10, n: 1, ok: false, wait: 500 * time.Millisecond},
		{at: 10.25, n: 1, ok: false, wait: 250 * time.Millisecond},
		{at: 10.5, n: 1, ok: true},
		{at: 10.5, n: 2, ok: false, wait: time.Second},
		{at: 12, n: 2, ok: true, left: 1},
		{at: 100, n: 1, ok: true, left: 3},                        // it holds no more than the burst
		{at: 101, n: 10, ok: true, left: 0},                       // more than the burst, of a full bucket
		{at: 102, n: 1, ok: false, wait: 2500 * time.Millisecond}, // is paid off: ten take five seconds
		{at: 104.5, n: 1, ok: true},
		{at: 104.5, n: 10, ok: false, wait: 2 * time.Second}, // and waits until it is full
	} {
		v := b.take(7, r, c.n, seconds(c.at))
		if v.OK() != c.ok || v.Left != c.left || v.Wait != c.wait {
			t.Errorf("step %d: %+v, want ok %v, left %d, wait %v", i, v, c.ok, c.left, c.wait)
		}
	}
}

// No sequence of requests passes more than the burst and what time has brought.
func TestNeverMoreThanTheRate(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test that can be repeated
	for range 200 {
		r := Rate{Every: time.Duration(1 + random.Int64N(int64(time.Second))), Burst: 1 + random.Int64N(20)}
		b := newTable(64, random.Uint64(), never)
		now, passed := int64(1), int64(0)
		for range 300 {
			now += random.Int64N(2 * int64(r.Every))
			n := 1 + random.Int64N(r.Burst)
			if v := b.take(1, r, n, now); v.OK() {
				passed += n
			} else if w := b.take(1, r, n, now+int64(v.Wait)); !w.OK() {
				t.Fatalf("%+v: told to wait %v, and still refused", r, v.Wait)
			} else {
				now, passed = now+int64(v.Wait), passed+n
			}
			if most := r.Burst + now/int64(r.Every); passed > most {
				t.Fatalf("%+v: %d passed by %v, at most %d may", r, passed, time.Duration(now), most)
			}
		}
	}
}

// A flood of newcomers a thousand times the table's size sets no blocked key free, and finds the rest of the
// table usable.
func TestFloodFreesNobody(t *testing.T) {
	t.Parallel()
	r := Rate{Every: time.Minute, Burst: 10}
	b := newTable(1024, 3, never)
	const blocked = 100
	for key := uint64(1); key <= blocked; key++ {
		for range r.Burst {
			b.take(key, r, 1, seconds(1))
		}
	}
	refused := 0
	for key := uint64(1000); key < 1_000_000; key++ {
		if v := b.take(mix(key), r, 1, seconds(2)); !v.OK() {
			refused++
		}
		if key%10_000 == 0 {
			for old := uint64(1); old <= blocked; old++ {
				if v := b.take(old, r, 1, seconds(3)); v.OK() {
					t.Fatalf("key %d was blocked, and %d newcomers set it free", old, key)
				}
			}
		}
	}
	t.Logf("%d of a million newcomers with one request each were refused", refused)
}

// Newcomers that displace one another begin where the other stood: a key is never told to have more than
// it has.
func TestDisplacedComesBackNoFuller(t *testing.T) {
	t.Parallel()
	r := Rate{Every: time.Second, Burst: 100}
	b := newTable(ways, 5, never) // one set
	taken := map[uint64]int64{}
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // a test that can be repeated
	for range 5000 {
		key := 1 + random.Uint64N(30)
		if v := b.take(key, r, 1, 1); v.OK() {
			taken[key]++
			if v.Left > r.Burst-taken[key] {
				t.Fatalf("key %d took %d of %d and is told %d are left", key, taken[key], r.Burst, v.Left)
			}
		}
	}
}

func TestHoldsLeaveRoomForWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	r := Rate{Every: time.Minute, Burst: 3}
	b := newTable(64, 1, never)
	now := seconds(1)
	for i := range 3 {
		if _, ok := b.hold(9, r, 1, now); !ok {
			t.Fatalf("attempt %d of 3 is refused", i)
		}
	}
	if wait, ok := b.hold(9, r, 1, now); ok || wait != time.Second {
		t.Errorf("a fourth attempt beside three: %v, wait %v", ok, wait)
	}
	b.release(9)
	b.charge(9, r, now)
	b.release(9)
	if _, ok := b.hold(9, r, 1, now); !ok {
		t.Error("one missed, one under way, and no room for a third")
	}
	b.charge(9, r, now)
	b.charge(9, r, now)
	if wait, ok := b.hold(9, r, 1, now); ok || wait != time.Minute {
		t.Errorf("all missed: %v, wait %v", ok, wait)
	}
	for range 100 {
		b.charge(9, r, now)
	}
	if wait := b.room(9, r, now); wait != 4*time.Minute {
		t.Errorf("a debt of %v, want no more than a burst", wait)
	}
	b.give(9, r.Every, now)
	if wait := b.room(9, r, now); wait != 3*time.Minute {
		t.Errorf("after one was given back: %v", wait)
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	b := newTable(64, 1, never)
	if !b.mark(5, 10, 20) || b.mark(5, 11, 20) || !b.mark(5, 20, 30) {
		t.Error("a mark is fresh at first, not while it lasts, and again when it is over")
	}
	if !b.strike(5, 25) || b.strike(5, 25) || b.strike(6, 25) {
		t.Error("a mark can be struck out once")
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n, burst int64
		want     Rate
	}{
		{0, 5, Rate{}},
		{10, 0, Rate{100 * time.Millisecond, 10}},
		{10, 3, Rate{100 * time.Millisecond, 3}},
		{1, 1 << 62, Rate{time.Second, int64(reachMax / time.Second)}},
		{1 << 62, 1, Rate{1, 1}},
	} {
		if got := PerSecond(c.n, c.burst); got != c.want || got.Check() != nil {
			t.Errorf("PerSecond(%d, %d) = %+v, want %+v", c.n, c.burst, got, c.want)
		}
	}
	for _, r := range []Rate{{Every: time.Second}, {Burst: 1}, {-1, 1}, {time.Hour, 1000}} {
		if r.Check() == nil {
			t.Errorf("%+v is taken", r)
		}
	}
}
