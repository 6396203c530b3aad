package redisgate

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// entry is what Redis held of a code before the store was asked.
type entry struct {
	name, code  string
	terms, left reading
	fact        voucher.Fact // of terms
	sound       bool         // terms could be read, and so could left
}

// reconcileBatch reads entries, then asks the store, and deletes what contradicts it: only what Redis
// held before the store was asked, for the store may be ahead of it but never behind. What the store has
// said is learned here if the code is in use here, and published if it differs from the entry.
//
// An entry that says what the store says is not written anew: it would live for ever, and wake everybody.
func (g *Gate) reconcileBatch(ctx context.Context, names []string) error {
	entries, err := g.entries(ctx, names)
	if err != nil {
		return err
	}
	versions, err := g.campaigns(ctx, entries)
	if err != nil {
		return err
	}
	codes, at := make([]string, 0, len(entries)), make(map[string]int, len(entries))
	for _, e := range entries {
		if e.code != "" {
			at[e.code] = len(codes)
			codes = append(codes, e.code)
		}
	}
	asked := g.clock()
	listings, now, err := g.lookup(ctx, codes)
	if err != nil {
		return err
	}
	var wrong []call
	var differ, used []voucher.Fact
	for i := range entries {
		e := &entries[i]
		if e.gone() {
			continue
		}
		var said voucher.Fact // unknown, where there is no such code
		if e.code != "" && listings[at[e.code]].Voucher != nil {
			l := listings[at[e.code]]
			said = voucher.FactOf(l.Campaign, l.Voucher, now)
			if v, ok := versions[l.Campaign.ID]; ok && v.wrong(l.Campaign.Version) {
				wrong = append(wrong, call{forgetText, []string{g.names.campaign(l.Campaign.ID)}, []string{v.value}})
				delete(versions, l.Campaign.ID)
			}
			if g.watch.holds(e.code) {
				used = append(used, said)
			}
		}
		contradicts := e.contradicts(&said, now)
		if contradicts {
			wrong = append(wrong, g.forget(e))
		}
		if said.Status != voucher.Unknown && (contradicts || e.lags(&said)) {
			differ = append(differ, said)
		}
	}
	return g.learn(ctx, asked, wrong, used, differ, len(entries))
}

// learn deletes what is wrong, and takes what the store said into account.
func (g *Gate) learn(ctx context.Context, asked time.Time, wrong []call, used, differ []voucher.Fact, compared int) error {
	g.sample(asked, used)
	g.local.Settle(asked, used...)
	g.count(EventReconciled, compared)
	if len(wrong) > 0 {
		deleted, errs := g.link.ask(ctx, wrong)
		for i, err := range errs {
			if err != nil {
				return fmt.Errorf("delete what contradicts the store: %w", err)
			}
			g.count(EventContradicted, int(deleted[i]))
		}
	}
	g.watch.forgetPublished(differ)
	g.count(EventDropped, g.out.put(differ))
	return nil
}

// entries reads entries.
func (g *Gate) entries(ctx context.Context, names []string) ([]entry, error) {
	entries := make([]entry, len(names))
	keys := make([]string, 0, 2*len(names))
	for i, name := range names {
		code, ok := g.names.codeOf(name)
		entries[i].name, keys = name, append(keys, name)
		if ok {
			entries[i].code = code
			keys = append(keys, g.names.left(code))
		}
	}
	got := g.link.read(ctx, keys)
	for i := range entries {
		e := &entries[i]
		e.terms, got = got[0], got[1:]
		if e.code != "" {
			e.left, got = got[0], got[1:]
		}
		for _, r := range []reading{e.terms, e.left} {
			if r.err != nil && r.err != errGarbage { //nolint:errorlint // it is set, not wrapped
				return nil, fmt.Errorf("read the entries in Redis: %w", r.err)
			}
		}
		fact, err := decodeTerms(e.code, e.terms.value)
		e.fact, e.sound = fact, err == nil && e.terms.err == nil && e.left.err == nil
	}
	return entries, nil
}

// campaigns reads the versions of the entries' campaigns.
func (g *Gate) campaigns(ctx context.Context, entries []entry) (map[id.ID]reading, error) {
	var ids []id.ID
	var keys []string
	versions := make(map[id.ID]reading)
	for i := range entries {
		c := entries[i].fact.Campaign
		if _, ok := versions[c]; !ok && entries[i].sound {
			versions[c] = reading{}
			ids, keys = append(ids, c), append(keys, g.names.campaign(c))
		}
	}
	for i, r := range g.link.read(ctx, keys) {
		if r.err != nil && r.err != errGarbage { //nolint:errorlint // it is set, not wrapped
			return nil, fmt.Errorf("read the campaigns' versions in Redis: %w", r.err)
		}
		versions[ids[i]] = r
	}
	return versions, nil
}

// lookup asks the store.
func (g *Gate) lookup(ctx context.Context, codes []string) ([]store.Listing, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupMax)
	defer cancel()
	listings, now, err := g.source.Lookup(ctx, codes)
	if err == nil && len(listings) != len(codes) {
		err = fmt.Errorf("%d answers for %d codes", len(listings), len(codes))
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("ask the store what Redis should hold: %w", err)
	}
	return listings, now, nil
}

// forget is the call that deletes an entry, unless it was written since.
func (g *Gate) forget(e *entry) call {
	c := call{forgetText, []string{e.name}, []string{e.terms.value}}
	if e.code != "" {
		c.keys, c.args = append(c.keys, g.names.left(e.code)), append(c.args, e.left.value)
	}
	return c
}

// wrong reports whether a campaign's version in Redis contradicts the store's.
func (r reading) wrong(version int64) bool {
	if r.value == "" && r.err == nil {
		return false
	}
	n, err := decodeNumber(r.value, 0)
	return r.err != nil || err != nil || n > version
}

// gone reports whether an entry has ended since it was listed.
func (e *entry) gone() bool { return e.terms.value == "" && e.terms.err == nil }

// contradicts reports whether an entry can't have come from what the store said, now that it says this:
// what it holds is ahead of the store, of another voucher or of the future, or it is none of ours.
func (e *entry) contradicts(said *voucher.Fact, now time.Time) bool {
	f := &e.fact
	if !e.sound || said.Status == voucher.Unknown || f.Voucher != said.Voucher || f.Campaign != said.Campaign || f.At.After(now) {
		return true
	}
	if f.Version.Campaign > said.Version.Campaign || f.Version.Voucher > said.Version.Voucher {
		return true
	}
	if f.Version != said.Version {
		return false
	}
	if f.Status.Stage() > said.Status.Stage() || f.Customer != said.Customer {
		return true
	}
	return e.leftBelow(said)
}

// leftBelow reports whether less is left, by an entry of the store's version, than the store says: within
// a version it only falls.
func (e *entry) leftBelow(said *voucher.Fact) bool {
	if e.left.value == "" {
		return false
	}
	n, err := strconv.ParseInt(e.left.value, 10, 64)
	if err != nil || said.Remaining < 0 || n < -1 {
		return true
	}
	if n == -1 {
		return said.Remaining > 0
	}
	return n < said.Remaining
}

// lags reports whether the store says more than an entry.
func (e *entry) lags(said *voucher.Fact) bool {
	return e.fact.Version != said.Version || e.fact.Status != said.Status || e.left.value != encodeLeft(said)
}
