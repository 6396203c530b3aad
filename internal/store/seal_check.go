package store

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"scrip/internal/id"
	"scrip/internal/ledger"
)

// SealRows is what a driver reads for CheckSeals, all from one snapshot.
type SealRows interface {
	// Seals returns seals with their members, in the order of their numbers, from the first behind after; none
	// where there is no more.
	Seals(after int64, limit int) ([]Seal, error)
	// Transfers returns those of refs that are there, in any order.
	Transfers(refs []TransferRef) ([]ledger.Transfer, error)
	// EachTransfer calls yield with every transfer, in any order.
	EachTransfer(yield func(TransferRef)) error
	// EachWaiting calls yield with every transfer that waits to be sealed, in any order, and whether it is there.
	EachWaiting(yield func(r TransferRef, there bool)) error
}

const (
	sealsAtOnce   = 64     // seals in memory at once: with 10,000 transfers each, some 15 MB
	membersAtOnce = 10_000 // transfers that are looked up at once
	tellMax       = 100    // findings about transfers, of each check; the rest is counted
)

// CheckSeals recomputes every seal from the rows and reports the first thing that is wrong first: seals in the order of
// their numbers, within a seal its transfers in order, and at last what stands in no seal. It returns how many
// seals there are. Its memory is bounded, however many transfers there are.
func CheckSeals(rows SealRows, report func(check, id, detail string)) (seals int64, err error) {
	c := &sealCheck{rows: rows, told: map[string]int{}, report: report}
	if _, err := rand.Read(c.there.key[:]); err != nil {
		return 0, err
	}
	c.inSeals.key = c.there.key
	for _, step := range []func() error{c.chain, c.waiting, c.strays} {
		if err := step(); err != nil {
			return c.seen, fmt.Errorf("check the seals: %w", err)
		}
	}
	for _, check := range []string{CheckSealed, CheckWaiting} {
		if more := c.told[check] - tellMax; more > 0 {
			report(check, "transfers", fmt.Sprintf("and %d more", more))
		}
	}
	return c.seen, nil
}

// sealCheck is a check under way.
type sealCheck struct {
	rows   SealRows
	report func(check, id, detail string)
	told   map[string]int // findings about transfers, by check

	seen    int64 // seals
	last    *Seal // the newest so far; nil before the first
	doubted bool  // it is not what its hash says, so that nothing can be compared with it
	legible int64 // transfers in seals whose members could be read
	broken  bool  // a seal is missing, or can't be read

	pending []pendingSeal // seals whose transfers are not looked up yet
	members int           // in pending

	inSeals, there tally // what stands in seals or waits, and is there; what is there
}

type pendingSeal struct {
	seal    Seal
	intact  bool // it is what its hash says
	members []Member
}

func (c *sealCheck) chain() error {
	after := int64(0)
	for {
		seals, err := c.rows.Seals(after, sealsAtOnce)
		if err != nil {
			return err
		}
		if len(seals) == 0 {
			return c.lookUp()
		}
		for i := range seals {
			if err := c.seal(&seals[i]); err != nil {
				return err
			}
		}
		after = seals[len(seals)-1].Number
	}
}

// seal checks one seal against itself and the one before, and remembers to look its transfers up.
func (c *sealCheck) seal(s *Seal) error {
	c.seen++
	gap := s.Number != c.number()+1
	if gap {
		if err := c.lookUp(); err != nil { // what is wrong with those before comes first
			return err
		}
		c.missing(c.number()+1, s.Number-1)
	}
	intact := s.Digest() == s.Hash
	members, err := ParseMembers(s.Members)
	whole := err == nil && sha256.Sum256(s.Members) == s.MembersHash && int64(len(members)) == s.Count
	if !intact || !whole || !gap && !c.doubted && !c.follows(s) {
		if err := c.lookUp(); err != nil {
			return err
		}
	}
	name := sealName(s.Number)
	switch {
	case !intact:
		c.report(CheckSeal, name, "it is not what its hash says: it was altered")
	case !whole:
		c.report(CheckSeal, name, "its list of transfers is not what its hash says: it was altered")
	case gap || c.doubted:
	case c.last == nil && s.Previous != SealHash{}:
		c.report(CheckSeal, name, "it is the first, but names one before it")
	case c.last != nil && s.Previous != c.last.Hash:
		c.report(CheckSeal, sealName(c.last.Number), fmt.Sprintf("%s was linked to another one in its place: it was altered or exchanged", name))
	case s.Total != c.total()+s.Count:
		c.report(CheckSeal, name, fmt.Sprintf("it counts %d transfers up to here, instead of %d", s.Total, c.total()+s.Count))
	}
	kept := *s
	kept.Members = nil
	c.last, c.doubted = &kept, !intact
	if !whole {
		c.broken = true
		return nil
	}
	c.legible += s.Count
	c.pending = append(c.pending, pendingSeal{kept, intact, members})
	if c.members += len(members); c.members >= membersAtOnce {
		return c.lookUp()
	}
	return nil
}

