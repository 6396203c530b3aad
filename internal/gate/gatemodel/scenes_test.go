package gatemodel

import (
	"testing"
	"time"
)

// The scenes. Each is small enough to be visited whole, and together they cover the protocol: docs/gate.md says what
// they leave out. In all of them a question may be lost, and any answer come late.
var (
	reopen = []Effect{Rollback, Raise}
	change = []Effect{Rollback, Raise, Toggle}

	// One replica's own rules, with two questions that overtake one another, and all others elsewhere.
	late = Scene{
		Name: "late answers", Replicas: 1, Buyers: 2, Limit: 1, Questions: 2, Changes: 2, Effects: change, Elsewhere: true,
	}
	forgetting = Scene{
		Name: "forgetting", Replicas: 1, Buyers: 2, Limit: 1, Questions: 2, Changes: 1, Effects: reopen,
		Elsewhere: true, Forgetting: true,
	}
	filters = Scene{
		Name: "filters of winners", Replicas: 1, Buyers: 2, Limit: 1, Questions: 1, Changes: 2, Effects: change,
		Elsewhere: true, Filters: true,
	}
	filtersOfTwo = Scene{
		Name: "filters of two winners", Replicas: 1, Buyers: 3, Limit: 2, Questions: 1, Changes: 2, Effects: reopen,
		Elsewhere: true, Filters: true,
	}
	window = Scene{
		Name: "a window that opens", Replicas: 1, Buyers: 2, Limit: 1, StartIn: 2, Questions: 1, Changes: 2, Effects: reopen,
		Elsewhere: true, Filters: true,
	}
	// Redis by itself: every order of publications, flushes and failovers.
	redis = Scene{
		Name: "the function in Redis", Buyers: 1, Bystander: true, Limit: 1, Wire: 2, Changes: 3, Effects: reopen,
		Elsewhere: true, Failovers: true,
	}
	// One replica that hears, with all others elsewhere.
	hearing = Scene{
		Name: "hearing", Replicas: 1, Buyers: 1, Bystander: true, Limit: 1, Questions: 1, Wire: 1, Changes: 1, Effects: change,
		Elsewhere: true, Restarts: true,
	}
	hearingWindow = Scene{
		Name: "hearing of a window", Replicas: 1, Buyers: 1, Bystander: true, Limit: 1, StartIn: 2, Questions: 1, Wire: 1,
		Elsewhere: true, Restarts: true,
	}
	// Two replicas, one with the other and nobody else.
	pair = Scene{
		Name: "two replicas", Replicas: 2, Buyers: 1, Bystander: true, Limit: 1, Questions: 1, Wire: 1, AtOnce: true, Restarts: true,
	}
	pairChanged = Scene{
		Name: "two replicas and a raise", Replicas: 2, Buyers: 1, Bystander: true, Limit: 1, Questions: 1, Wire: 1, Changes: 1,
		Effects: []Effect{Raise}, AtOnce: true,
	}
	// What the store never said, and reconciliation.
	lies = Scene{
		Name: "lies and reconciliation", Replicas: 1, Buyers: 1, Limit: 1, Questions: 1, Wire: 1, Changes: 1, Effects: reopen,
		Checks: true, Lies: 1, Heals: true,
	}
)

// bounded is how many states of a scene are visited where a whole search would take too long. The search is
// breadth first, so these are the ones that are reached soonest.
const bounded = 20_000

// TestProtocol visits all that can happen in every scene, and expects every invariant to hold.
func TestProtocol(t *testing.T) {
	bound := 0
	switch {
	case underRace:
		bound = bounded / 10
	case testing.Short():
		bound = bounded
	}
	total, begin := 0, time.Now()
	for _, scene := range []Scene{
		late, forgetting, filters, filtersOfTwo, window, redis, hearing, hearingWindow, pair, pairChanged, lies,
	} {
		t.Run(scene.Name, func(t *testing.T) {
			m := Model{Scene: scene}
			m.Heals = scene.Replicas > 0
			from := time.Now()
			found := m.Search(bound)
			total += found.States
			t.Logf("%d states, %d steps deep, in %v", found.States, found.Depth, time.Since(from).Round(time.Millisecond))
			if found.Wrong != "" {
				t.Errorf("the protocol is broken:\n%s", found.Story())
			}
			if !found.Done && bound == 0 {
				t.Error("the search ended early")
			}
		})
	}
	t.Logf("%d states in %v", total, time.Since(begin).Round(time.Millisecond))
}
