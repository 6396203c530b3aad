package chaos_test

import (
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"scrip/client"
)

// The models themselves, on histories written by hand: what is right passes, and each way of being wrong that
// the harness is there for does not.

// listedAs are redemptions as they are listed in the end, by their ranks.
func listedAs(customers ...string) []win {
	wins := make([]win, len(customers))
	balances := map[string]int64{}
	for i, who := range customers {
		balances[who] += 10
		wins[i] = win{Redemption: client.Redemption{
			ID: "r" + string(rune('1'+i)), Rank: int64(i + 1), Customer: who, Code: "c",
			Effect: client.GivenEffect{Amount: 10}, Balance: client.Money{Amount: balances[who]},
		}}
	}
	return wins
}

// at is an op from one moment to another.
func at(call, ret int64, o op) *op {
	o.Code, o.Call, o.Return = "c", call, ret
	if o.Latest == 0 {
		o.Latest = ret / 1000
	}
	if o.Server == "" {
		o.Server = "A"
	}
	return &o
}

func asked(who string, a answer, id string, rank int64) op {
	return op{What: redeem, Customer: who, Answer: a, Redemption: id, Rank: rank, Amount: 10, Balance: 10}
}

func keyed(o op, key string, replayed bool) op {
	o.Key, o.Replayed = key, replayed
	return o
}

