package seal_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/seal"
	"scrip/internal/store"
	"scrip/internal/store/memstore"
)

// pay has transfers wait in a store.
func pay(t *testing.T, s store.Store, n int) {
	t.Helper()
	for range n {
		outs, err := s.Apply(t.Context(), []store.Command{&store.Post{
			ID: id.New(time.Now()), Kind: ledger.Credit, Customer: "ali", Currency: "IRR", AmountMinor: 1,
		}})
		if err != nil || outs[0].Refusal != nil {
			t.Fatal(err, outs)
		}
	}
}

// buffer is a log.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Split(strings.TrimSpace(b.text.String()), "\n")
}

func (b *buffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// run runs a service until the test's end.
func run(s *seal.Service) (stop func()) {
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run() })
	return func() {
		_ = s.Close(context.Background())
		running.Wait()
	}
}

// Within an interval what was written is sealed; a long backlog at once; and the log tells the newest once a minute and
// at the end. The clock is synctest's.
func TestSealsAndTells(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, s := &buffer{}, memstore.New(memstore.Options{})
		service := seal.New(seal.Config{Interval: time.Second, Max: 5, Log: log.logger()}, s)
		pay(t, s, 3)
		stop := run(service)
		time.Sleep(1500 * time.Millisecond)
		if st := service.State(); st.Newest == nil || st.Newest.Total != 3 || st.Waiting != 0 || st.Made != 1 || st.Failed != 0 {
			t.Errorf("after a second: %+v", st)
		}
		pay(t, s, 23)
		time.Sleep(time.Second)
		if st := service.State(); st.Newest.Total != 23 || st.Made != 5 || st.Waiting != 3 {
			t.Errorf("a backlog is not sealed at once, but for the rest: %+v", st)
		}
		time.Sleep(time.Second)
		if st := service.State(); st.Newest.Total != 26 || st.Made != 6 {
			t.Errorf("after a backlog: %+v", st)
		}
		time.Sleep(2 * time.Minute)
		if n := len(log.lines()); n != 1 || !strings.Contains(log.lines()[0], "hash="+service.State().Newest.Hash.String()) {
			t.Errorf("%d lines: %q", n, log.lines())
		}
		pay(t, s, 2)
		stop()
		newest, err := service.Latest(t.Context())
		if err != nil || newest.Total != 28 {
			t.Errorf("at the end: %+v, %v", newest, err)
		}
		if n := len(log.lines()); n != 2 || !strings.Contains(log.lines()[1], "transfers=28") {
			t.Errorf("%d lines: %q", n, log.lines())
		}
		stop() // a second time does nothing
	})
}

// Many replicas that try make about as many seals as one.
func TestReplicasSealInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Options{})
		var stops []func()
		for range 5 {
			stops = append(stops, run(seal.New(seal.Config{Interval: time.Second, Log: slog.New(slog.DiscardHandler)}, s)))
			time.Sleep(70 * time.Millisecond)
		}
		for range 100 {
			pay(t, s, 1)
			time.Sleep(100 * time.Millisecond)
		}
		newest, err := s.LatestSeal(t.Context())
		if err != nil || newest.Number < 8 || newest.Number > 21 {
			t.Errorf("%+v seals in ten seconds, %v", newest, err)
		}
		for _, stop := range stops {
			stop()
		}
	})
}

// failing is a sealer that fails for a while.
type failing struct {
	store.Sealer
	until time.Time
	tries atomic.Int64
}

func (f *failing) Seal(ctx context.Context, o store.Sealing) (*store.Seal, bool, error) {
	if f.tries.Add(1); time.Now().Before(f.until) {
		return nil, false, errors.New("the disk is on fire")
	}
	return f.Sealer.Seal(ctx, o)
}

// A store that fails is asked less and less often, and what waited is sealed when it is back.
func TestFailuresBackOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, s := &buffer{}, memstore.New(memstore.Options{})
		broken := &failing{Sealer: s, until: time.Now().Add(10 * time.Minute)}
		service := seal.New(seal.Config{Interval: time.Second, Log: log.logger()}, broken)
		stop := run(service)
		pay(t, s, 2)
		time.Sleep(10 * time.Minute)
		if tries := broken.tries.Load(); tries < 8 || tries > 20 || service.State().Failed < 8 {
			t.Errorf("%d tries in ten minutes, %+v", tries, service.State())
		}
		if first := log.lines()[0]; !strings.Contains(first, "level=WARN") || !strings.Contains(first, "on fire") {
			t.Errorf("the log says %s", first)
		}
		time.Sleep(2 * time.Minute)
		if st := service.State(); st.Newest == nil || st.Newest.Total != 2 {
			t.Errorf("after it came back: %+v", st)
		}
		stop()
	})
}

// silent is a sealer that never answers.
type silent struct{ store.Sealer }

func (silent) Seal(ctx context.Context, _ store.Sealing) (*store.Seal, bool, error) {
	<-ctx.Done()
	return nil, false, ctx.Err()
}

// The end waits two seconds for a store that does not answer, however long the grace is.
func TestTheEndIsNotHeldUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &buffer{}
		stop := run(seal.New(seal.Config{Interval: time.Second, Log: log.logger()}, silent{memstore.New(memstore.Options{})}))
		time.Sleep(time.Minute)
		began := time.Now()
		stop()
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it took %v", took)
		}
		if last := log.lines(); !strings.Contains(last[len(last)-1], "not sealed yet") {
			t.Errorf("the log says %v", last)
		}
	})
}

// slow is a sealer that takes its time.
type slow struct{ store.Sealer }

func (s slow) Seal(ctx context.Context, o store.Sealing) (*store.Seal, bool, error) {
	select {
	case <-time.After(2 * time.Second):
		return s.Sealer.Seal(ctx, o)
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

// While a long backlog is sealed, what waits of it is told, and not that nothing does.
func TestALongBacklogIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memstore.New(memstore.Options{})
		pay(t, s, 100)
		service := seal.New(seal.Config{Interval: time.Second, Max: 5, Log: slog.New(slog.DiscardHandler)}, slow{s})
		stop := run(service)
		time.Sleep(3 * time.Second)
		if st := service.State(); st.Waiting != 95 || st.Since.IsZero() {
			t.Errorf("after the first seal: %+v", st)
		}
		time.Sleep(40 * time.Second) // a seal and a rest are four seconds
		if st := service.State(); st.Made != 11 || st.Waiting < 45 || st.Waiting > 60 {
			t.Errorf("on the way: %+v", st)
		}
		time.Sleep(2 * time.Minute)
		if st := service.State(); st.Waiting != 0 || st.Newest.Total != 100 || !st.Since.IsZero() {
			t.Errorf("in the end: %+v", st)
		}
		stop()
	})
}

// Without an interval nothing is sealed, and seals can be read.
func TestTurnedOff(t *testing.T) {
	t.Parallel()
	s := memstore.New(memstore.Options{})
	pay(t, s, 1)
	service := seal.New(seal.Config{}, s)
	if err := service.Run(); err != nil {
		t.Fatal(err)
	}
	if err := service.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := service.Latest(t.Context()); err == nil {
		t.Error("it sealed")
	}
	if made, _, err := s.Seal(t.Context(), store.Sealing{Max: 1}); err != nil || made == nil {
		t.Fatal(made, err)
	}
	found, err := service.At(t.Context(), 1)
	if err != nil || found.Number != 1 {
		t.Errorf("%+v, %v", found, err)
	}
	if list, more, err := service.List(t.Context(), seal.Page{Limit: 1}); err != nil || more || len(list) != 1 {
		t.Errorf("%+v, %t, %v", list, more, err)
	}
}
