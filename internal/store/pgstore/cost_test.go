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

// A batch costs a fixed number of round trips and statements, whatever its size. A large one may take one
// trip more than a small one, and that is all.
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
		}, 1},
		{"redemptions of two codes and more, under keys", func(size int) (cs []store.Command) {
			for i := range size + 1 {
				r := redeem(fmt.Sprint("EACH", i), fresh())
				r.Key = "k"
				cs = append(cs, r)
			}
			return cs
		}, 2},
		{"redemptions of one code under keys", func(size int) (cs []store.Command) {
			for range size {
				r := redeem("ONE", fresh())
				r.Key = "k"
				cs = append(cs, r)
			}
			return cs
		}, 1},
		{"redemptions by returning customers", func(size int) (cs []store.Command) {
			for range size {
				who := fresh()
				apply(t, s, pay(who, 5))
				cs = append(cs, redeem("ONE", who))
			}
			return cs
		}, 1},
		{"redemptions by returning customers, and a post", func(size int) (cs []store.Command) {
			for range size {
				who := fresh()
				apply(t, s, pay(who, 5))
				cs = append(cs, redeem("ONE", who))
			}
			return append(cs, pay(fresh(), 5))
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
		{"replayed under their keys", func(size int) (cs []store.Command) {
			for range size {
				r := redeem("ONE", fresh())
				r.Key = "k"
				cs = append(cs, r)
			}
			apply(t, s, cs...)
			return cs
		}, 1},
		{"replayed under their keys, and a post: one trip more", func(size int) (cs []store.Command) {
			for range size {
				r := redeem("ONE", fresh())
				r.Key = "k"
				cs = append(cs, r)
			}
			apply(t, s, cs...)
			return append(cs, pay(fresh(), 5))
		}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			if n == 0 {
				create(t, s, "ONE", 0)
				for i := range 1001 {
					create(t, s, fmt.Sprint("EACH", i), 0)
				}
			}
			for range 2 { // the code becomes known, and the statements are prepared
				apply(t, s, c.make(1)...)
			}
			one := p.cost(t, s, c.make(1))
			if one.trips != c.trips {
				t.Errorf("one command takes %d round trips, want %d", one.trips, c.trips)
			}
			if got := p.cost(t, s, c.make(10)); got != one {
				t.Errorf("10 commands cost %+v, one costs %+v", got, one)
			}
			apply(t, s, c.make(100)...)
			many := p.cost(t, s, c.make(100))
			if many.trips > 3 || many.statements > one.statements {
				t.Errorf("100 commands cost %+v, one costs %+v", many, one)
			}
			if got := p.cost(t, s, c.make(1000)); got != many {
				t.Errorf("1000 commands cost %+v, 100 cost %+v", got, many)
			}
			t.Logf("one: %+v, many: %+v", one, many)
		})
	}
	audited(t, s)
}
