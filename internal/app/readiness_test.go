package app

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

	"scrip/internal/fault"
	"scrip/internal/metrics"
)

// probed is a store and its commits, as readiness sees them.
type probed struct {
	pings   atomic.Int64
	log     bytes.Buffer
	hang    chan struct{} // if set, pings wait for it, deaf to their context
	ping    error
	failing error
}

func (p *probed) Ping(context.Context) error {
	p.pings.Add(1)
	if p.hang != nil {
		<-p.hang
	}
	return p.ping
}

func (p *probed) Failing() error { return p.failing }

func newProbed() (*probed, *readiness) {
	p := &probed{}
	r := &readiness{metrics: metrics.New("test"), store: p, commits: p, log: slog.New(slog.NewTextHandler(&p.log, nil))}
	r.set(true)
	return p, r
}

func TestReadyFollowsTheStore(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk broke")
	p, r := newProbed()
	if err := r.check(); err != nil {
		t.Errorf("a sound store: %v", err)
	}
	p.ping = broken
	if err := r.check(); !errors.Is(err, fault.ErrStoreUnavailable) || !errors.Is(err, broken) {
		t.Errorf("it does not answer: %v", err)
	}
	for range 100 { // probes go on
		_ = r.check()
	}
	p.ping, p.failing = nil, broken
	if err := r.check(); !errors.Is(err, fault.ErrStoreUnavailable) || !errors.Is(err, broken) {
		t.Errorf("it does not commit: %v", err)
	}
	p.failing = nil
	if err := r.check(); err != nil {
		t.Errorf("recovered: %v", err)
	}
	if text := p.log.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "not ready") || !strings.Contains(text, "the disk broke") || !strings.Contains(text, "ready again") {
		t.Errorf("log:\n%s", text)
	}
	r.set(false)
	if err := r.check(); !errors.Is(err, fault.ErrShuttingDown) {
		t.Errorf("closed: %v", err)
	}
}

// A store that hangs holds no probe for longer than pingWait, and one goroutine for all of them.
func TestReadyDoesNotHangWithTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, r := newProbed()
		p.hang = make(chan struct{})
		began := time.Now()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if err := r.check(); !errors.Is(err, errSilent) {
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took != pingWait {
			t.Errorf("it took %v", took)
		}
		if n := p.pings.Load(); n != 1 {
			t.Errorf("%d pings for one crowd of probes", n)
		}
		close(p.hang)
		synctest.Wait()
		if err := r.check(); err != nil {
			t.Errorf("it answers again: %v", err)
		}
	})
}

func TestDegradedNamesRedis(t *testing.T) {
	t.Parallel()
	_, r := newProbed()
	if got := r.degraded(); got != nil {
		t.Errorf("without Redis: %q", got)
	}
	r.metrics.WatchRedis(nil)
	if got := r.degraded(); len(got) != 1 || got[0] != "redis" {
		t.Errorf("Redis is away: %q", got)
	}
	r.metrics.RedisUp(true)
	if got := r.degraded(); got != nil {
		t.Errorf("Redis is there: %q", got)
	}
}
