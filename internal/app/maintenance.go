package app

import (
	"context"
	"errors"

	"scrip/internal/config"
	"scrip/internal/store"
	"scrip/internal/store/pgstore"
	"scrip/internal/store/sqlitestore"
)

// The words of maintenance, so that the commands need not see the store.
type (
	// Migration is one step of the schema.
	Migration = sqlitestore.Migration
	// Finding is one thing that is wrong, by id.
	Finding = store.Finding
	// Audited counts what an audit has read.
	Audited = store.Audited
	// PublishedSeal is a seal as somebody kept it.
	PublishedSeal = store.PublishedSeal
)

// ParsePublishedSeal reads NUMBER:HASH.
func ParsePublishedSeal(text string) (PublishedSeal, error) { return store.ParsePublishedSeal(text) }

// MigrateUp brings the database up to this version's schema.
func MigrateUp(ctx context.Context, cfg config.Config) error {
	if cfg.DatabaseURL != "" {
		return pgstore.Migrate(ctx, postgres(cfg, nil))
	}
	return sqlitestore.Migrate(ctx, databasePath(cfg))
}

// MigrateStatus tells the steps of the schema and which the database has. It only reads; a database that is not there, or of a
// newer version, is an error.
func MigrateStatus(ctx context.Context, cfg config.Config) ([]Migration, error) {
	if cfg.DatabaseURL == "" {
		return sqlitestore.Status(ctx, databasePath(cfg))
	}
	steps, err := pgstore.Status(ctx, postgres(cfg, nil))
	told := make([]Migration, len(steps))
	for i, step := range steps {
		told[i] = Migration(step)
	}
	return told, err
}

// Verify recomputes every invariant from the rows, holds the chain of seals to those that were published, and reports
// what is wrong. It only reads, and works beside a running server.
func Verify(ctx context.Context, cfg config.Config, report func(Finding), published ...PublishedSeal) (Audited, error) {
	if cfg.DatabaseURL != "" {
		return verifyPostgres(ctx, cfg, report, published)
	}
	s, err := sqlitestore.OpenReadOnly(ctx, databasePath(cfg))
	if err != nil {
		return Audited{}, err
	}
	return verifyStore(ctx, s, report, published)
}

// verifyStore audits a store, and then holds it to what was published.
func verifyStore(ctx context.Context, s interface {
	store.Auditor
	store.SealGetter
}, report func(Finding), published []PublishedSeal,
) (Audited, error) {
	read, err := s.Audit(ctx, report)
	if err != nil {
		return read, err
	}
	err = store.CheckPublished(ctx, s, published, func(f Finding) {
		read.Findings++
		report(f)
	})
	return read, err
}

func verifyPostgres(ctx context.Context, cfg config.Config, report func(Finding), published []PublishedSeal) (Audited, error) {
	s, err := pgstore.OpenReadOnly(ctx, postgres(cfg, nil))
	if err != nil {
		return Audited{}, err
	}
	read, err := verifyStore(ctx, s, report, published)
	return read, errors.Join(err, s.Close())
}
