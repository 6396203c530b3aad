package gatemodel

// nextQuestions: a replica asks the store, the store judges, the answer comes; in any order with the others.
func (m *Model) nextQuestions(s *State, r int, visit func(Step, *State)) {
	free := -1
	for i := range m.Questions {
		step := Step{Replica: r, Slot: i}
		q := s.Replicas[r].Questions[i]
		if q.Effect == Idle {
			free = i
			continue
		}
		t := *s
		t.Replicas[r].Questions[i] = Question{}
		step.Action = Drop
		visit(step, &t)
		if q.Fact.Status == Nothing {
			t = *s
			m.judge(&t, r, i)
			step.Action = Judge
			visit(step, &t)
			continue
		}
		t = *s
		t.Replicas[r].Questions[i] = Question{}
		m.answered(&t.Replicas[r], q)
		step.Action = Settle
		visit(step, &t)
		if q.Effect != Toggle && !m.Elsewhere && t.send(m.Wire, q.Fact) { // elsewhere tells what is known here too
			step.Action = SettleAndPublish
			visit(step, &t)
		}
	}
	if free >= 0 {
		m.nextAsk(s, r, free, visit)
	}
}

func (m *Model) nextAsk(s *State, r, slot int, visit func(Step, *State)) {
	m.eachEffect(s, func(e Effect, c int) {
		if e == Redeem && m.admit(s, r, c) != Open {
			return
		}
		t := *s
		t.spend(e)
		t.Replicas[r].Questions[slot] = Question{Effect: e, Customer: c}
		visit(Step{Action: Ask, Replica: r, Slot: slot, Effect: e, Customer: c}, &t)
	})
}

// nextElsewhere: another replica asks, the store judges, and the answer may be published. The rest of that replica is
// of no matter to those in the scene.
func (m *Model) nextElsewhere(s *State, e Effect, c int, visit func(Step, *State)) {
	t := *s
	t.spend(e)
	m.apply(&t.Store, e, c)
	m.remember(&t)
	step := Step{Action: Elsewhere, Effect: e, Customer: c}
	if e != Look {
		visit(step, &t)
	}
	if e != Toggle && t.send(m.Wire, t.Store.fact()) {
		step.Action = ElsewherePublished
		visit(step, &t)
	}
}

// eachEffect visits what the store may be asked for.
func (m *Model) eachEffect(s *State, visit func(Effect, int)) {
	visit(Look, 0)
	for c := range m.Buyers {
		if s.Store.Customers[c].Claim != Standing {
			visit(Redeem, c)
		}
	}
	if s.Changes == 0 {
		return
	}
	for _, e := range m.Effects {
		switch {
		case e == Rollback:
			for c := range m.Buyers {
				if s.Store.Customers[c].Claim == Standing {
					visit(Rollback, c)
				}
			}
		case e != Raise || int(s.Store.Limit) < m.customers():
			visit(e, 0)
		}
	}
}

// spend counts an administrator's change.
func (s *State) spend(e Effect) {
	if e > Redeem {
		s.Changes--
	}
}

// judge is the transaction, and what it tells. What the question was is of no matter from then on, but for an
// administrator's change of the campaign.
func (m *Model) judge(s *State, r, i int) {
	q := &s.Replicas[r].Questions[i]
	m.apply(&s.Store, q.Effect, q.Customer)
	m.remember(s)
	q.Fact, q.Customer = s.Store.fact(), 0
	if m.Wire > 0 {
		q.Slack = q.Asked
	}
	if q.Effect != Toggle {
		q.Effect = Look
	}
}
