package config_test

import (
	"testing"

	"scrip/internal/config"
)

func dumped(t *testing.T, c config.Config, name string) config.Setting {
	t.Helper()
	for _, s := range c.Dump() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no setting %s", name)
	return config.Setting{}
}

func TestDump(t *testing.T) {
	t.Parallel()
	c := config.Default()
	for _, s := range c.Dump() {
		if !s.Default {
			t.Errorf("%s is said not to be the default", s.Name)
		}
	}
	c.MaxBatch, c.Currency, c.ShutdownGrace = 7, "EUR", 90e9
	for _, want := range []config.Setting{
		{Name: "listen", Env: "SCRIP_LISTEN", Value: "127.0.0.1:8000", Default: true},
		{Name: "database-url", Env: "SCRIP_DATABASE_URL", Value: "", Default: true},
		{Name: "currency", Env: "SCRIP_CURRENCY", Value: "EUR"},
		{Name: "max-batch", Env: "SCRIP_MAX_BATCH", Value: "7"},
		{Name: "shutdown-grace", Env: "SCRIP_SHUTDOWN_GRACE", Value: "1m30s"},
	} {
		if got := dumped(t, c, want.Name); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if first := c.Dump()[0].Name; first != "listen" {
		t.Errorf("the dump begins with %s", first)
	}
}

func TestDumpRedacts(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{ //nolint:gosec // the passwords of nobody
		"":                                     "",
		"postgres://db/scrip":                  "postgres://db/scrip",
		"postgres://scrip@db:5432/scrip":       "postgres://scrip@db:5432/scrip",
		"postgres://scrip:s3cr3t@db/scrip":     "postgres://scrip:xxxxx@db/scrip",
		"postgres://u:s3cr3t@a:1,b:2/scrip":    "postgres://u:xxxxx@a:1,b:2/scrip",
		"postgres:///scrip?host=/run/pg":       "postgres:///scrip?host=/run/pg",
		"postgres://u:s3cr3t@/scrip?host=/run": "postgres://u:xxxxx@/scrip?host=/run",
		"redis+sentinel://:s3cr3t@a:1,b:2/m":   "redis+sentinel://:xxxxx@a:1,b:2/m",
		"redis+sentinel://a/m?sentinel_user=u&sentinel_password=s3cr3t": "redis+sentinel://a/m?sentinel_user=u&sentinel_password=xxxxx",
		"postgres://:s3cr3t@db":                  "postgres://:xxxxx@db",
		"postgres://scrip:s3%40cr3t@db":          "postgres://scrip:xxxxx@db",
		"postgres://db?password=s3cr3t":          "postgres://db?password=xxxxx",
		"postgres://db?user=a&Password=s3cr3t&b": "postgres://db?user=a&Password=xxxxx&b",
		"postgres://db?sslpassword=s3cr3t":       "postgres://db?sslpassword=xxxxx",
		"postgres://db?p%61ssword=s3cr3t":        "postgres://db?p%61ssword=xxxxx",
		"postgres://db?a=1;password=s3cr3t":      "postgres://db?a=1;password=xxxxx",
		"postgres://db?%zz=s3cr3t":               "postgres://db?%zz=xxxxx",
		"postgres://db?client_secret=s3cr3t":     "postgres://db?client_secret=xxxxx",
		"postgres://db?auth-TOKEN=s3cr3t":        "postgres://db?auth-TOKEN=xxxxx",
		"postgres://db?sslmode=verify-full":      "postgres://db?sslmode=verify-full",
		"postgres://db?password=s3cr3t=s3cr3t":   "postgres://db?password=xxxxx",
		"host=db user=scrip password=s3cr3t":     "(hidden)",
		"postgres:scrip:s3cr3t@db":               "(hidden)",
		"postgres://scrip:s3cr3t":                "(hidden)", // an invalid port
		"postgres://scrip:s3@cr3t@db":            "(hidden)",
		"postgres://scrip:p#s3cr3t@db":           "(hidden)",
		"postgres://scrip:1/s3cr3t@db":           "(hidden)",
		"postgres://scrip:1?s3cr3t@db":           "(hidden)",
		"://s3cr3t":                              "(hidden)",
		"s3cr3t":                                 "(hidden)",
		"\x7fpostgres://u:s3cr3t@db":             "(hidden)",
	} {
		c := config.Default()
		c.DatabaseURL, c.RedisURL = raw, raw
		for _, name := range []string{"database-url", "redis-url"} {
			if got := dumped(t, c, name); got.Value != want || got.Default != (raw == "") {
				t.Errorf("%s %q is dumped as %+v, want %q", name, raw, got, want)
			}
		}
	}
}
