package pgstore_test

import (
	"fmt"
	"testing"

	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/store/pgstore"
)

// cost is what one call of Apply sends to the server.
type cost struct{ trips, statements int64 }

func (p *proxy) cost(tb testing.TB, s store.Store, commands []store.Command) cost {
	tb.Helper()
	p.trips.Store(0)
	p.statements.Store(0)
	apply(tb, s, commands...)
	return cost{p.trips.Load(), p.statements.Load()}
}

// A batch costs the same round trips and statements, whatever its size.
func TestCostDoesNotGrowWithTheBatch(t *testing.T) {
	at, p := viaProxy(t)
	s := openWith(t, pgstore.Config{URL: p.at(at), MaxConns: 2}) // one connection writes: its statements are prepared once
	var n int
	fresh := func() string { n++; return name(n) }
	for _, c := range []struct {
		name  string
		make  func(size int) []store.Command
		trips int64
	}{
		{"redemptions of one code", func(size int) (cs []store.Command) {
			for range size {
				cs = append(cs, redeem("ONE", fresh()))
			}
			return cs
		}, 2},
		{"redemptions of a code each, under keys", func(size int) (cs []store.Command) {
			for i := range size {
				r := redeem(fmt.Sprint("EACH", i), fresh())
				r.Key = "k"
				cs = append(cs, r)
			}
			return cs
		}, 2},
		{"rollbacks", func(size int) (cs []store.Command) {
			for range size {
				r := redeem("ONE", fresh())
				apply(t, s, r)
				cs = append(cs, &store.Rollback{ID: id.New(r.ID.Time()), Redemption: r.ID, Key: "undo"})
			}
			return cs
		}, 2},
		{"posts between customers", func(size int) (cs []store.Command) {
			for range size {
				from := fresh()
				apply(t, s, pay(from, 5))
				cs = append(cs, send(from, fresh(), 5))
			}
			return cs
		}, 2},
		{"asked again", func(size int) (cs []store.Command) {
			for range size {
				cs = append(cs, redeem("ONE", fresh()), pay(fresh(), 1))
			}
			apply(t, s, cs...)
			return again(cs)
		}, 2},
		{"replayed under their keys: one trip more", func(size int) (cs []store.Command) {
			for range size {
				r := redeem("ONE", fresh())
				r.Key = "k"
				cs = append(cs, r)
			}
			apply(t, s, cs...)
			return cs
		}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			if n == 0 {
				create(t, s, "ONE", 0)
				for i := range 1000 {
					create(t, s, fmt.Sprint("EACH", i), 0)
				}
			}
			apply(t, s, c.make(1)...) // prepares the statements
			one := p.cost(t, s, c.make(1))
			if one.trips != c.trips {
				t.Errorf("one command takes %d round trips, want %d", one.trips, c.trips)
			}
			for _, size := range []int{2, 10, 1000} {
				if got := p.cost(t, s, c.make(size)); got != one {
					t.Errorf("%d commands cost %+v, one costs %+v", size, got, one)
				}
			}
			t.Logf("%+v", one)
		})
	}
	audited(t, s)
}
