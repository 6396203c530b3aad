package gatemodel

// nextCheck: one entry is reconciled. It is read, then the store is asked, and if the entry stands ahead of the
// answer it is deleted, unless it was replaced meanwhile. What the answer teaches is a question like any other, so it
// is not modelled again here; nor is the lock that keeps all replicas but one from doing this, for nothing rests on it.
func (m *Model) nextCheck(s *State, r int, visit func(Step, *State)) {
	check := s.Replicas[r].Check
	t := *s
	step := Step{Replica: r}
	switch check.Stage {
	case NoCheck:
		if !m.checkRead(&t, r) {
			return
		}
		step.Action = CheckRead
	case Read:
		m.checkAsk(&t, r)
		step.Action = CheckAsk
	case Doomed:
		m.checkEnd(&t, r)
		step.Action = CheckEnd
	}
	visit(step, &t)
}

func (m *Model) checkRead(s *State, r int) bool {
	e := s.Redis.Entry
	if m.Mutant == ReconcileAsksFirst {
		e = s.Store.fact()
	}
	s.Replicas[r].Check = Check{Read, e}
	return e.Status != Nothing && m.Mutant != ReconcileNever
}

func (m *Model) checkAsk(s *State, r int) {
	check := &s.Replicas[r].Check
	entry, says := check.Entry, s.Store.fact()
	switch m.Mutant {
	case ReconcileAsksFirst:
		entry, says = s.Redis.Entry, check.Entry
		check.Entry = entry
	case ReconcileWrites:
		check.Entry = says
	default:
	}
	check.Stage = Doomed
	if entry.Status == Nothing || !m.contradicts(entry, says) {
		*check = Check{}
	}
}

func (m *Model) checkEnd(s *State, r int) {
	doomed := s.Replicas[r].Check.Entry
	s.Replicas[r].Check = Check{}
	switch {
	case m.Mutant == ReconcileWrites:
		s.Redis.Entry = doomed
	case s.Redis.Entry == doomed, m.Mutant == ReconcileUncompared:
		s.Redis.Entry = Fact{}
	}
}
