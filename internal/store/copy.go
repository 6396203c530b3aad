package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"strings"

	"scrip/internal/id"
)

// A copy carries all that one store holds into another, of whatever driver: an Exporter tells it as records, an
// Importer takes them. Two stores that hold the same tell the same records in the same order, so that a
// copy can be proven, record by record.

// Errors of a copy. What can be done about them is the driver's to say, beside the database's name.
var (
	// ErrNotEmpty: the store holds something that no unfinished copy brought.
	ErrNotEmpty = errors.New("store: it is not empty, and no unfinished copy")
	// ErrOtherSource: the store is the unfinished copy of something else, or of a source that has changed since.
	ErrOtherSource = errors.New("store: it is the unfinished copy of something else, or its source has changed since")
	// ErrUnfinishedCopy: the store is the copy of another one that is not finished, and so can't be used.
	ErrUnfinishedCopy = errors.New("this database is the unfinished copy of another one; finish it by running the same `scrip copy` again, or empty it")
	// ErrInUse: somebody else works on the store, so that it does not stand still for a copy.
	ErrInUse = errors.New("store: it is in use")
)

// Exporter tells all that a store holds.
type Exporter interface {
	// Export calls yield with each record whose place is behind after (the zero Place: with all of them), in the
	// order of Place.Compare, all from one snapshot, until yield returns an error, which it returns. A record is
	// yield's to keep. What can't be told, because it belongs to nothing, is an error: nothing is left out.
	Export(ctx context.Context, after Place, yield func(Record) error) error
}

// Importer takes what an Exporter told.
type Importer interface {
	// OpenImport begins a copy into the store, or takes an unfinished one up. It returns ErrNotEmpty where
	// the store holds something that no copy brought, and ErrInUse where somebody else is at work, another
	// copy among them. The import must be closed; the store takes no other command until then.
	OpenImport(ctx context.Context) (Import, error)
}

// Import is one run of a copy into a store. It is not safe for concurrent use.
type Import interface {
	// State is how far the copy was when the import was opened.
	State() ImportState
	// Check returns why the store can't hold a record, or nil. It writes nothing.
	Check(r Record) error
	// Begin marks the store as the unfinished copy of a source: from now on it can't be opened for anything
	// else, until Finish. It returns ErrOtherSource where records of another source are there.
	Begin(ctx context.Context, source Digest) error
	// Add adds records, which are in order and behind all that were added before, as one durable unit, and
	// with them the place to go on from. One that is there already is left as it is if it is the same; otherwise
	// the error names it, and nothing is added.
	Add(ctx context.Context, records []Record) error
	// Filled is told once all records are there, before they are read again.
	Filled(ctx context.Context) error
	// Finish makes the store fit for use, once it was compared with its source.
	Finish(ctx context.Context) error
	// Close ends the import, finished or not. It may be called again.
	Close() error
}

// ImportState is how far a copy is.
type ImportState struct {
	// Source is what is copied; zero where nothing was begun.
	Source Digest
	// At is the place of the last record that is there for good.
	At Place
	// Finished says that the copy was finished. The store may have been in use since.
	Finished bool
}

// Begun reports whether there is a copy at all.
func (s ImportState) Begun() bool { return s.Source != Digest{} }

// Digest is the SHA-256 of all that a store holds: of its records as Record.Append has them, in order.
type Digest [32]byte

// RecordKind tells the kinds of record apart. Records are told kind by kind, in this order: what belongs to
// something comes behind it. Stored by number: never renumber.
type RecordKind uint8

// The kinds of record.
const (
	CampaignKind   RecordKind = 1
	VoucherKind    RecordKind = 2
	WalletKind     RecordKind = 3
	TransferKind   RecordKind = 4
	AccountKind    RecordKind = 5
	RedemptionKind RecordKind = 6
	RollbackKind   RecordKind = 7
	PostKind       RecordKind = 8
	KeyKind        RecordKind = 9
	AccessKeyKind  RecordKind = 10
	EventKind      RecordKind = 11
	SealKind       RecordKind = 12
	UnsealedKind   RecordKind = 13

	// RecordKinds is one more than the last kind, for arrays by kind.
	RecordKinds = 14
)

