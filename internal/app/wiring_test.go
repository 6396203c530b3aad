package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	"scrip/internal/config"
	"scrip/internal/fault"
)

func options(t *testing.T) Options {
	t.Helper()
	cfg := config.Default()
	cfg.Listen, cfg.Data = "127.0.0.1:0", t.TempDir()
	return Options{Config: cfg, Version: "test", LogTo: io.Discard}
}

func TestWiringIsComplete(t *testing.T) {
	t.Parallel()
	for _, demo := range []bool{false, true} {
		o := options(t)
		o.Demo = demo
		if err := fx.ValidateApp(modules(t.Context(), o, &life{})); err != nil {
			t.Errorf("demo %v: %v", demo, err)
		}
	}
}

// At the debug level too the log is about the server, and not about how its parts are put together.
func TestFxSpeaksOfFailuresAlone(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{nil, errors.New("the part broke")} {
		var b bytes.Buffer
		log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug}))
		a := fx.New(fx.WithLogger(func() fxevent.Logger { return quietly(log) }), fx.Supply(log),
			fx.Invoke(func(lc fx.Lifecycle, _ *slog.Logger) {
				lc.Append(fx.StartStopHook(func() error { return failure }, func() {}))
			}))
		err := errors.Join(a.Start(t.Context()), a.Stop(t.Context()))
		if !errors.Is(err, failure) || (failure == nil) != (b.Len() == 0) {
			t.Errorf("%v: %v, %s", failure, err, b.String())
		}
	}
}

func TestAFailingPartShutsTheServerDown(t *testing.T) {
	t.Parallel()
	broken := errors.New("the listener broke")
	l := &life{}
	ended := make(chan struct{})
	a := fx.New(fx.NopLogger, fx.Invoke(func(lc fx.Lifecycle, down fx.Shutdowner) {
		hooks(lc, down, l, part{
			run:   func() error { return broken },
			close: func(context.Context) error { close(ended); return nil },
		})
	}))
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-a.Wait():
	case <-time.After(10 * time.Second):
		t.Fatal("it goes on")
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-ended
	if err := l.err(); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestPartsCloseInReverse(t *testing.T) {
	t.Parallel()
	var order []string
	l := &life{}
	add := func(name string) fx.Option {
		return fx.Invoke(func(lc fx.Lifecycle, down fx.Shutdowner) {
			hooks(lc, down, l, part{
				open:  func(context.Context) error { order = append(order, "open "+name); return nil },
				close: func(context.Context) error { order = append(order, "close "+name); return nil },
			})
		})
	}
	a := fx.New(fx.NopLogger, add("store"), add("http"))
	if err := errors.Join(a.Start(t.Context()), a.Stop(t.Context()), l.err()); err != nil {
		t.Fatal(err)
	}
	want := []string{"open store", "open http", "close http", "close store"}
	for i := range want {
		if i >= len(order) || order[i] != want[i] {
			t.Fatalf("%q, want %q", order, want)
		}
	}
}

// start runs the parts themselves, so that a test can look inside.
func start(t *testing.T, o Options) (*server, *fx.App) {
	t.Helper()
	var s *server
	a := fx.New(modules(t.Context(), o, &life{}), fx.Populate(&s))
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, a
}

func TestReadyOnlyWhileItTakesRequests(t *testing.T) {
	t.Parallel()
	s, a := start(t, options(t))
	if err := s.ready.check(); err != nil {
		t.Errorf("while it serves: %v", err)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.ready.check(); !errors.Is(err, fault.ErrShuttingDown) {
		t.Errorf("after its end: %v", err)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	s, a := start(t, options(t))
	defer a.Stop(t.Context()) //nolint:errcheck // not what is tested
	h := s.http
	if h.ReadHeaderTimeout == 0 || h.ReadTimeout == 0 || h.IdleTimeout == 0 || h.MaxHeaderBytes == 0 {
		t.Errorf("%+v", h)
	}
	if h.WriteTimeout <= config.Default().RequestTimeout {
		t.Errorf("an answer is cut off after %v, before its time is over", h.WriteTimeout)
	}
}
