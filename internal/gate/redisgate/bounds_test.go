package redisgate_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/gate/redisgate"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

const crowd = 100_000 // codes

// Redis hangs, and a hundred thousand codes' facts are to be published: some wait, the others are dropped.
func TestWaitingIsBounded(t *testing.T) {
	server := testenv.NewRedis(t, testenv.RedisOptions{})
	r := newReplica(t, redisgate.Config{URL: server.URL(), Prefix: newPrefix(), Timeout: faultTimeout}).shared()
	must(t, server.Pause())
	most := 0
	for n := range crowd {
		f := factAt(factOf("CODE"+strconv.Itoa(n), n, voucher.Open, 1), time.Now())
		f.Campaign = idOf(2, n)
		r.asks(f)
		r.SettleCampaign(f.Campaign, 1)
		if n%100 == 0 {
			most = max(most, r.Waiting())
		}
	}
	if most > 2*redisgate.OutboxMax { // facts and campaigns
		t.Errorf("%d facts and campaigns wait", most)
	}
	eventually(t, "what has no room is dropped", func() bool { return r.Waiting() == 0 && r.count(redisgate.EventDropped) > 0 })
	must(t, server.Resume())
	r.shared()
}

// A hundred thousand codes are asked for, half of them guessed.
func TestWatchedIsBounded(t *testing.T) {
	server := testenv.NewRedis(t, testenv.RedisOptions{})
	r := newReplica(t, redisgate.Config{URL: server.URL(), Prefix: newPrefix()}).shared()
	most := 0
	for n := range crowd {
		code := "CODE" + strconv.Itoa(n)
		r.Admit(code, loser)
		if n%2 == 0 {
			r.asks(factAt(factOf(code, n, voucher.Open, 1), time.Now()))
		}
		if n%100 == 0 {
			all, _ := r.Watched()
			most = max(most, all)
		}
	}
	if most == 0 || most > redisgate.WatchMax {
		t.Errorf("%d keys are watched", most)
	}
	eventually(t, "all that is due is read", func() bool {
		all, due := r.Watched()
		return due == 0 && all <= redisgate.WatchMax && r.Waiting() == 0
	})
	r.states(true)
}

// Guessers don't push out what is in use.
func TestGuessersPushNobodyOut(t *testing.T) {
	p := newPair(t)
	p.know()
	all, _ := p.b.Watched()
	for n := range 20_000 {
		p.b.Admit("GUESS"+strconv.Itoa(n), loser)
	}
	eventually(t, "guesses are watched, and read", func() bool {
		now, due := p.b.Watched()
		return now > all && due == 0
	})
	p.a.asks(p.judged(factOf("SALAM", 1, voucher.SoldOut, 1)))
	eventually(t, "b still hears", func() bool { return p.b.judges("SALAM", fault.ErrSoldOut) })
	if n := do(t, p.server, "DBSIZE"); len(n) > 2 {
		t.Errorf("%s keys are in Redis after the guessing", n)
	}
}

// What is not used for some minutes is watched no more.
func TestUnusedIsForgotten(t *testing.T) {
	p := newPair(t)
	p.a.samples(p.clock.Now().Add(storeAhead))
	p.b.samples(p.clock.Now().Add(storeAhead))
	p.a.asks(p.judged(factOf("SALAM", 1, voucher.Open, 0)))
	eventually(t, "the code is there", func() bool { return do(t, p.server, "EXISTS", p.prefix+":{SALAM}:terms") == "1" })
	p.b.Admit("SALAM", loser) // and so it hears of it once, and then of its campaign
	eventually(t, "b hears of the code and its campaign", func() bool {
		all, _ := p.b.Watched()
		return all == 3 && p.b.count(redisgate.EventHeard) == 2
	})
	for range redisgate.EpochsMax + 1 {
		p.b.Pass()
	}
	heard := p.b.count(redisgate.EventHeard)
	before, _ := p.b.Watched()
	p.a.asks(p.judged(factOf("SALAM", 1, voucher.SoldOut, 1)))
	eventually(t, "b forgets the code when it changes", func() bool {
		all, _ := p.b.Watched()
		return all < before
	})
	if p.b.count(redisgate.EventHeard) != heard {
		t.Error("b has heard of it")
	}
	p.b.Admit("SALAM", loser)
	p.b.samples(p.clock.Now().Add(storeAhead))
	eventually(t, "b takes an interest again", func() bool { return p.b.judges("SALAM", fault.ErrSoldOut) })
}

