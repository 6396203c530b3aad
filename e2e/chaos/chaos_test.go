package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"scrip/client"
	"scrip/e2e/site"
)

// TestSQLite breaks one server on SQLite.
func TestSQLite(t *testing.T) {
	t.Parallel()
	chaos(t, newSQLite(t, program(t, "")))
}

// TestPostgres breaks three replicas over PostgreSQL and Redis.
func TestPostgres(t *testing.T) {
	t.Parallel()
	chaos(t, newPostgres(t, program(t, ""), true))
}

// episodeLength is how long a crowd and the nemesis are let loose between two accounts.
const episodeLength = 20 * time.Second

// chaos runs a site for as long as the run is to be, and fails the test with whatever it finds.
func chaos(t *testing.T, w *world) {
	t.Helper()
	r := newRun(w, seedOf(t))
	t.Logf("SCRIP_CHAOS_SEED=%d", r.seed)
	fmt.Printf("e2e/chaos: %s: SCRIP_CHAOS_SEED=%d\n", w.name, r.seed) // also where the test passes
	violations, err := r.run(t.Context(), length(t))
	t.Log(r.String())
	if report := os.Getenv("SCRIP_CHAOS_REPORT"); report != "" {
		if err := r.write(report); err != nil {
			t.Error(err)
		}
	}
	for _, v := range violations {
		t.Error(v)
	}
	if err != nil {
		t.Error(err)
	}
	if r.total.unknown > 0 {
		t.Errorf("%d histories could not be checked", r.total.unknown)
	}
	if t.Failed() {
		for _, s := range w.servers {
			t.Logf("--- the log of %s ends:\n%s", s.Name, site.Tail(s.Log.String(), 15))
		}
		t.Logf("the seed was %d; histories are in %q", r.seed, r.folder)
	}
}

// chaosRun is one run of a site.
type chaosRun struct {
	w        *world
	n        *nemesis
	seed     uint64
	mutant   bool // failures are wanted: nothing of them is kept, and verify is left out
	began    time.Time
	episodes int
	total    verdicts
	told     map[string]client.Redemption // all that was acknowledged

	mu     sync.Mutex
	folder string // of failures
	kept   int
}

func newRun(w *world, seed uint64) *chaosRun {
	return &chaosRun{w: w, n: newNemesis(w), seed: seed, began: time.Now(), told: map[string]client.Redemption{}}
}

// run breaks the site, an episode after the other, until it had so much time of faults, and returns what was violated. It
// ends at the first violation. The error is one of the harness's own, or a site that does not become well again.
func (r *chaosRun) run(ctx context.Context, length time.Duration) ([]string, error) {
	r.w.start()
	said := time.Now()
	for left := length; left > 0; left -= episodeLength {
		r.episodes++
		v, err := r.episode(ctx, min(left, episodeLength))
		r.total.histories += v.histories
		r.total.operations += v.operations
		r.total.unknown += v.unknown
		if err != nil || len(v.violations) > 0 {
			return v.violations, err
		}
		if time.Since(said) >= time.Minute {
			fmt.Printf("e2e/chaos: %s\n", r)
			said = time.Now()
		}
	}
	return r.close(ctx)
}

// episode lets a crowd and the nemesis loose for so long, undoes every fault, and holds all to account.
func (r *chaosRun) episode(ctx context.Context, length time.Duration) (verdicts, error) {
	seed := r.seed + uint64(r.episodes) //nolint:gosec // a small number
	c := &crowd{w: r.w, h: &history{}, name: fmt.Sprintf("chaos%d", r.episodes)}
	r.w.pulse.crowdIs(true, r.w.time.now())
	broken, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var crowded sync.WaitGroup
	rest, leave := context.WithCancel(ctx)
	defer leave()
	crowded.Go(func() { c.run(rest, seed) })
	err := r.n.run(broken, seed)
	if err == nil {
		err = r.w.well(ctx)
	}
	time.Sleep(calm) // what the crowd is told by a site that is well
	leave()
	crowded.Wait()
	r.w.pulse.crowdIs(false, r.w.time.now())
	if err == nil {
		err = c.closing(ctx, seed)
	}
	if err != nil {
		return verdicts{}, errors.Join(err, said(r.w.takeWrong()))
	}
	v, err := r.account(ctx, c)
	r.remember(c.h)
	return v, err
}

