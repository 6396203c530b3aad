package gatemodel

// nextHearing: a replica reads the entry, whether or not it was told to, and settles it at any time later.
func (m *Model) nextHearing(s *State, r int, visit func(Step, *State)) {
	if e := s.Redis.Entry; e.Status != Nothing && e != s.Replicas[r].Heard && m.worthReading(e) {
		t := *s
		if m.AtOnce {
			m.hear(&t.Replicas[r], e)
		} else {
			t.Replicas[r].Heard = e
		}
		visit(Step{Action: ReadEntry, Replica: r}, &t)
	}
	if f := s.Replicas[r].Heard; f.Status != Nothing {
		t := *s
		t.Replicas[r].Heard = Fact{}
		m.hear(&t.Replicas[r], f)
		visit(Step{Action: Hear, Replica: r}, &t)
	}
}

// worthReading leaves out what the protocol would ignore whenever it were settled. It makes the search shorter.
func (m *Model) worthReading(e Fact) bool {
	return m.Mutant != Faithful || e.Age < e.Fresh
}

// nextRedis: publications are executed, once or more, or lost; Redis loses its memory, or part of its past.
func (m *Model) nextRedis(s *State, visit func(Step, *State)) {
	for i, f := range s.Wire {
		if f.Status == Nothing {
			continue
		}
		t := *s
		m.publish(&t.Redis.Entry, f)
		visit(Step{Action: Execute, Slot: i}, &t)
		t = *s
		t.Wire[i] = Fact{}
		visit(Step{Action: Lose, Slot: i}, &t)
	}
	if s.Redis.Entry.Status != Nothing {
		t := *s
		t.Redis.Entry = Fact{}
		visit(Step{Action: Flush}, &t)
	}
	if m.Failovers && s.Redis.Entry != s.Redis.Standby {
		t := *s
		t.Redis.Standby = t.Redis.Entry
		visit(Step{Action: Copy}, &t)
		t = *s
		t.Redis.Entry = t.Redis.Standby
		visit(Step{Action: Failover}, &t)
	}
	if s.Lies > 0 {
		m.nextLies(s, visit)
	}
}

// nextLies: the entry becomes what the store never said: the remains of another database, of another clock, or
// garbage. Its stamp is past its second, or beyond every clock.
func (m *Model) nextLies(s *State, visit func(Step, *State)) {
	for kind, age := range []int8{expired, ahead} {
		for more := range uint8(2) {
			t := *s
			t.Lies--
			t.Redis.Entry = Fact{
				Status: SoldOut, Campaign: s.Store.Campaign, Voucher: s.Store.Voucher + more,
				Fresh: FreshFor, Age: age, Lie: true,
			}
			visit(Step{Action: Lie, Slot: kind, Customer: int(more)}, &t)
		}
	}
}

// send puts a publication on the wire, if there is room.
func (s *State) send(room int, f Fact) bool {
	for i := range room {
		if s.Wire[i].Status == Nothing {
			s.Wire[i] = f
			return true
		}
	}
	return false
}
