package httpapi_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/keyring"
	"scrip/internal/limit"
)

// guesser is one who goes through all codes of six digits, from ten thousand addresses, each time as another
// customer, and writes down what the answers say.
type guesser struct {
	answered int             // guesses that were judged
	found    []string        // codes that turned out to be there
	turned   map[string]int  // other answers, by their shape
	hidden   map[string]bool // the codes that are there
}

// A million guesses from ten thousand addresses, at every code of six digits, a hundred of which are there.
func TestAMillionGuessesLearnNothing(t *testing.T) {
	t.Parallel()
	const addresses, perAddress = 10_000, 100
	guesses := addresses * perAddress
	step := 600 * time.Microsecond // ten minutes in all
	if underRace {
		guesses, step = guesses/10, step*10
	}
	l := setupLimited(t, defaultLimits(t))
	g := &guesser{turned: map[string]int{}, hidden: map[string]bool{}}
	for n := range 100 {
		code := fmt.Sprintf("%06d", (n*9973+4242)%1_000_000)
		g.hidden[code] = true
		switch n % 5 {
		case 0:
			l.campaign(code, `,"limit":1000`, `,"starts_at":"2027-01-01T00:00:00Z"`)
		case 1:
			_, voucher := l.campaign(code, `,"limit":1000`, "")
			l.post("/v1/vouchers/"+voucher+"/disable", "{}", bearer(l.secret)).took(t, http.StatusOK)
		case 2:
			l.campaign(code, "", "")
		default:
			l.campaign(code, `,"limit":1`, "")
		}
	}
	v := l.visitor()
	blockedHidden := 0
	for i := range guesses {
		l.pass(step)
		code := fmt.Sprintf("%06d", (i*777_781+13)%1_000_000) // each once, in no order
		a := v.uses(address(i%addresses), fmt.Sprintf("0912%07d", i), code)
		switch {
		case a.status == http.StatusOK:
			g.found = append(g.found, code)
			g.answered++
		case a.code() == "not_redeemable":
			g.answered++
		default:
			g.turned[a.code()]++
			if g.hidden[code] {
				blockedHidden++
			}
		}
	}
	took := time.Duration(guesses) * step
	limits := defaultLimits(t)
	most := int(limits.TotalMisses.Burst+int64(took/limits.TotalMisses.Every)) + 1
	t.Logf("%d guesses, %d judged, %d codes found; turned away: %v, %d codes that are there among them",
		guesses, g.answered, len(g.found), g.turned, blockedHidden)
	if g.answered > most {
		t.Errorf("%d guesses were judged; the budget of all together is %d", g.answered, most)
	}
	if len(g.found) > 0 {
		t.Errorf("the guesser found %v", g.found)
	}
	if len(g.turned) != 1 || g.turned["too_many_misses"] != guesses-g.answered {
		t.Errorf("turned away in several ways: %v", g.turned)
	}
	if blockedHidden < 5 {
		t.Errorf("the guesser met only %d of the codes that are there", blockedHidden)
	}
	// Whoever comes from one of these addresses now still uses what was read out on television.
	l.campaign("salam", "", "")
	won := 0
	for i := range 3000 {
		l.pass(time.Millisecond)
		if a := v.uses(address(i%addresses), fmt.Sprintf("0935%07d", i), "salam"); a.status == http.StatusOK {
			won++
		}
	}
	if won < 2500 {
		t.Errorf("of 3,000 honest customers behind the same addresses %d won", won)
	}
	t.Logf("of 3,000 honest customers behind the same addresses %d won", won)
}

// The answer to a guess that is not judged is the same, byte for byte, whatever the code is, and the store is
// not asked for it.
func TestBlockedGuessesAreAlike(t *testing.T) {
	t.Parallel()
	l := setupLimited(t, defaultLimits(t))
	l.campaign("OPEN42", "", "")
	l.campaign("LATER4", "", `,"starts_at":"2027-01-01T00:00:00Z"`)
	v := l.visitor()
	const from = "192.0.2.7:1"
	l.exhaust(v, from)
	shapes := map[string][]string{}
	for i, code := range []string{"OPEN42", "LATER4", "NOSUCH", "NOSUC2", "OPEN42"} {
		for _, path := range []string{"/codes/use", "/v1/redemptions", "/v1/validations"} {
			l.pass(time.Second) // the customer's own allowance is not what is asked about
			who := "customer"
			if path == "/codes/use" {
				who = "mobile"
			}
			a := v.ask(from, path, fmt.Sprintf(`{"code":%q,%q:"fresh %d"}`, code, who, i))
			if a.code() != "too_many_misses" || a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
				t.Errorf("%s: %d %s", code, a.status, a.body.String())
			}
			shapes[a.shape()] = append(shapes[a.shape()], code+path)
		}
	}
	if len(shapes) != 1 {
		t.Errorf("%d shapes of one answer: %v", len(shapes), shapes)
	}
}

