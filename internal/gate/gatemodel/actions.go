package gatemodel

// Action is one kind of step.
type Action uint8

// The actions. Each may happen at any moment at which it is possible, and none ever must: so whatever is in flight may
// be delayed for ever, and a replica that is paused is one whose actions do not happen for a while.
const (
	Tick Action = iota
	Ask
	Judge
	Settle
	SettleAndPublish
	Drop // the question or its answer is lost
	Execute
	Lose
	ReadEntry
	Hear
	Flush
	Copy
	Failover
	ReadWinners
	SettleWinners
	Forget
	Loosen // a sample of the store's clock is too old to count
	Restart
	CheckRead
	CheckAsk
	CheckEnd
	Lie
	Elsewhere
	ElsewherePublished
)

// Step is one action with its operands.
type Step struct {
	Action   Action
	Replica  int
	Slot     int
	Effect   Effect
	Customer int
}

// Next calls visit with each step that is possible in s, and where it leads.
func (m *Model) Next(s *State, visit func(Step, *State)) {
	m.nextTick(s, visit)
	for r := range m.Replicas {
		m.nextQuestions(s, r, visit)
		m.nextMemory(s, r, visit)
		if m.Filters {
			m.nextWinners(s, r, visit)
		}
		if m.Wire > 0 {
			m.nextHearing(s, r, visit)
		}
		if m.Checks {
			m.nextCheck(s, r, visit)
		}
	}
	if m.Wire > 0 {
		m.nextRedis(s, visit)
	}
	if m.Elsewhere {
		m.eachEffect(s, func(e Effect, c int) { m.nextElsewhere(s, e, c, visit) })
	}
}
