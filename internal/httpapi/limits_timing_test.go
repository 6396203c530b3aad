package httpapi_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/httpapi"
	"scrip/internal/keyring"
	"scrip/internal/limit"
	"scrip/internal/redemption"
	"scrip/internal/store"
	"scrip/internal/store/sqlitestore"
)

// setupTimed is a limited server by the machine's clock, on the store that a server has by default, whose budgets
// of misses are not used up. wrap, if set, stands between the redemptions and the store.
func setupTimed(tb testing.TB, wrap func(redemption.Store) redemption.Store, change ...func(*limit.Config)) *limited {
	tb.Helper()
	s, err := sqlitestore.Open(tb.Context(), sqlitestore.Config{
		Path: filepath.Join(tb.TempDir(), "scrip.db"), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	l := &limited{bundle: &bundle{tb: tb, store: s, now: time.Now}}
	l.ring, err = keyring.NewRing(tb.Context(), keyring.RingConfig{Every: time.Hour, Log: slog.New(slog.DiscardHandler)}, s)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := l.ring.Close(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	plenty := limit.PerSecond(1_000_000, 1_000_000)
	limits := limit.Config{
		Address: plenty, Customer: plenty, Publishable: plenty, AddressMisses: plenty, CustomerMisses: plenty, TotalMisses: plenty,
	}
	for _, c := range change {
		c(&limits)
	}
	by, err := limit.New(limits)
	if err != nil {
		tb.Fatal(err)
	}
	var redemptions redemption.Store = s
	if wrap != nil {
		redemptions = wrap(s)
	}
	l.redeemWith(redemptions, withLimits(by), func(c *httpapi.Config) { c.Access, c.MissStep = l.ring, timedStep })
	l.secret = l.newKey(keyring.NewKey{Name: "ours", Kind: access.Secret, Scopes: access.All}).Secret
	l.crowd = l.publishable().Secret
	if err := l.ring.Refresh(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return l
}

// The kinds of codes that the public face must not tell apart, the first of which are not there.
var secretKinds = []string{"U", "N", "D", "A"} // unknown, not started, disabled, assigned

// makeSecrets makes n codes of each kind: "N00017", and what they are to end in.
func (l *limited) makeSecrets(n int, tail string) {
	l.tb.Helper()
	v := l.visitor()
	v.req.Header["Authorization"] = []string{"Bearer " + l.secret}
	for kind, more := range map[string]string{"N": `,"starts_at":"2099-01-01T00:00:00Z"`, "D": "", "A": ""} {
		voucherMore := ""
		if kind == "A" {
			voucherMore = `,"customer":"somebody else"`
		}
		campaign, _ := l.campaign(kind+"first", voucherMore, more)
		for i := range n {
			body := fmt.Sprintf(`{"code":"%s%05d%s"%s}`, kind, i, tail, voucherMore)
			a := v.ask("192.0.2.99:1", "/v1/campaigns/"+campaign+"/vouchers", body)
			if a.status != http.StatusCreated {
				l.tb.Fatalf("%d %s", a.status, a.body.String())
			}
			if kind != "D" {
				continue
			}
			_, id, _ := strings.Cut(a.body.String(), `"id":"`)
			id, _, _ = strings.Cut(id, `"`)
			if a := v.ask("192.0.2.99:1", "/v1/vouchers/"+id+"/disable", "{}"); a.status != http.StatusOK {
				l.tb.Fatalf("%d %s", a.status, a.body.String())
			}
		}
	}
}

// The answers to codes that are not there, have not started, are disabled or are somebody else's are the same,
// byte for byte, on every route and however often they are asked.
func TestSecretCodesHaveOneShape(t *testing.T) {
	t.Parallel()
	l := setupLimited(t, limit.Config{Customer: limit.PerSecond(2, 1000), AddressMisses: limit.PerSecond(1, 1000)})
	l.makeSecrets(1, "")
	v := l.visitor()
	for path, who := range map[string]string{"/codes/use": "mobile", "/v1/redemptions": "customer", "/v1/validations": "customer", "/codes/report": ""} {
		for again := range 3 {
			shapes := map[string]string{}
			for _, kind := range secretKinds {
				body := fmt.Sprintf(`{"code":"%s%05d"}`, kind, 0)
				v.req.Header["Authorization"] = []string{"Bearer " + l.secret}
				if who != "" {
					body = fmt.Sprintf(`{"code":"%s%05d",%q:"0912000%d%d"}`, kind, 0, who, again, len(shapes))
					v.req.Header["Authorization"] = []string{"Bearer " + l.crowd}
				}
				l.pass(time.Hour)
				a := v.ask("192.0.2.1:1", path, body)
				shapes[a.shape()] += kind
			}
			if len(shapes) != 1 {
				t.Errorf("%s: %d shapes: %q", path, len(shapes), shapes)
			}
		}
	}
}

// timing compares how long the answers to codes take that are not there with those to codes that are.
type timing struct {
	l    *limited
	v    *visitor
	next int    // the next code of each kind that was not asked for yet
	tail string // what codes end in
}

const (
	timedSamples = 60                   // of each kind in one attempt
	timedStep    = 2 * time.Millisecond // of the server's, far above what the store in this process takes
)

// samples asks for codes of all kinds in turns, each time in another order, and returns how long the answers
// took, by kind. Where codes are warm, each is asked for by another customer a moment before.
func (m *timing) samples(path, who string, warm bool) map[string][]time.Duration {
	took := map[string][]time.Duration{}
	for i := range timedSamples {
		n := m.next
		m.next++
		for k := range secretKinds {
			kind := secretKinds[(i+k)%len(secretKinds)]
			ask := func(customer string) {
				body := fmt.Sprintf(`{"code":"%s%05d%s",%q:%q}`, kind, n, m.tail, who, customer)
				if a := m.v.ask(address(i), path, body); a.status == http.StatusInternalServerError || a.status == http.StatusTooManyRequests {
					m.l.tb.Fatalf("%d %s", a.status, a.body.String())
				}
			}
			if warm {
				ask(fmt.Sprintf("warmer %d", i))
			}
			customer := fmt.Sprintf("guesser %d", i)
			began := time.Now()
			ask(customer)
			took[kind] = append(took[kind], time.Since(began))
		}
	}
	return took
}

// larger is the share of pairs in which the second list's is the larger: a half for lists that can't be told apart,
// whatever their distribution (the U of Mann and Whitney).
func larger(a, b []time.Duration) float64 {
	b = slices.Sorted(slices.Values(b))
	sum := 0.0
	for _, x := range a {
		below, _ := slices.BinarySearch(b, x)
		above, _ := slices.BinarySearch(b, x+1)
		sum += float64(len(b)-above) + float64(above-below)/2
	}
	return sum / float64(len(a)*len(b))
}

const (
	// told is how far from a half larger must be, in each attempt and on the same side, for a difference. By chance
	// its standard deviation is 0.05 with two lists of 60 that are alike.
	told     = 0.2
	attempts = 3
)

// tells reports which kinds can be told from the unknown by their time, each time that it is tried.
func (m *timing) tells(path, who string, warm bool) map[string]string {
	sides := map[string]int{}
	log := map[string]string{}
	for tried := range attempts {
		if tried > 0 && !slices.ContainsFunc(secretKinds[1:], func(kind string) bool { return sides[kind] == tried || sides[kind] == -tried }) {
			break // there is nothing to confirm
		}
		took := m.samples(path, who, warm)
		for _, kind := range secretKinds[1:] {
			share := larger(took["U"], took[kind])
			log[kind] += fmt.Sprintf(" %.2f", share)
			switch {
			case share > 0.5+told:
				sides[kind]++
			case share < 0.5-told:
				sides[kind]--
			}
		}
	}
	m.l.tb.Logf("%s, warm %v: how often slower than an unknown code: %v", path, warm, log)
	out := map[string]string{}
	for kind, side := range sides {
		if side == attempts || side == -attempts {
			out[kind] = log[kind]
		}
	}
	return out
}

// The time of an answer does not tell whether there is a code. It compares distributions, in turns and within
// one run, and fails only on a gross difference that shows in each of three attempts: a machine that is
// slow or busy is so for all kinds.
func TestTimeTellsNothing(t *testing.T) {
	skipUnderRace(t)
	l := setupTimed(t, nil)
	m := &timing{l: l, v: l.visitor()}
	l.makeSecrets(6*3*timedSamples+10, "")
	m.tellsNothing(t)
}

// The same of long codes to those who have no misses left, and are let in for the length of the code.
func TestTimeTellsTheBlockedNothing(t *testing.T) {
	skipUnderRace(t)
	few := limit.Rate{Every: 24 * time.Hour, Burst: 1}
	l := setupTimed(t, nil, func(c *limit.Config) { c.AddressMisses = few })
	m := &timing{l: l, v: l.visitor(), tail: "GREETINGS"}
	l.makeSecrets(6*3*timedSamples+10, m.tail)
	for i := range timedSamples {
		for again := range 2 {
			m.v.uses(address(i), fmt.Sprintf("blocked %d of %d", again, i), fmt.Sprintf("X%d", again))
		}
		if code := m.v.code(); code != "too_many_misses" {
			t.Fatalf("the address is not blocked: %s", code)
		}
	}
	m.tellsNothing(t)
}

// skipUnderRace leaves out what compares times that the race detector makes longer than a step.
func skipUnderRace(t *testing.T) {
	t.Helper()
	if underRace {
		t.Skip("under the race detector the store takes longer than a step")
	}
}

func (m *timing) tellsNothing(t *testing.T) {
	t.Helper()
	for _, route := range [][2]string{{"/codes/use", "mobile"}, {"/v1/redemptions", "customer"}, {"/v1/validations", "customer"}} {
		for _, warm := range []bool{false, true} {
			if told := m.tells(route[0], route[1], warm); len(told) > 0 {
				t.Errorf("%s, warm %v: the time tells from an unknown code: %v", route[0], warm, told)
			}
		}
	}
}

// curious is a store that asks somebody far away about codes that are there: the difference that TestTimeTellsNothing must
// be able to find.
type curious struct{ redemption.Store }

func (c curious) Apply(ctx context.Context, batch []store.Command) ([]store.Outcome, error) {
	outs, err := c.Store.Apply(ctx, batch)
	for _, cmd := range batch {
		r, ok := cmd.(*store.Redeem)
		if !ok {
			continue
		}
		found, _, failed := c.Lookup(ctx, []string{r.Code})
		if failed != nil {
			return outs, failed
		}
		if found[0].Voucher != nil {
			time.Sleep(2 * timedStep) // as a question to a store far away takes
		}
	}
	return outs, err
}

func TestTimeThatTellsIsFound(t *testing.T) {
	l := setupTimed(t, func(s redemption.Store) redemption.Store { return curious{s} })
	m := &timing{l: l, v: l.visitor()}
	l.makeSecrets(3*timedSamples, "")
	if told := m.tells("/codes/use", "mobile", false); len(told) != 3 {
		t.Errorf("the planted difference was found for %v", told)
	}
}
