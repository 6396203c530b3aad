package gatemodel

// publish is the one function that writes: only forward.
func (m *Model) publish(e *Fact, f Fact) {
	if m.Mutant == PublishRestamps && f.Age != ahead {
		f.Age = 0
	}
	old := *e
	switch {
	case old.Status == Nothing, f.sum() > old.sum(), m.Mutant == FunctionIgnoresVersion:
		*e = f
		return
	case f.sum() < old.sum():
		return
	}
	left := min(f.Left, old.Left)
	if m.Mutant == FunctionLeftRises {
		left = f.Left
	}
	switch {
	case f.Status < old.Status && m.Mutant != FunctionIgnoresStage:
		return
	case f.Status != old.Status, f.closed() && (f.later(old) || m.Mutant == FunctionIgnoresStamp):
		*e = f
	}
	e.Left = left
}

// contradicts reports whether an entry stands ahead of what the store says later: then it is none of this store's.
func (m *Model) contradicts(e, says Fact) bool {
	if m.Mutant == ReconcileByVersion {
		return e.sum() > says.sum()
	}
	return e.rank() > says.rank() || e.Age == ahead
}