// exhaust uses up the misses of an address, each as another customer.
func (l *limited) exhaust(v *visitor, from string) {
	l.tb.Helper()
	for i := range 1000 {
		if v.uses(from, fmt.Sprintf("guesser %d of %s", i, from), fmt.Sprintf("X%05d", i)).code() == "too_many_misses" {
			if i < 20 {
				l.tb.Fatalf("misses are used up after %d", i)
			}
			return
		}
	}
	l.tb.Fatal("misses are never used up")
}

// A household or the gateway of a mobile operator is one address with many customers. One of them who
// guesses does not stop the others.
func TestBehindOneAddressOthersStillRedeem(t *testing.T) {
	t.Parallel()
	const gateway = "198.51.100.9:99"
	l := setupLimited(t, defaultLimits(t))
	l.campaign("SALAM", "", "")
	l.campaign("GIFT7", `,"limit":1`, "")
	l.campaign("GIFT8", `,"limit":1`, "")
	l.campaign("K7QW2M9RT4XB", `,"limit":1`, "")
	v := l.visitor()
	if a := v.uses(gateway, "0912 000 0001", "SALAM"); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body.String())
	}
	l.exhaust(v, gateway)

	wins := func(customer, code string) bool {
		t.Helper()
		a := v.uses(gateway, customer, code)
		if a.status != http.StatusOK && a.code() != "too_many_misses" {
			t.Errorf("%s asks for %s: %d %s", customer, code, a.status, a.body.String())
		}
		return a.status == http.StatusOK
	}
	// A short code from a stranger can't be told from a guess.
	if wins("09120000004", "GIFT8") {
		t.Error("the address has no misses left, and a guess is judged")
	}
	// A customer who has won before and not missed since has one attempt, whatever others do. Each win pays for
	// one miss of the address, so the guesser takes that again.
	if !wins("09120000001", "GIFT7") {
		t.Error("a customer with standing can't redeem")
	}
	v.uses(gateway, "guesser again", "X99999")
	// A code that is too long to be guessed was bought.
	if !wins("09120000002", "K7QW2M9RT4XB") {
		t.Error("a long code that was made for one use can't be redeemed")
	}
	v.uses(gateway, "guesser once more", "X99998")
	if wins("09120000004", "GIFT8") {
		t.Error("the address has no misses left, and a guess is judged")
	}
	l.pass(4 * time.Minute)
	if !wins("09120000004", "GIFT8") {
		t.Error("there is room again, and a code is not judged")
	}
	v.uses(gateway, "guesser at last", "X99997")
	// What a crowd asks for is no secret.
	won := 0
	for i := range 3000 {
		l.pass(20 * time.Millisecond)
		if wins(fmt.Sprintf("0919%07d", i), "SALAM") {
			won++
		}
	}
	if won < 2890 {
		t.Errorf("of 3,000 customers behind the gateway %d won with the code of the evening", won)
	}
}

// A customer's own misses end that customer's guessing, not that of the rest of the household.
func TestACustomersMissesAreTheirOwn(t *testing.T) {
	t.Parallel()
	const home = "203.0.113.5:5"
	l := setupLimited(t, defaultLimits(t))
	l.campaign("GIFT7", `,"limit":1`, "")
	l.campaign("GIFT8", `,"limit":1`, "")
	v := l.visitor()
	blocked := 0
	for i := range 30 {
		l.pass(time.Second)
		if v.uses(home, "child", fmt.Sprintf("X%05d", i)).code() == "too_many_misses" {
			blocked++
		}
	}
	if blocked < 15 || blocked > 20 {
		t.Errorf("%d of the child's 30 guesses are blocked; ten are judged", blocked)
	}
	if a := v.uses("203.0.113.77:5", "child", "GIFT8"); a.code() != "too_many_misses" {
		t.Errorf("from another address the child goes on: %d %s", a.status, a.body.String())
	}
	if a := v.uses(home, "parent", "GIFT7"); a.status != http.StatusOK {
		t.Errorf("the parent can't redeem: %d %s", a.status, a.body.String())
	}
}

