package stampede_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"scrip/internal/stampede"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func config(url string) stampede.Config {
	return stampede.Config{
		URL: url, Code: "salam", Customers: 500, Concurrency: 16,
		Timeout: 5 * time.Second, Patience: 5 * time.Second, Limit: 30 * time.Second,
	}
}

func run(t *testing.T, cfg stampede.Config) *stampede.Summary {
	t.Helper()
	s, err := stampede.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnHonestServerIsExact(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		limit     int64
		customers int
		repeat    int
		winners   int64
	}{
		{"more customers than uses", 100, 500, 0, 100},
		{"fewer customers than uses", 1000, 500, 0, 500},
		{"as many", 500, 500, 0, 500},
		{"one", 100, 1, 0, 1},
		{"sold out before", 0, 50, 0, 0},
		{"everybody asks again", 100, 500, 1, 100},
		{"everybody asks often", 100, 500, 4, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(newFake(c.limit).start(t))
			cfg.Customers, cfg.Repeat = c.customers, c.repeat
			s := run(t, cfg)
			if !s.Exact || s.WrongTotal != 0 || s.Winners != c.winners || s.WinnersExpected != c.winners {
				t.Fatalf("%+v", s)
			}
			if lost := int64(c.customers) - c.winners; s.Refusals["quantity_exceeded"] != lost {
				t.Errorf("%d lost, but %v", lost, s.Refusals)
			}
			if r := s.Repeats; r.Asked != int64(c.customers*c.repeat) || r.Already+r.Replayed != c.winners*int64(c.repeat) || r.Asked != r.Already+r.Replayed+r.Refused {
				t.Errorf("repeats: %+v", r)
			}
			if s.Errors != 0 || s.Busy != 0 || s.Unknown != 0 || s.RatePerSecond <= 0 || s.P99 < s.P50 || s.Max < s.P99 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestTwoRunsDoNotCollide(t *testing.T) {
	t.Parallel()
	cfg := config(newFake(700).start(t))
	first, second := run(t, cfg), run(t, cfg)
	if !first.Exact || !second.Exact || first.Winners != 500 || second.Winners != 200 || first.Run == second.Run {
		t.Errorf("%+v then %+v", first, second)
	}
}

func TestALyingServerIsCaught(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		lie    func(*fake)
		repeat int
		says   string
	}{
		{"oversells", func(f *fake) { f.oversell = 1 }, 0, "101 won, but it must be 100"},
		{"undersells", func(f *fake) { f.undersell = 1 }, 0, "99 won, but it must be 100"},
		{"gives a rank twice", func(f *fake) { f.sameRank = 7 }, 0, "rank 7 was given twice"},
		{"leaves a rank out", func(f *fake) { f.skipRank = 7 }, 0, "nobody has the ranks from 7 to 7"},
		{"credits twice", func(f *fake) { f.creditTwice = 9 }, 0, "number 9, has 2000 in the wallet, but it must be 1000"},
		{"does not credit", func(f *fake) { f.creditNot = 9 }, 0, "number 9, has 0 in the wallet, but it must be 1000"},
		{"credits a loser", func(f *fake) { f.creditLoser = true }, 0, "did not win, but has 1000"},
		{"reports wrongly", func(f *fake) { f.wrongCount = 1 }, 0, "the code reports 101 redeemed, but it must be 100"},
		{"shows another receipt", func(f *fake) { f.newReceipt = true }, 1, "already_redeemed with receipt rdm_"},
		{"forgets keys", func(f *fake) { f.forgetKeys = true }, 2, "asking again under the same key got 422"},
		{"lets a loser win later", func(f *fake) { f.loserWins = true }, 1, "was refused, and asking again won"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(100)
			c.lie(f)
			cfg := config(f.start(t))
			cfg.Customers, cfg.Repeat = 300, c.repeat
			s := run(t, cfg)
			if s.Exact || s.WrongTotal == 0 {
				t.Fatalf("called exact: %+v", s)
			}
			if !strings.Contains(strings.Join(s.Wrong, "\n"), c.says) {
				t.Errorf("does not say %q, but:\n%s", c.says, strings.Join(s.Wrong, "\n"))
			}
		})
	}
}

func TestLostAnswersAreAskedForAgain(t *testing.T) {
	t.Parallel()
	f := newFake(100)
	f.garble = func(n int64) bool { return n%7 == 0 }
	f.stall = func(n int64) bool { return n%11 == 5 }
	s := run(t, config(f.start(t)))
	if !s.Exact || s.Winners != 100 || s.Errors == 0 || s.Busy == 0 || s.Unknown != 0 {
		t.Errorf("%+v", s)
	}
}

func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	f := newFake(100)
	f.stall = func(int64) bool { return true }
	cfg := config(f.start(t))
	cfg.Customers, cfg.Concurrency, cfg.Patience = 8, 8, 50*time.Millisecond
	s := run(t, cfg)
	if s.Exact || s.Unknown != 8 || !strings.Contains(strings.Join(s.Wrong, "\n"), "has no final verdict") {
		t.Errorf("%+v", s)
	}
}

