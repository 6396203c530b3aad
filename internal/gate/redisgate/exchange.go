package redisgate

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

var errAway = errors.New("there is no connection to Redis")

// reading is what was read of one key: at most valueMax+1 bytes, "" where there is nothing.
type reading struct {
	value string
	err   error // errGarbage where there is no text
}

// begin is the client, and a context for one exchange with it.
func (l *link) begin(ctx context.Context) (rueidis.Client, context.Context, context.CancelFunc, error) {
	c := l.client.Load()
	if c == nil {
		return nil, ctx, nil, errAway
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	return *c, ctx, cancel, nil
}

// do runs functions, all in one exchange, and returns what became of each.
func (l *link) do(ctx context.Context, calls []call) []error {
	_, errs := l.ask(ctx, calls)
	return errs
}

// ask is do, with the number that each function returned.
func (l *link) ask(ctx context.Context, calls []call) (numbers []int64, errs []error) {
	numbers, errs = make([]int64, len(calls)), make([]error, len(calls))
	c, ctx, cancel, err := l.begin(ctx)
	if err != nil {
		for i := range errs {
			errs[i] = err
		}
		return numbers, errs
	}
	defer cancel()
	for i, r := range run(ctx, c, calls) {
		numbers[i], errs[i] = r.AsInt64()
	}
	return numbers, errs
}

// readTracked reads keys, and Redis will tell when one of them is changed.
func (l *link) readTracked(ctx context.Context, keys []string) []reading {
	c, ctx, cancel, err := l.begin(ctx)
	if err != nil {
		return unread(len(keys), err)
	}
	defer cancel()
	commands := make([]rueidis.CacheableTTL, len(keys))
	for i, key := range keys {
		// Static: without it each reading would be a transaction that asks for the key's TTL too.
		commands[i] = rueidis.CT(c.B().Getrange().Key(key).Start(0).End(valueMax).Cache().ToStaticTTL(), time.Minute)
	}
	return readings(c.DoMultiCache(ctx, commands...))
}

// read reads keys, once.
func (l *link) read(ctx context.Context, keys []string) []reading {
	if len(keys) == 0 {
		return nil
	}
	c, ctx, cancel, err := l.begin(ctx)
	if err != nil {
		return unread(len(keys), err)
	}
	defer cancel()
	commands := make(rueidis.Commands, len(keys))
	for i, key := range keys {
		commands[i] = c.B().Getrange().Key(key).Start(0).End(valueMax).Build()
	}
	return readings(c.DoMulti(ctx, commands...))
}

func readings(results []rueidis.RedisResult) []reading {
	rs := make([]reading, len(results))
	for i, r := range results {
		rs[i].value, rs[i].err = r.ToString()
		if refused, ok := rueidis.IsRedisErr(rs[i].err); ok && strings.HasPrefix(refused.Error(), "WRONGTYPE") {
			rs[i].err = errGarbage
		}
	}
	return rs
}

func unread(n int, err error) []reading {
	rs := make([]reading, n)
	for i := range rs {
		rs[i].err = err
	}
	return rs
}

// noCache keeps nothing: the local gate is what remembers.
type noCache struct{}

func (noCache) Flight(_, _ string, _ time.Duration, _ time.Time) (rueidis.RedisMessage, rueidis.CacheEntry) {
	return rueidis.RedisMessage{}, nil
}
func (noCache) Update(_, _ string, _ rueidis.RedisMessage) int64 { return 0 }
func (noCache) Cancel(_, _ string, _ error)                      {}
func (noCache) Delete([]rueidis.RedisMessage)                    {}
func (noCache) Close(error)                                      {}
