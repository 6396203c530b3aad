package pgstore_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/store"
	"scrip/internal/store/pgstore"
	"scrip/internal/store/storetest"
	"scrip/internal/testenv"
)

func TestTrailIsAtomic(t *testing.T) {
	t.Parallel()
	at := testenv.Database(t)
	storetest.TrailIsAtomic(t, open(t, at, nil), func() {
		execute(t, connect(t, at), `CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no more room''; END';
			CREATE TRIGGER broken BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION broken()`)
	})
}

// What is in the trail stays as it is, also past the store: only retention removes it, and says so in each transaction.
func TestTrailIsFinal(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	refused := func(statement string) {
		t.Helper()
		_, err := b.conn.Exec(t.Context(), statement)
		if err == nil || !strings.Contains(err.Error(), "an audit event is never changed, and removed by retention alone") {
			t.Errorf("%s: got the error %v", statement, err)
		}
	}
	for _, statement := range []string{
		"UPDATE audit_event SET actor_name = 'somebody else'",
		"UPDATE audit_event SET became = '' WHERE was = ''",
		"DELETE FROM audit_event",
		"DELETE FROM audit_event WHERE action = 'campaign.create'",
		"TRUNCATE audit_event",
		"TRUNCATE audit_event, campaign CASCADE",
		"SET scrip.prune = 'on'; UPDATE audit_event SET actor_name = 'somebody else'; RESET scrip.prune",
		"SET scrip.prune = 'on'; TRUNCATE audit_event; RESET scrip.prune",
		"BEGIN; SELECT set_config('scrip.prune', 'on', true); COMMIT; DELETE FROM audit_event",
	} {
		refused(statement)
		if _, err := b.conn.Exec(t.Context(), "RESET scrip.prune"); err != nil {
			t.Fatal(err)
		}
	}
	all := events(t, b.s)
	n, err := b.s.PruneEvents(t.Context(), time.Now().Add(time.Hour), 1)
	if err != nil || n != 1 {
		t.Fatalf("pruned %d, %v", n, err)
	}
	refused("DELETE FROM audit_event")
	if left := events(t, b.s); len(left) != len(all)-1 {
		t.Errorf("%d events are left of %d", len(left), len(all))
	}
}

func events(t *testing.T, s store.Store) []store.Event {
	t.Helper()
	es, _, err := s.ListEvents(t.Context(), store.EventFilter{}, store.Page{Limit: store.PageLimitMax})
	if err != nil {
		t.Fatal(err)
	}
	return es
}

// Two servers that prune at once remove each event once, and never more than they were told to.
func TestPruningAtOnce(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	for i := range 20 {
		create(t, b.s, name(i), 0)
	}
	all := len(events(t, b.s))
	const pruners, limit = 4, 7
	type result struct {
		n   int
		err error
	}
	results := make(chan result, pruners)
	for range pruners {
		go func() {
			n, err := b.s.PruneEvents(t.Context(), time.Now().Add(time.Hour), limit)
			results <- result{n, err}
		}()
	}
	pruned := 0
	for range pruners {
		r := <-results
		if r.err != nil || r.n > limit {
			t.Errorf("pruned %d, %v", r.n, r.err)
		}
		pruned += r.n
	}
	if left := len(events(t, b.s)); left != all-pruned || pruned == 0 {
		t.Errorf("%d events are left of %d, and %d were pruned", left, all, pruned)
	}
}

// The ring is asked several times a second by every server: while nothing changes, it costs one statement.
func TestRingIsCheap(t *testing.T) {
	t.Parallel()
	at, p := viaProxy(t)
	s := openWith(t, pgstore.Config{URL: p.at(at), MaxConns: 2})
	_, seen, _, changed, err := s.Ring(t.Context(), 0)
	if err != nil || !changed {
		t.Fatalf("changed %t, %v", changed, err)
	}
	least := cost{math.MaxInt64, math.MaxInt64}
	for range 50 { // a connection throws its plans away once a second, which costs a trip more
		p.trips.Store(0)
		p.statements.Store(0)
		if _, _, _, changed, err := s.Ring(t.Context(), seen); err != nil || changed {
			t.Fatalf("changed %t, %v", changed, err)
		}
		least.trips, least.statements = min(least.trips, p.trips.Load()), min(least.statements, p.statements.Load())
	}
	if least != (cost{1, 1}) {
		t.Errorf("an unchanged ring costs %+v", least)
	}
}

// What retention and the ring do goes along keys, however long the trail is.
func TestTrailPlansKeepToKeys(t *testing.T) {
	t.Parallel()
	at := testenv.Database(t)
	open(t, at, nil)
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // it only read
	for _, way := range []string{"enable_seqscan", "enable_sort", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin"} {
		execute(t, conn, "SET "+way+" = off")
	}
	for name, statement := range pgstore.TrailStatements() {
		plan := explain(t, conn, statement)
		if strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s:\n%s\n%s", name, statement.Query, plan)
		}
	}
}
