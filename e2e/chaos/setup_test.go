// Package chaos_test breaks real servers at random while a crowd uses them, and holds what the crowd was told
// to a sequential model.
//
// Two sites: one server on SQLite, and three replicas over PostgreSQL and Redis with a proxy on every way. A
// run is a row of episodes. In each a crowd redeems, asks again, rolls back, reads, and changes the codes,
// while a nemesis picks faults from a table (faults_test.go; one line for each). Then every fault is undone,
// everybody left over asks, and the episode is held to account (check_test.go):
//
//   - every request and answer is in a history, which porcupine checks against a model of one code and one of
//     one wallet (codemodel_test.go, walletmodel_test.go). What was never answered may have happened, at any
//     time, or not;
//   - what is listed is what was acknowledged, no more and no less, with the ranks from 1 on, each once;
//   - `scrip verify` finds nothing wrong.
//
// The program under test is this module's, copied, with its failpoints on (tree_test.go): there it can be
// stopped at a named line, and its clock be moved. mutants_test.go shows that the harness finds what it is
// there to find.
//
// SCRIP_CHAOS_SEED repeats the choices of a run (not the machine's timing); the seed is printed in each. SCRIP_CHAOS_MINUTES
// is for how many minutes of faults, SCRIP_CHAOS_REPORT names a file for its figures, and SCRIP_CHAOS_DIR the folder for what
// a failure leaves.
package chaos_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"scrip/internal/testenv"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("e2e/chaos: skipped by -short")
		return
	}
	testenv.Main(m)
}

// How long each site is broken unless SCRIP_CHAOS_MINUTES says otherwise: it is the time of faults alone, without that of
// holding each episode to account.
const (
	shortRun = 45 * time.Second
	ciRun    = 2 * time.Minute // where CI is set; each time with another seed
)

// length is how long a site is to be broken.
func length(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("SCRIP_CHAOS_MINUTES")
	switch {
	case text != "":
	case os.Getenv("CI") != "":
		return ciRun
	default:
		return shortRun
	}
	minutes, err := strconv.ParseFloat(text, 64)
	if err != nil || minutes <= 0 {
		t.Fatalf("SCRIP_CHAOS_MINUTES=%q is no number of minutes", text)
	}
	return time.Duration(minutes * float64(time.Minute))
}

// seedOf is the seed of a run: a fresh one, or that of SCRIP_CHAOS_SEED.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("SCRIP_CHAOS_SEED")
	if text == "" {
		return uint64(time.Now().UnixNano())
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("SCRIP_CHAOS_SEED=%q is no number", text)
	}
	return seed
}

// newRandom is a source of choices; part tells the parts of a run apart.
func newRandom(seed, part uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, part)) //nolint:gosec // choices, not secrets
}
