package app_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/client"
	"scrip/internal/app"
	"scrip/internal/testenv"
)

// verdict is one answer of a server.
type verdict struct {
	code     string
	asked    time.Time
	answered time.Time
	err      error
}

// traffic asks for codes, each by a few clients without a pause and each time for another customer, until it is ended.
type traffic struct {
	end  func()
	mu   sync.Mutex
	told []verdict
}

func steady(t *testing.T, r *running, codes ...string) *traffic {
	t.Helper()
	tr := &traffic{}
	stop := make(chan struct{})
	var all sync.WaitGroup
	for i, code := range codes {
		for worker := range 8 {
			all.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					case <-time.After(5 * time.Millisecond):
					}
					v := verdict{code: code, asked: time.Now()}
					_, v.err = r.client.Use(t.Context(), code, fmt.Sprintf("09%d%d%07d", i+10, worker, n))
					v.answered = time.Now()
					tr.mu.Lock()
					tr.told = append(tr.told, v)
					tr.mu.Unlock()
				}
			})
		}
	}
	tr.end = sync.OnceFunc(func() { close(stop); all.Wait() })
	t.Cleanup(tr.end)
	return tr
}

// since are the verdicts on a code that were asked for after a moment.
func (tr *traffic) since(code string, at time.Time) (vs []verdict) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, v := range tr.told {
		if v.code == code && v.asked.After(at) {
			vs = append(vs, v)
		}
	}
	return vs
}

// Somebody holds the row of one code for many times as long as a batch waits for a lock. The other campaign's redemptions
// pay for it once; those of the code are told to come again; and after its end all is as before.
func TestALockedCodeStopsItsCampaignOnly(t *testing.T) {
	t.Parallel()
	const lockWait = time.Second
	cfg := on(testenv.Database(t))
	cfg.DatabaseLockTimeout = lockWait
	r := serve(t, app.Options{Config: cfg})
	for _, code := range []string{"HELD", "FREE"} {
		_, err := r.client.CreateCampaign(t.Context(), client.NewCampaign{
			Name: code, Currency: "IRR", Effect: client.Effect{Kind: "credit", Amount: 1000}, Voucher: &client.NewCampaignVoucher{Code: code},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	tr := steady(t, r, "HELD", "FREE")
	eventually(t, "both are redeemed", func() bool {
		return len(tr.since("HELD", time.Time{})) > 50 && len(tr.since("FREE", time.Time{})) > 50
	})

	holder, err := pgx.Connect(t.Context(), cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close(t.Context()) //nolint:errcheck // a test's
	for _, query := range []string{"BEGIN", "SELECT FROM voucher WHERE code = 'HELD' FOR UPDATE"} {
		if _, err := holder.Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	held := time.Now()
	// An express batch waits twice, the second time the ordinary way; what else there is to wait for is a tick.
	const settled = 2*lockWait + time.Second
	time.Sleep(6 * lockWait)
	if _, err := holder.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	freed := time.Now()
	eventually(t, "the code is redeemed again", func() bool {
		vs := tr.since("HELD", freed)
		return len(vs) > 50 && vs[len(vs)-1].err == nil
	})
	tr.end()

	slowest, slow := time.Duration(0), 0
	free := tr.since("FREE", held)
	for _, v := range free {
		took := v.answered.Sub(v.asked)
		slowest = max(slowest, took)
		switch {
		case v.err != nil:
			t.Errorf("the free code, %v after the lock: %v", v.asked.Sub(held), v.err)
		case took > settled:
			t.Errorf("the free code took %v", took)
		case took > lockWait*3/4 && v.asked.After(held.Add(settled)):
			slow++
		}
	}
	if slow > 0 || len(free) < 200 {
		t.Errorf("%d of %d on the free code were slow after the first wait", slow, len(free))
	}
	refused := 0
	for _, v := range tr.since("HELD", held) {
		switch {
		case v.err == nil && v.answered.Before(freed):
			t.Error("the locked code was redeemed")
		case v.err != nil && client.CodeOf(v.err) != client.CodeStoreUnavailable:
			t.Errorf("the locked code: %v", v.err)
		case v.err != nil:
			refused++
			if took := v.answered.Sub(v.asked); took > 4*lockWait+time.Second {
				t.Errorf("a refusal took %v", took)
			}
		}
		if v.err != nil && v.asked.After(freed.Add(lockWait)) {
			t.Errorf("after the lock's end: %v", v.err)
		}
	}
	if refused == 0 {
		t.Error("nobody was refused")
	}
	t.Logf("%d on the free code, the slowest in %v; %d refused on the locked one", len(free), slowest.Round(time.Millisecond), refused)
	if _, err := r.client.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	sound(t, cfg)
}

// PostgreSQL is stopped under a crowd and started again: the log has a line for each change, and the first redemption is soon.
func TestADatabaseThatIsAwayIsToldOfOnce(t *testing.T) {
	t.Parallel()
	p := testenv.NewPostgres(t, testenv.PostgresOptions{})
	r := serve(t, app.Options{Config: on(p.URL("postgres")), Demo: true})
	tr := steady(t, r, app.DemoCode)
	eventually(t, "it is redeemed", func() bool { return len(tr.since(app.DemoCode, time.Time{})) > 20 })
	if err := p.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is away", func() bool { return strings.Contains(r.log.String(), "the store is away") })
	time.Sleep(2 * time.Second)
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	eventually(t, "it is redeemed again", func() bool {
		vs := tr.since(app.DemoCode, started)
		return len(vs) > 0 && vs[len(vs)-1].err == nil
	})
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("recovered after %v", took)
	}
	tr.end()
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	log := r.log.String()
	if strings.Count(log, "the store is away") != 1 || strings.Count(log, "the store is back") != 1 || strings.Count(log, "level=ERROR") != 1 {
		t.Errorf("%d away, %d back, %d errors; the ends of the log:\n%.3000s", strings.Count(log, "the store is away"), strings.Count(log, "the store is back"),
			strings.Count(log, "level=ERROR"), log)
	}
}