// The same mistake made again and again is one miss, and what is said plainly is none.
func TestWhatIsNoMiss(t *testing.T) {
	t.Parallel()
	const home = "203.0.113.6:5"
	l := setupLimited(t, defaultLimits(t))
	l.campaign("SALAM", `,"limit":1`, "")
	l.campaign("GONE1", "", `,"ends_at":"2026-03-20T12:00:01Z"`)
	l.campaign("GIFT8", `,"limit":1`, "")
	v := l.visitor()
	if a := v.uses(home, "first", "SALAM"); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body.String())
	}
	for i := range 60 {
		l.pass(10 * time.Second)
		l.steps.Add(1000)
		for code, want := range map[string]string{"TYPO": "not_redeemable", "SALAM": "quantity_exceeded", "GONE1": "voucher_expired", "%%": "invalid_code"} {
			if a := v.uses(home, "second", code); a.code() != want {
				t.Fatalf("%s at the %dth time: %d %s", code, i, a.status, a.body.String())
			}
		}
		if a := v.uses(home, "first", "SALAM"); a.code() != "already_redeemed" {
			t.Fatalf("%d %s", a.status, a.body.String())
		}
	}
	if a := v.uses(home, "second", "GIFT8"); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body.String())
	}
}

// The whole country presses the button before the code has started. That is no guessing, and when it
// starts they win.
func TestACrowdThatComesTooEarlyWinsLater(t *testing.T) {
	t.Parallel()
	l := setupLimited(t, defaultLimits(t))
	campaign, _ := l.campaign("SALAM", "", `,"starts_at":"2027-01-01T00:00:00Z"`)
	v := l.visitor()
	for i := range 20_000 {
		l.pass(time.Millisecond)
		a := v.uses(address(i%50), fmt.Sprintf("0912%07d", i%5000), "SALAM")
		if i > 1000 && a.code() != "not_redeemable" {
			t.Fatalf("too early, at the %dth request: %d %s", i, a.status, a.body.String())
		}
	}
	req := `{"starts_at":null}`
	l.do(http.MethodPatch, "/v1/campaigns/"+campaign, req, asJSON, bearer(l.secret)).took(t, http.StatusOK)
	for i := range 5000 {
		l.pass(time.Millisecond)
		if a := v.uses(address(i%50), fmt.Sprintf("0912%07d", i), "SALAM"); a.status != http.StatusOK {
			t.Fatalf("started, at the %dth request: %d %s", i, a.status, a.body.String())
		}
	}
}

func TestLimitsOfACustomer(t *testing.T) {
	t.Parallel()
	l := setupLimited(t, defaultLimits(t))
	l.campaign("SALAM", "", "")
	pk := bearer(l.crowd)
	for i := range 10 {
		r := l.post("/v1/validations", `{"code":"SALAM","customer":"0912 345 6789"}`, pk).took(t, http.StatusOK)
		want := fmt.Sprintf(`"customer";r=%d;t=%d`, 9-i, (i+2)/2)
		if got := r.header.Get("RateLimit"); got != want {
			t.Errorf("RateLimit: %s, want %s", got, want)
		}
		const policy = `"address";q=2000;w=10, "customer";q=10;w=5, "key";q=40000;w=2`
		if got := r.header.Get("RateLimit-Policy"); got != policy {
			t.Errorf("RateLimit-Policy: %s, want %s", got, policy)
		}
	}
	r := l.post("/v1/redemptions", `{"code":"SALAM","customer":"+989123456789"}`, pk)
	p := r.refused(t, http.StatusTooManyRequests, "rate_limited")
	if r.header.Get("Retry-After") != "1" || r.header.Get("RateLimit") != `"customer";r=0;t=5` || !p.Retryable {
		t.Errorf("%v %s", r.header, r.body)
	}
	l.post("/v1/redemptions", `{"code":"SALAM","customer":"another"}`, pk).took(t, http.StatusCreated)
	l.pass(time.Second)
	l.post("/v1/redemptions", `{"code":"SALAM","customer":"09123456789"}`, pk).took(t, http.StatusCreated)
}

