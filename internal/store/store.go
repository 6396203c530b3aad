// Package store is the contract between Scrip's use cases and whatever keeps the truth.
//
// The contract has no Begin and no Commit: each verb is one atomic unit. The hot one is Apply.
//
// Apply's law: applying a batch equals applying its commands one by one, in order. A refusal is an
// Outcome, not an error, and never aborts its neighbours. An error speaks of the whole batch: either
// nothing of it happened (ErrNotApplied), or its fate is unknown (ErrFateUnknown) and it is asked again,
// with Again set, under the ids that the commands carry; what was applied then answers as it did.
//
// Durability: what a verb returned without an error survives the death of any process.
//
// Time: windows are judged by one clock, the store's, which never runs backwards while the store is open:
// what Lookup told holds for every later command. UpdatedAt is the time of the last Amend, or of the
// creation; redemptions and rollbacks leave it alone.
//
// Which error means what: a *fault.Error is an answer to the caller. Any other error is a failure of the
// store, to be logged by the edge.
package store

import (
	"context"
	"errors"
	"time"

	"scrip/internal/access"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/voucher"
)

// Errors of a whole batch.
var (
	// ErrNotApplied: nothing of the batch happened, surely. The same batch may be applied again.
	ErrNotApplied = errors.New("store: the batch was not applied")
	// ErrFateUnknown: the commit was asked for and its answer was lost. The batch is asked again by its ids.
	ErrFateUnknown = errors.New("store: the batch's fate is unknown")
	// ErrLocked stands beside ErrNotApplied where somebody else held a lock for longer than the store waits. What has
	// nothing to do with that lock may be applied without a wait.
	ErrLocked = errors.New("store: something is locked")
)

// Store is all that a driver implements.
type Store interface {
	Applier
	Redemptions
	Wallets
	Vouchers
	Administration
	Evidence
	// Ping reports whether the store can answer now.
	Ping(ctx context.Context) error
	// Close ends the store. What was acknowledged stays.
	Close() error
}

// Applier is the hot verb.
type Applier interface {
	// Apply applies the commands in order, as one durable unit, and returns one outcome each, in order.
	// With no effect to record it commits nothing.
	Apply(ctx context.Context, commands []Command) ([]Outcome, error)
}

// Redemptions reads redemptions.
type Redemptions interface {
	// Redemption returns one, or fault.ErrRedemptionNotFound.
	Redemption(ctx context.Context, redemption id.ID) (*voucher.Redemption, error)
	// ListRedemptions returns a page, newest first, and whether there is more in the page's direction.
	ListRedemptions(ctx context.Context, f RedemptionFilter, p Page) (rs []voucher.Redemption, more bool, err error)
}

// Wallets reads wallets.
type Wallets interface {
	// Balances returns the balance of each wallet asked for, in order; a wallet never used has zero.
	Balances(ctx context.Context, wallets []WalletRef) ([]int64, error)
	// Wallet returns all balances of a customer, by currency; none for a customer never seen.
	Wallet(ctx context.Context, customer string) ([]ledger.Balance, error)
	// Transactions returns a page of one wallet's ledger entries, newest first.
	Transactions(ctx context.Context, w WalletRef, p Page) (ts []ledger.Transfer, more bool, err error)
}

// Vouchers reads vouchers and what the gate lives on.
type Vouchers interface {
	// Lookup finds vouchers by the keys of their codes: one Listing per key, in order, its Voucher nil
	// where there is none. All are judged at one moment, which it returns, of the store's clock.
	Lookup(ctx context.Context, keys []string) (ls []Listing, now time.Time, err error)
	// Claims returns what a customer holds of a voucher and of its campaign and, if the first is above
	// zero, the first receipt that stands.
	Claims(ctx context.Context, customer string, v *voucher.Voucher) (voucher.Claims, *voucher.Redemption, error)
	// Winners calls yield with the customer of each redemption of the voucher, until yield returns false,
	// and returns the fact that held in the snapshot it read. Redemptions that were rolled back count:
	// asked again under their key, they still answer with what they were. The snapshot holds the effect of
	// every Apply that had begun when Winners was called, so that the winners of a closure are all there.
	// It is fault.ErrVoucherNotFound where there is none.
	Winners(ctx context.Context, voucher id.ID, yield func(customer string) bool) (voucher.Fact, error)
	// Voucher returns one with its campaign, and the moment of the store's clock by which it is to be judged, as Lookup
	// does; or fault.ErrVoucherNotFound.
	Voucher(ctx context.Context, voucher id.ID) (l Listing, now time.Time, err error)
	// ListVouchers returns a page, newest first, with that moment.
	ListVouchers(ctx context.Context, f VoucherFilter, p Page) (ls []Listing, more bool, now time.Time, err error)
}

