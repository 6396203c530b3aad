// Package stampede is the rehearsal of a television minute, and our proof: it floods a running server
// with distinct customers, then asks the server what became of each and says whether it was exact.
//
// It promises to be cheap enough not to be the bottleneck (one goroutine a connection, requests that are
// encoded once, answers parsed where they lie), to learn the final verdict of every request whose answer
// was lost, by asking again under its Idempotency-Key, and never to call a run exact that it could not
// check to the end. It must not know how the server works inside: it sees only what a client sees.
package stampede

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"scrip/client"
)

// Bounds of a rehearsal. A customer costs 32 bytes here, a connection about 10 KB here and 20 KB there.
const (
	CustomersMax   = 10_000_000
	ConcurrencyMax = 20_000
	RepeatMax      = 100
)

// Config says what to rehearse.
type Config struct {
	URL         string
	Key         string   // a secret key with the scopes redeem and read; empty for none
	Replicas    []string // further servers of the same store: the crowd is spread over all of them
	Code        string
	Customers   int           // distinct customers, each asking once
	Concurrency int           // connections
	Repeat      int           // how often each customer asks again
	Timeout     time.Duration // for one answer
	Patience    time.Duration // how long one request is tried again before its verdict is given up
	Limit       time.Duration // for everything

	// Progress, if set, is told how far it is, several times a second, from one goroutine.
	Progress func(Progress)
}

// validate refuses what can't be run.
func (c *Config) validate() error {
	switch {
	case c.Code == "":
		return errors.New("name the code that they all ask for")
	case c.Customers < 1 || c.Customers > CustomersMax:
		return fmt.Errorf("the customers must be from 1 to %d", CustomersMax)
	case c.Concurrency < 1 || c.Concurrency > ConcurrencyMax:
		return fmt.Errorf("the concurrency must be from 1 to %d", ConcurrencyMax)
	case c.Repeat < 0 || c.Repeat > RepeatMax:
		return fmt.Errorf("the repeats must be from 0 to %d", RepeatMax)
	case c.Timeout <= 0 || c.Patience <= 0 || c.Limit <= 0:
		return errors.New("the timeout, the patience and the limit must be above zero")
	case strings.ContainsFunc(c.Key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("a key is one word that begins with sk_")
	}
	return nil
}

// ErrUnfit wraps why this rehearsal can't be run as it was asked for.
var ErrUnfit = errors.New("this can't be rehearsed")

// Run rehearses. An error means that it never began; a Summary says how it went, however it ended.
func Run(ctx context.Context, cfg Config) (*Summary, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	to, servers, err := replicas(cfg.Key, append([]string{cfg.URL}, cfg.Replicas...))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.Limit)
	defer cancel()
	before, err := servers.look(ctx, cfg.Code)
	if err != nil {
		return nil, err
	}
	if err := before.fit(&cfg); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	f := newFlood(cfg, to, before)
	stop := f.tellProgress(ctx)
	f.run(ctx)
	if ctx.Err() == nil {
		f.check(ctx, servers)
	}
	stop()
	return f.summary(ctx), nil
}

// replicas makes ready to ask servers of one store.
func replicas(key string, urls []string) ([]*address, servers, error) {
	to := make([]*address, len(urls))
	all := make(servers, len(urls))
	for i, url := range urls {
		var err error
		if to[i], err = parseAddress(url); err != nil {
			return nil, nil, err
		}
		if all[i], err = client.New(url, client.WithUserAgent(userAgent), client.WithKey(key)); err != nil {
			return nil, nil, err
		}
	}
	return to, all, nil
}

const userAgent = "scrip-stampede"

// newRun names a run, so that its customers are new to the server. Twelve letters of 32 are 60 bits.
func newRun() string { return "st-" + strings.ToLower(rand.Text()[:12]) }
