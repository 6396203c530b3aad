package app

import (
	"context"
	"fmt"

	"scrip/internal/config"
	"scrip/internal/store/sqlitestore"
)

// The words of backup and restore, so that the commands need not see the store.
type (
	// BackupOptions say how a file is copied.
	BackupOptions = sqlitestore.BackupOptions
	// BackupResult is what became of a backup or a restore.
	BackupResult = sqlitestore.BackupResult
)

// ErrUnsound means that what was copied is not sound, and that nothing of it was left.
var ErrUnsound = sqlitestore.ErrUnsound

// Backup makes the file at to hold what the embedded store held at one moment after the call. It works beside a
// running server.
//
// PostgreSQL is backed up by its own tools: what can dump a server is of that server's version, its credentials,
// places and times are the operator's, and only its archived log brings a moment back.
func Backup(ctx context.Context, cfg config.Config, to string, o BackupOptions) (BackupResult, error) {
	if cfg.DatabaseURL != "" {
		return BackupResult{}, fmt.Errorf("PostgreSQL at %s is backed up by its own tools: take a dump, as in "+
			"pg_dump --format=custom --file=%s, or base backups with archived logs to return to any moment; see docs/backup.md", place(cfg.DatabaseURL), to)
	}
	return sqlitestore.Backup(ctx, databasePath(cfg), to, o)
}

// Restore makes the embedded store of an empty data folder from a backup, brings it to this version's schema
// and verifies it.
func Restore(ctx context.Context, cfg config.Config, from string, o BackupOptions) (BackupResult, error) {
	if cfg.DatabaseURL != "" {
		return BackupResult{}, fmt.Errorf("PostgreSQL at %s is restored by its own tools: pg_restore --dbname=… --exit-on-error %s into an "+
			"empty database, or recovery to a moment; then scrip verify, and start all servers anew; see docs/backup.md", place(cfg.DatabaseURL), from)
	}
	return sqlitestore.Restore(ctx, from, cfg.Data, o)
}
