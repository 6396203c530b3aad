package gatemodel

// nextWinners: a snapshot of a closed voucher's winners is read, and handed over at any time later.
func (m *Model) nextWinners(s *State, r int, visit func(Step, *State)) {
	w := s.Replicas[r].Reading
	if !w.Under {
		if f := s.Store.fact(); f.closed() || m.Mutant == FilterBeforeFact {
			t := *s
			t.Replicas[r].Reading = Reading{Under: true, Fact: m.closureOf(f), Winners: m.readWinners(&s.Store)}
			visit(Step{Action: ReadWinners, Replica: r}, &t)
		}
		return
	}
	if m.Mutant == FilterBeforeFact {
		w.Fact = m.closureOf(s.Store.fact())
	}
	t := *s
	t.Replicas[r].Reading = Reading{}
	visit(Step{Action: Drop, Replica: r, Slot: questionsMax}, &t)
	m.settleWinners(&t.Replicas[r], w)
	visit(Step{Action: SettleWinners, Replica: r}, &t)
}

func (m *Model) closureOf(f Fact) Fact {
	return Fact{Status: f.Status, Campaign: f.Campaign, Voucher: f.Voucher}
}

func (m *Model) readWinners(s *Store) uint8 {
	set := s.winners()
	if m.Mutant == FilterOfStanding {
		set = 0
		for c, of := range s.Customers {
			if of.Claim == Standing {
				set |= 1 << c
			}
		}
	}
	return set
}
