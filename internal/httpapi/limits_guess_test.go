package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"scrip/internal/httpapi"
	"scrip/internal/limit"
	"scrip/internal/redemption"
	"scrip/internal/store"
)

// far is a store whose commits take a while to be heard of, so that whoever does not wait hears nothing.
type far struct {
	redemption.Store
	commits atomic.Int64
}

func (f *far) Apply(ctx context.Context, batch []store.Command) ([]store.Outcome, error) {
	outs, err := f.Store.Apply(ctx, batch)
	f.commits.Add(int64(len(batch)))
	time.Sleep(20 * time.Millisecond)
	return outs, err
}

// Lookup is heard of by who waits.
func (f *far) Lookup(ctx context.Context, keys []string) ([]store.Listing, time.Time, error) {
	select {
	case <-time.After(20 * time.Millisecond):
		return f.Store.Lookup(ctx, keys)
	case <-ctx.Done():
		return nil, time.Time{}, ctx.Err()
	}
}

// setupFar is a limited server on a store that is far away.
func setupFar(t *testing.T) (*limited, *far) {
	t.Helper()
	l := setupLimited(t, defaultLimits(t))
	by, err := limit.New(defaultLimits(t))
	if err != nil {
		t.Fatal(err)
	}
	f := &far{Store: l.store}
	l.redeemWith(f, withLimits(by), func(c *httpapi.Config) { c.Access = l.ring })
	for i := range 5 {
		l.campaign(fmt.Sprintf("LIVE%d", i), `,"limit":1`, "")
	}
	return l, f
}

// guess is the nth of a guesser who hits now and then.
func guess(n int) string {
	if n%60 == 59 {
		return fmt.Sprintf("LIVE%d", n/60)
	}
	return fmt.Sprintf("NO%04d", n)
}

// Whoever does not wait for the answer pays for the guess: what was begun is counted.
func TestGuessersWhoDoNotWaitPay(t *testing.T) {
	t.Parallel()
	l, f := setupFar(t)
	for n, route := range []struct{ path, who string }{{"/v1/redemptions", "customer"}, {"/codes/use", "mobile"}, {"/v1/validations", "customer"}} {
		f.commits.Store(0)
		v := l.visitor()
		v.req.Header["Request-Timeout"] = []string{"0.008"}
		from := address(n)
		begun := 0
		for i := range 300 {
			body := fmt.Sprintf(`{"code":%q,%q:"guesser %d by %s"}`, guess(i), route.who, i, route.path)
			switch a := v.ask(from, route.path, body); a.code() {
			case "too_many_misses", "overloaded": // what still waited for its batch was not begun
			default:
				begun++
			}
		}
		if carried := f.commits.Load(); begun < 40 || begun > 45 || carried > 45 {
			t.Errorf("%s: %d guesses of one who does not wait are begun, and %d carried out; an address has 40 misses", route.path, begun, carried)
		}
	}
}

// The same holds for one who hangs up.
func TestGuessersWhoHangUpPay(t *testing.T) {
	t.Parallel()
	l, f := setupFar(t)
	v := l.visitor()
	turned := 0
	for i := range 300 {
		ctx, hangUp := context.WithCancel(t.Context())
		begun := f.commits.Load()
		v.req = v.req.WithContext(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for f.commits.Load() == begun && ctx.Err() == nil {
				time.Sleep(100 * time.Microsecond)
			}
			hangUp()
		}()
		if v.uses("192.0.2.9:1", fmt.Sprintf("guesser %d", i), guess(i)).code() == "too_many_misses" {
			turned++
		}
		hangUp()
		<-done
	}
	if n := f.commits.Load(); turned < 255 || n > 45 {
		t.Errorf("%d of 300 guesses of one who hangs up are turned away, and %d carried out; an address has 40 misses", turned, n)
	}
}

// A customer who had no answer in time and asks again gets it, and what was counted meanwhile is given back.
func TestWhoAsksAgainAfterATimeoutIsNoGuesser(t *testing.T) {
	t.Parallel()
	l, _ := setupFar(t)
	v := l.visitor()
	const from = "192.0.2.10:1"
	late := 0
	campaign, _ := l.campaign("MINE000", `,"limit":1`, "")
	for i := range 60 {
		code := fmt.Sprintf("MINE%03d", i)
		if i > 0 {
			l.post("/v1/campaigns/"+campaign+"/vouchers", fmt.Sprintf(`{"code":%q,"limit":1}`, code), bearer(l.secret)).took(t, http.StatusCreated)
		}
		v.req.Header["Request-Timeout"] = []string{"0.008"}
		first := v.uses(from, "customer "+code, code).code()
		if first == "timeout" {
			late++
		}
		delete(v.req.Header, "Request-Timeout")
		if a := v.uses(from, "customer "+code, code); first == "timeout" && a.code() != "already_redeemed" {
			t.Fatalf("%s, asked again: %d %s", code, a.status, a.body.String())
		}
	}
	if late < 45 {
		t.Errorf("%d of 60 had no answer in time", late)
	}
}

