package pgstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"scrip/internal/store"
	"scrip/internal/store/pgstore"
	"scrip/internal/testenv"
)

// pair is a primary whose commits wait for one standby, and a store over it.
type pair struct {
	t                *testing.T
	primary, standby *testenv.Postgres
	s                opened
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{t: t, primary: testenv.NewPostgres(t, testenv.PostgresOptions{Conf: []string{"wal_keep_size = 64MB"}})}
	p.standby = testenv.NewPostgres(t, testenv.PostgresOptions{Standby: &testenv.Standby{Of: p.primary, Name: "b"}})
	conn := connect(t, p.primary.URL("postgres"))
	execute(t, conn, "ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (b)'")
	execute(t, conn, "SELECT pg_reload_conf()")
	p.until("commits wait for the standby", "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
	p.s = openWith(t, p.config())
	create(t, p.s, "SA1AM", 0)
	apply(t, p.s, redeem("SA1AM", "learned")) // the terms, for the express lane
	return p
}

// config is of a store that gives up early, and looks for the primary among both.
func (p *pair) config() pgstore.Config {
	both := strings.Replace(p.primary.URL("postgres"), "@", "@"+p.standby.Addr()+",", 1) + "&target_session_attrs=read-write"
	return pgstore.Config{URL: both, LockTimeout: 50 * time.Millisecond}
}

// until waits until a query of the primary says yes.
func (p *pair) until(what, query string) {
	p.t.Helper()
	conn := connect(p.t, p.primary.URL("postgres"))
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		var is bool
		if err := conn.QueryRow(p.t.Context(), query).Scan(&is); err != nil {
			p.t.Fatal(err)
		}
		if is {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("it is still not so that %s; the primary's log:\n%s", what, p.primary.Log())
		}
	}
}

