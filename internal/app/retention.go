package app

import (
	"context"
	"log/slog"
	"time"

	"go.uber.org/fx"

	"scrip/internal/config"
	"scrip/internal/metrics"
	"scrip/internal/retention"
	"scrip/internal/store"
)

func retentionModule() fx.Option {
	return fx.Module("retention", fx.Invoke(newRetention))
}

// aging is the table of the records that age, each with how long it is kept and who removes it. What is money is not
// among them, and must never be.
func aging(cfg config.Config, s store.Store) []retention.Kind {
	return []retention.Kind{
		{Name: "audit", Keep: cfg.RetentionAudit, Prune: s.PruneEvents},
	}
}

// newRetention prunes beside the server, from its start to its end.
func newRetention(
	lc fx.Lifecycle, down fx.Shutdowner, l *life, cfg config.Config, log *slog.Logger, m *metrics.Metrics, s store.Store,
) error {
	kinds := aging(cfg, s)
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.Name
	}
	m.WatchRetention(names)
	r, err := retention.New(retention.Config{Now: storeClock(s), Log: log, Observe: m}, kinds...)
	if err != nil {
		return err
	}
	hooks(lc, down, l, part{run: r.Run, close: func(context.Context) error { r.Close(); return nil }})
	return nil
}

// storeClock is the clock that the records' times are of. This host's own may be wrong by years, and what is removed
// too early is gone.
func storeClock(s store.Store) func(context.Context) (time.Time, error) {
	return func(ctx context.Context) (time.Time, error) {
		_, now, err := s.Lookup(ctx, nil)
		return now, err
	}
}
