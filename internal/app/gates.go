package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"go.uber.org/fx"

	"scrip/internal/config"
	"scrip/internal/gate"
	"scrip/internal/gate/memgate"
	"scrip/internal/gate/redisgate"
	"scrip/internal/metrics"
	"scrip/internal/store"
)

// gateName is how people call the gate that is used: what it is and where, without secrets.
type gateName string

func gateModule() fx.Option {
	return fx.Module("gate", fx.Provide(newGate))
}

// newGate makes the gate in process and, where a URL names a Redis, shares its facts through it. It is made
// after the store, from which the reconciliation learns, and so is closed before it.
func newGate(
	ctx starting, lc fx.Lifecycle, down fx.Shutdowner, l *life,
	cfg config.Config, log *slog.Logger, m *metrics.Metrics, s store.Store,
) (gate.Gate, gateName, error) {
	local, err := memgate.New(memgate.Config{})
	if err != nil {
		return nil, "", err
	}
	if cfg.RedisURL == "" {
		hooks(lc, down, l, part{close: func(context.Context) error { return local.Close() }})
		return local, "in process", nil
	}
	m.WatchRedis(redisgate.Events())
	g, err := redisgate.New(ctx, redisgate.Config{
		URL: cfg.RedisURL, Prefix: cfg.RedisPrefix, Reconcile: cfg.RedisReconcile, Source: s, Clock: wallClock, Log: log, Observe: m,
	}, local)
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("--redis-url (SCRIP_REDIS_URL): %w", err), local.Close())
	}
	hooks(lc, down, l, part{close: func(context.Context) error { return g.Close() }})
	return g, gateName("in process, shared through " + redisName(cfg.RedisURL)), nil
}

// redisName is what a Redis URL names, without its secrets.
func redisName(raw string) string {
	scheme, _, _ := strings.Cut(raw, ":")
	kind := "Redis"
	switch {
	case strings.HasSuffix(scheme, "+sentinel"):
		kind = "Redis Sentinel"
	case strings.HasSuffix(scheme, "+cluster"):
		kind = "Redis Cluster"
	}
	return kind + " at " + place(raw)
}

// place is the part of a URL that says where: its hosts and its path.
func place(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(its URL can't be shown)" // the configuration is validated; a driver may still take what net/url does not
	}
	host := u.Host
	if host == "" {
		host = u.Query().Get("host") // of a socket
	}
	return host + strings.TrimSuffix(u.Path, "/")
}
