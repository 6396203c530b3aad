package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"scrip/internal/access"
	"scrip/internal/config"
	"scrip/internal/id"
	"scrip/internal/keyring"
)

// firstKeyName is the name of the key that a server makes for its operator.
const firstKeyName = "first key"

// firstKey makes an administrator's key where there is no key at all, writes its secret to a new file that
// nobody else may read, and reports whether it did. Without a path it does nothing.
//
// The file comes first: a key whose secret was lost would lock everybody out, while a secret without a
// key opens nothing. Of servers that start at once, on one file or each on its own, one makes the key.
func firstKey(ctx context.Context, path string, keys *keyring.Service, log *slog.Logger) (bool, error) {
	if path == "" {
		return false, nil
	}
	if known, err := keys.Any(ctx); err != nil || known {
		return false, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator's own path
	switch {
	case errors.Is(err, fs.ErrExist):
		return false, awaitKey(ctx, path, keys)
	case err != nil:
		return false, fmt.Errorf("write the first key: %w; choose another --first-key-file", err)
	}
	k, err := keys.CreateFirst(ctx, keyring.NewKey{Name: firstKeyName, Kind: access.Secret, Scopes: access.All},
		func(secret string) error { return keepSecret(f, secret) }, access.By{Name: access.NameServer})
	if errors.Is(err, keyring.ErrNotFirst) { // another server was faster
		return false, os.Remove(path)
	}
	if err != nil {
		return false, fmt.Errorf("make the first key: %w; remove %s before the next start, unless there is a key by then", err, path)
	}
	log.InfoContext(ctx, "made the first key, with all scopes; its secret is in a file that this user alone can read",
		"file", path, "key", k.ID.Format(id.Key))
	return true, nil
}

// keepSecret writes a secret to a new file, so that it outlives the machine's next moment.
func keepSecret(f *os.File, secret string) error {
	_, err := f.WriteString(secret + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return errors.Join(fmt.Errorf("write the first key to %s: %w", f.Name(), err), os.Remove(f.Name()))
	}
	dir, err := os.Open(filepath.Dir(f.Name()))
	if err != nil {
		return nil //nolint:nilerr // not every system lets a folder be opened; the file is there
	}
	_ = dir.Sync() // nor synchronised
	return dir.Close()
}

// The wait for another server that has made the file and is about to make the key.
const (
	firstKeyWait = 5 * time.Second
	firstKeyLook = 100 * time.Millisecond
)

// awaitKey waits for the key that the file was made for, and is an error if none comes.
func awaitKey(ctx context.Context, path string, keys *keyring.Service) error {
	for deadline := time.Now().Add(firstKeyWait); time.Now().Before(deadline); {
		if known, err := keys.Any(ctx); err != nil || known {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(firstKeyLook):
		}
	}
	return fmt.Errorf("there is no key, and --first-key-file %s would overwrite a file that is there already; "+
		"move it away, or choose another path", path)
}

// NewKey asks for a key.
type NewKey = keyring.NewKey

// MadeKey is a key with its secret, which is shown this once.
type MadeKey = keyring.Made

// CreateKey makes a key directly at the database, for when there is no key yet to ask a server with. On the
// embedded store no server may run meanwhile.
func CreateKey(ctx context.Context, cfg config.Config, log *slog.Logger, n NewKey) (made MadeKey, err error) {
	s, err := openStore(ctx, cfg, log)
	if err != nil {
		return MadeKey{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return keyring.New(keyring.Config{}, s).Create(ctx, n, access.All, access.By{Name: access.NameCLI})
}
