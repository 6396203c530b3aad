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
	"scrip/internal/limit"
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
	stuckWait   = 5 * time.Second // for a client of HTTP/2 to take anything of what is written to it

	// Of HTTP/2 no time bounds a header: a client that ends none is only idle. But it can't answer a ping in the middle
	// of one. Whoever sends no whole frame for a while is asked whether it is there.
	silentWait = 20 * time.Second
	pongWait   = 5 * time.Second

	// HTTP/2 has many requests on a connection. So many at once are more than a client makes use of, whose
	// requests are answered together anyway; each may take memory for its body before anybody asked for it.
	streamsMax     = 100
	streamBytes    = 256 << 10 // the longest body
	streamsBytes   = 1 << 20   // of all that are on their way on one connection
	frameBytesMost = 16 << 10  // the least that the protocol lets one ask for
)

func httpModule() fx.Option {
	return fx.Module("http",
		fx.Provide(newReadiness, newSite, newHandler, newCertificate, newServer),
		fx.Invoke(func(ctx starting, lc fx.Lifecycle, down fx.Shutdowner, l *life, c *certificate, s *server) {
			if c != nil {
				hooks(lc, down, l, part{open: c.open, run: func() error { return c.run(ctx) }, close: c.close})
			}
			hooks(lc, down, l, part{open: s.open, run: s.run, close: s.close})
		}),
	)
}

// newSite tells by which names and from which sites' pages the server may be asked.
func newSite(cfg config.Config) (*httpapi.Site, error) {
	s, err := httpapi.NewSite(cfg.Hosts(), cfg.Origins(), cfg.Loopback())
	if err != nil {
		return nil, fmt.Errorf("--allow-origins (SCRIP_ALLOW_ORIGINS): %w", err)
	}
	return s, nil
}

// newHandler makes the face, with a log of its own goroutine.
func newHandler(
	lc fx.Lifecycle, down fx.Shutdowner, l *life,
	o Options, log *slog.Logger, m *metrics.Metrics, ready *readiness, site *httpapi.Site, limits *limit.Limiter, c *callers, svc httpapi.Services,
) (http.Handler, error) {
	proxies, err := o.Config.Proxies()
	if err != nil {
		return nil, fmt.Errorf("--trusted-proxies (SCRIP_TRUSTED_PROXIES): %w", err)
	}
	access := httpapi.NewAccessLog(log)
	hooks(lc, down, l, part{close: func(context.Context) error { access.Close(); return nil }})
	return httpapi.New(httpapi.Config{
		Currency:       o.Config.Currency,
		RequestTimeout: o.Config.RequestTimeout,
		MaxInflight:    o.Config.Inflight(),
		MaxReceiving:   o.Config.MaxConnections,
		Site:           site,
		Access:         c.access(),
		Refused:        m.CallerRefused,
		Limits:         limits,
		Proxies:        proxies,
		Log:            log,
		AccessLog:      access,
		LogUnmasked:    o.Config.LogUnmasked,
		Observe:        m.Request,
		Metrics:        m.Handler(),
		Ready:          ready.check,
		Degraded:       ready.degraded,
		Version:        o.Version,
	}, svc), nil
}

// server is the listener and what answers on it.
type server struct {
	http  *http.Server
	ready *readiness
	log   *slog.Logger
	addr  string
	alone bool // it listens to this machine only
	tls   bool // it speaks TLS, and with it HTTP/2 to those who want it
	grace time.Duration

	store   storeName
	gate    gateName
	callers *callers

	connections int
	watch       func(stat func() metrics.Connections)
	listener    net.Listener
}

func newServer(
	cfg config.Config, h http.Handler, cert *certificate, r *readiness, log *slog.Logger, m *metrics.Metrics, s storeName, g gateName, c *callers,
) *server {
	srv := &server{
		connections: cfg.MaxConnections, watch: m.WatchConnections,
		ready: r, log: log, addr: cfg.Listen, alone: cfg.Loopback(), grace: cfg.ShutdownGrace, store: s, gate: g, callers: c,
		http: &http.Server{
			Handler:           h,
			ReadHeaderTimeout: headerWait,
			ReadTimeout:       bodyWait,
			WriteTimeout:      bodyWait + cfg.RequestTimeout + writeSlack,
			IdleTimeout:       idleWait,
			MaxHeaderBytes:    headerBytes,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
			HTTP2: &http.HTTP2Config{
				MaxConcurrentStreams:          streamsMax,
				MaxReadFrameSize:              frameBytesMost,
				MaxReceiveBufferPerStream:     streamBytes,
				MaxReceiveBufferPerConnection: streamsBytes,
				WriteByteTimeout:              stuckWait,
				SendPingTimeout:               silentWait,
				PingTimeout:                   pongWait,
			},
		},
	}
	if cert != nil {
		m.WatchCertificate(cert.ends)
		srv.tls, srv.http.TLSConfig = true, cert.config()
	}
	return srv
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
	s.listener = s.guarded(ctx, l)
	s.ready.set(true)
	s.log.InfoContext(ctx, "serving", "listen", l.Addr().String(), "store", string(s.store), "gate", string(s.gate), "open_to", s.callers.openTo())
	if !s.alone && s.callers.ring == nil {
		s.log.WarnContext(ctx, "--auth is off: whoever can reach this address may do everything; let only a network that you trust reach it", "listen", l.Addr().String())
	}
	return nil
}

// guarded is a listener that keeps to the most connections that are wanted and possible.
func (s *server) guarded(ctx context.Context, l net.Listener) net.Listener {
	files := openFiles()
	most := connectionsOf(s.connections, files)
	if most < s.connections/2 {
		s.log.WarnContext(ctx, "far fewer connections than --max-connections, as this process may open no more files; raise it with "+
			"ulimit -n, or LimitNOFILE of systemd", "connections", most, "max_connections", s.connections, "files", files)
	}
	refusal := func() []byte { return httpapi.Refusal(wallClock()) }
	if s.tls {
		refusal = nil // it would have to shake hands first, which costs more than a request
	}
	d := newDoorkeeper(l, most, refusal)
	s.watch(d.stat)
	return d
}

// run answers until close.
func (s *server) run() error {
	serve := s.http.Serve
	if s.tls {
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	err := serve(s.listener)
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
	scheme := "http://"
	if s.tls {
		scheme = "https://"
	}
	t := Started{
		URL:   scheme + s.listener.Addr().String(),
		Store: string(s.store),
		Gate:  string(s.gate),
		Open:  s.callers.openTo(),
		Keyed: s.callers.closed(),
		Key:   s.callers.firstKey,
	}
	if o.Demo {
		t.Demo = DemoCode
	}
	return t
}
