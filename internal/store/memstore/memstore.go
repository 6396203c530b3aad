// Package memstore is the reference model of store.Store: maps, one mutex, and one command after the
// other, judged by the domain's own pure functions. It is the definition that the other drivers are
// compared with, so it is written to be obviously right before it is fast. It promises everything the
// contract does but durability: what it holds ends with the process. It must not know SQL, files or
// any other driver.
package memstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// Options are what New takes; the zero value is a store on the system's clock.
type Options struct {
	// Clock tells the time; nil is time.Now. Where it runs backwards, the store's time stands still.
	Clock func() time.Time
}

// Store is a store.Store in memory. Values are copied on their way in and out: nothing that a caller
// holds is shared with the store.
type Store struct {
	clock func() time.Time

	mu     sync.Mutex
	latest time.Time // what the clock has said at most
	closed bool

	campaigns   map[id.ID]*voucher.Campaign
	vouchers    map[id.ID]*voucher.Voucher
	codes       map[string]*voucher.Voucher // by key
	redemptions map[id.ID]*voucher.Redemption
	rollbacks   map[id.ID]*voucher.Rollback
	held        map[holder][]*voucher.Redemption // in the order of their making, rolled back ones too
	won         map[id.ID][]*voucher.Redemption  // by voucher, in the order of rank, rolled back ones too
	wallets     map[store.WalletRef]*wallet
	entries     map[owned]ledger.Transfer
	keys        map[ownedKey]effect
	creations   map[string]store.Creation // by Idempotency-Key: what was made, as it was then
	ring        keyring
	trail       map[id.ID]*store.Event

	seals    []store.Seal // in order, with their members
	unsealed []unsealed   // in the order of writing

	imported  store.ImportState // of a copy into this store
	importing bool              // a copy is under way
}

// holder is a customer together with a voucher or a campaign.
type holder struct {
	of       id.ID
	customer string
}

// wallet is a customer's wallet in one currency, with the ledger entries behind it in order of Seq.
type wallet struct {
	balance ledger.Balance
	entries []ledger.Transfer
}

// owned is an id that is unique per customer.
type owned struct {
	customer string
	id       id.ID
}

// ownedKey is an Idempotency-Key, unique per customer.
type ownedKey struct {
	customer, key string
}

// effect is what an Idempotency-Key has caused.
type effect struct {
	kind        commandKind
	id          id.ID
	fingerprint store.Fingerprint
}

// commandKind tells the kinds of command apart: a key belongs to one of them.
type commandKind uint8

const (
	redeemKind commandKind = iota
	rollbackKind
	postKind
)

var _ store.Store = (*Store)(nil)

var errClosed = errors.New("memstore: closed")

// New returns an empty store.
func New(o Options) *Store {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &Store{
		clock:       o.Clock,
		campaigns:   map[id.ID]*voucher.Campaign{},
		vouchers:    map[id.ID]*voucher.Voucher{},
		codes:       map[string]*voucher.Voucher{},
		redemptions: map[id.ID]*voucher.Redemption{},
		rollbacks:   map[id.ID]*voucher.Rollback{},
		held:        map[holder][]*voucher.Redemption{},
		won:         map[id.ID][]*voucher.Redemption{},
		wallets:     map[store.WalletRef]*wallet{},
		entries:     map[owned]ledger.Transfer{},
		keys:        map[ownedKey]effect{},
		creations:   map[string]store.Creation{},
		ring:        newKeyring(),
		trail:       map[id.ID]*store.Event{},
	}
}

// Ping reports whether the store is open.
func (s *Store) Ping(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	return ctx.Err()
}

// Close ends the store. What it holds can still be read, but no longer changed.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// now is the store's clock: it never runs backwards. The caller holds the mutex.
func (s *Store) now() time.Time {
	if t := micro(s.clock()); t.After(s.latest) {
		s.latest = t
	}
	return s.latest
}

// micro is t as every store keeps it: in UTC, in whole microseconds.
func micro(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
