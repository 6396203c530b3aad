package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"scrip/internal/fault"
	"scrip/internal/ledger"
	"scrip/internal/money"
)

// Sealer chains committed transfers into seals, each linked to the one before by its hash, so that whoever kept one
// seal can tell whether any transfer up to it was altered, removed or added since.
//
// A transfer is remembered as unsealed in the transaction that writes it, and stays so until a seal holds it. The
// sealer takes what it finds unsealed, never what lies above some mark: nothing is skipped, in whatever order
// transactions commit. What could be seen at an earlier Seal is sealed no later than what could not, except while
// there is more than one seal's worth, which is taken in the order of writing. Within a seal transfers stand
// by customer, currency and number. What was written before there were seals is sealed first.
type Sealer interface {
	// Seal seals the transfers that have waited longest. It returns nil where there is nothing to seal, where the
	// newest seal is younger than o.Apart and o.Max transfers are not yet waiting, and where another sealer of the
	// deployment is at work. more says that another seal could be made at once. A seal that was returned is
	// durable; after an error it may or may not have been made, and Seal may be called again either way.
	Seal(ctx context.Context, o Sealing) (made *Seal, more bool, err error)
	// LatestSeal returns the newest seal, or fault.ErrSealNotFound where there is none yet.
	LatestSeal(ctx context.Context) (*Seal, error)
	// SealAt returns the seal of a number, or fault.ErrSealNotFound.
	SealAt(ctx context.Context, number int64) (*Seal, error)
	// ListSeals returns a page, newest first, and whether there is more in the page's direction. A cursor is a
	// number, and need not be there.
	ListSeals(ctx context.Context, p SealPage) (seals []Seal, more bool, err error)
	// Unsealed tells what waits to be sealed.
	Unsealed(ctx context.Context) (Backlog, error)
}

// Sealing is how to seal.
type Sealing struct {
	// Max bounds the transfers in one seal, at least 1. What one statement wrote is not divided, so that there may be
	// more where a single statement wrote more, up to SealRowMax.
	Max int
	// Apart is how long after the newest seal the next one is made, by the store's clock, while fewer than Max
	// transfers wait: so that many replicas which all try do not make many times the seals.
	Apart time.Duration
}

// SealRowMax bounds the transfers that are remembered as unsealed, and so sealed, together.
const SealRowMax = 4096

// SealPage asks for a part of the list of seals. At most one of the cursors is set.
type SealPage struct {
	Limit  int   // 1 to PageLimitMax
	After  int64 // only what is older than this number; 0: from the newest
	Before int64 // only what is newer than this number; 0: not set
}

// Backlog is what waits to be sealed.
type Backlog struct {
	Waiting int64     // transfers, without those from before there were seals
	Since   time.Time // when the one was written that has waited longest, by the database's clock; zero for none
	// Backfilling says that there are transfers from before there were seals.
	Backfilling bool
}

// SealHash is a SHA-256.
type SealHash [sha256.Size]byte

// String is the hash in lower-case hexadecimal.
func (h SealHash) String() string { return hex.EncodeToString(h[:]) }

// Seal commits to a number of transfers, and to all that the seals before it commit to.
type Seal struct {
	Number   int64    // 1, 2, 3 … without gaps
	Previous SealHash // of the seal before; all zeros in the first
	Count    int64    // transfers that it holds, at least 1
	Total    int64    // transfers that it and all before it hold
	// Root is the root of the Merkle tree (RFC 9162, section 2.1) whose leaves are the transfers, in order, each
	// as AppendSealed has it.
	Root SealHash
	// MembersHash is the SHA-256 of Members.
	MembersHash SealHash
	At          time.Time // the store's clock, never before the seal before
	// Hash is the SHA-256 of all the above: see Digest. It is what is published.
	Hash SealHash

	// Members says which transfers it holds (AppendMembers). It is nil in what LatestSeal, SealAt and ListSeals return:
	// it names customers, and no link of the chain needs it.
	Members []byte
}

// sealDomain sets the hash of a seal apart from any other. Another form has another number.
const sealDomain = "scrip seal 1\x00"

// Digest is what Hash must be: the SHA-256 of sealDomain, Number, Previous, Count, Total, Root, MembersHash and At in
// microseconds of Unix time, the numbers in 8 bytes, the highest first. It is fixed for ever.
func (s *Seal) Digest() SealHash {
	b := appendInts(append(make([]byte, 0, 160), sealDomain...), s.Number)
	b = appendInts(append(b, s.Previous[:]...), s.Count, s.Total)
	b = append(append(b, s.Root[:]...), s.MembersHash[:]...)
	return sha256.Sum256(appendInts(b, s.At.UnixMicro()))
}

