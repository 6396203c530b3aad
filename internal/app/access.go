package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"go.uber.org/fx"

	"scrip/internal/config"
	"scrip/internal/httpapi"
	"scrip/internal/keyring"
	"scrip/internal/metrics"
	"scrip/internal/store"
)

func accessModule() fx.Option {
	return fx.Module("access", fx.Provide(newCallers, newKeys))
}

// callers are who may call: whoever comes, or holders of the ring's keys.
type callers struct {
	ring     *keyring.Ring // nil with --auth off
	alone    bool          // the server listens to this machine only
	firstKey string        // the file that the first key was written to just now, empty for none
}

// newCallers makes the first key where one is wanted, reads the keys, and refuses a start that would leave
// everybody outside.
func newCallers(
	ctx starting, lc fx.Lifecycle, down fx.Shutdowner, l *life,
	cfg config.Config, log *slog.Logger, m *metrics.Metrics, s store.Store,
) (*callers, error) {
	c := &callers{alone: cfg.Loopback()}
	made, err := firstKey(ctx, cfg.FirstKeyFile, keyring.New(keyring.Config{}, s), log)
	if err != nil {
		return nil, err
	}
	if made {
		c.firstKey = cfg.FirstKeyFile
	}
	if cfg.Auth == config.AuthOff {
		return c, nil
	}
	open := cfg.Auth == config.AuthAuto && cfg.Loopback()
	if !open {
		if err := needKey(ctx, cfg, keyring.New(keyring.Config{}, s)); err != nil {
			return nil, err
		}
	}
	c.ring, err = keyring.NewRing(ctx, keyring.RingConfig{OpenWhileEmpty: open, Log: log, Observer: m}, s)
	if err != nil {
		return nil, err
	}
	hooks(lc, down, l, part{close: within(partingStore, c.ring.Close)})
	if !c.ring.Open() && c.ring.Len() == 0 {
		log.WarnContext(ctx, "every key is revoked or expired, so that nobody can call; make one with scrip key create, "+
			"given --data or --database-url as the server is")
	}
	return c, nil
}

// needKey refuses to start a server that nobody could call.
func needKey(ctx context.Context, cfg config.Config, keys *keyring.Service) error {
	known, err := keys.Any(ctx)
	if err != nil {
		return fmt.Errorf("ask the store whether there is a key: %w", err)
	}
	if known {
		return nil
	}
	why := "with --auth on"
	if cfg.Auth == config.AuthAuto {
		why = "on " + cfg.Listen + ", beyond loopback,"
	}
	where := "--data " + cfg.Data
	if cfg.DatabaseURL != "" {
		where = "--database-url, or --database-url-file, as the server has it"
	}
	return errors.New(why + " requests need keys, and none was ever made: make one with scrip key create --name admin --scopes admin " + where +
		"; or let the server make it, with --first-key-file ./first-key; or open it to whoever can reach it, with --auth off")
}

// newKeys is the use case of keys, whose changes this server obeys at once.
func newKeys(s store.Store, c *callers) *keyring.Service {
	cfg := keyring.Config{}
	if c.ring != nil {
		cfg.Changed, cfg.Clock = c.ring.Refresh, c.ring.Now
	}
	return keyring.New(cfg, s)
}

// access is what the HTTP face asks on every request, nil for a server that is open for good.
func (c *callers) access() httpapi.Access {
	if c.ring == nil {
		return nil
	}
	return c.ring
}

// closed reports whether requests need a key.
func (c *callers) closed() bool { return c.ring != nil && !c.ring.Open() }

// openTo says who may call.
func (c *callers) openTo() string {
	switch {
	case c.ring == nil && c.alone:
		return "every program on this machine, because --auth is off"
	case c.ring == nil:
		return "whoever can reach it, because --auth is off"
	case c.ring.Open():
		return "every program on this machine, because it listens on loopback only and no key was ever made"
	case c.ring.Len() == 1:
		return "the holder of the one key"
	default:
		return fmt.Sprintf("holders of keys, of which %d are usable", c.ring.Len())
	}
}
