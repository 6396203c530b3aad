package config_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"scrip/internal/config"
)

// files reads from a map.
func files(held map[string]string) func(string) (string, error) {
	return func(path string) (string, error) {
		text, ok := held[path]
		if !ok {
			return "", &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		return text, nil
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	const db, cache = "postgres://u:s3cr3t@db/scrip", "redis://:s3cr3t@cache" //nolint:gosec // the passwords of nobody
	held := files(map[string]string{"db": db + "\n", "windows": db + "\r\n", "cache": cache})
	for _, c := range []struct {
		change          func(*config.Config)
		database, redis string
	}{
		{func(*config.Config) {}, "", ""},
		{func(c *config.Config) { c.DatabaseURL, c.RedisURL = db, cache }, db, cache},
		{func(c *config.Config) { c.DatabaseURLFile, c.RedisURLFile = "db", "cache" }, db, cache},
		{func(c *config.Config) { c.DatabaseURLFile, c.RedisURL = "windows", cache }, db, cache},
	} {
		cfg := config.Default()
		c.change(&cfg)
		if err := errors.Join(cfg.Resolve(held), cfg.Validate()); err != nil {
			t.Error(err)
		}
		if cfg.DatabaseURL != c.database || cfg.RedisURL != c.redis {
			t.Errorf("got %q and %q, want %q and %q", cfg.DatabaseURL, cfg.RedisURL, c.database, c.redis)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	held := files(map[string]string{"db": "postgres://u:s3cr3t@db", "empty": "\n", "two": "postgres://u:s3cr3t@db\nmore"}) //nolint:gosec // the passwords of nobody
	for _, c := range []struct {
		change func(*config.Config)
		says   string
	}{
		{
			func(c *config.Config) { c.DatabaseURL, c.DatabaseURLFile = "postgres://u:s3cr3t@other", "db" },
			"--database-url (SCRIP_DATABASE_URL) and --database-url-file (SCRIP_DATABASE_URL_FILE) are both given",
		},
		{
			func(c *config.Config) { c.RedisURL, c.RedisURLFile = "redis://cache", "db" },
			"--redis-url (SCRIP_REDIS_URL) and --redis-url-file (SCRIP_REDIS_URL_FILE) are both given",
		},
		{func(c *config.Config) { c.DatabaseURLFile = "none" }, `--database-url-file (SCRIP_DATABASE_URL_FILE) is "none": there is no such file`},
		{func(c *config.Config) { c.RedisURLFile = "empty" }, `--redis-url-file (SCRIP_REDIS_URL_FILE) is "empty": the file is empty`},
		{func(c *config.Config) { c.DatabaseURLFile = "two" }, `on one line`},
	} {
		cfg := config.Default()
		c.change(&cfg)
		err := cfg.Resolve(held)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %s", err, c.says)
		}
	}
	cfg := config.Default()
	cfg.DatabaseURLFile = "postgres://u:s3cr3t@db"
	if err := cfg.Resolve(func(path string) (string, error) { t.Errorf("it opens %s", path); return "", nil }); err != nil {
		t.Error(err) // Validate says it
	}
	if err := cfg.Validate(); err == nil {
		t.Error("a URL passes for a path")
	}
}
