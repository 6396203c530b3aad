package pgstore

import (
	"context"

	"github.com/pressly/goose/v3"
)

// MigrateTo brings an empty database up to an older version's schema.
func MigrateTo(ctx context.Context, cfg Config, version int64) error {
	return withProvider(cfg.withDefaults(), func(p *goose.Provider) error {
		_, err := p.UpTo(ctx, version)
		return err
	})
}