// What a secret key may is what the key says; a batch takes as many as it has items.
func TestLimitsOfASecretKey(t *testing.T) {
	t.Parallel()
	l := setupLimited(t, defaultLimits(t))
	l.campaign("SALAM", "", "")
	slow := bearer(l.newKey(keyring.NewKey{Name: "slow", Kind: access.Secret, Scopes: access.All, RatePerSecond: 2, Burst: 5}).Secret)
	if err := l.ring.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	batch := `{"redemptions":[{"code":"SALAM","customer":"a"},{"code":"SALAM","customer":"b"},{"code":"NOSUCH","customer":"c"}]}`
	r := l.post("/v1/redemptions/batch", batch, slow).took(t, http.StatusOK)
	if got := r.header.Get("RateLimit"); got != `"key";r=2;t=2` {
		t.Errorf("RateLimit: %s", got)
	}
	l.do(http.MethodGet, "/v1/vouchers", "", slow).took(t, http.StatusOK)
	l.post("/v1/redemptions/batch", batch, slow).refused(t, http.StatusTooManyRequests, "rate_limited")
	l.pass(time.Hour)
	for i := range 5 {
		l.post("/v1/redemptions", fmt.Sprintf(`{"code":"NOSUCH","customer":"d%d"}`, i), slow).refused(t, http.StatusNotFound, "voucher_not_found")
	}
	// A key without a rate of its own has none, wherever it calls from and however often it misses.
	for i := range 300 {
		r := l.post("/v1/redemptions", fmt.Sprintf(`{"code":"NOSUCH%d","customer":"e"}`, i), bearer(l.secret))
		if r.status != http.StatusNotFound || r.header.Get("RateLimit") != "" || r.header.Get("RateLimit-Policy") != "" {
			t.Fatalf("%d %v %s", r.status, r.header, r.body)
		}
	}
}

// On the seed's routes customers are limited whoever asks for them.
func TestLimitsOfTheFirstRoutes(t *testing.T) {
	t.Parallel()
	l := setupLimited(t, defaultLimits(t))
	sk := bearer(l.secret)
	l.post("/wallet/balance", `{"mobile":"09123456789"}`, sk).took(t, http.StatusOK)
	r := l.post("/codes/use", `{"code":"NOSUCH","mobile":"09123456789"}`, sk)
	r.refused(t, http.StatusNotFound, "not_redeemable")
	if got := r.header.Get("RateLimit"); got != `"customer";r=8;t=1` {
		t.Errorf("RateLimit: %s", got)
	}
	missed := 0
	for i := range 600 {
		if r := l.post("/codes/report", fmt.Sprintf(`{"code":"X%05d"}`, i), sk); r.status == http.StatusNotFound {
			missed++
		}
	}
	if missed < 490 || missed > 500 {
		t.Errorf("%d reports of codes that are not there were judged; the budget of all is 500", missed)
	}
}

// While the server is open there is no limit and no word of one.
func TestNoLimitsWhileOpen(t *testing.T) {
	t.Parallel()
	limits, err := limit.New(limit.Config{
		Address: limit.PerSecond(1, 1), Customer: limit.PerSecond(1, 1), Publishable: limit.PerSecond(1, 1),
		AddressMisses: limit.PerSecond(1, 1), CustomerMisses: limit.PerSecond(1, 1), TotalMisses: limit.PerSecond(1, 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	b := setupKeyed(t, true, withLimits(limits))
	b.shared("salam", "", "")
	for i := range 50 {
		for path, body := range map[string]string{
			"/codes/use": `{"code":"nosuch","mobile":"09123456789"}`, "/wallet/balance": `{"mobile":"09123456789"}`,
			"/v1/redemptions": `{"code":"nosuch","customer":"x"}`, "/v1/validations": `{"code":"nosuch","customer":"x"}`,
		} {
			r := b.post(path, body)
			if r.status == http.StatusTooManyRequests || r.header.Get("RateLimit") != "" || r.header.Get("RateLimit-Policy") != "" {
				t.Fatalf("%s at the %dth time: %d %v", path, i, r.status, r.header)
			}
		}
	}
}
