package gatemodel

// admit is the status with which a replica's gate refuses a customer, or Open for a pass.
func (m *Model) admit(s *State, r, c int) Status {
	g := &s.Replicas[r]
	f := g.Fact
	switch {
	case !f.closed(), f.Age >= f.Fresh && m.Mutant != RedisDecides:
		return Open
	case f.Campaign < g.Floor && m.Mutant != FloorIgnored:
		return Open
	case m.passes(s, g, c):
		return Open
	}
	return f.Status
}

// passes reports whether the filter of winners may hold a customer, or has not come.
func (m *Model) passes(s *State, g *Replica, c int) bool {
	if m.Filters {
		if !g.Filtered {
			return m.Mutant != FilterNotAwaited
		}
		return g.Winners>>c&1 == 1
	}
	who := s.Store.Customers[c]
	return who.Claim != Never && who.Won <= g.Fact.sum()
}

// settle is the gate's Settle: f counts as asked for so many ticks ago.
func (m *Model) settle(g *Replica, f Fact, asked int8) {
	f.Age = min(asked, expired)
	if m.Forgetting && f.Age >= g.Trust && m.Mutant != ForgottenIsTrusted {
		f.Fresh = 0
	}
	next, taken := m.succeed(g, f)
	if !taken {
		return
	}
	if next.sum() != g.Fact.sum() || next.Status != g.Fact.Status {
		if m.Mutant != FilterOutlivesClosure || !next.closed() {
			g.Filtered, g.Winners = false, 0
		}
	}
	g.Fact = next
	if g.Reading.Fact.rank() < next.rank() && !m.Forgetting && m.Mutant == Faithful {
		g.Reading = Reading{} // a gate that does not go back can't use it
	}
	if m.Forgetting {
		g.Settled = 0
	}
	if next.Status == Open && m.Mutant == OpenNotKept {
		g.Fact = Fact{}
	}
}

// succeed is the fact that a gate holds after f came: facts go forward, and only what is closed by the same word
// may be renewed by a later asking.
func (m *Model) succeed(g *Replica, f Fact) (Fact, bool) {
	old := g.Fact
	if old.Status == Nothing {
		return f, true
	}
	asked := min(f.Age, old.Age) // the newer of two facts was judged later, so both askings bound it
	switch {
	case f.sum() < old.sum() && m.Mutant != OlderVersionSettles:
		return old, false
	case f.sum() != old.sum():
		f.Age = asked
		return f, true
	case f.Status < old.Status && m.Mutant != ClosedReopens:
		return old, false
	}
	if m.Mutant != LocalLeftRises {
		f.Left = min(f.Left, old.Left)
	}
	if f.Status == old.Status && f.Age >= old.Age {
		if f.Left == old.Left {
			return old, false
		}
		f.Fresh = old.Fresh
	}
	f.Age = asked
	return f, true
}

// tell notes that a replica was told something of this rank.
func (g *Replica) tell(rank uint8) { g.Told = max(g.Told, rank) }

// answered is what a replica does with an answer of the store: what it asked itself is a sample of the store's clock.
func (m *Model) answered(g *Replica, q Question) {
	if q.Effect == Toggle {
		g.Floor = max(g.Floor, q.Fact.Campaign)
		g.tell(q.Fact.sum() << 3)
		return
	}
	asked := q.Asked
	if m.Mutant == AskedAtReply {
		asked = 0
	}
	if m.Mutant == FreshUntilStart && q.Fact.Status == NotStarted {
		q.Fact.Fresh = FreshFor
	}
	m.settle(g, q.Fact, asked)
	g.tell(q.Fact.rank())
	if m.Wire == 0 {
		return
	}
	slack := q.Slack
	if m.Mutant == SampleAtReply {
		slack = -q.Fact.Age
	}
	g.Slack = min(g.Slack, slack)
}

// hear settles what was read from Redis, at the latest moment at which it may have been asked for.
func (m *Model) hear(g *Replica, f Fact) {
	age := f.Age + g.Slack
	if m.Mutant == SampleFromHearsay {
		g.Slack = min(g.Slack, -f.Age)
	}
	switch {
	case m.Mutant == AgeFromArrival && f.Age != ahead:
		age = 0
	case m.Mutant == WallClockTrusted: // which is a tick ahead of the store's
		age = f.Age - 1
	case f.Age == ahead && m.Mutant == AheadIsNow:
		age = 0
	case f.Age == ahead, age < 0 && m.Mutant != SampleAtReply && m.Mutant != SampleFromHearsay:
		return // stamped after the bound of the store's clock: something is wrong, and it is not used
	}
	age = max(age, 0)
	f.Left = leftUnheard
	if f.Status == SoldOut {
		f.Left = 0
	}
	if age >= f.Fresh && m.Mutant != OldIsSettled && m.Mutant != RedisDecides {
		return // too old to refuse anybody, and what it is newer than may be none of this store's
	}
	m.settle(g, f, age)
	g.tell(f.rank())
}

// settleWinners hands over winners with the closure that was seen in their snapshot.
func (m *Model) settleWinners(g *Replica, w Reading) {
	same := g.Fact.Status == w.Fact.Status && g.Fact.sum() == w.Fact.sum()
	if m.Mutant == FilterOfAnyClosure {
		same = true
	}
	if g.Fact.closed() && same && w.Fact.Campaign >= g.Floor {
		g.Filtered, g.Winners = true, w.Winners
	}
}
