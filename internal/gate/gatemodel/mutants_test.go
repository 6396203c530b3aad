package gatemodel

import (
	"strings"
	"testing"
	"time"
)

// storyMax is how many steps the longest story of a mutant may have, to be read by people.
const storyMax = 14

// TestMutants breaks the rules one by one, and expects the search to find what comes of it: so each rule is needed,
// and the invariants would notice if it were missing. With -v it tells the stories.
func TestMutants(t *testing.T) {
	if underRace {
		t.Skip("nothing here is shared between goroutines; the search without the detector tries all mutants")
	}
	liesOnly := lies
	liesOnly.Heals = false // so that the search goes on to the refusal
	cases := []struct {
		mutant Mutant
		scene  Scene
		want   string // the invariant that breaks first
	}{
		{AskedAtReply, late, "I1"},
		{AgeFromArrival, hearing, "I1"},
		{WallClockTrusted, hearing, "I1"},
		{SampleAtReply, hearing, "I1"},
		{SampleFromHearsay, hearing, "I1"},
		{AheadIsNow, liesOnly, "I1"},
		{OldIsSettled, liesOnly, "I1"},
		{PublishRestamps, hearing, "I1"},
		{FreshUntilStart, window, "I2"},
		{RedisDecides, pairChanged, "I1"},

		{OlderVersionSettles, late, "I3"},
		{ClosedReopens, late, "I3"},
		{LocalLeftRises, late, "I3"},
		{OpenNotKept, late, "I3"},
		{ForgottenIsTrusted, forgetting, "I3"},
		{FloorIgnored, late, "I3"},
		{RollbackKeepsVersion, filters, "I2"},

		{FilterNotAwaited, filters, "I2"},
		{FilterOutlivesClosure, window, "I2"},
		{FilterOfAnyClosure, filters, "I2"},
		{FilterOfStanding, filters, "I2"},
		{FilterBeforeFact, filters, "I2"},

		{FunctionIgnoresVersion, redis, "I6"},
		{FunctionIgnoresStage, redis, "I6"},
		{FunctionIgnoresStamp, redis, "I6"},
		{FunctionLeftRises, redis, "I6"},

		{ReconcileByVersion, lies, "I5"},
		{ReconcileWrites, lies, "I6"},
		{ReconcileUncompared, lies, "I6"},
		{ReconcileAsksFirst, lies, "I6"},
		{ReconcileNever, lies, "I5"},
	}
	tried := map[Mutant]bool{Faithful: true}
	total, begin := 0, time.Now()
	for _, c := range cases {
		tried[c.mutant] = true
		t.Run(c.mutant.String(), func(t *testing.T) {
			m := Model{Scene: c.scene, Mutant: c.mutant}
			found := m.Search(0)
			total += found.States
			switch {
			case found.Wrong == "":
				t.Fatalf("nothing comes of it, in %d states of %q", found.States, c.scene.Name)
			case !strings.HasPrefix(found.Wrong, c.want):
				t.Errorf("it should break %s first", c.want)
			case len(found.Trace) > storyMax:
				t.Errorf("a story of %d steps is too long to be read", len(found.Trace))
			}
			t.Logf("in %q, among %d states:\n%s", c.scene.Name, found.States, found.Story())
		})
	}
	for m := range mutantsEnd {
		if !tried[m] {
			t.Errorf("the mutant %q is not tried", m)
		}
	}
	t.Logf("%d mutants, %d states in %v", len(cases), total, time.Since(begin).Round(time.Millisecond))
}
