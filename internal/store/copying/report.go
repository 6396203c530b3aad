package copying

import (
	"crypto/sha256"
	"hash"

	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/store"
)

// Report is what became of a copy that came to its end.
type Report struct {
	Records int64                    // of the source
	Counts  [store.RecordKinds]int64 // by kind
	Money   map[money.Currency]Totals

	Before  int64 // records that an earlier run had brought
	Copied  int64 // records that this run brought
	Already bool  // the copy was finished before; both sides are still the same

	// What is wrong, up to a hundred of each. Findings in the source mean that nothing was written.
	SourceFindings   []store.Finding
	Differences      []Difference
	DifferencesTotal int64
	TargetFindings   []store.Finding
}

// Totals are the money of one currency in a store, in minor units.
type Totals struct {
	Wallets ledger.Sum // what customers have
	Given   ledger.Sum // what campaigns have given, net of rollbacks
	Moved   ledger.Sum // what all ledger entries have moved
}

// Difference is one record that is not the same on both sides.
type Difference struct {
	What   string `json:"what"` // one of the words below
	Record string `json:"record"`
}

// How a record may differ.
const (
	Missing = "missing from the target"
	Added   = "not in the source"
	Changed = "not the same on both sides"
)

// shownMax bounds what is kept of what is wrong.
const shownMax = 100

// Exact reports whether both sides are proven to hold the same, and to be sound.
func (r *Report) Exact() bool {
	return r.same() && len(r.SourceFindings) == 0 && len(r.TargetFindings) == 0
}

func (r *Report) same() bool { return r.DifferencesTotal == 0 }

func (r *Report) differ(what string, record store.Record) {
	r.DifferencesTotal++
	if len(r.Differences) < shownMax {
		r.Differences = append(r.Differences, Difference{What: what, Record: record.String()})
	}
}

// tally counts records on their way.
type tally struct {
	records int64
	counts  [store.RecordKinds]int64
	money   map[money.Currency]Totals
	hash    hash.Hash
	buf     []byte
}

func newTally() *tally {
	return &tally{money: map[money.Currency]Totals{}, hash: sha256.New()}
}

func (t *tally) add(r store.Record) {
	t.records++
	t.counts[r.Place().Kind]++
	t.buf = r.Append(t.buf[:0])
	t.hash.Write(t.buf)
	switch r := r.(type) {
	case *store.WalletRecord:
		m := t.money[r.Currency]
		m.Wallets = m.Wallets.Add(r.BalanceMinor)
		t.money[r.Currency] = m
	case *store.CampaignRecord:
		m := t.money[r.Currency]
		m.Given = m.Given.Add(r.GivenMinor)
		t.money[r.Currency] = m
	case *store.TransferRecord:
		m := t.money[r.Currency]
		m.Moved = m.Moved.Add(r.Amount)
		t.money[r.Currency] = m
	}
}

func (t *tally) digest() store.Digest { return store.Digest(t.hash.Sum(nil)) }