func (p *pair) kill(server *testenv.Postgres) {
	p.t.Helper()
	if err := server.Kill(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pair) start(server *testenv.Postgres) {
	p.t.Helper()
	if err := server.Start(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// unacknowledged applies commands, of which none may be told to have happened.
func (p *pair) unacknowledged(what string, commands ...store.Command) {
	p.t.Helper()
	outcomes, err := p.s.Apply(p.t.Context(), commands)
	if err == nil {
		p.t.Errorf("%s: acknowledged though no standby has it: %+v", what, outcomes[0])
	} else if !errors.Is(err, store.ErrNotApplied) && !errors.Is(err, store.ErrFateUnknown) {
		p.t.Errorf("%s: %v", what, err)
	}
}

// failOver ends the primary and goes on with the standby as it is.
func (p *pair) failOver() store.Store {
	p.t.Helper()
	p.kill(p.primary)
	p.kill(p.standby) // it may run
	p.start(p.standby)
	if err := p.standby.Promote(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	return openWith(p.t, p.config())
}

// keyed is a redemption under a key; sameRequest the same request, made once more.
func keyed(customer string) *store.Redeem {
	r := redeem("SA1AM", customer)
	r.Key, r.Fingerprint = "k", store.Fingerprint{1}
	return r
}

// lanes are a batch that each lane takes, and the same requests made once more.
func lanes() map[string]func(customer string) (batch, sameRequests []store.Command) {
	all := map[string]func(customer string) (batch, sameRequests []store.Command){
		"express": func(customer string) (batch, sameRequests []store.Command) {
			return []store.Command{keyed(customer)}, []store.Command{keyed(customer)}
		},
		"ordinary": func(customer string) (batch, sameRequests []store.Command) {
			paid, same := pay(customer, 7), pay(customer, 7)
			paid.Key, same.Key = "p", "p"
			return []store.Command{paid, keyed(customer)}, []store.Command{same, keyed(customer)}
		},
		"a post alone": func(customer string) (batch, sameRequests []store.Command) {
			paid, same := pay(customer, 7), pay(customer, 7)
			paid.Key, same.Key = "p", "p"
			return []store.Command{paid}, []store.Command{same}
		},
	}
	if testing.Short() {
		delete(all, "a post alone")
	}
	return all
}

// While the synchronous standby is away nothing is acknowledged, asked however often and however, and nothing of it is seen.
// What was acknowledged is there after a failover, and the rest may be asked again.
func TestNothingIsAcknowledgedThatNoStandbyHas(t *testing.T) {
	t.Parallel()
	for lane, make := range lanes() {
		t.Run(lane, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			had, _ := make("ali")
			acknowledged := apply(t, p.s, had...)
			p.kill(p.standby)
			batch, same := make("bita")
			p.unacknowledged("asked first", batch...)
			p.unacknowledged("asked again by its ids", again(batch)...)
			p.unacknowledged("asked again under its key", same...)
			p.until("the batch waits in its commit", "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
			if got := balance(t, p.s, "bita"); got != 0 {
				t.Errorf("a balance of %d is seen that no standby has", got)
			}
			next := p.failOver()
			for i, o := range apply(t, next, again(had)...) {
				if !o.Replayed || o.Redemption != nil && *o.Redemption != *acknowledged[i].Redemption {
					t.Errorf("acknowledged as %+v, it is now %+v", acknowledged[i], o)
				}
			}
			apply(t, next, same...)
			audited(t, next)
		})
	}
}

// A primary that is restarted shows what had been waiting for its standby. That is not told as a success either, under the
// same ids, under the same key or as the receipt of an earlier winner, before the standby has it; and it is, once it has.
func TestWhatARestartShowsIsNotAcknowledgedEither(t *testing.T) {
	t.Parallel()
	for lane, make := range lanes() {
		t.Run(lane, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			p.kill(p.standby)
			batch, same := make("bita")
			p.unacknowledged("asked first", batch...)
			ask := func(what string, commands ...store.Command) {
				t.Helper()
				p.kill(p.primary) // and with it those that wait, and their locks
				p.start(p.primary)
				p.s.Reconnect() // or an express batch would be cut off, and go the ordinary way
				p.until("the restart shows it", "SELECT count(*) > 0 FROM wallet WHERE customer = 'bita'")
				p.unacknowledged(what, commands...)
			}
			ask("asked again under its key", same...)
			ask("asked again by its ids", again(batch)...)
			if lane != "a post alone" {
				ask("another request of the same customer's", redeem("SA1AM", "bita"))
			}
			p.start(p.standby)
			p.until("nobody waits any more", "SELECT count(*) = 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
			for _, o := range apply(t, p.s, same...) {
				if !o.Replayed {
					t.Errorf("it was done twice: %+v", o)
				}
			}
			next := p.failOver()
			for _, o := range apply(t, next, same...) {
				if !o.Replayed {
					t.Errorf("after a failover it was done twice: %+v", o)
				}
			}
			audited(t, next)
		})
	}
}

// What is asked while the standby is away is acknowledged when it is back, once.
func TestAStandbyComesBack(t *testing.T) {
	t.Parallel()
	for lane, make := range lanes() {
		t.Run(lane, func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			p.kill(p.standby)
			batch, same := make("bita")
			done := errors.New("not yet")
			began := time.Now()
			for asked := batch; done != nil; asked = again(batch) {
				if time.Since(began) > time.Minute {
					t.Fatalf("for a minute it is not acknowledged: %v", done)
				}
				_, done = p.s.Apply(t.Context(), asked)
				if done != nil && asked[0] == batch[0] {
					p.start(p.standby)
				}
			}
			for _, o := range apply(t, p.s, same...) {
				if !o.Replayed {
					t.Errorf("it was done twice: %+v", o)
				}
			}
			audited(t, p.s)
		})
	}
}

// A code that was made while the standby was away is not told to be there by a replay before the standby has it.
func TestACreationIsNotAcknowledgedThatNoStandbyHas(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	c := creation("NEW", 0)
	c.Key = "k"
	ask := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, err := p.s.Create(ctx, c)
		return err
	}
	p.kill(p.standby)
	if err := ask(); err == nil {
		t.Fatal("acknowledged at once")
	}
	p.kill(p.primary)
	p.start(p.primary)
	if ls, _, err := p.s.Lookup(t.Context(), []string{"NEW"}); err != nil || ls[0].Voucher == nil {
		t.Fatalf("the restart shows nothing: nothing is proven (%v)", err)
	}
	if err := ask(); err == nil {
		t.Error("acknowledged by a replay")
	}
	p.start(p.standby)
	if err := ask(); err != nil {
		t.Error(err)
	}
}
