package store

import (
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/voucher"
)

// Command is one thing to do, the unit of Apply: *Redeem, *Rollback or *Post.
//
// Each carries an id that its maker chose, which becomes the id of the effect and of its ledger entry.
// With Again set, a command whose id has already taken effect answers with that effect instead of being
// judged: that is how a batch of unknown fate is asked again.
//
// Each may carry a Key, unique per customer over all kinds of command, for ever: the same key and
// fingerprint answer with the effect already there (Replayed), another fingerprint is refused as
// fault.ErrKeyReused. A refusal leaves no trace, and so uses up no key.
type Command interface{ command() }

// Redeem uses a code once, for a customer.
type Redeem struct {
	ID          id.ID
	Code        string         // the code's key, as code.Normalise made it
	Customer    string         // as customer.Normalise made it
	Order       *voucher.Order // for a discount; nil otherwise
	Key         string
	Fingerprint Fingerprint
	Again       bool
}

// Rollback reverses a redemption: the use is open again, the money goes back, and if the wallet no longer
// holds it, fault.ErrInsufficientFunds refuses. A second one is fault.ErrAlreadyRolledBack. Its key is
// one of the redemption's customer. It is judged in this order: Again, the redemption found, the key,
// already rolled back, the wallet's floor.
type Rollback struct {
	ID          id.ID
	Redemption  id.ID
	Reason      string // up to 200 characters, may be empty
	Key         string
	Fingerprint Fingerprint
	Again       bool
}

// Post moves money of one wallet: ledger.Credit (external to wallet), ledger.Debit (wallet to merchant),
// or ledger.TransferOut (to another customer's wallet, two ledger entries, through clearing). What makes
// no sense (another kind, To without TransferOut, an amount below one) is fault.ErrInvalidRequest. It is
// judged in this order: Again, the key, its sense, the sender's floor, the receiver's ceiling.
type Post struct {
	ID          id.ID
	Kind        ledger.Kind
	Customer    string
	To          string // the receiver, for ledger.TransferOut only; never Customer itself
	Currency    money.Currency
	AmountMinor int64 // above zero
	Key         string
	Fingerprint Fingerprint
	Again       bool
}

func (*Redeem) command()   {}
func (*Rollback) command() {}
func (*Post) command()     {}

// Outcome is what became of one command.
type Outcome struct {
	// Refusal is why nothing was done; nil if the effect is there.
	Refusal *fault.Error
	// Replayed says that the effect is an earlier one, made under the same key or id.
	Replayed bool
	// Redemption is the receipt of a Redeem, the first standing receipt of one refused as already
	// redeemed, or what a Rollback reversed. It shows the redemption as it is now. On any other refusal
	// this and the next two are nil.
	Redemption *voucher.Redemption
	// Rollback is the reversal that a Rollback made.
	Rollback *voucher.Rollback
	// Transfer is the customer's own ledger entry that a Post made.
	Transfer *ledger.Transfer
	// Fact is what the store knew of the voucher right after this command, in series; for an unknown code,
	// voucher.UnknownFact. It is empty (no Key) for a Post and where the command never looked: a replay,
	// a key used for something else, or a rollback of something that is not there.
	Fact voucher.Fact
}