func TestInterruptedEndsAtOnceAndProvesNothing(t *testing.T) {
	t.Parallel()
	f := newFake(100)
	f.hold = make(chan struct{})
	url := f.start(t)
	t.Cleanup(func() { close(f.hold) }) // before the server closes, which waits for its requests
	ctx, cancel := context.WithCancel(t.Context())
	var began time.Time
	time.AfterFunc(time.Second, func() { began = time.Now(); cancel() }) // it has asked for the code by then
	s, err := stampede.Run(ctx, config(url))
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	if s.Exact || !s.Interrupted || !strings.Contains(strings.Join(s.Wrong, "\n"), "interrupted") {
		t.Errorf("%+v", s)
	}
}

func TestTheLimitHolds(t *testing.T) {
	t.Parallel()
	f := newFake(100)
	f.stall = func(int64) bool { return true }
	cfg := config(f.start(t))
	cfg.Limit = time.Second
	s := run(t, cfg)
	if s.Exact || !strings.Contains(strings.Join(s.Wrong, "\n"), "did not end within 1s") {
		t.Errorf("%+v", s)
	}
}

func TestWhatCantBeRunIsRefused(t *testing.T) {
	t.Parallel()
	url := newFake(1).start(t)
	for _, c := range []struct {
		name   string
		change func(*stampede.Config)
	}{
		{"no code", func(c *stampede.Config) { c.Code = "" }},
		{"no customers", func(c *stampede.Config) { c.Customers = 0 }},
		{"too many customers", func(c *stampede.Config) { c.Customers = stampede.CustomersMax + 1 }},
		{"no concurrency", func(c *stampede.Config) { c.Concurrency = 0 }},
		{"repeats below zero", func(c *stampede.Config) { c.Repeat = -1 }},
		{"no timeout", func(c *stampede.Config) { c.Timeout = 0 }},
		{"no address", func(c *stampede.Config) { c.URL = "localhost:8000" }},
	} {
		cfg := config(url)
		c.change(&cfg)
		if _, err := stampede.Run(t.Context(), cfg); !errors.Is(err, stampede.ErrUnfit) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestAServerThatRefusesTheCodeIsAnError(t *testing.T) {
	t.Parallel()
	cfg := config("http://127.0.0.1:1")
	if _, err := stampede.Run(t.Context(), cfg); err == nil || errors.Is(err, stampede.ErrUnfit) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestProgressRisesToTheEnd(t *testing.T) {
	t.Parallel()
	cfg := config(newFake(100).start(t))
	var last stampede.Progress
	cfg.Progress = func(p stampede.Progress) { last = p }
	run(t, cfg)
	if last.Done != 500 || last.Total != 500 || last.Winners != 100 || last.Doing != "checking wallets" {
		t.Errorf("%+v", last)
	}
}

// Two faces of one store: everybody asks again on the other one. And two stores that claim to be one: that
// is noticed.
func TestReplicasAreOneStore(t *testing.T) {
	t.Parallel()
	one := newFake(100)
	cfg := config(one.start(t))
	cfg.Replicas, cfg.Repeat = []string{one.start(t)}, 2
	if s := run(t, cfg); !s.Exact || s.Winners != 100 || s.Repeats.Asked != 1000 {
		t.Errorf("%+v", s)
	}
	cfg = config(newFake(100).start(t))
	cfg.Replicas = []string{newFake(100).start(t)}
	if s := run(t, cfg); s.Exact || s.WrongTotal == 0 {
		t.Errorf("two stores pass for one: %+v", s)
	}
}

// A replica that is not there costs a try, not a verdict.
func TestAReplicaThatIsAwayIsPassedOver(t *testing.T) {
	t.Parallel()
	cfg := config(newFake(100).start(t))
	cfg.Replicas = []string{"http://127.0.0.1:1"}
	if s := run(t, cfg); !s.Exact || s.Winners != 100 || s.Errors == 0 {
		t.Errorf("%+v", s)
	}
	cfg.Replicas = []string{"nonsense"}
	if _, err := stampede.Run(t.Context(), cfg); !errors.Is(err, stampede.ErrUnfit) {
		t.Error(err)
	}
}