func TestCodeModel(t *testing.T) {
	t.Parallel()
	atEnd := op{What: final, Answer: done}
	back := op{What: rollback, Customer: "a", Redemption: "r1", Answer: done}
	second := int64(time.Second)
	for _, c := range []struct {
		name  string
		right bool
		wins  []win
		limit int64
		ops   []*op
	}{
		{"two winners and a loser", true, listedAs("a", "b"), 2, []*op{
			at(1, 5, asked("b", done, "r2", 2)), at(2, 3, asked("a", done, "r1", 1)), at(6, 7, asked("c", soldOut, "", 0)), at(9, 9, atEnd),
		}},
		{"ranks against the order of the answers", false, listedAs("a", "b"), 2, []*op{
			at(1, 2, asked("b", done, "r2", 2)), at(3, 4, asked("a", done, "r1", 1)), at(9, 9, atEnd),
		}},
		{"one more than the limit", false, listedAs("a", "b", "c"), 2, []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3, 4, asked("b", done, "r2", 2)), at(5, 6, asked("c", done, "r3", 3)), at(9, 9, atEnd),
		}},
		{"sold out while there is one", false, listedAs("a", "b"), 2, []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3, 4, asked("c", soldOut, "", 0)), at(5, 6, asked("b", done, "r2", 2)), at(9, 9, atEnd),
		}},
		{"a limit that was never answered, and not set", true, listedAs("a"), 1, []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3, never, op{What: setLimit, Answer: maybe, Value: 7}), at(5, 6, asked("b", soldOut, "", 0)), at(9, 9, atEnd),
		}},
		{"a limit that was never answered, and set for a while", true, listedAs("a"), 1, []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3, never, op{What: setLimit, Answer: maybe, Value: 7}), at(5, 6, op{What: report, Answer: done, Count: 6}),
			at(7, 8, op{What: setLimit, Answer: done, Value: 1, Count: 1}), at(9, 9, atEnd),
		}},
		{"a limit that nobody set", false, listedAs("a"), 1, []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3, never, op{What: setLimit, Answer: maybe, Value: 7}), at(5, 6, op{What: report, Answer: done, Count: 6}), at(9, 9, atEnd),
		}},
		{"never answered three times under one key, and done", true, listedAs("a"), 1, []*op{
			at(1, never, keyed(asked("a", maybe, "", 0), "k", false)), at(2, never, keyed(asked("a", maybe, "", 0), "k", false)),
			at(3, never, keyed(asked("a", maybe, "", 0), "k", false)), at(4, 5, asked("b", soldOut, "", 0)),
			at(6, 7, keyed(asked("a", done, "r1", 1), "k", true)), at(9, 9, atEnd),
		}},
		{"won by the second of two that were never answered, before the first began", false, listedAs("a"), 1, []*op{
			at(1, 2, asked("b", soldOut, "", 0)), at(3, never, asked("a", maybe, "", 0)), at(4, never, asked("a", maybe, "", 0)), at(9, 9, atEnd),
		}},
		{"never answered, though it was answered that another did it", false, listedAs("a"), 1, []*op{
			at(1, never, keyed(asked("a", maybe, "", 0), "k", false)), at(2, 3, asked("b", soldOut, "", 0)),
			at(4, 5, keyed(asked("a", done, "r1", 1), "k", false)), at(9, 9, atEnd),
		}},
		{"taken back by one of two that were never answered", true, rolled(listedAs("a", "b")), 1, []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3, never, op{What: rollback, Customer: "a", Redemption: "r1", Answer: maybe}),
			at(4, never, op{What: rollback, Customer: "a", Redemption: "r1", Answer: maybe}), at(5, 6, asked("b", done, "r2", 2)), at(9, 9, atEnd),
		}},
		{"never answered, and done", true, listedAs("a"), 1, []*op{
			at(1, never, asked("a", maybe, "", 0)), at(3, 4, asked("b", soldOut, "", 0)), at(9, 9, atEnd),
		}},
		{"never answered, and done late", true, listedAs("b", "a"), 2, []*op{
			at(1, never, asked("a", maybe, "", 0)), at(3, 4, asked("b", done, "r1", 1)), at(9, 9, atEnd),
		}},
		{"given to nobody who asked", false, listedAs("a"), 1, []*op{at(9, 9, atEnd)}},
		{"twice for one key", false, listedAs("a", "a"), 9, []*op{
			at(1, 2, keyed(asked("a", done, "r1", 1), "k", false)), at(3, 4, keyed(asked("a", done, "r2", 2), "k", false)), at(9, 9, atEnd),
		}},
		{"replayed under its key", true, listedAs("a"), 1, []*op{
			at(1, 2, keyed(asked("a", done, "r1", 1), "k", false)), at(3, 4, keyed(asked("a", done, "r1", 1), "k", true)), at(9, 9, atEnd),
		}},
		{"already won, who never asked before", false, listedAs("a"), 1, []*op{
			at(1, 2, asked("a", already, "r1", 1)), at(9, 9, atEnd),
		}},
		{"a winner told sold out", false, listedAs("a"), 1, []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3+second, 4+second, asked("a", soldOut, "", 0)), at(9*second, 9*second, atEnd),
		}},
		{"a report that is one off", false, listedAs("a"), 5, []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3, 4, op{What: report, Answer: done, Count: 5}), at(9, 9, atEnd),
		}},
		{"open again after a rollback", true, rolled(listedAs("a", "b")), 1, []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3, 4, back), at(5, 6, asked("b", done, "r2", 2)), at(9, 9, atEnd),
		}},
		{"sold out for a second after another server's rollback", true, rolled(listedAs("a")), 1, []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3, 4, back), at(4+second/2, 5+second/2, op{What: redeem, Customer: "b", Answer: soldOut, Server: "B"}),
			at(9*second, 9*second, atEnd),
		}},
		{"sold out for longer", false, rolled(listedAs("a")), 1, []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3, 4, back), at(6+second, 7+second, op{What: redeem, Customer: "b", Answer: soldOut, Server: "B"}),
			at(9*second, 9*second, atEnd),
		}},
		{"sold out on the server that rolled back", false, rolled(listedAs("a")), 1, []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3, 4, back), at(5, 6, asked("b", soldOut, "", 0)), at(9*second, 9*second, atEnd),
		}},
		{"won after its window", false, listedAs("a"), 1, []*op{
			at(1, 2, op{What: setEnd, Value: 5, Answer: done}), at(10_000, 11_000, between(asked("a", done, "r1", 1), 10, 11)), at(20_000, 20_000, atEnd),
		}},
		{"ended before its window's end", false, nil, 1, []*op{
			at(1, 2, op{What: setEnd, Value: 50, Answer: done}), at(10_000, 11_000, between(asked("a", ended, "", 0), 10, 11)), at(20_000, 20_000, atEnd),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			of := &code{name: "c", limit: c.limit, perCustomer: 1}
			standing := int64(0)
			for _, w := range c.wins {
				if !w.rolledBack {
					standing++
				}
			}
			m, _ := newCodeModel(of, c.wins, &client.Voucher{Limit: &c.limit, Redeemed: standing}, c.ops, nil)
			if got := porcupine.CheckOperations(m.model(), operations(c.ops, m.can)); got != c.right {
				t.Errorf("the model says %t", got)
			}
		})
	}
}

// What need not have done anything is left out of the search, which each one more would double.
func TestSpareRequestsAreLeftOut(t *testing.T) {
	t.Parallel()
	var ops []*op
	for i := range int64(9) {
		ops = append(ops,
			at(10+i, never, keyed(asked("a", maybe, "", 0), "k", false)), at(20+i, never, keyed(asked("b", maybe, "", 0), "l", false)),
			at(30+i, never, op{What: rollback, Customer: "a", Redemption: "r1", Answer: maybe}), at(40+i, never, op{What: setLimit, Answer: maybe, Value: 7}))
	}
	replayed, answered := keyed(asked("a", done, "r1", 1), "k", true), keyed(asked("b", done, "r2", 2), "l", false)
	ops = append(ops, at(50, 51, replayed), at(52, 53, answered))
	limit := int64(1)
	m, _ := newCodeModel(&code{name: "c", limit: 1, perCustomer: 1}, rolled(listedAs("a", "b")), &client.Voucher{Limit: &limit, Redeemed: 1}, ops, nil)
	// One is left that may have won r1, as no answer but a replay tells who did; one that may have taken it back; and the two that were answered.
	if left := operations(ops, m.can); len(left) != 4 {
		t.Errorf("%d requests are left: %+v", len(left), left)
	}
}

