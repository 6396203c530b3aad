package gatemodel

import (
	"bytes"
	"encoding/binary"
)

const (
	storeBytes    = 3 + 2*customersMax
	questionBytes = 4
	replicaBytes  = 2 + 2 + 3 + questionsMax*questionBytes + 2 + 3 + 3
	restBytes     = 2 * (2 + wireMax)
	keyBytes      = storeBytes + replicasMax*replicaBytes + restBytes
)

// key is a state, packed: two states have one key if and only if they are the same but for the names of their
// customers and replicas, and for the order of what has none.
type key [keyBytes]byte

// keyOf packs a state under that naming of its customers and replicas which gives the smallest key. Names mean
// nothing to the protocol, so what can follow from a state can follow from it by any other names.
func (m *Model) keyOf(s *State) key {
	var smallest key
	for i, names := range namings(m.Buyers) {
		if k := m.pack(s, names); i == 0 || bytes.Compare(k[:], smallest[:]) < 0 {
			smallest = k
		}
	}
	return smallest
}

// naming gives each customer a new number.
type naming [customersMax]uint8

// namings are those under which a bystander stays one.
func namings(buyers int) []naming {
	switch buyers {
	case 1:
		return []naming{{0, 1, 2}}
	case 2:
		return []naming{{0, 1, 2}, {1, 0, 2}}
	default:
		return []naming{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	}
}

// set renames a set's members.
func (n naming) set(of uint8) uint8 {
	var to uint8
	for c, name := range n {
		to |= of >> c & 1 << name
	}
	return to
}

func (m *Model) pack(s *State, n naming) (k key) {
	b := k[:0]
	b = append(b, s.Store.Limit<<4|bits(s.Store.StartIn)<<1|bit(s.Store.Disabled),
		s.Store.Campaign<<4|s.Store.Voucher, s.Changes<<4|s.Lies)
	var who [customersMax]Customer
	for c, name := range n {
		who[name] = s.Store.Customers[c]
	}
	for _, c := range who {
		b = append(b, uint8(c.Claim)<<4|c.Won, bits(c.Refused[NotStarted])<<4|bits(c.Refused[SoldOut])<<2|bits(c.Refused[Disabled]))
	}
	var replicas [replicasMax][replicaBytes]byte
	for r := range m.Replicas { // another is never touched
		packReplica(replicas[r][:0], &s.Replicas[r], n)
	}
	if m.Replicas == 2 && bytes.Compare(replicas[0][:], replicas[1][:]) > 0 {
		replicas[0], replicas[1] = replicas[1], replicas[0]
	}
	for r := range replicas {
		b = append(b, replicas[r][:]...)
	}
	b = appendFact(b, s.Redis.Entry)
	b = appendFact(b, s.Redis.Standby)
	one, other := s.Wire[0].code(), s.Wire[1].code()
	b = binary.BigEndian.AppendUint16(b, min(one, other))
	_ = binary.BigEndian.AppendUint16(b, max(one, other))
	return k
}

func packReplica(b []byte, g *Replica, n naming) {
	b = appendFact(b, g.Fact)
	b = append(b, bit(g.Filtered)<<4|n.set(g.Winners), g.Told,
		g.Floor<<4|bits(g.Settled), bits(g.Trust)<<4|bits(g.Forgotten), bits(g.Slack))
	one, other := g.Questions[0].code(n), g.Questions[1].code(n)
	b = binary.BigEndian.AppendUint32(b, min(one, other))
	b = binary.BigEndian.AppendUint32(b, max(one, other))
	b = appendFact(b, g.Heard)
	b = appendFact(b, g.Reading.Fact)
	b = append(b, bit(g.Reading.Under)<<4|n.set(g.Reading.Winners), uint8(g.Check.Stage))
	_ = appendFact(b, g.Check.Entry)
}

func (q Question) code(n naming) uint32 {
	c := uint8(0)
	if q.Effect == Redeem || q.Effect == Rollback {
		c = n[q.Customer]
	}
	return uint32(q.Effect)<<24 | uint32(c)<<20 | uint32(bits(q.Asked))<<18 | uint32(bits(q.Slack))<<16 | uint32(q.Fact.code())
}

func appendFact(b []byte, f Fact) []byte { return binary.BigEndian.AppendUint16(b, f.code()) }

// code is a fact in 16 bits: three each for the status and the two parts of the version, two each for what is left,
// how long it is fresh and how old it is, and one for a lie.
func (f Fact) code() uint16 {
	return uint16(f.Status)<<13 | uint16(f.Campaign)<<10 | uint16(f.Voucher)<<7 |
		uint16(f.Left)<<5 | uint16(bits(f.Fresh))<<3 | uint16(bits(f.Age))<<1 | uint16(bit(f.Lie))
}

// bits are an age as it is packed, or a slack below zero.
func bits(age int8) uint8 { return uint8(age) } //nolint:gosec // one to one is all that is needed

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
