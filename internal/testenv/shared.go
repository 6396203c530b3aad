package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
)

// shared is what the tests of this process have in common.
var shared commons //nolint:gochecknoglobals // a test process has no other place to keep what its tests share

// commons starts each shared server when it is first asked for.
type commons struct {
	mu        sync.Mutex // held while a server starts: whoever comes meanwhile waits for it
	postgres  *Postgres
	redis     *Redis
	databases int
	said      map[string]bool
}

func (c *commons) sharedPostgres(ctx context.Context) (*Postgres, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.postgres != nil {
		return c.postgres, nil
	}
	p, err := StartPostgres(context.WithoutCancel(ctx), PostgresOptions{})
	c.postgres = p
	return p, err
}

func (c *commons) sharedRedis(ctx context.Context) (*Redis, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.redis != nil {
		return c.redis, nil
	}
	r, err := StartRedis(context.WithoutCancel(ctx), RedisOptions{})
	c.redis = r
	return r, err
}

// nextName is the name of a database that no test has yet.
func (c *commons) nextName() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.databases++
	return fmt.Sprintf("test_%d", c.databases)
}

// complain says once on stderr what is missing.
func (c *commons) complain(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.said == nil {
		c.said = map[string]bool{}
	}
	if !c.said[err.Error()] {
		c.said[err.Error()] = true
		fmt.Fprintln(os.Stderr, "testenv: tests are SKIPPED:", err)
	}
}

// stop stops what was started. Asked for again, it would be started again.
func (c *commons) stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.postgres != nil {
		err = c.postgres.Stop()
	}
	if c.redis != nil {
		err = errors.Join(err, c.redis.Stop())
	}
	c.postgres, c.redis = nil, nil
	return err
}
