// Package storetest is the one suite that every driver of store.Store passes: conformance by topic, a
// model check against memstore, and benchmarks. It promises that a driver which passes decides, answers
// and keeps books as the reference model does; after every test the driver's own audit must be clean.
// It must not know how any driver works: what only one of them does is tested beside that driver.
//
// A driver joins with one line:
//
//	func TestStore(t *testing.T) { storetest.Run(t, driver) }
package storetest

import (
	"testing"
	"time"

	"scrip/internal/store"
)

// Driver is a store under test.
type Driver struct {
	// Name names it in reports.
	Name string
	// Open returns a fresh, empty store on this clock, which t.Cleanup closes.
	Open func(t testing.TB, clock func() time.Time) store.Store
	// Crash abandons s without a clean close, opens a store on the same data and the same clock, and has
	// t.Cleanup close that. It is nil where SkipCrash says why there is nothing to come back to.
	Crash func(t testing.TB, s store.Store) store.Store
	// SkipCrash is the reason why Crash is nil.
	SkipCrash string
	// SkipCopy is the reason why the store is no copying.Source and copying.Target.
	SkipCopy string
}

// topic is a set of scenarios about one thing.
type topic struct {
	name      string
	scenarios []scenario
}

// scenario is one test, on a store of its own.
type scenario struct {
	name string
	run  func(w *world)
}

// topics are all of the suite, from the plain to the wild.
func topics() []topic {
	return []topic{
		redeeming(), discounts(), keys(), again(), rollbacks(), posts(), limits(), windows(),
		creating(), amending(), lists(), winners(), facts(), auditing(), seals(), racers(), crashes(), apiKeys(), trail(), copies(), model(),
	}
}

// Run tests a driver: every topic and scenario is a subtest.
func Run(t *testing.T, d Driver) {
	t.Helper()
	if (d.Crash == nil) != (d.SkipCrash != "") {
		t.Fatalf("driver %s: give either Crash or the reason to skip it", d.Name)
	}
	for _, topic := range topics() {
		t.Run(topic.name, func(t *testing.T) {
			t.Parallel()
			for _, scenario := range topic.scenarios {
				t.Run(scenario.name, func(t *testing.T) {
					t.Parallel()
					play(t, d, scenario)
				})
			}
		})
	}
}

// play runs one scenario on a fresh store and audits what it leaves behind.
func play(t testing.TB, d Driver, s scenario) {
	t.Helper()
	w := open(t, d)
	s.run(w)
	w.audit()
}
