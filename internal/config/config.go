// Package config is the server's configuration: one struct whose tags are the only list of flags,
// environment variables and defaults, with its validation, a dump that shows no secrets, and a strict
// reader of .env files. It promises that a wrong value names itself and says what would be right, and
// that no error and no dump shows a password. It must not know the command-line parser that fills the
// struct, nor the parts that are configured by it; it reads no environment and opens nothing but .env:
// files of secrets are read by the function that Resolve is given.
package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"scrip/internal/money"
)

// Config is everything that an operator can set. The tags are in kong's words, but are read here too.
type Config struct {
	Listen                   string         `name:"listen" env:"SCRIP_LISTEN" default:"127.0.0.1:8000" placeholder:"HOST:PORT" help:"Address to serve on; beyond loopback it takes a key, or --auth off."`
	Auth                     string         `name:"auth" env:"SCRIP_AUTH" default:"auto" placeholder:"MODE" help:"Who may call: auto (while it listens on loopback and no key was ever made, every program on this machine; otherwise holders of keys), on (holders of keys) or off (whoever can reach the address)."`
	FirstKeyFile             string         `name:"first-key-file" env:"SCRIP_FIRST_KEY_FILE" placeholder:"PATH" help:"File to write the secret of an administrator's key to at the first start, where there is no key at all."`
	AllowedHosts             string         `name:"allowed-hosts" env:"SCRIP_ALLOWED_HOSTS" placeholder:"NAMES" help:"Names by which the server may be asked, besides localhost and addresses, with commas between; empty for any, but for none while it listens on loopback and asks for no keys."`
	AllowOrigins             string         `name:"allow-origins" env:"SCRIP_ALLOW_ORIGINS" placeholder:"ORIGINS" help:"Sites whose web pages may call the routes of publishable keys, with commas between, as in https://shop.example.com."`
	TLSCert                  string         `name:"tls-cert" env:"SCRIP_TLS_CERT" placeholder:"PATH" help:"PEM file of the certificate and those that vouch for it, to serve https; read again when it changes."`
	TLSKey                   string         `name:"tls-key" env:"SCRIP_TLS_KEY" placeholder:"PATH" help:"PEM file of the certificate's private key."`
	MaxConnections           int            `name:"max-connections" env:"SCRIP_MAX_CONNECTIONS" default:"20000" placeholder:"N" help:"Most connections at once; fewer where the system allows fewer open files."`
	MaxInflight              int            `name:"max-inflight" env:"SCRIP_MAX_INFLIGHT" default:"0" placeholder:"N" help:"Most requests that are judged at once; the next is told to come again. 0 is twice what a batch and the queue hold."`
	LimitAddress             string         `name:"limit-address" env:"SCRIP_LIMIT_ADDRESS" default:"200/s:2000" placeholder:"RATE" help:"Requests from one address (an IPv6 /64) with a publishable key, as in 10/s:50: ten a second, fifty at once; or off."`
	LimitCustomer            string         `name:"limit-customer" env:"SCRIP_LIMIT_CUSTOMER" default:"2/s:10" placeholder:"RATE" help:"Requests about one customer with a publishable key, and on the routes without /v1; or off."`
	LimitPublishable         string         `name:"limit-publishable" env:"SCRIP_LIMIT_PUBLISHABLE" default:"20000/s:40000" placeholder:"RATE" help:"Requests with one publishable key that has no rate of its own; or off."`
	LimitMissesAddress       string         `name:"limit-misses-address" env:"SCRIP_LIMIT_MISSES_ADDRESS" default:"20/h:40" placeholder:"RATE" help:"Codes that cannot be redeemed, tried from one address; or off."`
	LimitMissesCustomer      string         `name:"limit-misses-customer" env:"SCRIP_LIMIT_MISSES_CUSTOMER" default:"10/h:10" placeholder:"RATE" help:"Codes that cannot be redeemed, tried by one customer; or off."`
	LimitMissesTotal         string         `name:"limit-misses-total" env:"SCRIP_LIMIT_MISSES_TOTAL" default:"2/s:500" placeholder:"RATE" help:"Codes that cannot be redeemed, tried by all together; or off."`
	TrustedProxies           string         `name:"trusted-proxies" env:"SCRIP_TRUSTED_PROXIES" placeholder:"NETWORKS" help:"Networks of proxies whose X-Forwarded-For or Forwarded says who asks, with commas between, as in 10.0.0.0/8."`
	Data                     string         `name:"data" env:"SCRIP_DATA" default:"./data" placeholder:"DIR" help:"Directory of the embedded store; made if absent."`
	DatabaseURL              string         `name:"database-url" env:"SCRIP_DATABASE_URL" placeholder:"URL" help:"PostgreSQL to use instead of the embedded store, as in postgres://scrip:secret@db:5432/scrip."`
	DatabaseURLFile          string         `name:"database-url-file" env:"SCRIP_DATABASE_URL_FILE" placeholder:"PATH" help:"File that holds --database-url, such as a Docker secret."`
	DatabasePool             int            `name:"database-pool" env:"SCRIP_DATABASE_POOL" default:"16" placeholder:"N" help:"Most connections to PostgreSQL."`
	DatabaseStatementTimeout time.Duration  `name:"database-statement-timeout" env:"SCRIP_DATABASE_STATEMENT_TIMEOUT" default:"5s" placeholder:"DURATION" help:"Longest time of one statement in PostgreSQL."`
	DatabaseLockTimeout      time.Duration  `name:"database-lock-timeout" env:"SCRIP_DATABASE_LOCK_TIMEOUT" default:"2s" placeholder:"DURATION" help:"Longest wait for a lock in PostgreSQL."`
	RedisURL                 string         `name:"redis-url" env:"SCRIP_REDIS_URL" placeholder:"URL" help:"Redis to share the facts of the gate through, as in redis://cache:6379, redis+sentinel://a:26379,b:26379/master or redis+cluster://a:6379,b:6379."`
	RedisURLFile             string         `name:"redis-url-file" env:"SCRIP_REDIS_URL_FILE" placeholder:"PATH" help:"File that holds --redis-url, such as a Docker secret."`
	RedisPrefix              string         `name:"redis-prefix" env:"SCRIP_REDIS_PREFIX" default:"scrip" placeholder:"NAME" help:"What the keys in Redis begin with; one for each database that shares a Redis."`
	RedisReconcile           time.Duration  `name:"redis-reconcile" env:"SCRIP_REDIS_RECONCILE" default:"30s" placeholder:"DURATION" help:"How often one of the replicas holds what is in Redis against the database."`
	RetentionAudit           time.Duration  `name:"retention-audit" env:"SCRIP_RETENTION_AUDIT" default:"9600h" placeholder:"DURATION" help:"How long the audit log is kept, at least 24h; 9600h are 400 days, and 0 is for ever. What is money is kept for ever."`
	SealInterval             time.Duration  `name:"seal-interval" env:"SCRIP_SEAL_INTERVAL" default:"1s" placeholder:"DURATION" help:"How often one of the replicas seals what was committed, so that a later change shows; 100ms to 1h, or 0 for never."`
	LogFormat                string         `name:"log-format" env:"SCRIP_LOG_FORMAT" default:"text" placeholder:"FORMAT" help:"Form of the log: text or json."`
	LogLevel                 string         `name:"log-level" env:"SCRIP_LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"Least level that is logged: debug, info, warn or error."`
	LogUnmasked              bool           `name:"log-unmasked" env:"SCRIP_LOG_UNMASKED" default:"false" help:"Log what failed word for word: codes, customers and keys may then stand in the log, and paths do at debug level."`
	Currency                 money.Currency `name:"currency" env:"SCRIP_CURRENCY" default:"IRR" placeholder:"CODE" help:"ISO 4217 code of /codes and /wallet, and of whatever names no currency."`
	MaxBatch                 int            `name:"max-batch" env:"SCRIP_MAX_BATCH" default:"1024" placeholder:"N" help:"Most redemptions in one commit."`
	MaxQueue                 int            `name:"max-queue" env:"SCRIP_MAX_QUEUE" default:"0" placeholder:"N" help:"Most redemptions that wait for a commit; the next is told to come again. 0 is twice --max-batch."`
	ShutdownGrace            time.Duration  `name:"shutdown-grace" env:"SCRIP_SHUTDOWN_GRACE" default:"20s" placeholder:"DURATION" help:"Longest wait for open requests at shutdown."`
	RequestTimeout           time.Duration  `name:"request-timeout" env:"SCRIP_REQUEST_TIMEOUT" default:"10s" placeholder:"DURATION" help:"Longest time to answer one request in."`
}

