package store

import "context"

// Auditor recomputes every invariant from the rows.
type Auditor interface {
	// Audit reads one consistent snapshot, writes nothing, and calls report with each thing that is wrong.
	// It returns what it has read. It works beside running writers.
	Audit(ctx context.Context, report func(Finding)) (Audited, error)
}

// Finding is one thing that is wrong, by id.
type Finding struct {
	// Check is the invariant's name, one of the Check constants.
	Check string `json:"check"`
	// ID is the object it was found on: a prefixed id, a customer, or an account's name.
	ID string `json:"id"`
	// Detail says what stands there and what should.
	Detail string `json:"detail"`
}

// The invariants that Audit recomputes.
const (
	CheckCounter      = "counter_equals_redemptions"   // voucher and campaign counters equal their standing redemptions
	CheckLimit        = "limit_not_exceeded"           // no voucher is redeemed beyond its limit, no campaign beyond its budget
	CheckOncePerLimit = "customer_within_limit"        // no customer holds more standing uses of a voucher than it allows
	CheckRank         = "rank_once"                    // each rank of a voucher is given once, 1 to Ranked without a gap
	CheckTransfer     = "redemption_has_transfer"      // each redemption, rollback has its ledger entry, of its customer, amount and time, and vice versa
	CheckBalance      = "balance_equals_transfers"     // each account equals the sum of its transfers
	CheckFloor        = "wallet_not_below_zero"        // no wallet is below zero
	CheckSequence     = "wallet_sequence_without_gaps" // a wallet's entries are numbered 1.. and each balance follows from the one before
	CheckZeroSum      = "zero_sum"                     // all accounts of a currency sum to zero
	CheckFile         = "file_sound"                   // the store's own check of its file or indexes

	CheckSeal    = "seal_chain_unbroken"           // seals are numbered 1.. without gaps, each is what its hash says and names the one before
	CheckSealed  = "seal_holds_its_transfers"      // each transfer in a seal is there, as it was when it was sealed
	CheckWaiting = "transfer_is_sealed_or_waiting" // each transfer stands in one seal or waits for one, and what waits is there
)

// Audited counts what an audit has read.
type Audited struct {
	Campaigns   int64 `json:"campaigns"`
	Vouchers    int64 `json:"vouchers"`
	Redemptions int64 `json:"redemptions"`
	Rollbacks   int64 `json:"rollbacks"`
	Wallets     int64 `json:"wallets"`
	Transfers   int64 `json:"transfers"`
	Seals       int64 `json:"seals"`
	Findings    int64 `json:"findings"`
}
