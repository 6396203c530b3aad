package gatemodel

// Scene bounds a search: who takes part, and what may happen.
type Scene struct {
	Name      string
	Replicas  int
	Buyers    int  // customers who may redeem
	Bystander bool // one more, who stands for all who never do
	Limit     uint8
	StartIn   int8
	Questions int // that a replica may have in flight
	Wire      int // publications that may be in flight; 0 is no Redis
	Changes   uint8
	Effects   []Effect // of those that need a change left

	// Elsewhere is all the replicas that are not in the scene: whatever they may do to the store, and tell of it.
	Elsewhere bool

	AtOnce     bool // what is read from Redis is settled at once; otherwise at any time later
	Filters    bool // winners are read and settled; otherwise every closed fact has its filter at once
	Forgetting bool // a gate may forget its fact for want of room
	Restarts   bool
	Failovers  bool
	Checks     bool  // reconciliation
	Lies       uint8 // entries that the store never said
	Heals      bool  // check from every state that it heals
}

// Model is a scene under the protocol, or under a mutant of it.
type Model struct {
	Scene
	Mutant Mutant
	// Seek, if set, ends the search with success at the first step of which it reports true.
	Seek func(m *Model, s *State, step Step, t *State) bool
}

// sought is what a search finds wrong if it finds what it seeks.
const sought = "found"

func (m *Model) customers() int { return m.Buyers + int(bit(m.Bystander)) }

// Initial is the state in which every search begins.
func (m *Model) Initial() State {
	s := State{Changes: m.Changes, Lies: m.Lies}
	s.Store.Limit, s.Store.StartIn = m.Limit, m.StartIn
	for c := range s.Store.Customers {
		for k := range s.Store.Customers[c].Refused {
			s.Store.Customers[c].Refused[k] = expired
		}
	}
	for r := range s.Replicas {
		s.Replicas[r] = newReplica()
	}
	m.remember(&s)
	return s
}

// newReplica is a process that has just begun: it knows nothing, nor anything of the store's clock.
func newReplica() Replica {
	return Replica{Slack: expired, Settled: expired, Trust: expired, Forgotten: expired}
}

// remember notes which refusals the store would give at this moment.
func (m *Model) remember(s *State) {
	for c := range m.customers() {
		if k := s.Store.refusal(c); k != Open {
			s.Store.Customers[c].Refused[k] = 0
		}
	}
}