// Long codes that are a word and a number can't be gone through from an address that has no misses left.
func TestLongCodesCantBeGoneThrough(t *testing.T) {
	t.Parallel()
	l := setupLimited(t, defaultLimits(t))
	campaign, _ := l.campaign("NOWRUZ26-FIRST", `,"limit":1`, "")
	live := map[string]bool{}
	for i := range 8 {
		code := fmt.Sprintf("NOWRUZ26-%04d", i*237+61)
		live[code] = true
		l.post("/v1/campaigns/"+campaign+"/vouchers", fmt.Sprintf(`{"code":%q,"limit":1}`, code), bearer(l.secret)).took(t, http.StatusCreated)
	}
	v := l.visitor()
	const from = "192.0.2.26:1"
	l.exhaust(v, from)
	judged, found := 0, 0
	turned := map[bool]string{} // by whether the code is there
	const guesses = 1900
	for i := range guesses {
		l.pass(time.Second / guesses)
		code := fmt.Sprintf("NOWRUZ26-%04d", i*7919%guesses)
		a := v.uses(from, fmt.Sprintf("0912%07d", i), code)
		if a.code() == "too_many_misses" {
			turned[live[code]] = strings.ReplaceAll(a.body.String(), a.header.Get("X-Request-Id"), "") + a.header.Get("Retry-After")
			continue
		}
		judged++
		if a.status == http.StatusOK {
			found++
		}
	}
	t.Logf("%d of %d guesses were judged, %d of %d codes found", judged, guesses, found, len(live))
	if judged > 500+2+8+1 || found > 6 { // each win brings one back; a blind guesser finds two, one in a thousand seven
		t.Errorf("%d guesses were judged and %d codes found; the budget of all is 500", judged, found)
	}
	if turned[true] == "" || turned[true] != turned[false] {
		t.Errorf("what is turned away tells whether it is there: %v", turned)
	}
	// Where misses are left, nothing has changed.
	if a := v.uses("192.0.2.27:1", "honest", "NOWRUZ26-FIRST"); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body.String())
	}
}

// hundredHidden makes a hundred codes of six digits that can be redeemed once.
func (l *limited) hundredHidden() map[string]bool {
	l.tb.Helper()
	hidden := map[string]bool{}
	campaign, _ := l.campaign("hidden-first", `,"limit":1`, "")
	for n := range 100 {
		code := fmt.Sprintf("%06d", (n*9973+4242)%1_000_000)
		hidden[code] = true
		l.post("/v1/campaigns/"+campaign+"/vouchers", fmt.Sprintf(`{"code":%q,"limit":1}`, code), bearer(l.secret)).took(l.tb, http.StatusCreated)
	}
	return hidden
}

// luck is how many of a hundred codes among a million whoever may guess two thousand times may find: a fifth of one on average, and
// more than this in none of ten thousand runs.
const luck = 3

// A guesser who asks for a public code besides, from all addresses and all the time, buys one judged guess for twenty
// addresses and no more.
func TestPublicCodesBuyFewGuesses(t *testing.T) {
	t.Parallel()
	const addresses = 10_000
	guesses, step := 1_000_000, 600*time.Microsecond
	if underRace || testing.Short() {
		guesses, step = guesses/10, step*10
	}
	l := setupLimited(t, defaultLimits(t))
	l.campaign("salam", `,"limit":1000`, "") // soon sold out
	hidden := l.hundredHidden()
	v := l.visitor()
	judged, found, genuine := 0, 0, 0
	for i := range guesses {
		l.pass(step)
		if i%2 == 0 {
			v.uses(address(i/2%addresses), fmt.Sprintf("0935%07d", i), "salam")
			genuine++
			continue
		}
		code := fmt.Sprintf("%06d", (i*777_781+13)%1_000_000)
		switch a := v.uses(address(i/2%addresses), fmt.Sprintf("0912%07d", i), code); {
		case a.status == http.StatusOK:
			judged++
			found++
		case a.code() == "not_redeemable":
			judged++
		}
	}
	took := time.Duration(guesses) * step
	most := 500 + int(2*took/time.Second) + addresses/20 + 1
	t.Logf("%d requests for a public code beside %d guesses: %d judged, %d of %d codes found", genuine, guesses-genuine, judged, found, len(hidden))
	if judged > most || found > luck {
		t.Errorf("%d guesses were judged, want at most %d; %d codes found", judged, most, found)
	}
}

