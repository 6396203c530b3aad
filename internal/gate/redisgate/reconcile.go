package redisgate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

const (
	lockMin   = 10 * time.Second // how long the lock outlives its holder, at least
	lookupMax = 10 * time.Second // for one question to the store
)

var errLockLost = errors.New("another replica has taken over")

// reconcile compares Redis with the store every so often, one replica at a time, until ctx ends. It logs the
// first failure of many, and the success after them.
func (g *Gate) reconcile(ctx context.Context) {
	failing := false
	for {
		wait(ctx, g.every*3/4+rand.N(g.every/2+1), nil) //nolint:gosec // jitter, not a secret
		if ctx.Err() != nil {
			return
		}
		if !g.link.up.Load() {
			continue
		}
		err := g.reconcileAlone(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			g.log.WarnContext(ctx, "redis could not be compared with the store; requests go on", "err", err)
		case err == nil && failing:
			g.log.InfoContext(ctx, "redis is compared with the store again")
		}
		failing = err != nil
	}
}

// reconcileAlone reconciles if no other replica does, or has a short while ago. A replica that dies
// meanwhile leaves the lock to end by itself.
func (g *Gate) reconcileAlone(ctx context.Context) error {
	locked, err := g.link.lock(ctx, g.lockFor())
	if err != nil || !locked {
		return err
	}
	err = g.reconcileAll(ctx)
	rest := g.every / 2 // nobody else needs to begin before
	if err != nil {
		rest = 0
	}
	// The lock is given back even if the gate is being closed.
	if _, errs := g.link.ask(context.WithoutCancel(ctx), []call{g.hold(rest)}); err == nil {
		err = errs[0]
	}
	return err
}

func (g *Gate) lockFor() time.Duration { return max(g.every, lockMin) }

// hold is the call that keeps the lock for another while, or gives it back at 0.
func (g *Gate) hold(d time.Duration) call {
	return call{holdText, []string{g.names.lock()}, []string{g.token, strconv.FormatInt(d.Milliseconds(), 10)}}
}

// reconcileAll goes through all entries. It takes as long as the store takes, and rests as long: it must
// not be what the store is busy with.
func (g *Gate) reconcileAll(ctx context.Context) error {
	return g.link.scan(ctx, g.names.allTerms(), func(keys []string) error {
		held, errs := g.link.ask(ctx, []call{g.hold(g.lockFor())})
		if errs[0] != nil {
			return errs[0]
		}
		if held[0] == 0 {
			return errLockLost
		}
		before := g.now()
		if err := g.reconcileBatch(ctx, keys); err != nil {
			return err
		}
		wait(ctx, min(max(g.now()-before, 0), lookupMax), nil)
		return ctx.Err()
	})
}

// lock takes the lock for a while, and reports whether it did.
func (l *link) lock(ctx context.Context, d time.Duration) (bool, error) {
	c, ctx, cancel, err := l.begin(ctx)
	if err != nil {
		return false, err
	}
	defer cancel()
	err = c.Do(ctx, c.B().Set().Key(l.names.lock()).Value(l.token).Nx().PxMilliseconds(d.Milliseconds()).Build()).Error()
	if rueidis.IsRedisNil(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("take the lock of reconciliation: %w", err)
	}
	return true, nil
}

// scan yields the names of all keys of a pattern, at most batchMax at a time, some perhaps twice.
func (l *link) scan(ctx context.Context, pattern string, yield func(keys []string) error) error {
	c := l.client.Load()
	if c == nil {
		return errAway
	}
	for _, node := range (*c).Nodes() {
		for cursor, more := uint64(0), true; more; more = cursor != 0 {
			page, err := l.scanPage(ctx, node, pattern, cursor)
			if err != nil {
				return fmt.Errorf("list the entries in Redis: %w", err)
			}
			cursor = page.Cursor
			for keys := page.Elements; len(keys) > 0; keys = keys[min(batchMax, len(keys)):] {
				if err := yield(keys[:min(batchMax, len(keys))]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (l *link) scanPage(ctx context.Context, node rueidis.Client, pattern string, cursor uint64) (rueidis.ScanEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	return node.Do(ctx, node.B().Scan().Cursor(cursor).Match(pattern).Count(batchMax).Build()).AsScanEntry()
}