// said is what was noted, as an error.
func said(wrong []string) error {
	if len(wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(wrong, "\n"))
}

// calm is how long an episode goes on without faults.
const calm = time.Second

// remember keeps what was acknowledged, to look for it at the end of the run.
func (r *chaosRun) remember(h *history) {
	for _, o := range h.ops {
		if o.What == redeem && o.Answer == done {
			r.told[o.Redemption] = client.Redemption{Rank: o.Rank, Customer: o.Customer, Code: o.Code}
		}
	}
}

// close ends a run that has found nothing: all that was ever acknowledged is still there, also after an orderly
// end of all servers.
func (r *chaosRun) close(ctx context.Context) ([]string, error) {
	missing := len(r.told)
	var wrong []string
	for listed, err := range r.w.servers[0].client.AllRedemptions(ctx, client.RedemptionQuery{}) {
		if err != nil {
			return nil, fmt.Errorf("list all redemptions: %w", err)
		}
		if told, ok := r.told[listed.ID]; ok {
			missing--
			if told.Rank != listed.Rank || told.Customer != listed.Customer || told.Code != listed.Code {
				wrong = append(wrong, fmt.Sprintf("acknowledged was %+v, listed in the end is %+v", told, listed))
			}
		}
	}
	if missing > 0 {
		wrong = append(wrong, fmt.Sprintf("%d redemptions were acknowledged and are not listed in the end", missing))
	}
	var errs []error
	for _, s := range r.w.servers {
		errs = append(errs, s.Stop())
	}
	if err := r.w.holds(ctx); err != nil {
		wrong = append(wrong, err.Error())
	}
	return wrong, errors.Join(errs...)
}

// String is the run in figures.
func (r *chaosRun) String() string {
	byName, faults := r.n.counted()
	longest, middle := r.w.pulse.figures()
	return fmt.Sprintf("%s after %v: %d faults (%s); %d episodes, %d requests, %d acknowledged redemptions, %d histories checked, %d unknown; "+
		"without a fault at most %v without an answer, after a fault half within %v",
		r.w.name, time.Since(r.began).Round(time.Second), faults, listed(byName), r.episodes, r.total.operations, len(r.told),
		r.total.histories, r.total.unknown, longest.Round(time.Millisecond), middle.Round(time.Millisecond))
}

// write adds the run to a file, as a table for docs/reliability.md.
func (r *chaosRun) write(path string) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644) //nolint:gosec // figures for everybody
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	byName, faults := r.n.counted()
	longest, middle := r.w.pulse.figures()
	var b strings.Builder
	fmt.Fprintf(&b, "\n#### %s\n\n| | |\n|---|---|\n", r.w.name)
	line := func(what string, value any) { fmt.Fprintf(&b, "| %s | %v |\n", what, value) }
	line("seed", r.seed)
	line("time", time.Since(r.began).Round(time.Second))
	line("faults", faults)
	line("requests in histories", r.total.operations)
	line("redemptions acknowledged", len(r.told))
	line("histories checked", r.total.histories)
	line("histories that could not be checked", r.total.unknown)
	line("`scrip verify` run", r.episodes+1)
	line("longest time without an answer while no fault was on", longest.Round(time.Millisecond))
	line("from a fault's end to the next answer, half within", middle.Round(time.Millisecond))
	fmt.Fprint(&b, "\n| fault | times |\n|---|---|\n")
	for _, fault := range r.n.faults {
		line(fault.name, byName[fault.name])
	}
	_, err = f.WriteString(b.String())
	return err
}
