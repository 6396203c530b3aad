package e2e_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"scrip/e2e/site"
)

const (
	kills     = 24
	perKill   = 1200  // new tasks before each kill, at most
	killLimit = 2_000 // uses of the limited code; it sells out about half way
)

// TestKill kills the server at random moments under load, and once in a while as it starts. Nothing that
// was acknowledged may be lost, nothing may happen twice, and verify must find nothing wrong, every time.
// SCRIP_KILL_SEED repeats a run's moments.
func TestKill(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SCRIP_KILL_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SCRIP_KILL_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // moments, not secrets
	data, listen := filepath.Join(t.TempDir(), "data"), site.FreeAddress(t)

	p := serve(t, data, listen)
	p.code("limited", killLimit)
	p.code("endless", 0)
	p.stop()
	b := newBook("limited", "endless")
	checked := 0
	for round := range kills {
		if round%6 == 5 { // in the middle of a start
			p = launch(t, data, listen)
			time.Sleep(time.Duration(random.Int64N(int64(40 * time.Millisecond))))
			p.kill()
		}
		p = serve(t, data, listen)
		p.verify()
		checked += b.check(t, p)
		b.nothingWrong(t)

		moment := 10*time.Millisecond + time.Duration(random.Int64N(int64(300*time.Millisecond)))
		killed := make(chan struct{})
		timer := time.AfterFunc(moment, func() { defer close(killed); p.kill() })
		b.rush(t, p, perKill)
		if timer.Stop() { // the crowd was served before the moment came
			p.kill()
		} else {
			<-killed
		}
	}
	t.Logf("%d kills, %d acknowledged, %d of them looked up, %d refused, %d without an answer so far",
		kills, len(b.won), checked, b.lost["limited"], len(b.open))
	finish(t, serve(t, data, listen), b)
}

// finish sells the limited code out, asks for every open answer, and holds the whole to account.
func finish(t *testing.T, p *process, b *book) {
	t.Helper()
	for range 100 {
		if b.lost["limited"] > 0 && len(b.open) == 0 {
			break
		}
		b.rush(t, p, perKill)
	}
	b.check(t, p)
	b.settle(t, p, "limited", killLimit)
	b.settle(t, p, "endless", 0)
	b.wallets(t, p)
	p.verify()
	p.stop()
	p.verify()
	b.nothingWrong(t)
	if len(b.open) > 0 {
		t.Errorf("%d never got a final answer", len(b.open))
	}
	if b.lost["endless"] > 0 {
		t.Errorf("%d were refused a code without a limit", b.lost["endless"])
	}
}
