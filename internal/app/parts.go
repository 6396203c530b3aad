package app

import (
	"context"
	"io"
	"log/slog"

	"go.uber.org/fx"

	"scrip/internal/campaign"
	"scrip/internal/config"
	"scrip/internal/gate"
	"scrip/internal/httpapi"
	"scrip/internal/keyring"
	"scrip/internal/metrics"
	"scrip/internal/redact"
	"scrip/internal/redemption"
	"scrip/internal/seal"
	"scrip/internal/store"
	"scrip/internal/store/pgstore"
	"scrip/internal/wallet"
)

// starting is the context of the start, for what opens files and connections as it is made.
type starting context.Context

func configModule(ctx context.Context, o Options, l *life) fx.Option {
	return fx.Module("config",
		fx.Supply(o, o.Config, l),
		fx.Provide(func() starting { return ctx }),
	)
}

func logModule(to io.Writer) fx.Option {
	return fx.Module("log", fx.Provide(func(cfg config.Config) *slog.Logger { return newLog(cfg, to) }))
}

// newLog makes the log that the configuration asks for.
func newLog(cfg config.Config, to io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		level = slog.LevelInfo // the configuration is validated; this is for tests that leave it out
	}
	options := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(to, options)
	if cfg.LogFormat == "json" {
		h = slog.NewJSONHandler(to, options)
	}
	if !cfg.LogUnmasked {
		h = redact.Handler(h)
	}
	return slog.New(h)
}

func metricsModule(version string) fx.Option {
	return fx.Module("metrics", fx.Provide(
		func() *metrics.Metrics { return metrics.New(version) },
		func(m *metrics.Metrics) redemption.Observer { return m },
	))
}

func useCasesModule() fx.Option {
	return fx.Module("use cases", fx.Provide(
		newRedemptions,
		newWallets,
		newCampaigns,
		func(r *redemption.Service, w *wallet.Service, c *campaign.Service, k *keyring.Service, sv *seal.Service) httpapi.Services {
			return httpapi.Services{Redemptions: r, Wallets: w, Campaigns: c, Keys: k, Seals: sv}
		},
	))
}

func newRedemptions(
	lc fx.Lifecycle, down fx.Shutdowner, l *life,
	cfg config.Config, log *slog.Logger, s store.Store, g gate.Gate, o redemption.Observer, m *metrics.Metrics,
) (*redemption.Service, error) {
	r, err := redemption.New(redemption.Config{
		MaxBatch: cfg.MaxBatch, MaxQueue: cfg.Queue(), Clock: wallClock, Log: log, Unreachable: pgstore.Unreachable,
	}, s, g, o)
	if err != nil {
		return nil, err
	}
	m.WatchQueue(r.Depth)
	hooks(lc, down, l, part{close: r.Close})
	return r, nil
}

func newWallets(lc fx.Lifecycle, down fx.Shutdowner, l *life, cfg config.Config, s store.Store) (*wallet.Service, error) {
	w, err := wallet.New(wallet.Config{MaxBatch: cfg.MaxBatch, MaxQueue: cfg.Queue()}, s)
	if err != nil {
		return nil, err
	}
	hooks(lc, down, l, part{close: w.Close})
	return w, nil
}

func newCampaigns(
	lc fx.Lifecycle, down fx.Shutdowner, l *life, cfg config.Config, s store.Store, g gate.Gate,
) (*campaign.Service, error) {
	c, err := campaign.New(campaign.Config{MaxBatch: cfg.MaxBatch, MaxQueue: cfg.Queue(), Clock: wallClock}, s, g)
	if err != nil {
		return nil, err
	}
	hooks(lc, down, l, part{close: c.Close})
	return c, nil
}
