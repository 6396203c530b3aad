package app

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"

	"go.uber.org/fx"

	"scrip/internal/config"
	"scrip/internal/metrics"
	"scrip/internal/store"
	"scrip/internal/store/pgstore"
	"scrip/internal/store/sqlitestore"
)

// storeName is how people call the store that is open: what it is and where, without secrets.
type storeName string

func storeModule() fx.Option {
	return fx.Module("store", fx.Provide(newStore))
}

// newStore opens PostgreSQL where a URL names one, and the embedded store otherwise. It is closed last.
func newStore(
	ctx starting, lc fx.Lifecycle, down fx.Shutdowner, l *life,
	cfg config.Config, log *slog.Logger, m *metrics.Metrics,
) (s store.Store, name storeName, err error) {
	if cfg.DatabaseURL != "" {
		s, name, err = openPostgres(ctx, cfg, log, m)
	} else {
		s, name, err = openFile(ctx, cfg, log)
	}
	if err != nil {
		return nil, "", err
	}
	end := func(context.Context) error { return s.Close() }
	if cfg.DatabaseURL != "" {
		end = givenUp(partingStore, s.Close) // all is committed; what is left are connections, which end with the process
	}
	hooks(lc, down, l, part{close: end})
	return s, name, nil
}

func openFile(ctx context.Context, cfg config.Config, log *slog.Logger) (store.Store, storeName, error) {
	s, err := sqlitestore.Open(ctx, sqlitestore.Config{Path: databasePath(cfg), Clock: wallClock, Log: log})
	if err != nil {
		return nil, "", err
	}
	return s, storeName("SQLite, " + databasePath(cfg)), nil
}

// openStore opens the store that the configuration names, for a command beside the server.
func openStore(ctx context.Context, cfg config.Config, log *slog.Logger) (store.Store, error) {
	if cfg.DatabaseURL != "" {
		return pgstore.Open(ctx, postgres(cfg, log))
	}
	s, _, err := openFile(ctx, cfg, log)
	return s, err
}

// databasePath is the embedded store's file.
func databasePath(cfg config.Config) string { return filepath.Join(cfg.Data, sqlitestore.FileName) }

// openPostgres connects, waits for whoever migrates, and reports the pool to the metrics.
func openPostgres(ctx context.Context, cfg config.Config, log *slog.Logger, m *metrics.Metrics) (store.Store, storeName, error) {
	s, err := pgstore.Open(ctx, postgres(cfg, log))
	if err != nil {
		return nil, "", err
	}
	version, err := s.Version(ctx)
	if err != nil {
		return nil, "", errors.Join(err, s.Close())
	}
	m.WatchPool(func() metrics.Pool { return metrics.Pool(s.Connections()) })
	return s, storeName("PostgreSQL " + version + " at " + place(cfg.DatabaseURL)), nil
}

// postgres is the part of the configuration that is PostgreSQL's.
func postgres(cfg config.Config, log *slog.Logger) pgstore.Config {
	return pgstore.Config{
		URL:              cfg.DatabaseURL,
		MaxConns:         int32(cfg.DatabasePool), //nolint:gosec // validated: at most a thousand
		StatementTimeout: cfg.DatabaseStatementTimeout,
		LockTimeout:      cfg.DatabaseLockTimeout,
		Log:              log,
	}
}
