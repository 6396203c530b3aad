package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"go.uber.org/fx"

	"scrip/internal/config"
	"scrip/internal/httpapi"
	"scrip/internal/metrics"
)

// Limits of a connection. A slow or silent client holds a goroutine and some 20 KB, for no longer than
// this.
const (
	headerWait  = 5 * time.Second
	bodyWait    = 10 * time.Second // for a whole request; bodies are a few kilobytes
	writeSlack  = 5 * time.Second  // beyond the time that answering may take
	idleWait    = 2 * time.Minute
	headerBytes = 16 << 10
)

func httpModule() fx.Option {
	return fx.Module("http",
		fx.Provide(newReadiness, newHandler, newServer),
		fx.Invoke(func(lc fx.Lifecycle, down fx.Shutdowner, l *life, s *server) {
			hooks(lc, down, l, part{open: s.open, run: s.run, close: s.close})
		}),
	)
}

// newHandler makes the face, with a log of its own goroutine.
func newHandler(
	lc fx.Lifecycle, down fx.Shutdowner, l *life,
	o Options, log *slog.Logger, m *metrics.Metrics, ready *readiness, svc httpapi.Services,
) http.Handler {
	access := httpapi.NewAccessLog(log)
	hooks(lc, down, l, part{close: func(context.Context) error { access.Close(); return nil }})
	return httpapi.New(httpapi.Config{
		Currency:       o.Config.Currency,
		RequestTimeout: o.Config.RequestTimeout,
		Log:            log,
		AccessLog:      access,
		Observe:        m.Request,
		Metrics:        m.Handler(),
		Ready:          ready.check,
		Degraded:       ready.degraded,
		Version:        o.Version,
	}, svc)
}

// server is the listener and what answers on it.
type server struct {
	http  *http.Server
	ready *readiness
	log   *slog.Logger
	addr  string
	alone bool // it listens to this machine only
	grace time.Duration

	store storeName
	gate  gateName

	listener net.Listener
}

func newServer(cfg config.Config, h http.Handler, r *readiness, log *slog.Logger, s storeName, g gateName) *server {
	return &server{
		ready: r, log: log, addr: cfg.Listen, alone: cfg.Loopback(), grace: cfg.ShutdownGrace, store: s, gate: g,
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
	s.log.InfoContext(ctx, "serving", "listen", l.Addr().String(), "store", string(s.store), "gate", string(s.gate), "open_to", s.openTo())
	if !s.alone {
		s.log.WarnContext(ctx, "--auth is off: whoever can reach this address may do everything, as this version has no API keys; "+
			"let only a network that you trust reach it", "listen", l.Addr().String())
	}
	return nil
}

// openTo says who may call.
func (s *server) openTo() string {
	if s.alone {
		return "every program on this machine, because it listens on loopback only"
	}
	return "whoever can reach it, because --auth is off; API keys come in a later version"
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
		Store: string(s.store),
		Gate:  string(s.gate),
		Open:  s.openTo(),
	}
	if o.Demo {
		t.Demo = DemoCode
	}
	return t
}
