package store

import (
	"fmt"
	"slices"

	"scrip/internal/money"
)

// The records of a copy that have to do with seals.
type (
	// SealRecord is a seal with its members.
	SealRecord Seal
	// UnsealedRecord is a transfer that waits to be sealed, whatever it waits for.
	UnsealedRecord TransferRef
)

// Place implements Record.
func (r *SealRecord) Place() Place { return Place{Kind: SealKind, Seq: r.Number} }

// Place implements Record.
func (r *UnsealedRecord) Place() Place {
	return Place{Kind: UnsealedKind, Customer: r.Customer, Text: string(r.Currency), Seq: r.Seq}
}

// String implements Record.
func (r *SealRecord) String() string { return sealName(r.Number) }

// String implements Record.
func (r *UnsealedRecord) String() string {
	return fmt.Sprintf("the waiting of number %d of %q in %s to be sealed", r.Seq, r.Customer, r.Currency)
}

// Append implements Record.
func (r *SealRecord) Append(b []byte) []byte {
	b = append(appendInts(append(b, byte(SealKind)), r.Number), r.Previous[:]...)
	b = append(append(appendInts(b, r.Count, r.Total), r.Root[:]...), r.MembersHash[:]...)
	return appendText(append(appendTimes(b, r.At), r.Hash[:]...), string(r.Members))
}

// Append implements Record.
func (r *UnsealedRecord) Append(b []byte) []byte {
	return appendInts(appendText(appendText(append(b, byte(UnsealedKind)), r.Customer), string(r.Currency)), r.Seq)
}

// unsealedAtOnce bounds the names that are in memory while unsealed transfers are told.
const unsealedAtOnce = 100_000

// TellUnsealed tells the transfers that wait to be sealed, behind a place, in order and each once. each calls yield with
// at least the first limit of those behind after, in any order; it may yield more, and one more than once. It
// is called until it yields nothing new: memory is bounded, however many wait.
func TellUnsealed(after Place, each func(after TransferRef, limit int, yield func(TransferRef)) error, yield func(Record) error) error {
	at := TransferRef{Customer: after.Customer, Currency: money.Currency(after.Text), Seq: after.Seq}
	for {
		first := firstRefs{after: at}
		if err := each(at, unsealedAtOnce, first.add); err != nil {
			return err
		}
		for _, r := range first.sorted() {
			if err := yield((*UnsealedRecord)(&r)); err != nil {
				return err
			}
			at = r
		}
		if len(first.refs) == 0 {
			return nil
		}
	}
}

// firstRefs keeps the first unsealedAtOnce of all that are added and are behind after.
type firstRefs struct {
	after TransferRef
	refs  []TransferRef
	full  bool // then what is behind last is not kept
	last  TransferRef
}

func (f *firstRefs) add(r TransferRef) {
	if r.Compare(f.after) <= 0 || f.full && r.Compare(f.last) >= 0 {
		return
	}
	if f.refs = append(f.refs, r); len(f.refs) >= 2*unsealedAtOnce {
		f.sorted()
	}
}

func (f *firstRefs) sorted() []TransferRef {
	slices.SortFunc(f.refs, TransferRef.Compare)
	f.refs = slices.Compact(f.refs)
	if len(f.refs) >= unsealedAtOnce {
		f.refs = f.refs[:unsealedAtOnce]
		f.full, f.last = true, f.refs[len(f.refs)-1]
	}
	return f.refs
}
