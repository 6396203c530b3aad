package limit

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// watch is a clock that the test moves.
type watch struct{ passed atomic.Int64 }

func (w *watch) now() time.Time       { return time.Unix(1_800_000_000, w.passed.Load()) }
func (w *watch) pass(d time.Duration) { w.passed.Add(int64(d)) }

func newLimiter(tb testing.TB, w *watch, change func(*Config)) *Limiter {
	tb.Helper()
	cfg := Config{
		Address: PerSecond(200, 2000), Customer: PerSecond(2, 10), Publishable: PerSecond(20_000, 40_000),
		AddressMisses: Rate{3 * time.Minute, 40}, CustomerMisses: Rate{6 * time.Minute, 10}, TotalMisses: PerSecond(2, 500),
		Clock: w.now,
	}
	if change != nil {
		change(&cfg)
	}
	l, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func place(text string) Place { return PlaceOf(netip.MustParseAddr(text)) }

func TestPlaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b      string
		near, far bool // are they the same
	}{
		{"192.0.2.1", "192.0.2.1", true, true},
		{"192.0.2.1", "192.0.2.2", false, true},
		{"192.0.2.1", "::ffff:192.0.2.1", true, true},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true, true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false, true},
		{"2001:db8:1:2::1", "2001:db8:2:2::1", false, false},
		{"::", "0.0.0.0", false, false},
	} {
		a, b := place(c.a), place(c.b)
		if (a.near == b.near) != c.near || (a.far == b.far) != c.far || !a.Known() {
			t.Errorf("%s and %s: %v and %v", c.a, c.b, a, b)
		}
	}
	if PlaceOf(netip.Addr{}).Known() || place("192.0.2.1").far != 0 {
		t.Error("nowhere is a place, or an IPv4 address is in a /48")
	}
}

func TestANetworkHasAWiderLimit(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, &watch{}, func(c *Config) { c.Address = PerSecond(1, 5) })
	passed := 0
	for site := range 40 {
		for range 10 {
			if v := l.AllowAddress(l.Now(), place(fmt.Sprintf("2001:db8:1:%x::1", site))); v.OK() {
				passed++
			}
		}
	}
	if passed != 5*NetworkFactor {
		t.Errorf("%d passed from one /48, want %d", passed, 5*NetworkFactor)
	}
	if v := l.AllowAddress(l.Now(), place("2001:db8:2::1")); !v.OK() {
		t.Error("another /48 is refused")
	}
}

// However many guess at once, no more are under way than the address has misses.
func TestAVolleyIsHeldToTheBudget(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, &watch{}, nil)
	var passed atomic.Int64
	var attempts [400]Attempt
	var all sync.WaitGroup
	for i := range attempts {
		all.Go(func() {
			if ruling, _ := l.Try(&attempts[i], l.Now(), place("192.0.2.1"), fmt.Sprintf("c%d", i), fmt.Sprintf("X%d", i)); ruling == Pass {
				passed.Add(1)
			}
		})
	}
	all.Wait()
	if n := passed.Load(); n != 40 {
		t.Errorf("%d of a volley are judged, want 40", n)
	}
	for i := range attempts {
		attempts[i].Done()
	}
	// They were no misses, so that the next find room again.
	var next Attempt
	if ruling, _ := l.Try(&next, l.Now(), place("192.0.2.1"), "honest", "GIFT"); ruling != Pass {
		t.Error("what was no miss is counted as one")
	}
	next.Done()
	next.Done() // twice does no harm
}

// Nothing that a guesser does makes more answers than the total has, but requests for codes that are there, and those
// one for twenty addresses, and no faster than twenty times what time brings.
func TestTheTotalHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ addresses, perSecond, seconds, most int }{
		"one address":           {1, 1000, 100, 500 + 2*100},
		"ten thousand, 10 min":  {10_000, 1000, 600, 500 + 2*600 + 10_000/20},
		"ten thousand, an hour": {10_000, 100, 3600, 500 + 2*3600 + 3*10_000/20},
		"without end":           {1 << 24, 4000, 60, 500 + 2*60 + 500 + 40*60},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &watch{}
			l := newLimiter(t, w, nil)
			misses, wins := 0, 0
			for i := range c.seconds * c.perSecond {
				w.pass(time.Second / time.Duration(c.perSecond))
				var a Attempt
				n := i / 2 % c.addresses
				from := PlaceOf(netip.AddrFrom4([4]byte{10, byte(n >> 16 & 255), byte(n >> 8 & 255), byte(n & 255)}))
				if i%2 == 0 { // a genuine win, with a code that everybody knows
					if ruling, _ := l.Try(&a, l.Now(), from, fmt.Sprintf("c%d", i), "SALAM"); ruling == Pass {
						a.Won()
						wins++
					}
					continue
				}
				// A guess, by one who has just won.
				if ruling, _ := l.Try(&a, l.Now(), from, fmt.Sprintf("c%d", i-1), fmt.Sprintf("X%d", i)); ruling == Pass {
					a.Missed()
					misses++
				}
			}
			t.Logf("%d wins bought %d answers to guesses; at most %d", wins, misses, c.most+1)
			if misses > c.most+1 || misses < 500 {
				t.Errorf("%d misses beside %d wins, want at most %d", misses, wins, c.most+1)
			}
		})
	}
}

