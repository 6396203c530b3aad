package redisgate

import (
	"context"
	"errors"
	"time"

	"github.com/redis/rueidis"

	"scrip/internal/voucher"
)

// invalidated is called by the connection when keys that were read were changed since, or with nothing
// when any may have been: Redis was flushed, or the connection is gone. It must not wait.
func (g *Gate) invalidated(keys []rueidis.RedisMessage) {
	if keys == nil {
		g.watch.lost()
		return
	}
	for _, key := range keys {
		if name, err := key.ToString(); err == nil {
			g.watch.changed(name)
		}
	}
}

// hear reads what is due and tells the local gate, until ctx ends. What is due while Redis is away
// stays so.
func (g *Gate) hear(ctx context.Context) {
	tick := time.NewTicker(epochEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			g.seen.pass()
			g.watch.pass()
		case code := <-g.notes:
			g.watch.asked(code)
			for n := 1; n < batchMax && len(g.notes) > 0; n++ { // only we take from it
				g.watch.asked(<-g.notes)
			}
		case <-g.watch.wake:
		}
		for g.link.up.Load() && ctx.Err() == nil {
			due := g.watch.take(batchMax)
			if len(due) == 0 {
				break
			}
			g.fetch(ctx, due)
		}
	}
}

// fetch reads keys, asking to be told when they change, and learns from them.
func (g *Gate) fetch(ctx context.Context, due []*watched) {
	names := make([]string, len(due))
	for i, e := range due {
		names[i] = e.name
	}
	for i, r := range g.link.readTracked(ctx, names) {
		switch {
		case errors.Is(r.err, errGarbage):
			g.count(EventGarbage, 1)
		case r.err != nil:
			g.link.failed(ctx, r.err, due[i].tag())
		case r.value == "":
		case due[i].code != "":
			g.hearTerms(due[i].code, r.value)
		default:
			g.hearCampaign(due[i], r.value)
		}
	}
}

func (g *Gate) hearCampaign(e *watched, value string) {
	version, err := decodeNumber(value, 0)
	if err != nil {
		g.count(EventGarbage, 1)
		return
	}
	g.local.SettleCampaign(e.campaign, version) // it refuses nobody, so its age does not matter
	g.count(EventHeard, 1)
}

// hearTerms tells the local gate what another replica learned, as if it had been asked for here at the
// latest time at which it surely had not been judged yet.
func (g *Gate) hearTerms(code, value string) {
	f, err := decodeTerms(code, value)
	if err != nil {
		g.count(EventGarbage, 1)
		return
	}
	g.watch.heard(&f)
	now := g.now()
	judged, known := g.bound.judged(f.At, now)
	switch {
	case known == ageNoClock:
		g.count(EventNoClock, 1)
	case known == ageFuture:
		g.count(EventFuture, 1)
	case now-judged >= f.FreshFor && f.Status != voucher.Open:
		g.count(EventTooOld, 1)
	case now-judged >= voucher.FactFreshFor: // an open voucher's, which is written once and stays
	default:
		g.count(EventHeard, 1)
		g.local.Settle(g.start.Add(judged), f)
	}
}