// String names the kind, in the plural.
func (k RecordKind) String() string {
	names := [RecordKinds]string{
		CampaignKind: "campaigns", VoucherKind: "vouchers", WalletKind: "wallets", TransferKind: "transfers", AccountKind: "accounts",
		RedemptionKind: "redemptions", RollbackKind: "rollbacks", PostKind: "posts", KeyKind: "keys",
		AccessKeyKind: "API keys", EventKind: "audit events",
		SealKind: "seals", UnsealedKind: "unsealed transfers",
	}
	if int(k) < len(names) && names[k] != "" {
		return names[k]
	}
	return "unknown"
}

// Place is where a record stands in the order of an export. No two records of a store share one. Members that
// the kind does not need are zero. The zero Place is before all records.
type Place struct {
	Kind     RecordKind
	ID       id.ID  // of what has one; a transfer has its wallet's place
	Customer string // whom it belongs to
	Text     string // a currency, or an Idempotency-Key
	Seq      int64  // of a transfer, sealed or not; a seal's number; an account's kind
}

// Compare orders places: below zero where p comes before q.
func (p Place) Compare(q Place) int {
	return cmp.Or(cmp.Compare(p.Kind, q.Kind), strings.Compare(string(p.ID[:]), string(q.ID[:])),
		strings.Compare(p.Customer, q.Customer), strings.Compare(p.Text, q.Text), cmp.Compare(p.Seq, q.Seq))
}

// From returns where the records of a kind go on behind p, and false where all of them are before it.
func (p Place) From(k RecordKind) (Place, bool) {
	switch {
	case p.Kind < k:
		return Place{Kind: k}, true
	case p.Kind == k:
		return p, true
	default:
		return Place{}, false
	}
}

// Before returns a place before p from which it is not far to p.
func (p Place) Before() Place {
	before := Place{Kind: p.Kind, ID: p.ID, Customer: p.Customer}
	for at := len(before.ID) - 1; at >= 0 && p.ID != (id.ID{}); at-- {
		before.ID[at]-- // a number of 128 bits, less one
		if before.ID[at] != 0xff {
			break
		}
	}
	if p.Kind == TransferKind || p.Kind == SealKind || p.Kind == UnsealedKind {
		before.Text, before.Seq = p.Text, p.Seq-1
	}
	if !p.ID.IsZero() || p.Kind == AccountKind {
		before.Customer = ""
	}
	return before
}

// Append appends p in the form that ParsePlace reads.
func (p Place) Append(b []byte) []byte {
	b = append(append(b, byte(p.Kind)), p.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(p.Seq)) //nolint:gosec // two's complement
	return appendText(appendText(b, p.Customer), p.Text)
}

// ParsePlace reads what Append wrote; nothing at all is the zero Place.
func ParsePlace(b []byte) (p Place, err error) {
	if len(b) == 0 {
		return p, nil
	}
	const head = 1 + len(p.ID) + 8
	if len(b) < head {
		return p, errNoPlace
	}
	p.Kind, p.Seq = RecordKind(b[0]), int64(binary.BigEndian.Uint64(b[head-8:head])) //nolint:gosec // two's complement
	copy(p.ID[:], b[1:])
	b = b[head:]
	for _, text := range []*string{&p.Customer, &p.Text} {
		length, n := binary.Uvarint(b)
		if n <= 0 || uint64(len(b)-n) < length { //nolint:gosec // not negative
			return p, errNoPlace
		}
		*text, b = string(b[n:n+int(length)]), b[n+int(length):] //nolint:gosec // it is at most len(b)
	}
	return p, nil
}

var errNoPlace = errors.New("store: this is no place of a record")
