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
		"another port":     func(c *config.Config) { c.Listen = "127.0.0.1:9000" },
		"any free port":    func(c *config.Config) { c.Listen = "127.0.0.1:0" },
		"localhost":        func(c *config.Config) { c.Listen = "localhost:8000" },
		"IPv6 loopback":    func(c *config.Config) { c.Listen = "[::1]:8000" },
		"all of 127/8":     func(c *config.Config) { c.Listen = "127.8.9.10:8000" },
		"IPv4 inside IPv6": func(c *config.Config) { c.Listen = "[::ffff:127.0.0.1]:8000" },
		"json":             func(c *config.Config) { c.LogFormat = "json" },
		"debug":            func(c *config.Config) { c.LogLevel = "debug" },
		"yen":              func(c *config.Config) { c.Currency = "JPY" },
		"one at a time":    func(c *config.Config) { c.MaxBatch, c.MaxQueue = 1, 1 },
		"a name":           func(c *config.Config) { c.AllowedHosts = "scrip.example.com, codes.example.com" },
		"a site": func(c *config.Config) {
			c.AllowOrigins = "https://shop.example.com,http://localhost:3000, https://[::1]:8443"
		},
		"TLS":               func(c *config.Config) { c.TLSCert, c.TLSKey = "cert.pem", "key.pem" },
		"some in flight":    func(c *config.Config) { c.MaxInflight = 1 },
		"the largest":       func(c *config.Config) { c.MaxBatch, c.MaxQueue = 1<<14, 1<<20 },
		"short durations":   func(c *config.Config) { c.ShutdownGrace, c.RequestTimeout = time.Millisecond, time.Millisecond },
		"longest durations": func(c *config.Config) { c.ShutdownGrace, c.RequestTimeout = time.Hour, 10*time.Minute },
		"a path with space": func(c *config.Config) { c.Data = "/srv/scrip data" },
		"all addresses":     func(c *config.Config) { c.Listen = ":8000" },
		"all IPv6":          func(c *config.Config) { c.Auth, c.Listen = "on", "[::]:8000" },
		"a LAN address":     func(c *config.Config) { c.Auth, c.Listen = "off", "192.168.1.2:8000" },
		"a host name":       func(c *config.Config) { c.Listen = "localhost.example.com:8000" },
		"a first key":       func(c *config.Config) { c.FirstKeyFile = "./first key" },
		"PostgreSQL":        func(c *config.Config) { c.DatabaseURL = "postgres://scrip:s3cr3t@db:5432/scrip?sslmode=verify-full" },
		"its long name":     func(c *config.Config) { c.DatabaseURL = "postgresql://db/scrip" },
		"several servers": func(c *config.Config) {
			c.DatabaseURL = "postgres://u:p@a:5432,b:5432/scrip?target_session_attrs=read-write"
		},
		"a socket":          func(c *config.Config) { c.DatabaseURL = "postgres:///scrip?host=/var/run/postgresql" },
		"a URL from a file": func(c *config.Config) { c.DatabaseURL, c.DatabaseURLFile = "postgres://db/scrip", "/run/secrets/db" },
		"the smallest pool": func(c *config.Config) { c.DatabasePool = 2 },
		"equal timeouts":    func(c *config.Config) { c.DatabaseStatementTimeout, c.DatabaseLockTimeout = time.Second, time.Second },
		"Redis":             func(c *config.Config) { c.RedisURL = "redis://:s3cr3t@cache:6379/0" },
		"Redis with TLS":    func(c *config.Config) { c.RedisURL = "rediss://cache" },
		"Sentinels":         func(c *config.Config) { c.RedisURL = "redis+sentinel://:p@a:26379,b:26379/mymaster" },
		"a cluster":         func(c *config.Config) { c.RedisURL = "redis+cluster://a:6379,b:6379" },
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
		{"a NUL in the key's path", func(c *config.Config) { c.FirstKeyFile = "a\x00b" }, []string{"--first-key-file", "SCRIP_FIRST_KEY_FILE", "NUL"}},
		{"a blank path of the key", func(c *config.Config) { c.FirstKeyFile = " " }, []string{"--first-key-file", "not there yet"}},
		{"no directory", func(c *config.Config) { c.Data = " " }, []string{"--data", "SCRIP_DATA", "./data"}},
		{"a NUL in the path", func(c *config.Config) { c.Data = "da\x00ta" }, []string{"--data", "NUL"}},
		{"MySQL", func(c *config.Config) { c.DatabaseURL = "mysql://db/scrip" }, []string{"--database-url", "postgres:// or postgresql://"}},
		{"a DSN", func(c *config.Config) { c.DatabaseURL = "host=db password=s3cr3t" }, []string{"--database-url", "(hidden)", "key=value", "as in postgres://"}},
		{"no host", func(c *config.Config) { c.DatabaseURL = "postgres:///scrip" }, []string{"--database-url", "name a host"}},
		{"a broken URL", func(c *config.Config) { c.DatabaseURL = "postgres://u:s3cr3t%zz@db" }, []string{"--database-url", "(hidden)"}},
		{"an @ in a password", func(c *config.Config) { c.DatabaseURL = "postgres://u:s3cr3t@x@db/scrip" }, []string{"--database-url", "(hidden)", "%40"}},
		{
			"a wrong URL in a file", func(c *config.Config) { c.DatabaseURL, c.DatabaseURLFile = "mysql://u:s3cr3t@db", "/run/secrets/db" },
			[]string{"--database-url-file (SCRIP_DATABASE_URL_FILE)", "/run/secrets/db", "it holds \"mysql://u:xxxxx@db\"", "postgres://"},
		},
		{
			"a URL for its file", func(c *config.Config) { c.DatabaseURLFile = "postgres://u:s3cr3t@db" },
			[]string{"--database-url-file", "postgres://u:xxxxx@db", "a URL goes to --database-url"},
		},
		{"a NUL in a file's path", func(c *config.Config) { c.RedisURLFile = "a\x00b" }, []string{"--redis-url-file", "NUL"}},
		{"no Redis", func(c *config.Config) { c.RedisURL = "http://:s3cr3t@cache" }, []string{"--redis-url", "SCRIP_REDIS_URL", "http://:xxxxx@cache", "redis:// or rediss:// or redis+sentinel:// or rediss+sentinel:// or redis+cluster://"}},
		{"no master", func(c *config.Config) { c.RedisURL = "redis+sentinel://a:26379,b:26379" }, []string{"--redis-url", "name of the master"}},
		{"a small pool", func(c *config.Config) { c.DatabasePool = 1 }, []string{"--database-pool", "SCRIP_DATABASE_POOL", "from 2 to 1000"}},
		{"no statement timeout", func(c *config.Config) { c.DatabaseStatementTimeout = 0 }, []string{"--database-statement-timeout", "from 100ms"}},
		{"a long wait for locks", func(c *config.Config) { c.DatabaseLockTimeout = 6 * time.Second }, []string{"--database-lock-timeout", "at most --database-statement-timeout, which is 5s"}},
		{"a short wait for locks", func(c *config.Config) { c.DatabaseLockTimeout = time.Microsecond }, []string{"--database-lock-timeout", "from 100ms"}},
		{"keys without a name", func(c *config.Config) { c.RedisPrefix = "Scrip{}" }, []string{"--redis-prefix", "SCRIP_REDIS_PREFIX", "small letters"}},
		{"a busy task", func(c *config.Config) { c.RedisReconcile = time.Millisecond }, []string{"--redis-reconcile", "SCRIP_REDIS_RECONCILE", "from 1s"}},
		{"a short memory", func(c *config.Config) { c.RetentionAudit = time.Hour }, []string{"--retention-audit", "SCRIP_RETENTION_AUDIT", "from 24h0m0s", "0 for ever"}},
		{"seals without a pause", func(c *config.Config) { c.SealInterval = time.Millisecond }, []string{"--seal-interval", "SCRIP_SEAL_INTERVAL", "from 100ms", "0 for never"}},
		{"a memory of the future", func(c *config.Config) { c.RetentionAudit = -24 * time.Hour }, []string{"--retention-audit", "from 24h0m0s"}},
		{"no such authority", func(c *config.Config) { c.Auth = "none" }, []string{"--auth", "SCRIP_AUTH", "auto, on, off"}},
		{"a log format", func(c *config.Config) { c.LogFormat = "xml" }, []string{"--log-format", "SCRIP_LOG_FORMAT", `"xml"`, "text, json"}},
		{"a log level", func(c *config.Config) { c.LogLevel = "INFO" }, []string{"--log-level", "SCRIP_LOG_LEVEL", `"INFO"`, "debug, info, warn, error"}},
		{"no currency", func(c *config.Config) { c.Currency = "" }, []string{"--currency", "SCRIP_CURRENCY", "ISO 4217"}},
		{"a small currency", func(c *config.Config) { c.Currency = "irr" }, []string{"--currency", `"irr"`, "capitals"}},
		{"no batch", func(c *config.Config) { c.MaxBatch = 0 }, []string{"--max-batch", "SCRIP_MAX_BATCH", `"0"`, "from 1 to 16384"}},
		{"a huge batch", func(c *config.Config) { c.MaxBatch = 1 << 40 }, []string{"--max-batch", "from 1 to"}},
		{"a negative queue", func(c *config.Config) { c.MaxQueue = -1 }, []string{"--max-queue", "SCRIP_MAX_QUEUE", `"-1"`, "from 0 to"}},
		{"a queue below a batch", func(c *config.Config) { c.MaxQueue = 1023 }, []string{"--max-queue", "at least --max-batch, which is 1024"}},
		{"a host with a port", func(c *config.Config) { c.AllowedHosts = "scrip.example.com:8000" }, []string{"--allowed-hosts", "SCRIP_ALLOWED_HOSTS", "without a scheme and a port"}},
		{"an empty host", func(c *config.Config) { c.AllowedHosts = "a,,b" }, []string{"--allowed-hosts", `"" is no name`}},
		{"every site", func(c *config.Config) { c.AllowOrigins = "*" }, []string{"--allow-origins", "SCRIP_ALLOW_ORIGINS", "is no origin", "https://shop.example.com"}},
		{"many sites", func(c *config.Config) { c.AllowOrigins = "https://*.example.com" }, []string{"--allow-origins", "is no origin"}},
		{"a site with a path", func(c *config.Config) { c.AllowOrigins = "https://shop.example.com/" }, []string{"--allow-origins", "without a slash"}},
		{"a site without a scheme", func(c *config.Config) { c.AllowOrigins = "shop.example.com" }, []string{"--allow-origins", "a scheme and a host"}},
		{"half of TLS", func(c *config.Config) { c.TLSKey = "key.pem" }, []string{"--tls-cert (SCRIP_TLS_CERT)", "--tls-key is set"}},
		{"the other half", func(c *config.Config) { c.TLSCert = "cert.pem" }, []string{"--tls-key (SCRIP_TLS_KEY)", "--tls-cert is set"}},
		{"no connections", func(c *config.Config) { c.MaxConnections = 0 }, []string{"--max-connections", "SCRIP_MAX_CONNECTIONS", "from 1 to"}},
		{"less than none", func(c *config.Config) { c.MaxInflight = -1 }, []string{"--max-inflight", "SCRIP_MAX_INFLIGHT", "from 0 to"}},
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
	if len(lines) != 21 { // all but the two URLs and their files, which may be empty
		t.Errorf("%d errors, want 21:\n%v", len(lines), err)
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "--") || !strings.Contains(line, "(SCRIP_") {
			t.Errorf("%q does not begin with its flag and variable", line)
		}
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{
		"127.0.0.1:8000": true, "localhost:0": true, "[::1]:1": true, "127.9.9.9:1": true,
		":8000": false, "0.0.0.0:8000": false, "[::]:8000": false, "10.0.0.1:8000": false, "host:8000": false, "nonsense": false,
	} {
		c := config.Config{Listen: listen}
		if got := c.Loopback(); got != want {
			t.Errorf("%s: %v", listen, got)
		}
	}
}