func (c *sealCheck) number() int64 {
	if c.last == nil {
		return 0
	}
	return c.last.Number
}

func (c *sealCheck) total() int64 {
	if c.last == nil {
		return 0
	}
	return c.last.Total
}

// follows reports whether s continues the chain.
func (c *sealCheck) follows(s *Seal) bool {
	if c.last == nil {
		return s.Previous == SealHash{} && s.Total == s.Count
	}
	return s.Previous == c.last.Hash && s.Total == c.last.Total+s.Count
}

func (c *sealCheck) missing(from, to int64) {
	c.broken = true
	if from == to {
		c.report(CheckSeal, sealName(from), "it is missing")
		return
	}
	c.report(CheckSeal, sealName(from), fmt.Sprintf("it is missing, and so are those up to %d", to))
}

// lookUp compares the transfers of the pending seals with what is there.
func (c *sealCheck) lookUp() error {
	refs := make([]TransferRef, 0, c.members)
	for _, p := range c.pending {
		for _, m := range p.members {
			refs = append(refs, m.TransferRef)
		}
	}
	there := make(map[TransferRef]ledger.Transfer, len(refs))
	for len(refs) > 0 { // one seal may hold more than is looked up at once
		n := min(len(refs), membersAtOnce)
		found, err := c.rows.Transfers(refs[:n])
		if err != nil {
			return err
		}
		for i := range found {
			there[RefOf(&found[i])] = found[i]
		}
		refs = refs[n:]
	}
	for _, p := range c.pending {
		c.compare(&p, there)
	}
	c.pending, c.members = c.pending[:0], 0
	return nil
}

func (c *sealCheck) compare(p *pendingSeal, there map[TransferRef]ledger.Transfer) {
	leaves := make([]SealHash, len(p.members))
	same := true
	for i, m := range p.members {
		t, found := there[m.TransferRef]
		if !found {
			same = false
			c.tell(CheckSealed, m.TransferRef, fmt.Sprintf("%s holds it, but it is missing", sealName(p.seal.Number)))
			continue
		}
		c.inSeals.add(m.TransferRef)
		if leaves[i] = LeafOf(&t); checkOf(leaves[i]) != m.Check {
			same = false
			c.tell(CheckSealed, m.TransferRef, fmt.Sprintf("it is not what %s holds: it was altered (now it is %s, a %s of %d)",
				sealName(p.seal.Number), t.ID.Format(id.Transaction), t.Kind, t.Amount))
		}
	}
	if same && p.intact && rootOf(leaves) != p.seal.Root {
		c.report(CheckSealed, sealName(p.seal.Number), "its transfers do not come to its root: one of them was altered")
	}
}

// waiting counts what waits to be sealed, and finds what is gone before it was.
func (c *sealCheck) waiting() error {
	return c.rows.EachWaiting(func(r TransferRef, there bool) {
		if !there {
			c.tell(CheckWaiting, r, "it was written and waits to be sealed, but it is missing")
			return
		}
		c.inSeals.add(r)
	})
}

// strays finds transfers that stand in no seal and do not wait for one, or that stand in more than one place.
func (c *sealCheck) strays() error {
	if err := c.rows.EachTransfer(c.there.add); err != nil {
		return err
	}
	if c.inSeals == c.there {
		return nil
	}
	if !c.broken {
		return c.findStrays()
	}
	// What a missing seal held can't be told from what none ever held, but for the number.
	hidden, unknown := c.total()-c.legible, c.there.n-c.inSeals.n
	if hidden != unknown {
		c.report(CheckWaiting, "transfers", fmt.Sprintf("%d stand in no seal that can be read; the seals that can't be held %d", unknown, hidden))
	}
	return nil
}

func (c *sealCheck) tell(check string, r TransferRef, detail string) {
	if c.told[check]++; c.told[check] <= tellMax {
		c.report(check, r.String(), detail)
	}
}

// tally is a sum over transfers that tells two multisets of them apart: of a hash under a key that is drawn for the
// check, so that nobody can prepare two that come to the same.
type tally struct {
	key       [32]byte
	n         int64
	low, high uint64
}

func (t *tally) add(r TransferRef) {
	h := keyedHash(&t.key, r)
	t.n++
	t.low += binary.BigEndian.Uint64(h[:8])
	t.high += binary.BigEndian.Uint64(h[8:])
}

func keyedHash(key *[32]byte, r TransferRef) [sha256.Size]byte {
	var room [128]byte
	return sha256.Sum256(AppendRefs(append(room[:0], key[:]...), r))
}