// From where nobody knows the address, as behind a secret key, wins bring misses back as they always did.
func TestWinsFromNowhere(t *testing.T) {
	t.Parallel()
	w := &watch{}
	l := newLimiter(t, w, nil)
	misses := 0
	const seconds, perSecond = 100, 1000
	for i := range seconds * perSecond {
		w.pass(time.Second / perSecond)
		var a Attempt
		code := fmt.Sprintf("X%d", i)
		if i%2 == 0 {
			code = "SALAM"
		}
		switch ruling, _ := l.Try(&a, l.Now(), Place{}, fmt.Sprintf("c%d", i), code); {
		case ruling != Pass:
		case i%4 == 0:
			a.Won()
		case i%2 == 0:
			a.Judged() // costs nothing, and so brings nothing
		default:
			a.Missed()
			misses++
		}
	}
	if most := 500 + 2*seconds + 500 + 10*seconds + 1; misses > most || misses < 1500 {
		t.Errorf("%d misses, want at most %d", misses, most)
	}
}

// An attempt that nobody waited for is counted. The same customer may try the same code once more, whatever budgets say;
// what turns out to be none is given back.
func TestAbandonedIsAMissUntilItIsKnown(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, &watch{}, func(c *Config) { c.CustomerMisses = Rate{} })
	from := place("192.0.2.1")
	try := func(a *Attempt, i int) bool {
		ruling, _ := l.Try(a, l.Now(), from, fmt.Sprintf("c%d", i), fmt.Sprintf("X%d", i))
		return ruling == Pass
	}
	var a, b Attempt
	passed := 0
	for i := range 300 {
		if try(&a, i) {
			a.Abandoned()
			passed++
		}
	}
	if passed != 40 {
		t.Fatalf("%d attempts for which nobody waited are begun, want 40", passed)
	}
	if try(&a, 100) {
		t.Error("the address has no misses left, and another code is judged")
	}
	if !try(&a, 0) || try(&b, 0) {
		t.Error("one is to be tried again once at a time")
	}
	a.Done() // again nothing is known
	if !try(&a, 0) {
		t.Fatal("it is not known yet, and can't be tried again")
	}
	a.Missed()
	if try(&a, 0) || try(&a, 100) {
		t.Error("it was a miss, and something was given back")
	}
	for i := 1; i < 4; i++ {
		if !try(&a, i) {
			t.Fatal("one that was counted can't be tried again")
		}
		a.Judged()
		if !try(&b, 300+i) {
			t.Error("it was no miss, and nothing was given back")
		}
		b.Missed()
		if try(&b, 400+i) {
			t.Error("more was given back than was taken")
		}
	}
}

// Where an address has no misses left, long codes have those of a budget of everybody, however they are made up.
func TestLongCodesHaveABudget(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"by default":              nil,
		"without a total":         func(c *Config) { c.TotalMisses = Rate{} },
		"where the total is gone": func(c *Config) { c.TotalMisses.Burst, c.AddressMisses = 500, Rate{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &watch{}
			l := newLimiter(t, w, change)
			var a Attempt
			from := place("192.0.2.1")
			for i := range 1000 {
				if ruling, _ := l.Try(&a, l.Now(), from, fmt.Sprintf("s%d", i), fmt.Sprintf("X%d", i)); ruling == Pass {
					a.Missed()
				}
			}
			judged := 0
			for i := range 10_000 {
				w.pass(time.Millisecond)
				ruling, wait := l.Try(&a, l.Now(), from, fmt.Sprintf("c%d", i), fmt.Sprintf("NOWRUZ26%04d", i))
				switch {
				case ruling == Pass:
					judged++
					a.Missed()
				case wait <= 0:
					t.Fatal("blocked without end")
				}
			}
			if judged < 500 || judged > 500+2*10+1+20 { // and what the address and the total themselves bring
				t.Errorf("%d long codes were judged", judged)
			}
			// What is no miss costs nothing of it.
			w.pass(time.Second)
			for i := range 1000 {
				if ruling, _ := l.Try(&a, l.Now(), from, fmt.Sprintf("h%d", i), fmt.Sprintf("K7QW2M9R%04d", i)); ruling != Pass {
					t.Fatal("a long code can't be redeemed")
				}
				a.Won()
			}
		})
	}
}

// Who asks in somebody's name uses up what that customer has there, and no more than a share of what they have elsewhere.
func TestACustomerHasABucketAtEachPlace(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, &watch{}, nil)
	ask := func(from string) bool {
		v := l.AllowCustomer(l.Now(), place(from), "victim")
		return v.OK()
	}
	for range 100 {
		ask("192.0.2.66")
	}
	if ask("192.0.2.66") || !ask("192.0.2.1") {
		t.Error("a stranger's requests are those of the customer elsewhere")
	}
	passed := 0
	for range 1000 {
		if v := l.AllowCustomerAnywhere(l.Now(), "victim"); v.OK() {
			passed++
		}
	}
	if passed != 10*AnywhereFactor {
		t.Errorf("%d passed from everywhere, want %d", passed, 10*AnywhereFactor)
	}
}

