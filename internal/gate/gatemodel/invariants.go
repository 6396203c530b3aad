package gatemodel

import "fmt"

// Check returns what is wrong with a state, or "".
func (m *Model) Check(s *State) string {
	if won := s.Store.redeemed(); won > s.Store.Limit {
		return fmt.Sprintf("I4: %d winners of %d", won, s.Store.Limit)
	}
	for r := range m.Replicas {
		for c := range m.customers() {
			if k := m.admit(s, r, c); k != Open {
				if wrong := m.refused(s, r, c, k); wrong != "" {
					return wrong
				}
			}
		}
	}
	return ""
}

// refused returns what is wrong with a refusal that a replica would give now.
func (m *Model) refused(s *State, r, c int, k Status) string {
	who, g := s.Store.Customers[c], &s.Replicas[r]
	switch {
	case who.Claim != Never && g.Fact.sum() >= who.Won:
		return fmt.Sprintf("I2: %s would refuse %s, a winner since version %d, by a fact of version %d: %s",
			replicaName(r), customerName(c), who.Won, g.Fact.sum(), k)
	case who.Refused[k] >= FreshFor:
		return fmt.Sprintf("I1: %s would refuse %s: %s. The store would have said so %s ago, or longer",
			replicaName(r), customerName(c), k, ticks(FreshFor))
	case g.Fact.rank() < g.Told:
		return fmt.Sprintf("I3: %s would refuse %s by what is older than what it was told", replicaName(r), customerName(c))
	}
	return ""
}

// CheckStep returns what is wrong with a step from s to t, or "".
func (m *Model) CheckStep(s *State, step Step, t *State) string {
	switch step.Action {
	case Settle, SettleAndPublish, Hear:
		if before, after := s.Replicas[step.Replica].Fact, t.Replicas[step.Replica].Fact; backward(before, after) {
			return fmt.Sprintf("I3: a fact goes backward: %s, then %s", before, after)
		}
	case Execute:
		before, after := s.Redis.Entry, t.Redis.Entry
		if backward(before, after) || before.closed() && before.rank() == after.rank() && before.later(after) {
			return fmt.Sprintf("I6: the entry goes backward: %s, then %s", before, after)
		}
	case CheckEnd:
		if before, after := s.Redis.Entry, t.Redis.Entry; before.Status != Nothing && !before.Lie && after != before {
			return fmt.Sprintf("I6: reconciliation takes away what the store said: %s, then %s", before, after)
		}
	case Judge:
		q := s.Replicas[step.Replica].Questions[step.Slot]
		free := s.Store.status() == Open && s.Store.Customers[q.Customer].Claim != Standing
		if q.Effect == Redeem && free != (t.Store.redeemed() == s.Store.redeemed()+1) {
			return "I4: a use that is free is given once, and no other"
		}
	default:
	}
	return ""
}

// backward reports whether a fact takes the place of one that follows it in the store.
func backward(before, after Fact) bool {
	if before.Status == Nothing || after.Status == Nothing {
		return false
	}
	return after.rank() < before.rank() || after.sum() == before.sum() && after.Left > before.Left
}

// CheckHeals returns what is still wrong with a state after the faults stop, all that is in flight arrives, and
// FreshFor passes; or "". Then each replica reconciles, looks, publishes and hears, once.
func (m *Model) CheckHeals(s *State) string {
	t := *s
	m.arrive(&t)
	for range FreshFor {
		m.tick(&t)
	}
	for r := range m.Replicas {
		for c := range m.customers() {
			if k := m.admit(&t, r, c); k != t.Store.refusal(c) && k != Open {
				return fmt.Sprintf("I5: when all is quiet again, %s refuses %s: %s", replicaName(r), customerName(c), k)
			}
		}
	}
	for r := range m.Replicas {
		m.renew(&t, r)
	}
	says := t.Store.fact()
	if m.Wire > 0 && (t.Redis.Entry.rank() != says.rank() || t.Redis.Entry.Lie) {
		return fmt.Sprintf("I5: when all is quiet again, the entry says %s, and the store %s", t.Redis.Entry, says)
	}
	for r := range m.Replicas {
		if f := t.Replicas[r].Fact; f.rank() != says.rank() || f.Age >= f.Fresh {
			return fmt.Sprintf("I5: when all is quiet again, %s knows %s, and the store says %s", replicaName(r), f, says)
		}
	}
	return ""
}

// arrive ends all that is in flight.
func (m *Model) arrive(s *State) {
	for i, f := range s.Wire {
		if f.Status != Nothing {
			m.publish(&s.Redis.Entry, f)
			s.Wire[i] = Fact{}
		}
	}
	for r := range m.Replicas {
		g := &s.Replicas[r]
		for i := range g.Questions {
			if g.Questions[i].Effect == Idle {
				continue
			}
			if g.Questions[i].Fact.Status == Nothing {
				m.judge(s, r, i)
			}
			q := g.Questions[i]
			g.Questions[i] = Question{}
			m.answered(g, q)
			if m.Wire > 0 && q.Effect != Toggle {
				m.publish(&s.Redis.Entry, q.Fact)
			}
		}
		if g.Heard.Status != Nothing {
			m.hear(g, g.Heard)
			g.Heard = Fact{}
		}
		if g.Reading.Under {
			m.settleWinners(g, g.Reading)
			g.Reading = Reading{}
		}
		g.Check = Check{}
	}
}

// renew is a replica's round of all that it does for its memory.
func (m *Model) renew(s *State, r int) {
	g := &s.Replicas[r]
	if m.Checks && m.checkRead(s, r) {
		m.checkAsk(s, r)
		if g.Check.Stage == Doomed {
			m.checkEnd(s, r)
		}
	}
	g.Check = Check{}
	g.Questions[0] = Question{Effect: Look}
	m.judge(s, r, 0)
	q := g.Questions[0]
	g.Questions[0] = Question{}
	m.answered(g, q)
	if m.Wire == 0 {
		return
	}
	m.publish(&s.Redis.Entry, q.Fact)
	m.hear(g, s.Redis.Entry)
}