// NewSeal seals transfers, of which there must be one, behind the seal before, nil for the first. It sorts the pointers in
// place and takes a transfer that is there twice once.
func NewSeal(before *Seal, transfers []*ledger.Transfer, now time.Time) *Seal {
	slices.SortFunc(transfers, func(a, b *ledger.Transfer) int { return RefOf(a).Compare(RefOf(b)) })
	transfers = slices.CompactFunc(transfers, func(a, b *ledger.Transfer) bool { return RefOf(a) == RefOf(b) })
	members := make([]Member, len(transfers))
	leaves := make([]SealHash, len(transfers))
	for i, t := range transfers {
		leaves[i] = LeafOf(t)
		members[i] = Member{TransferRef: RefOf(t), Check: checkOf(leaves[i])}
	}
	s := &Seal{Number: 1, Count: int64(len(transfers)), Total: int64(len(transfers)), Root: rootOf(leaves), At: now.UTC()}
	s.Members = AppendMembers(nil, members)
	s.MembersHash = sha256.Sum256(s.Members)
	if before != nil {
		s.Number, s.Previous, s.Total = before.Number+1, before.Hash, before.Total+s.Count
		if s.At.Before(before.At) {
			s.At = before.At
		}
	}
	s.Hash = s.Digest()
	return s
}

// AppendPointers appends pointers to transfers, which are kept where they are.
func AppendPointers(to []*ledger.Transfer, transfers []ledger.Transfer) []*ledger.Transfer {
	for i := range transfers {
		to = append(to, &transfers[i])
	}
	return to
}

// Head is the seal without its members.
func (s *Seal) Head() *Seal {
	head := *s
	head.Members = nil
	return &head
}

// TransferRef names a transfer: the wallet, and its number there.
type TransferRef struct {
	Customer string
	Currency money.Currency
	Seq      int64
}

// RefOf names t.
func RefOf(t *ledger.Transfer) TransferRef { return TransferRef{t.Customer, t.Currency, t.Seq} }

// Compare orders transfers as they stand within a seal: by customer, currency and number.
func (r TransferRef) Compare(o TransferRef) int {
	if c := strings.Compare(r.Customer, o.Customer); c != 0 {
		return c
	}
	if c := strings.Compare(string(r.Currency), string(o.Currency)); c != 0 {
		return c
	}
	switch {
	case r.Seq < o.Seq:
		return -1
	case r.Seq > o.Seq:
		return 1
	default:
		return 0
	}
}

// String names it for people.
func (r TransferRef) String() string { return fmt.Sprintf("%s %s %d", r.Customer, r.Currency, r.Seq) }

// PublishedSeal is a seal as somebody kept it.
type PublishedSeal struct {
	Number int64
	Hash   SealHash
}

// String is what ParsePublishedSeal reads.
func (p PublishedSeal) String() string { return fmt.Sprintf("%d:%s", p.Number, p.Hash) }

// ParsePublishedSeal reads NUMBER:HASH.
func ParsePublishedSeal(s string) (p PublishedSeal, err error) {
	number, hash, both := strings.Cut(s, ":")
	p.Number, err = strconv.ParseInt(number, 10, 64)
	if both && err == nil && p.Number > 0 && len(hash) == hex.EncodedLen(len(p.Hash)) {
		if _, err = hex.Decode(p.Hash[:], []byte(hash)); err == nil {
			return p, nil
		}
	}
	return PublishedSeal{}, fmt.Errorf("%.80q is no seal: write NUMBER:HASH, as in 42: and the 64 hexadecimal digits that were published", s)
}

// SealGetter finds seals.
type SealGetter interface {
	SealAt(ctx context.Context, number int64) (*Seal, error)
}

// CheckPublished holds a chain to seals that were published earlier: whoever made the chain anew, or cut it off, can't
// know their hashes. It tells nothing of the chain itself, which Audit checks.
func CheckPublished(ctx context.Context, in SealGetter, published []PublishedSeal, report func(Finding)) error {
	for _, p := range published {
		name := sealName(p.Number)
		s, err := in.SealAt(ctx, p.Number)
		switch {
		case errors.Is(err, fault.ErrSealNotFound):
			report(Finding{Check: CheckSeal, ID: name, Detail: fmt.Sprintf("it was published as %s and is not there: the chain was cut off before it", p.Hash)})
		case err != nil:
			return fmt.Errorf("read %s: %w", name, err)
		case s.Hash != p.Hash:
			report(Finding{Check: CheckSeal, ID: name, Detail: fmt.Sprintf(
				"it was published as %s and is %s: it, or a transfer or a seal before it, is not what it was then", p.Hash, s.Hash)})
		}
	}
	return nil
}

func sealName(number int64) string { return "seal " + strconv.FormatInt(number, 10) }
