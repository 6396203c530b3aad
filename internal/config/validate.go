package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"scrip/internal/money"
)

// Limits of the numbers. A batch of 2^14 already keeps a commit busy for half a second, and a queue of
// 2^20 holds a gigabyte of requests; beyond them a value is a slip.
const (
	batchMax = 1 << 14
	queueMax = 1 << 20
	graceMax = time.Hour
	replyMax = 10 * time.Minute
)

// Validate reports everything that is wrong with c, each with its flag, its environment variable, its
// value (without secrets) and what would be right. It looks at the values alone: whether the port is
// free or the directory can be written is found out by those who use them.
func (c *Config) Validate() error {
	return errors.Join(
		c.wrong("listen", c.Listen, checkListen(c.Listen)),
		c.wrong("data", c.Data, checkData(c.Data)),
		c.wrong("database-url", redactURL(c.DatabaseURL), checkURL(c.DatabaseURL,
			"PostgreSQL is not in this version; leave it empty for the embedded store", "postgres", "postgresql")),
		c.wrong("redis-url", redactURL(c.RedisURL), checkURL(c.RedisURL,
			"Redis is not in this version; leave it empty to keep the gate in process", "redis", "rediss")),
		c.wrong("log-format", c.LogFormat, checkWord(c.LogFormat, "text", "json")),
		c.wrong("log-level", c.LogLevel, checkWord(c.LogLevel, "debug", "info", "warn", "error")),
		c.wrong("currency", string(c.Currency), checkCurrency(c.Currency)),
		c.wrong("max-batch", strconv.Itoa(c.MaxBatch), checkRange(c.MaxBatch, 1, batchMax)),
		c.wrong("max-queue", strconv.Itoa(c.MaxQueue), c.checkQueue()),
		c.wrong("shutdown-grace", c.ShutdownGrace.String(), checkDuration(c.ShutdownGrace, graceMax)),
		c.wrong("request-timeout", c.RequestTimeout.String(), checkDuration(c.RequestTimeout, replyMax)),
	)
}

// wrong names the flag, the variable and the value that err is about; nil stays nil.
func (c *Config) wrong(name, value string, err error) error {
	if err == nil {
		return nil
	}
	for _, f := range fields() {
		if f.name == name {
			return fmt.Errorf("--%s (%s) is %.200q: %w", f.name, f.env, value, err)
		}
	}
	return fmt.Errorf("--%s is %.200q: %w", name, value, err)
}

func checkListen(listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return errors.New("give a host and a port, such as 127.0.0.1:8000")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return errors.New("the port must be a number from 0 to 65535, as in 127.0.0.1:8000")
	}
	if host == "localhost" {
		return nil
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.Unmap().IsLoopback() {
		return nil
	}
	return errors.New("any listener but loopback needs keys, which are not in this version, and without one the " +
		"server refuses to start; listen on 127.0.0.1, [::1] or localhost")
}

func checkData(dir string) error {
	if strings.TrimSpace(dir) == "" {
		return errors.New("give the directory of the embedded store, such as ./data")
	}
	if strings.ContainsRune(dir, 0) {
		return errors.New("a path has no NUL characters")
	}
	return nil
}

// checkURL takes the empty value only. Another is told why not: that it is no URL of these schemes or,
// if it is, that this version lacks what it asks for.
func checkURL(raw, lacking string, schemes ...string) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw) // its error may quote a password; it goes no further
	if err == nil && u.Host != "" && slices.Contains(schemes, u.Scheme) {
		return errors.New(lacking)
	}
	return fmt.Errorf("it must begin with %s:// and name a host; but %s", strings.Join(schemes, ":// or "), lacking)
}

func checkWord(word string, allowed ...string) error {
	if slices.Contains(allowed, word) {
		return nil
	}
	return fmt.Errorf("it must be one of %s", strings.Join(allowed, ", "))
}

func checkCurrency(c money.Currency) error {
	if _, err := money.ParseCurrency(string(c)); err != nil {
		return errors.New("it must be an active ISO 4217 code in capitals, such as IRR or EUR")
	}
	return nil
}

func checkRange(n, low, high int) error {
	if n < low || n > high {
		return fmt.Errorf("it must be from %d to %d", low, high)
	}
	return nil
}

// checkQueue wants room for one whole batch, or no batch could ever be full. A wrong batch says so itself.
func (c *Config) checkQueue() error {
	if err := checkRange(c.MaxQueue, 1, queueMax); err != nil {
		return err
	}
	if c.MaxBatch <= batchMax && c.MaxQueue < c.MaxBatch {
		return fmt.Errorf("it must be at least --max-batch, which is %d", c.MaxBatch)
	}
	return nil
}

func checkDuration(d, most time.Duration) error {
	if d <= 0 || d > most {
		return fmt.Errorf("it must be above zero and at most %s, such as 15s", most)
	}
	return nil
}
