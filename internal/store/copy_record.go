package store

import (
	"fmt"

	"scrip/internal/access"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/voucher"
)

// Record is one thing that a store holds, in words that all drivers share: one of the pointers to the types
// below. What a driver has only for itself (numbers of rows, slots of claims) is no part of it.
type Record interface {
	// Place is where it stands in the order of an export.
	Place() Place
	// Append appends all of it in a form that is the same in every driver: two records are equal where
	// this is. It begins with the kind, and no record's form is the beginning of another's.
	Append(b []byte) []byte
	// String names it for people. It tells no code, for a code is worth money.
	String() string
}

// The records.
type (
	// CampaignRecord is a campaign with its counters.
	CampaignRecord voucher.Campaign
	// VoucherRecord is a voucher with its counters.
	VoucherRecord voucher.Voucher
	// WalletRecord is a customer's balance in one currency.
	WalletRecord struct {
		WalletRef
		BalanceMinor int64
		Seq          int64 // of its newest transfer
	}
	// TransferRecord is a ledger entry.
	TransferRecord ledger.Transfer
	// AccountRecord is the balance of an account that is neither a wallet nor a campaign's funding account. It is
	// told once a ledger entry has named the account, be the balance zero.
	AccountRecord struct {
		Kind     ledger.AccountKind
		Currency money.Currency
		Balance  ledger.Sum
	}
	// RedemptionRecord is a receipt, rolled back or standing.
	RedemptionRecord voucher.Redemption
	// RollbackRecord is the reversal of a redemption.
	RollbackRecord voucher.Rollback
	// PostRecord is what a Post made: which ledger entry, or which two.
	PostRecord struct {
		ID       id.ID
		Kind     ledger.Kind // as the command had it
		Customer string
		Currency money.Currency
		Seq      int64  // of the customer's own entry
		To       string // the receiver, with the number of the entry there; '' and 0 for none
		ToSeq    int64
	}
	// KeyRecord is an Idempotency-Key with what it has caused.
	KeyRecord struct {
		Customer    string // '' for administrators
		Key         string
		Kind        CommandKind
		ID          id.ID // of the effect; zero for a creation, which is found by its snapshot
		Fingerprint Fingerprint
		Snapshot    string // of a creation: what was made, as JSON of Creation
	}
	// AccessKeyRecord is an API key, usable or not.
	AccessKeyRecord access.Key
	// EventRecord is an event of the trail.
	EventRecord Event
)

// CommandKind tells what an Idempotency-Key was used for. Stored by number: never renumber.
type CommandKind uint8

// The kinds of command that have keys.
const (
	RedeemCommand   CommandKind = 1
	RollbackCommand CommandKind = 2
	PostCommand     CommandKind = 3
	CreateCommand   CommandKind = 4
)

// Place implements Record.
func (r *CampaignRecord) Place() Place { return Place{Kind: CampaignKind, ID: r.ID} }

// Place implements Record.
func (r *VoucherRecord) Place() Place { return Place{Kind: VoucherKind, ID: r.ID} }

// Place implements Record.
func (r *WalletRecord) Place() Place {
	return Place{Kind: WalletKind, Customer: r.Customer, Text: string(r.Currency)}
}

// Place implements Record.
func (r *TransferRecord) Place() Place {
	return Place{Kind: TransferKind, Customer: r.Customer, Text: string(r.Currency), Seq: r.Seq}
}

// Place implements Record.
func (r *AccountRecord) Place() Place {
	return Place{Kind: AccountKind, Text: string(r.Currency), Seq: int64(r.Kind)}
}

// Place implements Record.
func (r *RedemptionRecord) Place() Place {
	return Place{Kind: RedemptionKind, ID: r.ID, Customer: r.Customer}
}

// Place implements Record.
func (r *RollbackRecord) Place() Place {
	return Place{Kind: RollbackKind, ID: r.ID, Customer: r.Customer}
}

// Place implements Record.
func (r *PostRecord) Place() Place { return Place{Kind: PostKind, ID: r.ID, Customer: r.Customer} }

// Place implements Record.
func (r *KeyRecord) Place() Place { return Place{Kind: KeyKind, Customer: r.Customer, Text: r.Key} }

// Place implements Record.
func (r *AccessKeyRecord) Place() Place { return Place{Kind: AccessKeyKind, ID: r.ID} }

// Place implements Record.
func (r *EventRecord) Place() Place { return Place{Kind: EventKind, ID: r.ID} }

// String implements Record.
func (r *CampaignRecord) String() string { return "campaign " + r.ID.Format(id.Campaign) }

// String implements Record.
func (r *VoucherRecord) String() string { return "voucher " + r.ID.Format(id.Voucher) }

// String implements Record.
func (r *WalletRecord) String() string {
	return fmt.Sprintf("wallet of %q in %s", r.Customer, r.Currency)
}

// String implements Record.
func (r *TransferRecord) String() string {
	return fmt.Sprintf("ledger entry %s, number %d of %q in %s", r.ID.Format(id.Transaction), r.Seq, r.Customer, r.Currency)
}

// String implements Record.
func (r *AccountRecord) String() string { return fmt.Sprintf("%s account in %s", r.Kind, r.Currency) }

// String implements Record.
func (r *RedemptionRecord) String() string {
	return fmt.Sprintf("redemption %s of %q", r.ID.Format(id.Redemption), r.Customer)
}

// String implements Record.
func (r *RollbackRecord) String() string {
	return fmt.Sprintf("rollback %s of %q", r.ID.Format(id.Rollback), r.Customer)
}

// String implements Record.
func (r *PostRecord) String() string {
	return fmt.Sprintf("post %s of %q", r.ID.Format(id.Transaction), r.Customer)
}

// String implements Record.
func (r *KeyRecord) String() string {
	if r.Customer == "" {
		return fmt.Sprintf("Idempotency-Key %q of an administrator", r.Key)
	}
	return fmt.Sprintf("Idempotency-Key %q of %q", r.Key, r.Customer)
}

// String implements Record.
func (r *AccessKeyRecord) String() string { return "API key " + r.ID.Format(id.Key) }

// String implements Record.
func (r *EventRecord) String() string {
	return fmt.Sprintf("audit event %s, %s of %s", r.ID.Format(id.Event), r.Action, r.Object)
}
