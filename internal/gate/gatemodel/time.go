package gatemodel

func (m *Model) nextTick(s *State, visit func(Step, *State)) {
	t := *s
	m.tick(&t)
	visit(Step{Action: Tick}, &t)
}

// tick is the passing of time: whatever has an age is a tick older.
func (m *Model) tick(s *State) {
	older := func(age *int8) {
		if *age < expired {
			*age++
		}
	}
	olderFact := func(f *Fact) {
		if f.Status != Nothing {
			older(&f.Age)
		}
	}
	if s.Store.StartIn > 0 {
		s.Store.StartIn--
	}
	for c := range m.customers() {
		for k := range s.Store.Customers[c].Refused {
			older(&s.Store.Customers[c].Refused[k])
		}
	}
	for r := range m.Replicas {
		g := &s.Replicas[r]
		olderFact(&g.Fact)
		olderFact(&g.Heard)
		if !m.worthReading(g.Heard) {
			g.Heard = Fact{}
		}
		olderFact(&g.Check.Entry)
		older(&g.Settled)
		older(&g.Trust)
		older(&g.Forgotten)
		for i := range g.Questions {
			if q := &g.Questions[i]; q.Effect != Idle {
				older(&q.Asked)
				olderFact(&q.Fact)
			}
		}
	}
	olderFact(&s.Redis.Entry)
	olderFact(&s.Redis.Standby)
	for i := range s.Wire {
		olderFact(&s.Wire[i])
	}
	m.remember(s)
}

// nextMemory: a process forgets.
func (m *Model) nextMemory(s *State, r int, visit func(Step, *State)) {
	g := &s.Replicas[r]
	if m.Forgetting && g.Fact.Status != Nothing {
		t := *s
		h := &t.Replicas[r]
		h.Forgotten = min(h.Forgotten, h.Settled)
		h.Trust, h.Settled = h.Forgotten, expired
		h.Fact, h.Filtered, h.Winners = Fact{}, false, 0
		visit(Step{Action: Forget, Replica: r}, &t)
	}
	if m.Wire > 0 && g.Slack != expired {
		t := *s
		t.Replicas[r].Slack = expired
		visit(Step{Action: Loosen, Replica: r}, &t)
	}
	if m.Restarts && *g != newReplica() {
		t := *s
		t.Replicas[r] = newReplica()
		visit(Step{Action: Restart, Replica: r}, &t)
	}
}