// Whoever writes to Redis what is none of ours is ignored, and counted.
func TestGarbageIsIgnored(t *testing.T) {
	p := newPair(t)
	p.know()
	good := redisgate.EncodeTerms(p.judged(factOf("X", 1, voucher.SoldOut, 1)))
	for n, plant := range [][]string{
		{"SET", "garbage"},
		{"SET", good + " "},
		{"SET", strings.Replace(good, "1 ", "2 ", 1)},
		{"SET", strings.Replace(good, "sold_out", "unknown", 1)},
		{"SET", strings.Replace(good, "sold_out", "\x00\xff\xfe", 1)},
		{"SET", strings.Repeat("x", 16<<20)},
		{"RPUSH", "a list"},
		{"SADD", "a set"},
		{"HSET", "a", "hash"},
		{"XADD", "*", "a", "stream"},
	} {
		code := "GARBAGE" + strconv.Itoa(n)
		before := p.b.count(redisgate.EventGarbage)
		p.b.Admit(code, loser) // nothing is there yet
		do(t, p.server, append([]string{plant[0], redisgate.Terms(p.prefix, code)}, plant[1:]...)...)
		eventually(t, fmt.Sprintf("%.40q is ignored and counted", plant), func() bool { return p.b.count(redisgate.EventGarbage) > before })
		if d := p.b.Admit(code, loser); d.Refusal != nil {
			t.Errorf("%.40q refuses: %v", plant, d.Refusal)
		}
		// The next to learn of the code writes over it.
		p.a.asks(p.judged(factOf(code, 100+n, voucher.SoldOut, 1)))
		eventually(t, "b hears what a writes over it", func() bool { return p.b.judges(code, fault.ErrSoldOut) })
	}
	for _, value := range []string{"x", "-1", "007", "1e9", strings.Repeat("9", 30)} {
		before := p.b.count(redisgate.EventGarbage)
		do(t, p.server, "SET", p.prefix+":campaign:{"+idOf(2, 1).Format("cmp")+"}", value)
		eventually(t, value+" is no version of a campaign", func() bool { return p.b.count(redisgate.EventGarbage) > before })
	}
	p.a.states(true)
	p.b.states(true)
}

// A forger must go on: what they write refuses for a second at most, and only whom it would refuse if it
// were true.
func TestForgeryEnds(t *testing.T) {
	p := newPair(t)
	p.know()
	f := p.judged(factOf("SALAM", 1, voucher.Disabled, 0))
	do(t, p.server, "SET", redisgate.Terms(p.prefix, "SALAM"), redisgate.EncodeTerms(f))
	eventually(t, "the forgery is believed", func() bool { return p.b.judges("SALAM", fault.ErrDisabled) })
	if d := p.b.Admit("SALAM", winner); d.Refusal != nil {
		t.Errorf("a winner is refused: %v", d.Refusal)
	}
	p.clock.pass(voucher.FactFreshFor)
	if !p.b.judges("SALAM", nil) {
		t.Error("it is believed for more than a second")
	}
}

func TestEventsAreAll(t *testing.T) {
	seen := make(map[string]bool)
	for _, e := range redisgate.Events() {
		if seen[e] || e == "" {
			t.Errorf("%q is there twice", e)
		}
		seen[e] = true
	}
}

// A context that ends after New ends nothing.
func TestOutlivesItsContext(t *testing.T) {
	server := testenv.SharedRedis(t)
	ctx, cancel := context.WithCancel(t.Context())
	r := openReplicaWith(ctx, t, redisgate.Config{URL: server.URL(), Prefix: newPrefix()})
	cancel()
	r.shared()
	must(t, r.Close())
}
