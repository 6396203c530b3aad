package config_test

import (
	"strings"
	"testing"
	"time"

	"scrip/internal/config"
)

func TestValidateTakes(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*config.Config){
		"another port":      func(c *config.Config) { c.Listen = "127.0.0.1:9000" },
		"any free port":     func(c *config.Config) { c.Listen = "127.0.0.1:0" },
		"localhost":         func(c *config.Config) { c.Listen = "localhost:8000" },
		"IPv6 loopback":     func(c *config.Config) { c.Listen = "[::1]:8000" },
		"all of 127/8":      func(c *config.Config) { c.Listen = "127.8.9.10:8000" },
		"IPv4 inside IPv6":  func(c *config.Config) { c.Listen = "[::ffff:127.0.0.1]:8000" },
		"json":              func(c *config.Config) { c.LogFormat = "json" },
		"debug":             func(c *config.Config) { c.LogLevel = "debug" },
		"yen":               func(c *config.Config) { c.Currency = "JPY" },
		"one at a time":     func(c *config.Config) { c.MaxBatch, c.MaxQueue = 1, 1 },
		"the largest":       func(c *config.Config) { c.MaxBatch, c.MaxQueue = 1<<14, 1<<20 },
		"short durations":   func(c *config.Config) { c.ShutdownGrace, c.RequestTimeout = time.Millisecond, time.Millisecond },
		"longest durations": func(c *config.Config) { c.ShutdownGrace, c.RequestTimeout = time.Hour, 10*time.Minute },
		"a path with space": func(c *config.Config) { c.Data = "/srv/scrip data" },
	} {
		c := config.Default()
		change(&c)
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*config.Config)
		want   []string // what the error says
	}{
		{"no listener", func(c *config.Config) { c.Listen = "" }, []string{"--listen", "SCRIP_LISTEN", `""`, "127.0.0.1:8000"}},
		{"no port", func(c *config.Config) { c.Listen = "127.0.0.1" }, []string{"--listen", `"127.0.0.1"`, "a host and a port"}},
		{"a port alone", func(c *config.Config) { c.Listen = "8000" }, []string{"a host and a port"}},
		{"a port by name", func(c *config.Config) { c.Listen = "127.0.0.1:http" }, []string{"from 0 to 65535"}},
		{"a port too high", func(c *config.Config) { c.Listen = "127.0.0.1:65536" }, []string{"from 0 to 65535"}},
		{"a negative port", func(c *config.Config) { c.Listen = "127.0.0.1:-1" }, []string{"from 0 to 65535"}},
		{"bare IPv6", func(c *config.Config) { c.Listen = "::1:8000" }, []string{"a host and a port"}},
		{"all addresses", func(c *config.Config) { c.Listen = ":8000" }, []string{"--listen", `":8000"`, "needs keys", "refuses to start"}},
		{"all IPv4", func(c *config.Config) { c.Listen = "0.0.0.0:8000" }, []string{"needs keys"}},
		{"all IPv6", func(c *config.Config) { c.Listen = "[::]:8000" }, []string{"needs keys"}},
		{"a LAN address", func(c *config.Config) { c.Listen = "192.168.1.2:8000" }, []string{"needs keys"}},
		{"a host name", func(c *config.Config) { c.Listen = "localhost.example.com:8000" }, []string{"needs keys"}},
		{"no directory", func(c *config.Config) { c.Data = " " }, []string{"--data", "SCRIP_DATA", "./data"}},
		{"a NUL in the path", func(c *config.Config) { c.Data = "da\x00ta" }, []string{"--data", "NUL"}},
		{
			"PostgreSQL", func(c *config.Config) { c.DatabaseURL = "postgres://scrip:s3cr3t@db/scrip" },
			[]string{"--database-url", "SCRIP_DATABASE_URL", "postgres://scrip:xxxxx@db/scrip", "is not in this version; leave it empty for the embedded store"},
		},
		{"PostgreSQL's long name", func(c *config.Config) { c.DatabaseURL = "postgresql://db/scrip" }, []string{"is not in this version"}},
		{"MySQL", func(c *config.Config) { c.DatabaseURL = "mysql://db/scrip" }, []string{"--database-url", "postgres:// or postgresql://"}},
		{"a DSN", func(c *config.Config) { c.DatabaseURL = "host=db password=s3cr3t" }, []string{"--database-url", "(hidden)", "postgres://"}},
		{"no host", func(c *config.Config) { c.DatabaseURL = "postgres:///scrip" }, []string{"--database-url", "name a host"}},
		{"a broken URL", func(c *config.Config) { c.DatabaseURL = "postgres://u:s3cr3t%zz@db" }, []string{"--database-url", "(hidden)"}},
		{
			"Redis", func(c *config.Config) { c.RedisURL = "redis://:s3cr3t@cache:6379/0" },
			[]string{"--redis-url", "SCRIP_REDIS_URL", "redis://:xxxxx@cache:6379/0", "is not in this version"},
		},
		{"not Redis", func(c *config.Config) { c.RedisURL = "http://cache" }, []string{"--redis-url", "redis:// or rediss://"}},
		{"a log format", func(c *config.Config) { c.LogFormat = "xml" }, []string{"--log-format", "SCRIP_LOG_FORMAT", `"xml"`, "text, json"}},
		{"a log level", func(c *config.Config) { c.LogLevel = "INFO" }, []string{"--log-level", "SCRIP_LOG_LEVEL", `"INFO"`, "debug, info, warn, error"}},
		{"no currency", func(c *config.Config) { c.Currency = "" }, []string{"--currency", "SCRIP_CURRENCY", "ISO 4217"}},
		{"a small currency", func(c *config.Config) { c.Currency = "irr" }, []string{"--currency", `"irr"`, "capitals"}},
		{"no batch", func(c *config.Config) { c.MaxBatch = 0 }, []string{"--max-batch", "SCRIP_MAX_BATCH", `"0"`, "from 1 to 16384"}},
		{"a huge batch", func(c *config.Config) { c.MaxBatch = 1 << 40 }, []string{"--max-batch", "from 1 to"}},
		{"a negative queue", func(c *config.Config) { c.MaxQueue = -1 }, []string{"--max-queue", "SCRIP_MAX_QUEUE", `"-1"`, "from 1 to"}},
		{"a queue below a batch", func(c *config.Config) { c.MaxQueue = 1023 }, []string{"--max-queue", "at least --max-batch, which is 1024"}},
		{"no grace", func(c *config.Config) { c.ShutdownGrace = 0 }, []string{"--shutdown-grace", "SCRIP_SHUTDOWN_GRACE", `"0s"`, "above zero"}},
		{"a long timeout", func(c *config.Config) { c.RequestTimeout = time.Hour }, []string{"--request-timeout", "SCRIP_REQUEST_TIMEOUT", "10m0s"}},
		{"a long value", func(c *config.Config) { c.LogLevel = strings.Repeat("x", 10_000) }, []string{"--log-level", "debug"}},
	} {
		cfg := config.Default()
		c.change(&cfg)
		err := cfg.Validate()
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not say %q", c.name, err, want)
			}
		}
		if strings.Contains(err.Error(), "s3cr3t") || len(err.Error()) > 1000 || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q is too long, of several lines, or shows a password", c.name, err)
		}
	}
}

func TestValidateReportsEverything(t *testing.T) {
	t.Parallel()
	var c config.Config
	err := c.Validate()
	if err == nil {
		t.Fatal("a zero Config is valid")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 9 { // all but the two URLs, which may be empty
		t.Errorf("%d errors, want 9:\n%v", len(lines), err)
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "--") || !strings.Contains(line, "(SCRIP_") {
			t.Errorf("%q does not begin with its flag and variable", line)
		}
	}
}
