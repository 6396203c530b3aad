package retention_test

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/retention"
)

// pile is records, each with its age, that can be pruned.
type pile struct {
	mu      sync.Mutex
	took    time.Duration // by each batch
	times   []time.Time   // of the records, oldest first
	batches []batch
	fail    error // of the next batch
}

type batch struct {
	at            time.Time
	limit, pruned int
	before        time.Time
}

func (p *pile) prune(_ context.Context, before time.Time, limit int) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.fail; err != nil {
		p.fail = nil
		return 0, err
	}
	n, _ := slices.BinarySearchFunc(p.times, before, time.Time.Compare)
	n = min(n, limit)
	p.times = p.times[n:]
	p.batches = append(p.batches, batch{time.Now(), limit, n, before})
	time.Sleep(p.took)
	return n, nil
}

// done is the number of batches so far.
func (p *pile) done() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.batches)
}

// old makes n records of an age.
func (p *pile) old(n int, age time.Duration) {
	for range n {
		p.times = append(p.times, time.Now().Add(-age))
	}
}

// counts is an Observer.
type counts struct{ pruned, failed map[string]int }

func (c *counts) Pruned(kind string, n int) { c.pruned[kind] += n }
func (c *counts) PruneFailed(kind string)   { c.failed[kind]++ }

func config(c *counts) retention.Config {
	cfg := retention.Config{
		Now: func(context.Context) (time.Time, error) { return time.Now(), nil },
		Log: slog.New(slog.DiscardHandler),
	}
	if c != nil {
		c.pruned, c.failed = map[string]int{}, map[string]int{}
		cfg.Observe = c
	}
	return cfg
}

func service(t *testing.T, cfg retention.Config, kinds ...retention.Kind) *retention.Service {
	t.Helper()
	s, err := retention.New(cfg, kinds...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const day = 24 * time.Hour

// It removes what is too old and nothing else, in batches, with a rest after each that grows with what it took.
func TestItPrunesInBatchesAndRests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, c := &pile{took: 300 * time.Millisecond}, &counts{}
		p.old(1700, 11*day)
		p.old(40, 9*day)
		s := service(t, config(c), retention.Kind{Name: "audit", Keep: 10 * day, Prune: p.prune})
		s.Round(t.Context())
		if len(p.times) != 40 || c.pruned["audit"] != 1700 || len(c.failed) != 0 {
			t.Errorf("%d are left, %+v", len(p.times), c)
		}
		sizes := []int{500, 500, 500, 200}
		if len(p.batches) != len(sizes) {
			t.Fatalf("%+v", p.batches)
		}
		for i, b := range p.batches {
			if b.limit != 500 || b.pruned != sizes[i] {
				t.Errorf("batch %d: %+v", i, b)
			}
			if i == 0 {
				continue
			}
			if gap := b.at.Sub(p.batches[i-1].at); gap != 5*p.took {
				t.Errorf("batch %d begins %v after the one before, which took %v", i, gap, p.took)
			}
			if b.before != p.batches[0].before {
				t.Errorf("batch %d prunes what is before %v, the first %v", i, b.before, p.batches[0].before)
			}
		}
	})
}

func TestItRunsRoundAfterRoundUntilClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, c := &pile{}, &counts{}
		s := service(t, config(c), retention.Kind{Name: "audit", Keep: 10 * day, Prune: p.prune})
		ended := make(chan error, 1)
		go func() { ended <- s.Run() }()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := p.done(); n != 1 {
			t.Errorf("%d rounds in the first minute", n)
		}
		time.Sleep(10 * time.Hour)
		if n := p.done(); n < 9 || n > 13 {
			t.Errorf("%d rounds in ten hours", n)
		}
		s.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// It ends between two batches of a long round.
func TestCloseEndsARound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pile{took: time.Second}
		p.old(100_000, 11*day)
		s := service(t, config(nil), retention.Kind{Name: "audit", Keep: 10 * day, Prune: p.prune})
		ended := make(chan error, 1)
		go func() { ended <- s.Run() }()
		time.Sleep(2 * time.Minute)
		s.Close()
		closed := time.Now()
		if err := <-ended; err != nil || time.Since(closed) > time.Second {
			t.Errorf("%v, after %v", err, time.Since(closed))
		}
		if n := len(p.batches); n < 2 || n > 25 {
			t.Errorf("%d batches of %v, with a rest of four times that, in two minutes", n, p.took)
		}
	})
}

// A failure is counted and costs nothing but the round: other kinds are pruned, and the next round goes on.
func TestAFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, other, c := &pile{fail: errors.New("the disk is full")}, &pile{}, &counts{}
		p.old(3, 11*day)
		other.old(2, 11*day)
		s := service(t, config(c),
			retention.Kind{Name: "audit", Keep: 10 * day, Prune: p.prune}, retention.Kind{Name: "jobs", Keep: 10 * day, Prune: other.prune})
		s.Round(t.Context())
		if want := map[string]int{"audit": 1}; !maps.Equal(c.failed, want) || c.pruned["jobs"] != 2 || len(p.times) != 3 {
			t.Errorf("%+v, %d left", c, len(p.times))
		}
		s.Round(t.Context())
		if c.pruned["audit"] != 3 || len(p.times) != 0 || c.failed["audit"] != 1 {
			t.Errorf("%+v, %d left", c, len(p.times))
		}
	})
}

// Without the store's clock nothing is removed: this host's own may be years ahead.
func TestWithoutAClockNothingIsRemoved(t *testing.T) {
	t.Parallel()
	p, c := &pile{}, &counts{}
	p.old(3, 11*day)
	cfg := config(c)
	cfg.Now = func(context.Context) (time.Time, error) { return time.Time{}, errors.New("no database") }
	service(t, cfg, retention.Kind{Name: "audit", Keep: 10 * day, Prune: p.prune}).Round(t.Context())
	if len(p.times) != 3 || c.failed["audit"] != 1 {
		t.Errorf("%d left, %+v", len(p.times), c)
	}
}

func TestZeroKeepsForEver(t *testing.T) {
	t.Parallel()
	p := &pile{}
	p.old(3, 10_000*day)
	s := service(t, config(nil), retention.Kind{Name: "audit", Prune: p.prune})
	s.Round(t.Context())
	if err := s.Run(); err != nil || len(p.times) != 3 || len(p.batches) != 0 {
		t.Errorf("%v, %+v", err, p)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	prune := (&pile{}).prune
	for name, kind := range map[string]retention.Kind{
		"no name":         {Keep: day, Prune: prune},
		"no verb":         {Name: "audit", Keep: day},
		"an age below 0":  {Name: "audit", Keep: -1, Prune: prune},
		"no verb, no age": {Name: "audit"},
	} {
		if _, err := retention.New(config(nil), kind); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := retention.New(retention.Config{}); err == nil {
		t.Error("no clock is taken")
	}
}
