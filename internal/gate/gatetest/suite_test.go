package gatetest

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scrip/internal/gate"
)

// The suite is no use if it can't fail. Every bug here is one that a driver could have.

func TestPlainPasses(t *testing.T) {
	Run(t, func(_ testing.TB, clock func() time.Time) gate.Gate { return newPlain(sound, clock) })
}

func TestBugsAreFound(t *testing.T) {
	quietly(t)
	for _, b := range bugs() {
		t.Run(string(b), func(t *testing.T) {
			for range 10 { // a race may need a few runs to show
				for _, c := range checks() {
					if fails(t, c, b) {
						t.Logf("found by: %s", c.name)
						return
					}
				}
			}
			t.Fatalf("a gate where %s passes the suite", b)
		})
	}
}

// The model alone finds whatever makes a gate refuse without a cause, or forget what it was told.
func TestModelFindsBugs(t *testing.T) {
	quietly(t)
	for _, b := range []bug{
		ignoresVersions, ignoresStages, unknownOverwrites, refusesWinners, refusesUnheard, neverExpires, countsFromArrival,
		anyWinners, anyStatusWinners, winnersFromBefore, winnersFromOpen, winnersOverVersions, winnersOverStart, wrongRefusal,
		ignoresAssignee, tellsSoldOut, strangerToAll, refusesStrangers, keepsAssignee, ignoresCampaigns, floorFalls,
	} {
		t.Run(string(b), func(t *testing.T) {
			model := checks()[slices.IndexFunc(checks(), func(c check) bool { return strings.HasPrefix(c.name, "model") })]
			for range 1000 { // the model is random, and some bugs need a rare story
				if fails(t, model, b) {
					return
				}
			}
			t.Fatalf("the model does not find that %s", b)
		})
	}
}

// fails runs one check against a gate with a bug and reports whether it finds something.
func fails(t *testing.T, c check, b bug) bool {
	t.Helper()
	r := &recorder{TB: t}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				r.Errorf("panic: %v", p)
			}
		}()
		c.run(r, func(_ testing.TB, clock func() time.Time) gate.Gate { return newPlain(b, clock) })
	})
	wg.Wait()
	return r.Failed()
}

// quietly keeps rapid from minimising what is meant to fail, and from recording it.
func quietly(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{"rapid.nofailfile": "true", "rapid.shrinktime": "0s"} {
		f := flag.Lookup(name)
		was := f.Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set(name, was) })
	}
}

// recorder is a test that may fail without failing the test that runs it.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	failed bool
	log    []string
}

func (r *recorder) Fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) FailNow()                          { r.Fail(); runtime.Goexit() }
func (r *recorder) Log(args ...any)                   { r.note(fmt.Sprint(args...)) }
func (r *recorder) Logf(format string, args ...any)   { r.note(fmt.Sprintf(format, args...)) }
func (r *recorder) Error(args ...any)                 { r.Log(args...); r.Fail() }
func (r *recorder) Errorf(format string, args ...any) { r.Logf(format, args...); r.Fail() }
func (r *recorder) Fatal(args ...any)                 { r.Log(args...); r.FailNow() }
func (r *recorder) Fatalf(format string, args ...any) { r.Logf(format, args...); r.FailNow() }

func (r *recorder) note(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, s)
}
