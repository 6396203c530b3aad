package gatemodel

import (
	"strings"
	"testing"
)

// TestReachable seeks what the protocol is there for, and what it does not promise: a model in which nobody is ever
// refused would keep all invariants too. With -v it tells the stories.
func TestReachable(t *testing.T) {
	buyers := pairChanged
	buyers.Buyers, buyers.Bystander = 2, false
	for _, c := range []struct {
		name  string
		scene Scene
		seek  func(m *Model, s *State, step Step, t *State) bool
	}{
		{"a replica refuses by hearsay alone", pair, func(m *Model, s *State, step Step, t *State) bool {
			return step.Action == ReadEntry && m.admit(s, step.Replica, 1) == Open && m.admit(t, step.Replica, 1) != Open
		}},
		{"a refusal is renewed by hearsay", pair, func(m *Model, s *State, step Step, t *State) bool {
			before, after := s.Replicas[step.Replica].Fact, t.Replicas[step.Replica].Fact
			return step.Action == ReadEntry && before.closed() && before.rank() == after.rank() && after.Age < before.Age &&
				m.admit(t, step.Replica, 1) != Open
		}},
		{"hearsay reopens", pairChanged, func(m *Model, s *State, step Step, t *State) bool {
			return step.Action == ReadEntry && m.admit(s, step.Replica, 1) != Open && m.admit(t, step.Replica, 1) == Open
		}},
		{"a filter refuses a loser and lets the winner pass", filters, func(m *Model, _ *State, step Step, t *State) bool {
			one, other := t.Store.Customers[0], t.Store.Customers[1]
			return step.Action == SettleWinners && (m.admit(t, 0, 0) == SoldOut && other.Claim == Standing ||
				m.admit(t, 0, 1) == SoldOut && one.Claim == Standing)
		}},
		{"what never was is deleted", lies, func(_ *Model, s *State, step Step, t *State) bool {
			return step.Action == CheckEnd && s.Redis.Entry.Lie && t.Redis.Entry.Status == Nothing
		}},
		// The bound of the promise: whoever wins a use that was added can be refused elsewhere by what was true before,
		// until FreshFor after it was.
		{"a new winner is refused by an older fact, for less than a second", buyers, func(m *Model, _ *State, step Step, t *State) bool {
			for c, who := range t.Store.Customers {
				for r := range m.Replicas {
					if step.Action == Judge && who.Claim == Standing && m.admit(t, r, c) == SoldOut {
						return true
					}
				}
			}
			return false
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := Model{Scene: c.scene, Seek: c.seek}
			found := m.Search(0)
			if found.Wrong != sought {
				t.Fatalf("not among %d states: %s", found.States, found.Wrong)
			}
			t.Logf("among %d states:\n%s", found.States, strings.TrimSuffix(found.Story(), sought))
		})
	}
}

// TestKeys expects a key to tell states apart, but for names: two states that the search took for one would hide what
// follows from the other.
func TestKeys(t *testing.T) {
	const statesMax = 20_000
	for _, scene := range []Scene{hearing, lies} { // of which no two states differ by names only
		m := Model{Scene: scene}
		first := m.Initial()
		byKey := map[key]State{m.keyOf(&first): first}
		for level := []State{first}; len(level) > 0 && len(byKey) < statesMax; {
			var next []State
			for i := range level {
				m.Next(&level[i], func(_ Step, s *State) {
					k := m.keyOf(s)
					other, seen := byKey[k]
					if seen && other != *s {
						t.Fatalf("%q: one key for two states:\n%+v\n%+v", scene.Name, other, *s)
					}
					if !seen {
						byKey[k] = *s
						next = append(next, *s)
					}
				})
			}
			level = next
		}
	}
}

// TestNamesMeanNothing expects one key for states that differ by the names of customers and replicas only.
func TestNamesMeanNothing(t *testing.T) {
	scene := filters
	scene.Replicas = 2
	m := Model{Scene: scene}
	level := []State{m.Initial()}
	for range 5 { // steps
		var next []State
		for i := range level {
			m.Next(&level[i], func(_ Step, s *State) { next = append(next, *s) })
		}
		level = next[:min(len(next), 2000)]
		for _, s := range level {
			other := renamed(s)
			if m.keyOf(&s) != m.keyOf(&other) {
				t.Fatalf("two keys for one state:\n%+v\n%+v", s, other)
			}
		}
	}
}

// renamed is s with its two replicas, and its first two customers, under one another's names.
func renamed(s State) State {
	swap := naming{1, 0, 2}
	s.Store.Customers[0], s.Store.Customers[1] = s.Store.Customers[1], s.Store.Customers[0]
	s.Replicas[0], s.Replicas[1] = s.Replicas[1], s.Replicas[0]
	for r := range s.Replicas {
		g := &s.Replicas[r]
		g.Winners, g.Reading.Winners = swap.set(g.Winners), swap.set(g.Reading.Winners)
		for i := range g.Questions {
			if q := &g.Questions[i]; q.Effect == Redeem || q.Effect == Rollback {
				q.Customer = int(swap[q.Customer])
			}
		}
		g.Questions[0], g.Questions[1] = g.Questions[1], g.Questions[0]
	}
	return s
}
