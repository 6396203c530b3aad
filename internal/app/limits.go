package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.uber.org/fx"

	"scrip/internal/config"
	"scrip/internal/limit"
	"scrip/internal/limit/redislimit"
	"scrip/internal/metrics"
)

func limitsModule() fx.Option {
	return fx.Module("limits", fx.Provide(newLimits))
}

// newLimits makes what says who asks too often and, where a URL names a Redis, lets the replicas exchange
// their counts through it.
func newLimits(
	ctx starting, lc fx.Lifecycle, down fx.Shutdowner, l *life, cfg config.Config, log *slog.Logger, m *metrics.Metrics,
) (*limit.Limiter, error) {
	c := limit.Config{Observe: m}
	var wrong error
	for _, r := range []struct {
		flag, text string
		to         *limit.Rate
	}{
		{"limit-address", cfg.LimitAddress, &c.Address},
		{"limit-customer", cfg.LimitCustomer, &c.Customer},
		{"limit-publishable", cfg.LimitPublishable, &c.Publishable},
		{"limit-misses-address", cfg.LimitMissesAddress, &c.AddressMisses},
		{"limit-misses-customer", cfg.LimitMissesCustomer, &c.CustomerMisses},
		{"limit-misses-total", cfg.LimitMissesTotal, &c.TotalMisses},
	} {
		rate, err := config.ParseRate(r.text)
		if err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("--%s: %w", r.flag, err))
		}
		*r.to = limit.Rate(rate)
	}
	if wrong != nil {
		return nil, wrong
	}
	limits, err := limit.New(c)
	if err != nil {
		return nil, err
	}
	m.WatchLimits(limit.Dimensions(), cfg.RedisURL != "")
	if cfg.RedisURL == "" {
		return limits, nil
	}
	exchange, err := redislimit.New(redislimit.Config{URL: cfg.RedisURL, Prefix: cfg.RedisPrefix})
	if err != nil {
		return nil, fmt.Errorf("--redis-url (SCRIP_REDIS_URL): %w", err)
	}
	sharing, stop := context.WithCancel(context.WithoutCancel(ctx))
	hooks(lc, down, l, part{
		run: func() error {
			limits.Share(sharing, exchange, log)
			return nil
		},
		close: func(context.Context) error {
			stop()
			return exchange.Close()
		},
	})
	return limits, nil
}
