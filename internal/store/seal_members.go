package store

import (
	"encoding/binary"
	"errors"
	"slices"

	"scrip/internal/money"
)

// Member is a transfer that a seal holds: which, and the beginning of its leaf.
type Member struct {
	TransferRef
	Check [checkSize]byte
}

// errMembers is what ends reading: nothing of a list that can't be read whole is used.
var errMembers = errors.New("store: this is no list of a seal's members")

// AppendMembers appends members, which are in order and each there once, in the form that ParseMembers reads: their
// number, then runs of numbers that follow one another in one wallet. A run has the length of what its customer
// shares with the one before, the rest of the customer, the currency, the first number, how many there are, and
// their checks. A crowd's seal takes about 20 bytes for each.
func AppendMembers(b []byte, members []Member) []byte {
	b = binary.AppendUvarint(b, uint64(len(members)))
	var customer string
	var currency money.Currency
	for len(members) > 0 {
		first, n := members[0].TransferRef, 1
		for n < len(members) && members[n].TransferRef == (TransferRef{first.Customer, first.Currency, first.Seq + int64(n)}) {
			n++
		}
		shared := sharedLen(customer, first.Customer)
		b = appendText(binary.AppendUvarint(b, uint64(shared)), first.Customer[shared:]) //nolint:gosec // a length
		b = appendCurrency(b, first.Currency, currency)
		b = binary.AppendUvarint(b, uint64(first.Seq)) //nolint:gosec // two's complement
		b = binary.AppendUvarint(b, uint64(n))
		for _, m := range members[:n] {
			b = append(b, m.Check[:]...)
		}
		customer, currency = first.Customer, first.Currency
		members = members[n:]
	}
	return b
}

// appendCurrency appends 0 for the currency that was named before, and otherwise its length and 1, and the currency.
func appendCurrency(b []byte, c, before money.Currency) []byte {
	if c == before {
		return append(b, 0)
	}
	return append(binary.AppendUvarint(b, uint64(len(c))+1), c...)
}

func sharedLen(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// ParseMembers reads what AppendMembers wrote.
func ParseMembers(b []byte) ([]Member, error) {
	r := membersReader{b: b}
	count := r.number()
	if r.failed || count > uint64(len(b))/checkSize { // each has a check: no list makes us take more than it is long
		return nil, errMembers
	}
	members := make([]Member, 0, count)
	var customer string
	var currency money.Currency
	for uint64(len(members)) < count {
		shared, rest := r.number(), r.text()
		currency = r.currency(currency)
		first, n := r.number(), r.number()
		if r.failed || shared > uint64(len(customer)) || n == 0 || n > count-uint64(len(members)) {
			return nil, errMembers
		}
		customer = customer[:shared] + string(rest)
		for i := range n {
			m := Member{TransferRef: TransferRef{customer, currency, int64(first + i)}} //nolint:gosec // two's complement
			copy(m.Check[:], r.take(checkSize))
			members = append(members, m)
		}
		if r.failed {
			return nil, errMembers
		}
	}
	if r.failed || len(r.b) > 0 {
		return nil, errMembers
	}
	return members, nil
}

// membersReader reads from the front of b; once it has failed, it returns nothing.
type membersReader struct {
	b      []byte
	failed bool
}

func (r *membersReader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.failed, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *membersReader) text() []byte { return r.take(r.number()) }

// currency reads what appendCurrency wrote.
func (r *membersReader) currency(before money.Currency) money.Currency {
	n := r.number()
	if n == 0 {
		return before
	}
	return money.Currency(r.take(n - 1))
}

func (r *membersReader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.failed, r.b = true, nil
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

// AppendRefCurrency appends a currency as it stands in the name of a transfer, for whoever writes such names elsewhere.
func AppendRefCurrency(b []byte, c money.Currency) []byte { return appendCurrency(b, c, "") }

// AppendRefs appends names of transfers, in any order, in the form that ParseRefs reads: of each, the length of what
// its customer shares with the one before, the rest of the customer, the currency, and the number.
func AppendRefs(b []byte, refs ...TransferRef) []byte {
	const size = 16 // bytes of a name, about
	b = slices.Grow(b, size*len(refs))
	var before TransferRef
	for _, r := range refs {
		shared := sharedLen(before.Customer, r.Customer)
		b = appendText(binary.AppendUvarint(b, uint64(shared)), r.Customer[shared:]) //nolint:gosec // a length
		b = appendCurrency(b, r.Currency, before.Currency)
		b = binary.AppendUvarint(b, uint64(r.Seq)) //nolint:gosec // two's complement
		before = r
	}
	return b
}

// ParseRefs reads what AppendRefs wrote.
func ParseRefs(b []byte) (refs []TransferRef, err error) {
	r := membersReader{b: b}
	var ref TransferRef
	for len(r.b) > 0 {
		shared, rest := r.number(), r.text()
		ref.Currency = r.currency(ref.Currency)
		ref.Seq = int64(r.number()) //nolint:gosec // two's complement
		if r.failed || shared > uint64(len(ref.Customer)) {
			return nil, errRefs
		}
		ref.Customer = ref.Customer[:shared] + string(rest)
		refs = append(refs, ref)
	}
	if r.failed {
		return nil, errRefs
	}
	return refs, nil
}

var errRefs = errors.New("store: this is no list of transfers")
