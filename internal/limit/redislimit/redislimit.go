// Package redislimit is how replicas exchange the counts of their limits: through Redis, in the background.
//
// A bucket in Redis is one key with one number, the time at which the bucket is full again by Redis' own
// clock, and ends by itself at that time. Each exchange is one pipeline of one function for each bucket that
// was used, whatever the number of replicas. Redis decides nothing: a replica takes in what it hears only where
// that is more than it knows, and tells what it knows with what it adds. So a Redis that is flushed or has
// failed over learns it anew, and one that is gone leaves each replica with its own limits.
//
// Redis must be as private as the database: who writes to it can make a bucket look used up, for as long as
// they go on.
package redislimit

import (
	"cmp"
	"context"
	"crypto/sha1" //nolint:gosec // by this does Redis name a script
	_ "embed"
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"scrip/internal/limit"
	"scrip/internal/redislink"
)

//go:embed take.lua
var takeText string

const (
	timeoutDefault = 500 * time.Millisecond
	prefixDefault  = "scrip"
	// aheadMax is the most that a bucket can be away from full: twice the longest that limit allows.
	aheadMax = 62 * 24 * time.Hour
	batchMax = 256 // calls in one pipeline

	connBufferBytes = 1 << 15
	ringScale       = 8
	topologyEvery   = 5 * time.Second // at which sentinels and clusters are asked who is who
	movedMax        = 3
)

// Config configures an Exchange. Only URL must be set.
type Config struct {
	URL    string // as redislink.Parse takes it
	Prefix string // begins every key, "scrip" by default
	// Timeout is how long one exchange may take, and to connect; 500 ms by default. No request waits for it.
	Timeout time.Duration
}

// Exchange is a limit.Exchange. Trade is for one goroutine at a time.
type Exchange struct {
	options rueidis.ClientOption
	prefix  string
	timeout time.Duration
	dialer  *redislink.Dialer
	sha     string

	mu     sync.Mutex // guards client against Close
	client rueidis.Client
	closed bool
}

var _ limit.Exchange = (*Exchange)(nil)

// New returns an Exchange. It does not connect; Trade does. Close ends it.
func New(cfg Config) (*Exchange, error) {
	o, err := redislink.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("redislimit: %w", err)
	}
	if cfg.Prefix == "" {
		cfg.Prefix = prefixDefault
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = timeoutDefault
	}
	sum := sha1.Sum([]byte(takeText)) //nolint:gosec // by this does Redis name a script
	e := &Exchange{prefix: cfg.Prefix, timeout: cfg.Timeout, dialer: redislink.NewDialer(), sha: hex.EncodeToString(sum[:])}
	o.DialCtxFn = e.dialer.Dial
	o.Dialer.Timeout = cfg.Timeout
	o.ConnWriteTimeout = cfg.Timeout
	o.Sentinel.Dialer.Timeout = cfg.Timeout
	if o.Sentinel.MasterSet != "" {
		o.Sentinel.TopologyRefreshInterval = topologyEvery
	}
	o.ClusterOption.ShardsRefreshInterval = topologyEvery
	o.ClusterOption.MaxMovedRedirections = movedMax
	o.DisableRetry = true // a call that was sent twice would count twice
	o.DisableCache = true
	o.PipelineMultiplex = -1
	o.ReadBufferEachConn, o.WriteBufferEachConn, o.RingScaleEachConn = connBufferBytes, connBufferBytes, ringScale
	o.ClientName = "scrip-limits"
	e.options = o
	return e, nil
}

// Trade is limit.Exchange's. It connects if need be.
func (e *Exchange) Trade(ctx context.Context, counts []limit.Count) error {
	c, err := e.connect()
	if err != nil {
		return fmt.Errorf("redislimit: connect: %w", err)
	}
	for len(counts) > 0 {
		n := min(len(counts), batchMax)
		if err := e.trade(ctx, c, counts[:n]); err != nil {
			return fmt.Errorf("redislimit: exchange %d counts: %w", n, err)
		}
		counts = counts[n:]
	}
	return nil
}

// connect returns the client, made at its first use.
func (e *Exchange) connect() (rueidis.Client, error) {
	e.mu.Lock()
	c, closed := e.client, e.closed
	e.mu.Unlock()
	if closed {
		return nil, redislink.ErrClosed
	}
	if c != nil {
		return c, nil
	}
	c, err := rueidis.NewClient(e.options)
	if err != nil {
		if c != nil {
			c.Close()
		}
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		c.Close()
		return nil, redislink.ErrClosed
	}
	e.client = c
	return c, nil
}

// trade exchanges a batch in one round trip, and in a second one with a server that does not know the
// function yet.
func (e *Exchange) trade(ctx context.Context, c rueidis.Client, counts []limit.Count) error {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	commands := make(rueidis.Commands, len(counts))
	for i := range counts {
		commands[i] = c.B().Evalsha().Sha1(e.sha).Numkeys(1).Key(e.name(&counts[i])).Arg(args(&counts[i])...).Build()
	}
	var failed error
	var again []int
	for i, r := range c.DoMulti(ctx, commands...) {
		err := hear(&counts[i], r)
		if refused, ok := rueidis.IsRedisErr(err); ok && refused.IsNoScript() {
			again = append(again, i)
			continue
		}
		failed = cmp.Or(failed, err) // one tells all that there is to tell
	}
	if len(again) == 0 {
		return failed
	}
	commands = make(rueidis.Commands, len(again))
	for n, i := range again {
		commands[n] = c.B().Eval().Script(takeText).Numkeys(1).Key(e.name(&counts[i])).Arg(args(&counts[i])...).Build()
	}
	for n, r := range c.DoMulti(ctx, commands...) {
		failed = cmp.Or(failed, hear(&counts[again[n]], r))
	}
	return failed
}

// name is the key of a bucket.
func (e *Exchange) name(c *limit.Count) string {
	return e.prefix + ":limit:" + c.Of.String() + ":" + strconv.FormatUint(c.Key, 16)
}

// args are the function's, in microseconds.
func args(c *limit.Count) []string {
	return []string{
		strconv.FormatInt(c.Owed.Microseconds(), 10),
		strconv.FormatInt(c.Ahead.Microseconds(), 10),
		strconv.FormatInt(aheadMax.Microseconds(), 10),
	}
}

// hear takes the answer into a count.
func hear(c *limit.Count, r rueidis.RedisResult) error {
	ahead, err := r.AsInt64()
	if err != nil {
		return err
	}
	c.Ahead = min(time.Duration(max(0, ahead))*time.Microsecond, aheadMax)
	return nil
}

// Close ends the connections, whatever waits on them.
func (e *Exchange) Close() error {
	e.dialer.Close()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	if e.client != nil {
		e.client.Close()
		e.client = nil
	}
	return nil
}
