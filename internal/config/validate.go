package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
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
	// queueBatches is by how many batches the queue is longer than nothing (docs/decisions/0008-overload.md).
	queueBatches = 2
	queueMin     = 100 // the redemptions that one request may bring
	inflightMax  = 1 << 22
	// Each connection takes a file and some 20 KB.
	connectionsMax = 1 << 20
	graceMax       = time.Hour
	replyMax       = 10 * time.Minute

	// PostgreSQL counts its timeouts in milliseconds, and takes zero for none. Below a tenth of a second
	// an ordinary commit on a busy disk would be cut off.
	statementMin = 100 * time.Millisecond
	statementMax = 10 * time.Minute
	poolMin      = 2 // commits and reads have connections of their own
	poolMax      = 1000
	reconcileMin = time.Second
	reconcileMax = 24 * time.Hour
	// What is removed too early is gone: below a day it is a slip of the unit.
	retentionMin = 24 * time.Hour
	retentionMax = 100 * 365 * 24 * time.Hour
)

// The answers to who may call.
const (
	AuthAuto = "auto" // on loopback, while no key was ever made, every program on this machine; else as on
	AuthOn   = "on"   // holders of keys
	AuthOff  = "off"  // whoever can reach the address
)

// Validate reports everything that is wrong with c, each with its flag, its environment variable, its
// value (without secrets) and what would be right. It looks at the values alone: whether the port is
// free or the directory can be written is found out by those who use them.
func (c *Config) Validate() error {
	return errors.Join(
		c.wrong("listen", c.Listen, checkListen(c.Listen)),
		c.wrong("auth", c.Auth, checkWord(c.Auth, AuthAuto, AuthOn, AuthOff)),
		c.wrong("first-key-file", c.FirstKeyFile, checkKeyFile(c.FirstKeyFile)),
		c.wrong("allowed-hosts", c.AllowedHosts, checkHosts(c.Hosts())),
		c.wrong("allow-origins", c.AllowOrigins, checkOrigins(c.Origins())),
		c.wrong("tls-cert", c.TLSCert, checkPair(c.TLSCert, c.TLSKey, "tls-key")),
		c.wrong("tls-key", c.TLSKey, checkPair(c.TLSKey, c.TLSCert, "tls-cert")),
		c.wrong("max-connections", strconv.Itoa(c.MaxConnections), checkRange(c.MaxConnections, 1, connectionsMax)),
		c.wrong("max-inflight", strconv.Itoa(c.MaxInflight), checkRange(c.MaxInflight, 0, inflightMax)),
		c.wrong("limit-address", c.LimitAddress, checkRate(c.LimitAddress)),
		c.wrong("limit-customer", c.LimitCustomer, checkRate(c.LimitCustomer)),
		c.wrong("limit-publishable", c.LimitPublishable, checkRate(c.LimitPublishable)),
		c.wrong("limit-misses-address", c.LimitMissesAddress, checkRate(c.LimitMissesAddress)),
		c.wrong("limit-misses-customer", c.LimitMissesCustomer, checkRate(c.LimitMissesCustomer)),
		c.wrong("limit-misses-total", c.LimitMissesTotal, checkRate(c.LimitMissesTotal)),
		c.wrong("trusted-proxies", c.TrustedProxies, c.checkProxies()),
		c.wrong("data", c.Data, checkData(c.Data)),
		c.wrongURL("database-url", c.DatabaseURL, c.DatabaseURLFile, checkDatabaseURL(c.DatabaseURL)),
		c.wrong("database-url-file", showPath(c.DatabaseURLFile), checkPath(c.DatabaseURLFile, "database-url")),
		c.wrong("database-pool", strconv.Itoa(c.DatabasePool), checkRange(c.DatabasePool, poolMin, poolMax)),
		c.wrong("database-statement-timeout", c.DatabaseStatementTimeout.String(),
			checkBetween(c.DatabaseStatementTimeout, statementMin, statementMax)),
		c.wrong("database-lock-timeout", c.DatabaseLockTimeout.String(), c.checkLockTimeout()),
		c.wrongURL("redis-url", c.RedisURL, c.RedisURLFile, checkRedisURL(c.RedisURL)),
		c.wrong("redis-url-file", showPath(c.RedisURLFile), checkPath(c.RedisURLFile, "redis-url")),
		c.wrong("redis-prefix", c.RedisPrefix, checkPrefix(c.RedisPrefix)),
		c.wrong("redis-reconcile", c.RedisReconcile.String(), checkBetween(c.RedisReconcile, reconcileMin, reconcileMax)),
		c.wrong("retention-audit", c.RetentionAudit.String(), checkRetention(c.RetentionAudit)),
		c.wrong("seal-interval", c.SealInterval.String(), checkSealInterval(c.SealInterval)),
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
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return errors.New("give a host and a port, such as 127.0.0.1:8000")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return errors.New("the port must be a number from 0 to 65535, as in 127.0.0.1:8000")
	}
	return nil
}

// checkKeyFile knows a path by what it can't be. A secret in its place would end up in a log.
func checkKeyFile(path string) error {
	if strings.ContainsRune(path, 0) {
		return errors.New("a path has no NUL characters")
	}
	if path != "" && strings.TrimSpace(path) == "" {
		return errors.New("give the path of a file that is not there yet, such as ./first-key")
	}
	return nil
}

// loopback reports whether a host is this machine alone.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// Loopback reports whether the server listens to this machine alone.
func (c *Config) Loopback() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	return err == nil && loopback(host)
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

// prefixMax bounds what each key in Redis begins with.
const prefixMax = 64

func checkPrefix(prefix string) error {
	if prefix == "" || len(prefix) > prefixMax || strings.Trim(prefix, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return fmt.Errorf("it must be 1 to %d small letters, digits, '-', '_' and '.'", prefixMax)
	}
	return nil
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
	if err := checkRange(c.MaxQueue, 0, queueMax); err != nil {
		return err
	}
	if c.MaxQueue != 0 && c.MaxBatch <= batchMax && c.MaxQueue < c.MaxBatch {
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

func checkBetween(d, least, most time.Duration) error {
	if d < least || d > most {
		return fmt.Errorf("it must be from %s to %s", least, most)
	}
	return nil
}

// checkRetention takes zero for ever.
func checkRetention(d time.Duration) error {
	if d == 0 {
		return nil
	}
	if err := checkBetween(d, retentionMin, retentionMax); err != nil {
		return fmt.Errorf("%w, or 0 for ever", err)
	}
	return nil
}

// The bounds of the sealing: a seal is a commit, and an hour is long for somebody who waits to publish one.
const (
	sealIntervalMin = 100 * time.Millisecond
	sealIntervalMax = time.Hour
)

func checkSealInterval(d time.Duration) error {
	if d == 0 {
		return nil
	}
	if err := checkBetween(d, sealIntervalMin, sealIntervalMax); err != nil {
		return fmt.Errorf("%w, or 0 for never", err)
	}
	return nil
}

// checkLockTimeout wants a wait for a lock that ends before its statement does, so that the log can tell
// the two apart. A wrong statement timeout says so itself.
func (c *Config) checkLockTimeout() error {
	if err := checkBetween(c.DatabaseLockTimeout, statementMin, statementMax); err != nil {
		return err
	}
	if c.DatabaseStatementTimeout >= statementMin && c.DatabaseLockTimeout > c.DatabaseStatementTimeout {
		return fmt.Errorf("it must be at most --database-statement-timeout, which is %s", c.DatabaseStatementTimeout)
	}
	return nil
}