// rolled has the first of them rolled back.
func rolled(wins []win) []win {
	wins[0].rolledBack = true
	return wins
}

func between(o op, earliest, latest int64) op {
	o.Earliest, o.Latest = earliest, latest
	return o
}

func TestWalletModel(t *testing.T) {
	t.Parallel()
	holds := func(n int64) op { return op{What: balance, Customer: "a", Answer: done, Count: n} }
	atEnd := func(n int64) op { return op{What: credited, Customer: "a", Answer: done, Count: n} }
	back := op{What: rollback, Customer: "a", Redemption: "r1", Answer: done, Amount: 10}
	for _, c := range []struct {
		name  string
		right bool
		wins  []win
		ops   []*op
	}{
		{"credited once", true, listedAs("a"), []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3, 4, keyed(asked("a", done, "r1", 1), "", true)), at(5, 6, holds(10)), at(9, 9, atEnd(10)),
		}},
		{"credited twice", false, listedAs("a"), []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(5, 6, holds(20)), at(9, 9, atEnd(20)),
		}},
		{"acknowledged and not yet there", false, listedAs("a"), []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3, 4, holds(0)), at(9, 9, atEnd(10)),
		}},
		{"never answered, and there", true, listedAs("a"), []*op{
			at(1, never, asked("a", maybe, "", 0)), at(3, 4, holds(0)), at(5, 6, holds(10)), at(9, 9, atEnd(10)),
		}},
		{"there, and gone again", false, listedAs("a"), []*op{
			at(1, never, asked("a", maybe, "", 0)), at(3, 4, holds(10)), at(5, 6, holds(0)), at(9, 9, atEnd(10)),
		}},
		{"reversed", true, rolled(listedAs("a")), []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3, 4, back), at(5, 6, holds(0)), at(9, 9, atEnd(0)),
		}},
		{"reversed and still there", false, rolled(listedAs("a")), []*op{
			at(1, 2, asked("a", done, "r1", 1)), at(3, 4, back), at(5, 6, holds(10)), at(9, 9, atEnd(0)),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := newWalletModel(c.wins, c.ops)
			if got := porcupine.CheckOperations(m.model(), operations(c.ops, m.can)); got != c.right {
				t.Errorf("the model says %t", got)
			}
		})
	}
}

// A refusal from memory was true a moment before, when the clock may have stood still although it does no longer.
func TestObeyedKnowsTheClock(t *testing.T) {
	t.Parallel()
	const ms = int64(time.Millisecond)
	var c clock
	c.end(c.begin(move{begin: 300 * ms, stopped: true}), 800*ms)
	o := &op{What: redeem, Answer: soldOut, Call: 900 * ms, Return: 910 * ms}
	o.Earliest, o.Latest = c.between(o.Call, o.Return)
	obeyed([]*op{{What: rollback, Answer: done, Call: 400 * ms, Return: 410 * ms}, o}, &c)
	if want := 300_000 - clockSlack.Microseconds(); o.Call != 410*ms+1 || o.Earliest != want {
		t.Errorf("from %d, by the clock from %d, want %d", o.Call, o.Earliest, want)
	}
}

// TestClock holds what the store's clock may have shown to the moves that were made.
func TestClock(t *testing.T) {
	t.Parallel()
	const ms = int64(time.Millisecond)
	slack := clockSlack.Microseconds()
	var c clock
	for _, when := range []struct{ call, ret, earliest, latest int64 }{{100 * ms, 200 * ms, 100_000 - slack, 200_000 + slack}} {
		if early, late := c.between(when.call, when.ret); early != when.earliest || late != when.latest {
			t.Errorf("unmoved: %d to %d", early, late)
		}
	}
	ahead := c.begin(move{begin: 150 * ms, ahead: time.Hour})
	if _, late := c.between(100*ms, 200*ms); late != 200_000+time.Hour.Microseconds()+slack {
		t.Errorf("ahead while it is asked: %d", late)
	}
	c.end(ahead, 300*ms)
	if early, late := c.between(400*ms, 500*ms); early != 400_000-slack || late != 500_000+slack {
		t.Errorf("after it: %d to %d", early, late)
	}
	c.begin(move{begin: 600 * ms, behind: time.Hour, stopped: true})
	if early, _ := c.between(700*ms, 800*ms); early != 700_000-time.Hour.Microseconds()-slack {
		t.Errorf("behind: %d", early)
	}
}