// Queue is how many redemptions may wait for a commit: as many as fill queueBatches batches, unless MaxQueue says
// otherwise. The wait is bounded in batches and not in time, because a batch is the unit in which it is served: a
// request that is let in waits for the rest of the running batch, for one before its own and for its own.
func (c *Config) Queue() int {
	if c.MaxQueue == 0 {
		return max(queueBatches*c.MaxBatch, queueMin)
	}
	return c.MaxQueue
}

// Inflight is how many requests may be judged at once. Beside those that wait for a commit there is as much room for
// those that read, or wait for a processor.
func (c *Config) Inflight() int {
	if c.MaxInflight == 0 {
		return 2 * (c.MaxBatch + c.Queue())
	}
	return c.MaxInflight
}

// Hosts are the names of AllowedHosts.
func (c *Config) Hosts() []string { return list(c.AllowedHosts) }

// Origins are the sites of AllowOrigins.
func (c *Config) Origins() []string { return list(c.AllowOrigins) }

// list is what stands between commas, without the space around it.
func list(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	all := strings.Split(text, ",")
	for i, one := range all {
		all[i] = strings.TrimSpace(one)
	}
	return all
}

// Default returns the configuration of a server that is told nothing.
func Default() Config {
	var c Config
	v := reflect.ValueOf(&c).Elem()
	for at, f := range fields() {
		if err := set(v.Field(at), f.fallback); err != nil {
			panic(fmt.Sprintf("config: default of --%s: %v", f.name, err)) // a wrong tag; the tests see it first
		}
	}
	return c
}

// field is what the tags of one member say.
type field struct {
	name     string // of the flag, without its hyphens
	env      string
	fallback string // the default, as it would be written after the flag
}

// fields returns the members of Config in their order.
func fields() []field {
	t := reflect.TypeFor[Config]()
	all := make([]field, 0, t.NumField())
	for f := range t.Fields() {
		all = append(all, field{name: f.Tag.Get("name"), env: f.Tag.Get("env"), fallback: f.Tag.Get("default")})
	}
	return all
}

// set reads text into v, which is one of the types that Config has.
func set(v reflect.Value, text string) error {
	switch v.Interface().(type) {
	case time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return err
		}
		v.SetInt(int64(d))
	case int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		v.SetInt(int64(n))
	case bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return err
		}
		v.SetBool(b)
	case string, money.Currency:
		v.SetString(text)
	default:
		return fmt.Errorf("no reader for a %s", v.Type())
	}
	return nil
}
