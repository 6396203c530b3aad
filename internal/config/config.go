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
	"time"

	"scrip/internal/money"
)

// Config is everything that an operator can set. The tags are in kong's words, but are read here too.
type Config struct {
	Listen                   string         `name:"listen" env:"SCRIP_LISTEN" default:"127.0.0.1:8000" placeholder:"HOST:PORT" help:"Address to serve on; with --auth auto on loopback only."`
	Auth                     string         `name:"auth" env:"SCRIP_AUTH" default:"auto" placeholder:"MODE" help:"Who may call: auto (this machine alone, through loopback) or off (whoever can reach the address). API keys come in a later version."`
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
	LogFormat                string         `name:"log-format" env:"SCRIP_LOG_FORMAT" default:"text" placeholder:"FORMAT" help:"Form of the log: text or json."`
	LogLevel                 string         `name:"log-level" env:"SCRIP_LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"Least level that is logged: debug, info, warn or error."`
	Currency                 money.Currency `name:"currency" env:"SCRIP_CURRENCY" default:"IRR" placeholder:"CODE" help:"ISO 4217 code of /codes and /wallet, and of whatever names no currency."`
	MaxBatch                 int            `name:"max-batch" env:"SCRIP_MAX_BATCH" default:"1024" placeholder:"N" help:"Most redemptions in one commit."`
	MaxQueue                 int            `name:"max-queue" env:"SCRIP_MAX_QUEUE" default:"8192" placeholder:"N" help:"Most redemptions that wait for a commit; the next is told to come again."`
	ShutdownGrace            time.Duration  `name:"shutdown-grace" env:"SCRIP_SHUTDOWN_GRACE" default:"20s" placeholder:"DURATION" help:"Longest wait for open requests at shutdown."`
	RequestTimeout           time.Duration  `name:"request-timeout" env:"SCRIP_REQUEST_TIMEOUT" default:"10s" placeholder:"DURATION" help:"Longest time to answer one request in."`
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
	case string, money.Currency:
		v.SetString(text)
	default:
		return fmt.Errorf("no reader for a %s", v.Type())
	}
	return nil
}
