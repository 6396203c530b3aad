package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/fx"

	"scrip/internal/config"
	"scrip/internal/fault"
	"scrip/internal/httpapi"
	"scrip/internal/metrics"
	"scrip/internal/store"
)

// Limits of a connection. A slow or silent client holds a goroutine and some 20 KB, for no longer than
// this.
const (
	headerWait  = 5 * time.Second
	bodyWait    = 10 * time.Second // for a whole request; bodies are a few kilobytes
	writeSlack  = 5 * time.Second  // beyond the time that answering may take
	idleWait    = 2 * time.Minute
	headerBytes = 16 << 10
	pingWait    = time.Second
)

func httpModule() fx.Option {
	return fx.Module("http",
		fx.Provide(newReadiness, newHandler, newServer),
		fx.Invoke(func(lc fx.Lifecycle, down fx.Shutdowner, f *failure, s *server) {
			hooks(lc, down, f, part{open: s.open, run: s.run, close: s.close})
		}),
	)
}

// newHandler makes the face, with a log of its own goroutine.
func newHandler(
	lc fx.Lifecycle, down fx.Shutdowner, f *failure,
	o Options, log *slog.Logger, m *metrics.Metrics, ready *readiness, svc httpapi.Services,
) http.Handler {
	access := httpapi.NewAccessLog(log)
	hooks(lc, down, f, part{close: func(context.Context) error { access.Close(); return nil }})
	return httpapi.New(httpapi.Config{
		Currency:       o.Config.Currency,
		RequestTimeout: o.Config.RequestTimeout,
		Log:            log,
		AccessLog:      access,
		Observe:        m.Request,
		Metrics:        m.Handler(),
		Ready:          ready.check,
		Version:        o.Version,
	}, svc)
}

// readiness is whether the server takes requests.
type readiness struct {
	metrics *metrics.Metrics
	store   store.Store
	open    atomic.Bool
}

func newReadiness(m *metrics.Metrics, s store.Store) *readiness {
	return &readiness{metrics: m, store: s}
}

func (r *readiness) set(open bool) {
	r.open.Store(open)
	r.metrics.SetReady(open)
}

// check returns nil while the server takes requests and its store answers.
func (r *readiness) check() error {
	if !r.open.Load() {
		return fault.ErrShuttingDown
	}
	ctx, cancel := context.WithTimeout(context.Background(), pingWait) // of no request
	defer cancel()
	if err := r.store.Ping(ctx); err != nil {
		return fault.ErrStoreUnavailable.With(err)
	}
	return nil
}

// server is the listener and what answers on it.
type server struct {
	http  *http.Server
	ready *readiness
	log   *slog.Logger
	addr  string
	grace time.Duration

	listener net.Listener
}

func newServer(cfg config.Config, h http.Handler, r *readiness, log *slog.Logger) *server {
	return &server{
		ready: r, log: log, addr: cfg.Listen, grace: cfg.ShutdownGrace,
		http: &http.Server{
			Handler:           h,
			ReadHeaderTimeout: headerWait,
			ReadTimeout:       bodyWait,
			WriteTimeout:      bodyWait + cfg.RequestTimeout + writeSlack,
			IdleTimeout:       idleWait,
			MaxHeaderBytes:    headerBytes,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		},
	}
}

// open takes the port.
func (s *server) open(ctx context.Context) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("another program listens on %s; stop it, or choose another --listen: %w", s.addr, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("this user may not listen on %s; choose a port above 1023 with --listen: %w", s.addr, err)
	case err != nil:
		return fmt.Errorf("can't listen on %s; choose another --listen: %w", s.addr, err)
	}
	s.listener = l
	s.ready.set(true)
	s.log.InfoContext(ctx, "serving", "listen", l.Addr().String(), "keys", "none: open to this machine, on loopback only")
	return nil
}

// run answers until close.
func (s *server) run() error {
	err := s.http.Serve(s.listener)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve on %s: %w", s.addr, err)
}

// close stops taking requests and waits for those that are open, for as long as the grace lasts; then it
// cuts them off.
func (s *server) close(ctx context.Context) error {
	s.ready.set(false)
	s.log.InfoContext(ctx, "stopping", "grace", s.grace)
	ctx, cancel := context.WithTimeout(ctx, s.grace)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err == nil {
		return nil
	}
	return errors.Join(fmt.Errorf("requests were still open after %s: %w", s.grace, err), s.http.Close())
}

// started tells how the server can be reached.
func (s *server) started(o Options) Started {
	t := Started{
		URL:   "http://" + s.listener.Addr().String(),
		Store: "SQLite, " + databasePath(o.Config),
		Gate:  "in process",
	}
	if o.Demo {
		t.Demo = DemoCode
	}
	return t
}