// What was read out on television is redeemed while ten thousand addresses guess.
func TestHonestCustomersWinDuringAnAttack(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []int{20, 100, 150} {
		t.Run(strconv.Itoa(perSecond), func(t *testing.T) {
			t.Parallel()
			l := setupLimited(t, defaultLimits(t))
			l.campaign("salam", "", "")
			v := l.visitor()
			const step = 600 * time.Microsecond
			seconds := 60
			if underRace {
				seconds = 30
			}
			won, asked := 0, 0
			due := 0.0
			for i := range int(time.Duration(seconds) * time.Second / step) {
				l.pass(step)
				v.uses(address(i%10_000), fmt.Sprintf("0912%07d", i), fmt.Sprintf("%06d", (i*777_781+13)%1_000_000))
				for due += float64(perSecond) * step.Seconds(); due >= 1; due-- {
					asked++
					if v.uses(address(1_000_000+asked), fmt.Sprintf("0935%07d", asked), "salam").status == http.StatusOK {
						won++
					}
				}
			}
			t.Logf("%d honest customers a second beside 1,667 guesses: %d of %d won", perSecond, won, asked)
			if won < asked-100 { // until a hundred have asked, nobody knows that they are many
				t.Errorf("%d honest customers a second beside 1,667 guesses: %d of %d won", perSecond, won, asked)
			}
		})
	}
}

// An evening without an attacker: a crowd of two thousand a second at one code that is sold out, of which one in a
// hundred mistypes; fewer at a second code; and codes of eight characters that are bought.
func TestTyposOfACrowdAreNoAttack(t *testing.T) {
	t.Parallel()
	seconds, from := 60, 40
	if underRace {
		seconds, from = 45, 40
	}
	const main, second, unique = 2000, 100, 20
	l := setupLimited(t, defaultLimits(t))
	l.campaign("salam", `,"limit":1000`, "")
	l.campaign("nowruz", "", "")
	campaign, _ := l.campaign("unique-first", `,"limit":1`, "")
	for i := from * unique; i < seconds*unique; i++ {
		l.post("/v1/campaigns/"+campaign+"/vouchers", fmt.Sprintf(`{"code":"UQ%06d","limit":1}`, i), bearer(l.secret)).took(t, http.StatusCreated)
	}
	v := l.visitor()
	who := 0
	wins := func(code string) int {
		who++
		if v.uses(address(who), fmt.Sprintf("0935%07d", who), code).status == http.StatusOK {
			return 1
		}
		return 0
	}
	seconds2, uniques := 0, 0
	for sec := range seconds {
		for i := range main {
			l.pass(time.Second / main)
			if i%100 == 50 {
				wins(fmt.Sprintf("sal%05d", who))
			} else {
				wins("salam")
			}
			if sec < from {
				continue
			}
			if i%(main/second) == 0 {
				seconds2 += wins("nowruz")
			}
			if i%(main/unique) == 0 {
				uniques += wins(fmt.Sprintf("UQ%06d", sec*unique+i/(main/unique)))
			}
		}
	}
	last := seconds - from
	t.Logf("beside 20 typos a second, %d of %d won with a second code and %d of %d with codes of their own", seconds2, last*second, uniques, last*unique)
	if seconds2 < last*second*98/100 || uniques < last*unique*98/100 {
		t.Errorf("beside 20 typos a second, %d of %d won with a second code and %d of %d with codes of their own", seconds2, last*second, uniques, last*unique)
	}
}

// A stranger who asks in a customer's name from elsewhere does not keep the customer from what the crowd redeems.
func TestAStrangerDoesNotLockACustomerOut(t *testing.T) {
	t.Parallel()
	l := setupLimited(t, defaultLimits(t))
	l.campaign("SALAM", "", "")
	for i := range 20 {
		l.campaign(fmt.Sprintf("OPEN%d", i), "", "")
	}
	v := l.visitor()
	for i := range 200 {
		v.uses(address(i), fmt.Sprintf("0919%07d", i), "SALAM")
	}
	const stranger, home, victim = "192.0.2.66:1", "203.0.113.8:1", "09121234567"
	for i := range 100 {
		l.pass(100 * time.Millisecond)
		v.ask(stranger, "/v1/validations", fmt.Sprintf(`{"code":"NONSENSE%d","customer":%q}`, i, victim))
	}
	if a := v.uses(home, victim, "SALAM"); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body.String())
	}
	// What is asked in a customer's name from everywhere together is bounded still, for codes that are not the crowd's.
	const other = "09121234568"
	passed := 0
	for i := range 800 {
		if v.ask(address(5000+i), "/v1/validations", fmt.Sprintf(`{"code":"OPEN%d","customer":%q}`, i%20, other)).status == http.StatusOK {
			passed++
		}
	}
	if passed != 10*limit.AnywhereFactor {
		t.Errorf("%d of 800 requests in one customer's name passed", passed)
	}
}
