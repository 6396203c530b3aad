package sqlitestore

import (
	"context"
	"errors"

	"github.com/pressly/goose/v3"
)

// MigrateTo brings a file that is not there yet up to an older version's schema.
func MigrateTo(ctx context.Context, path string, version int64) error {
	return errors.Join(touch(path), recognise(path), withProvider(path, func(p *goose.Provider) error {
		_, err := p.UpTo(ctx, version)
		return err
	}))
}