// Standing is worth one attempt at a time, and a miss ends it.
func TestStandingIsWorthOneAttempt(t *testing.T) {
	t.Parallel()
	l := newLimiter(t, &watch{}, nil)
	from := place("192.0.2.1")
	var won Attempt
	l.Try(&won, l.Now(), from, "winner", "SALAM")
	won.Won()
	for i := range 40 {
		var a Attempt
		l.Try(&a, l.Now(), from, fmt.Sprintf("c%d", i), fmt.Sprintf("X%d", i))
		a.Missed()
	}
	var first, second Attempt
	if ruling, _ := l.Try(&first, l.Now(), from, "winner", "GIFT1"); ruling != Pass {
		t.Fatal("standing is worth nothing")
	}
	if ruling, _ := l.Try(&second, l.Now(), from, "winner", "GIFT2"); ruling != Block {
		t.Error("two attempts at once on one standing")
	}
	second.Done()
	first.Done() // no miss: overloaded, or already redeemed
	if ruling, _ := l.Try(&first, l.Now(), from, "winner", "GIFT1"); ruling != Pass {
		t.Error("standing is gone without a miss")
	}
	first.Missed()
	if ruling, wait := l.Try(&first, l.Now(), from, "winner", "GIFT3"); ruling != Block || wait <= 0 {
		t.Errorf("standing outlives a miss: %v, %v", ruling, wait)
	}
}

// A guesser who plays the crowd, with one code after the other, pays what is promised.
func TestPlayingTheCrowdIsDear(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ attempts, codes int }{{1000, 10}, {3000, 21}, {100_000, 54}} {
		var room crowd
		room.open(7)
		bought, code := 0, uint64(1)
		for range c.attempts {
			if room.asked(mix(code), int64(time.Second)) {
				bought++
				code++
			}
		}
		t.Logf("%d attempts in a window buy %d codes", c.attempts, bought)
		if bought > c.codes {
			t.Errorf("%d attempts in a window buy %d codes, want at most %d", c.attempts, bought, c.codes)
		}
	}
}

func TestTheCrowdsCodeStaysKnown(t *testing.T) {
	t.Parallel()
	var room crowd
	room.open(7)
	for n := range 30 {
		for range 90 {
			room.asked(mix(uint64(n)+100), 1) // others, none of which has a tenth
		}
	}
	asks := 1
	for !room.asked(42, 1) {
		if asks++; asks > 2000 {
			t.Fatal("the crowd's code is never known")
		}
	}
	if asks < 280 {
		t.Errorf("known after %d attempts beside 2,700 at others", asks)
	}
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{9 * time.Minute, true}, {11 * time.Minute, false}} {
		if got := room.asked(42, int64(c.after)); got != c.want {
			t.Errorf("after %v: %v", c.after, got)
		}
	}
}

// A flood of guesses at a code each does not hide what the crowd asks for, nor do the crowd's other codes; and of the
// flood no code is taken for the crowd's.
func TestAFloodDoesNotHideTheCrowd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ guesses, others, asks int }{{2000, 0, 20}, {20_000, 0, 20}, {20_000, 2000, 20}, {60_000, 0, 100}} {
		var room crowd
		room.open(7)
		missed, guessed := 0, 0
		next := uint64(1000)
		for s := range 60 {
			now := func(i, of int) int64 { return int64(s)*int64(time.Second) + int64(i)*int64(time.Second)/int64(of) + 1 }
			for i := range c.guesses {
				next++
				if room.asked(mix(next), now(i, c.guesses)) {
					guessed++
				}
				if c.others > 0 && i%(c.guesses/c.others) == 0 {
					room.asked(41, now(i, c.guesses))
				}
				if i%(c.guesses/c.asks) == 0 && !room.asked(42, now(i, c.guesses)) {
					missed++
				}
			}
		}
		t.Logf("beside %d guesses and %d others a second, %d of %d attempts are not the crowd's", c.guesses, c.others, missed, 60*c.asks)
		if missed > crowdMin || guessed > 0 {
			t.Errorf("beside %d guesses and %d others a second: %d attempts are not the crowd's, and %d guesses are", c.guesses, c.others, missed, guessed)
		}
	}
}

func TestWrongConfigs(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"few entries":  {Entries: 10},
		"many entries": {Entries: 1 << 30},
		"no burst":     {Address: Rate{Every: time.Second}},
		"no pace":      {TotalMisses: Rate{Burst: 5}},
		"for ever":     {CustomerMisses: Rate{Every: time.Hour, Burst: 1 << 40}},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	l, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	var a Attempt
	for range 1000 {
		if v := l.AllowAddress(l.Now(), place("192.0.2.1")); !v.OK() || !v.Limit.None() {
			t.Fatal("no limit limits")
		}
		if ruling, _ := l.Try(&a, l.Now(), place("192.0.2.1"), "c", "X"); ruling != Pass {
			t.Fatal("no budget blocks")
		}
		a.Missed()
	}
}
