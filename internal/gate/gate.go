// Package gate is the contract of the memory in front of the store: it turns losers away without I/O.
//
// Invariants:
//  1. A refusal rests on a fact that the store made true at the newest version this process knows, and
//     that was learned at most voucher.FactFreshFor ago. A pass grants nothing; the store decides.
//  2. Facts only go forward: one of an older version never overwrites a newer one, and within a version
//     remaining only falls and a closed voucher never opens again.
//  3. A winner is never refused here. Of a closed voucher the gate refuses only those whom the filter of
//     its winners, read in this very closure (voucher.Closure), surely does not hold.
//  4. Memory is bounded whatever is asked. What is forgotten is asked of the store again.
//
// Admit never waits for a network or a disk.
package gate

import (
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/voucher"
)

// Gate is what a driver implements. All methods are safe for concurrent use.
type Gate interface {
	// Admit judges one request from memory.
	Admit(key, customer string) Decision
	// Settle takes facts into account, each learned from the store by a question that was asked no
	// earlier than asked. Old news changes nothing.
	Settle(asked time.Time, facts ...voucher.Fact)
	// SettleCampaign makes every fact about a campaign's vouchers of an older campaign version unusable,
	// at once: what an administrator changed on this replica is obeyed by the next request.
	SettleCampaign(campaign id.ID, version int64)
	// SettleWinners hands over a closed voucher's winners, with the fact that held in the snapshot in which
	// they were read. They are kept only while the voucher is in that fact's closure.
	SettleWinners(f voucher.Fact, w *Winners)
	// Close frees what the gate holds.
	Close() error
}

// Decision is what the gate says of one request.
type Decision struct {
	// Refusal turns the request away, finally; nil lets it pass to the store.
	Refusal *fault.Error
	// Want is what the gate would like to learn; it asks each thing of one caller only.
	Want Want
	// Fact is what Want is about.
	Fact voucher.Fact
}

// Want is a set of wishes.
type Want uint8

// The wishes.
const (
	// WantFact: the fact is growing old while it is in use; look the code up again and Settle.
	WantFact Want = 1 << iota
	// WantWinners: the voucher is closed and losers are asking; read its winners and SettleWinners.
	WantWinners
)
