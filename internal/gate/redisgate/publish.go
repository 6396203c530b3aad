package redisgate

import (
	"context"
	"strconv"

	"scrip/internal/id"
	"scrip/internal/voucher"
)

// publish writes to Redis what waits in the outbox, until ctx ends. What Redis does not take is dropped:
// it is news of the last second, and more will come.
func (g *Gate) publish(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.out.wake:
		}
		for ctx.Err() == nil {
			facts, campaigns := g.out.take(batchMax)
			if len(facts)+len(campaigns) == 0 {
				break
			}
			if !g.link.up.Load() {
				g.count(EventDropped, len(facts)+len(campaigns))
				continue
			}
			g.publishBatch(ctx, facts, campaigns)
		}
	}
}

func (g *Gate) publishBatch(ctx context.Context, facts []voucher.Fact, campaigns map[id.ID]int64) {
	calls, tags := make([]call, 0, len(facts)+len(campaigns)), make([]string, 0, len(facts)+len(campaigns))
	for i := range facts {
		f := &facts[i]
		if !g.watch.settled(f) {
			continue
		}
		if r, ok := g.forward(f); ok {
			calls, tags = append(calls, r), append(tags, tagOf(f.Key))
		}
	}
	for c, version := range campaigns {
		calls = append(calls, call{raiseText, []string{g.names.campaign(c)}, []string{strconv.FormatInt(version, 10), keepText()}})
		tags = append(tags, c.Format(id.Campaign))
	}
	if len(calls) == 0 {
		return
	}
	taken := 0
	for i, err := range g.link.do(ctx, calls) {
		if err == nil {
			taken++
			continue
		}
		g.link.failed(ctx, err, tags[i])
	}
	g.count(EventPublished, taken)
	g.count(EventDropped, len(calls)-taken)
}

// forward is the call that publishes a fact, false if it has no room in an entry.
func (g *Gate) forward(f *voucher.Fact) (call, bool) {
	value := encodeTerms(f)
	return call{
		script: forwardText,
		keys:   []string{g.names.terms(f.Key), g.names.left(f.Key)},
		args:   []string{value, encodeLeft(f), keepText()},
	}, len(value) <= valueMax
}

// count tells the observer of n events, if there are any.
func (g *Gate) count(event string, n int) {
	if n > 0 {
		g.observe.RedisCounted(event, n)
	}
}
