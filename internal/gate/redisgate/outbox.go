package redisgate

import (
	"cmp"
	"strings"
	"sync"

	"scrip/internal/id"
	"scrip/internal/voucher"
)

// outboxMax is how many codes' facts, and how many campaigns' versions, wait to be published at most.
const outboxMax = 4096

// outbox is what waits to be published: of each code the newest fact only.
type outbox struct {
	mu        sync.Mutex
	facts     map[string]voucher.Fact
	campaigns map[id.ID]int64
	wake      chan struct{} // holds one when there may be something
}

func (o *outbox) open() {
	o.facts = make(map[string]voucher.Fact)
	o.campaigns = make(map[id.ID]int64)
	o.wake = make(chan struct{}, 1)
}

// put adds the facts that may be published, and returns for how many there was no room.
func (o *outbox) put(facts []voucher.Fact) (dropped int) {
	o.mu.Lock()
	for i := range facts {
		f := &facts[i]
		if !publishable(f) {
			continue
		}
		old, ok := o.facts[f.Key]
		switch {
		case ok && !follows(f, &old):
		case ok:
			next := *f
			next.Key = old.Key
			o.facts[old.Key] = next
		case len(o.facts) >= outboxMax:
			dropped++
		default:
			next := *f
			next.Key = strings.Clone(f.Key) // the caller's may be part of a whole request body
			o.facts[next.Key] = next
		}
	}
	o.mu.Unlock()
	o.signal()
	return dropped
}

// putCampaign adds a campaign's version, and reports whether there was room.
func (o *outbox) putCampaign(campaign id.ID, version int64) bool {
	o.mu.Lock()
	old, ok := o.campaigns[campaign]
	room := ok || len(o.campaigns) < outboxMax
	if room && version >= 0 {
		o.campaigns[campaign] = max(old, version)
	}
	o.mu.Unlock()
	o.signal()
	return room
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// take removes at most n facts and n campaigns.
func (o *outbox) take(n int) (facts []voucher.Fact, campaigns map[id.ID]int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for key, f := range o.facts {
		if len(facts) == n {
			break
		}
		facts = append(facts, f)
		delete(o.facts, key)
	}
	campaigns = make(map[id.ID]int64)
	for c, version := range o.campaigns {
		if len(campaigns) == n {
			break
		}
		campaigns[c] = version
		delete(o.campaigns, c)
	}
	return facts, campaigns
}

// follows reports whether f is not older than another fact about the code.
func follows(f, old *voucher.Fact) bool {
	if f.Voucher != old.Voucher {
		return f.At.After(old.At)
	}
	return cmp.Or(
		cmp.Compare(f.Version.Sum(), old.Version.Sum()),
		cmp.Compare(f.Status.Stage(), old.Status.Stage()),
		f.At.Compare(old.At),
	) >= 0
}
