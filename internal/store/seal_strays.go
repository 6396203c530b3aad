package store

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"slices"
)

// straysAtOnce bounds the transfers that are in memory while strays are looked for.
const straysAtOnce = 1_000_000

// standing is where a transfer stands.
type standing struct {
	rows  int32 // 1 where it is there
	in    int32 // seals that hold it
	waits int32
	first int64 // of the seals
	again int64 // another one
}

// findStrays finds the transfers that stand in no seal and do not wait for one, and those that stand in more than one
// place. It takes only a part of all transfers at a time, chosen by hash, and reads all anew for each part: it
// is slow, but it is only done where something is wrong.
func (c *sealCheck) findStrays() error {
	parts := uint64(max(c.there.n, c.inSeals.n))/straysAtOnce + 1 //nolint:gosec // a count
	strays := &firstStrays{}
	for part := range parts {
		places := map[TransferRef]standing{}
		mine := func(r TransferRef) bool {
			h := keyedHash(&c.there.key, r)
			return binary.BigEndian.Uint64(h[16:])%parts == part
		}
		if err := c.fillPlaces(places, mine); err != nil {
			return err
		}
		for r, s := range places {
			if s.rows > 0 && s.in+s.waits != 1 {
				strays.add(r, s)
			}
		}
	}
	for _, s := range strays.sorted() {
		c.tell(CheckWaiting, s.ref, s.detail())
	}
	c.told[CheckWaiting] += strays.dropped
	return nil
}

// fillPlaces finds where those transfers stand that are asked for.
func (c *sealCheck) fillPlaces(places map[TransferRef]standing, mine func(TransferRef) bool) error {
	err := c.rows.EachTransfer(func(r TransferRef) {
		if mine(r) {
			places[r] = standing{rows: 1}
		}
	})
	if err != nil {
		return err
	}
	err = c.rows.EachWaiting(func(r TransferRef, _ bool) {
		if s, found := places[r]; found {
			s.waits++
			places[r] = s
		}
	})
	if err != nil {
		return err
	}
	for after := int64(0); ; {
		seals, err := c.rows.Seals(after, sealsAtOnce)
		if err != nil || len(seals) == 0 {
			return err
		}
		for i := range seals {
			members, err := ParseMembers(seals[i].Members)
			if err != nil {
				return fmt.Errorf("%s: %w", sealName(seals[i].Number), err)
			}
			for _, m := range members {
				if s, found := places[m.TransferRef]; found {
					if s.in++; s.in == 1 {
						s.first = seals[i].Number
					} else {
						s.again = seals[i].Number
					}
					places[m.TransferRef] = s
				}
			}
		}
		after = seals[len(seals)-1].Number
	}
}

// stray is a transfer that stands where it should not.
type stray struct {
	ref TransferRef
	standing
}

func (s *stray) detail() string {
	switch {
	case s.in > 1:
		return fmt.Sprintf("it stands in two seals, %d and %d: it was written again after it was sealed", s.first, s.again)
	case s.in == 1:
		return fmt.Sprintf("it stands in %s and waits to be sealed again: it was written again after it was sealed", sealName(s.first))
	case s.waits > 1:
		return "it waits to be sealed twice: it was written again before it was sealed"
	default:
		return "it stands in no seal and does not wait for one: it was inserted past the ledger"
	}
}

// firstStrays keeps the first tellMax strays: a heap whose top is the last of them.
type firstStrays struct {
	kept    []stray
	dropped int
}

func (f *firstStrays) add(r TransferRef, s standing) {
	heap.Push(f, stray{r, s})
	if len(f.kept) > tellMax {
		heap.Pop(f)
		f.dropped++
	}
}

func (f *firstStrays) sorted() []stray {
	slices.SortFunc(f.kept, func(a, b stray) int { return a.ref.Compare(b.ref) })
	return f.kept
}

// Len implements heap.Interface.
func (f *firstStrays) Len() int { return len(f.kept) }

// Less implements heap.Interface.
func (f *firstStrays) Less(i, j int) bool { return f.kept[i].ref.Compare(f.kept[j].ref) > 0 }

// Swap implements heap.Interface.
func (f *firstStrays) Swap(i, j int) { f.kept[i], f.kept[j] = f.kept[j], f.kept[i] }

// Push implements heap.Interface.
func (f *firstStrays) Push(x any) { f.kept = append(f.kept, x.(stray)) } //nolint:forcetypeassert,errcheck // heap.Push is given strays alone

// Pop implements heap.Interface.
func (f *firstStrays) Pop() any {
	last := f.kept[len(f.kept)-1]
	f.kept = f.kept[:len(f.kept)-1]
	return last
}