// Campaigns makes and changes campaigns and their vouchers. Each change is in series with Apply, and records its events
// (Trail) in its own unit; a creation that is replayed has none.
type Campaigns interface {
	// Create makes a campaign, vouchers, or both, as one unit: fault.ErrCodeTaken if a code exists,
	// fault.ErrCampaignNotFound if vouchers name a campaign that is neither new nor there. The same key
	// again returns what was made the first time, as it was then, with replayed true; another fingerprint
	// under the same key is fault.ErrKeyReused. It does not ask Validate; its caller has. The vouchers of
	// one creation belong to one campaign.
	Create(ctx context.Context, c Creation) (made Creation, replayed bool, err error)
	// Campaign returns one, and the moment of the store's clock by which it is to be judged, as Lookup does; or
	// fault.ErrCampaignNotFound.
	Campaign(ctx context.Context, campaign id.ID) (c *voucher.Campaign, now time.Time, err error)
	// ListCampaigns returns a page, newest first, with that moment.
	ListCampaigns(ctx context.Context, p Page) (cs []voucher.Campaign, more bool, now time.Time, err error)
	// AmendCampaign changes one by voucher.Campaign.Amend and returns it changed.
	AmendCampaign(ctx context.Context, campaign id.ID, p voucher.CampaignPatch, by access.By) (*voucher.Campaign, error)
	// AmendVoucher changes one by voucher.Voucher.Amend and returns it changed, with its campaign.
	AmendVoucher(ctx context.Context, voucher id.ID, p voucher.Patch, by access.By) (Listing, error)
}

// Administration is all that administrators change, and what they changed.
type Administration interface {
	Campaigns
	Keys
	Trail
}

// Evidence is what shows that nothing was changed behind the store's back.
type Evidence interface {
	Sealer
	Auditor
}

// Listing is a voucher with its campaign.
type Listing struct {
	Campaign *voucher.Campaign
	Voucher  *voucher.Voucher
}

// Creation is what Create makes. The ids, codes and keys are the caller's; counters, versions and times
// are the store's.
type Creation struct {
	Campaign    *voucher.Campaign // nil where vouchers join a campaign that exists
	Vouchers    []voucher.Voucher
	Key         string // Idempotency-Key, may be empty
	Fingerprint Fingerprint
	By          access.By `json:"-"` // for the trail; no part of what was made
}

// WalletRef names a wallet.
type WalletRef struct {
	Customer string
	Currency money.Currency
}

// Page asks for a part of a list. Lists run from the newest to the oldest. At most one of the cursors is
// set; a cursor that is not in the list is fault.ErrInvalidCursor.
type Page struct {
	Limit  int   // 1 to PageLimitMax
	After  id.ID // only what is older than this
	Before id.ID // only what is newer than this: those nearest to it, still newest first
}

// PageLimitMax bounds a page.
const PageLimitMax = 100

// RedemptionFilter narrows a list of redemptions; a zero member asks for all. At most one is set.
type RedemptionFilter struct {
	Customer string
	Voucher  id.ID
	Campaign id.ID
}

// VoucherFilter narrows a list of vouchers. At most one member is set.
type VoucherFilter struct {
	Campaign id.ID
	Key      string // the one voucher with this code
}

// Fingerprint tells two requests under one Idempotency-Key apart: the first 16 bytes of a SHA-256 over
// what the request asks for.
type Fingerprint [16]byte
