package redisgate

import (
	"time"

	"github.com/redis/rueidis"

	"scrip/internal/id"
	"scrip/internal/redislink"
	"scrip/internal/voucher"
)

// All in this file is for the tests.

// The bounds.
const (
	OutboxMax = outboxMax
	WatchMax  = watchMax + guessMax
	SampleFor = sampleFor
	KeepFor   = keepFor
)

// ForwardText and RaiseText are the functions that run within Redis.
var (
	ForwardText = forwardText
	RaiseText   = raiseText
)

// EncodeTerms is what is written of a fact.
func EncodeTerms(f voucher.Fact) string { return encodeTerms(&f) }

// EncodeLeft is what is written of what is left.
func EncodeLeft(f voucher.Fact) string { return encodeLeft(&f) }

// DecodeTerms is what is read.
func DecodeTerms(code, value string) (voucher.Fact, error) { return decodeTerms(code, value) }

// Publishable reports whether all may hear of a fact.
func Publishable(f voucher.Fact) bool { return publishable(&f) }

// Terms is the name of a code's terms, Left that of what is left, and CodeOf the reverse of Terms.
func Terms(prefix, code string) string { return names{prefix}.terms(code) }

// Left is the name of what is left of a code.
func Left(prefix, code string) string { return names{prefix}.left(code) }

// CodeOf is the reverse of Terms.
func CodeOf(prefix, name string) (string, bool) { return names{prefix}.codeOf(name) }

// ParseURL is Config.URL, read.
func ParseURL(text string) (rueidis.ClientOption, error) { return redislink.Parse(text) }

// Waiting counts the facts that wait to be published.
func (g *Gate) Waiting() int {
	g.out.mu.Lock()
	defer g.out.mu.Unlock()
	return len(g.out.facts) + len(g.out.campaigns)
}

// Watched counts the keys that are watched, and those of them that are to be read.
func (g *Gate) Watched() (all, due int) {
	g.watch.mu.Lock()
	defer g.watch.mu.Unlock()
	return len(g.watch.byName), len(g.watch.due)
}

// Pass ends an epoch, as a ticker does.
func (g *Gate) Pass() {
	g.seen.pass()
	g.watch.pass()
}

// EpochsMax is for how many epochs a key is watched that is not used.
const EpochsMax = watchFor

// Bound is a bound of the store's clock.
type Bound struct{ b bound }

// NewBound knows nothing.
func NewBound() *Bound {
	var b Bound
	b.b.open()
	return &b
}

// Sample reports whether an answer agrees with what was known.
func (b *Bound) Sample(asked, now time.Duration, at time.Time) bool {
	return b.b.sample(asked, now, at)
}

// Judged tells since when something was true that the store judged then: ok if that can be told, future if
// it lies ahead.
func (b *Bound) Judged(then time.Time, now time.Duration) (at time.Duration, ok, future bool) {
	at, known := b.b.judged(then, now)
	return at, known == ageKnown, known == ageFuture
}

// DecodeNumber is how a campaign's version is read.
func DecodeNumber(value string, least int64) (int64, error) { return decodeNumber(value, least) }

// Hear takes what was read of a code, as if Redis had told of it.
func (g *Gate) Hear(code, value string) { g.hearTerms(code, value) }

// HearCampaign takes what was read of a campaign's version.
func (g *Gate) HearCampaign(c id.ID, value string) { g.hearCampaign(&watched{campaign: c}, value) }

// Campaign is the name of a campaign's version.
func Campaign(prefix string, c id.ID) string { return names{prefix}.campaign(c) }
