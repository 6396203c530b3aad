package pgstore_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/testenv"
)

// several opens n stores over one fresh database, each as a process.
func several(tb testing.TB, n int) []store.Store {
	tb.Helper()
	at := testenv.Database(tb)
	stores := make([]store.Store, n)
	for i := range stores {
		stores[i] = open(tb, at, nil)
	}
	return stores
}

// tally is what hammering was told, added up.
type tally struct {
	mu      sync.Mutex
	wins    map[string]int // by code
	winners map[string]int // by code and customer
	ranks   map[string]int // by code and rank
	keyed   map[string]map[id.ID]bool
	backs   map[id.ID]int // effective rollbacks of a redemption
	minor   int64         // what all wallets must hold
}

func newTally() *tally {
	return &tally{
		wins: map[string]int{}, winners: map[string]int{}, ranks: map[string]int{},
		keyed: map[string]map[id.ID]bool{}, backs: map[id.ID]int{},
	}
}

// count adds an outcome up, and returns the redemption that was newly made.
func (y *tally) count(c store.Command, o store.Outcome) *store.Redeem {
	y.mu.Lock()
	defer y.mu.Unlock()
	if o.Refusal != nil {
		return nil
	}
	switch c := c.(type) {
	case *store.Redeem:
		if c.Key != "" {
			k := c.Customer + " " + c.Key
			if y.keyed[k] == nil {
				y.keyed[k] = map[id.ID]bool{}
			}
			y.keyed[k][o.Redemption.ID] = true
		}
		if o.Replayed {
			return nil
		}
		y.wins[c.Code]++
		y.winners[c.Code+" "+c.Customer]++
		y.ranks[fmt.Sprint(c.Code, " ", o.Redemption.Rank)]++
		y.minor += o.Redemption.AmountMinor
		return c
	case *store.Rollback:
		y.wins[o.Redemption.Code]--
		y.winners[o.Redemption.Code+" "+o.Redemption.Customer]--
		y.backs[c.Redemption]++
		y.minor -= o.Redemption.AmountMinor
	case *store.Post:
		if c.To == "" {
			y.minor += o.Transfer.Delta()
		}
	}
	return nil
}

// Three processes hammer the same codes and the same few customers with all that there is, wallets in both
// directions, so that every lock is fought over and the optimistic reads are wrong all the time. Nobody is
// told an error, and the books are exact.
func TestSeveralProcessesOverTheSameRows(t *testing.T) {
	const customers, workers, batches, size = 7, 6, 40, 8
	stores := several(t, 3)
	limits := map[string]int64{"FEW": 5, "SOME": 20, "MANY": 0}
	for code, limit := range limits {
		create(t, stores[0], code, limit)
	}
	for i := range customers {
		apply(t, stores[0], pay(name(i), 1000))
	}
	y := newTally()
	y.minor = customers * 1000
	var running sync.WaitGroup
	for w := range workers {
		running.Go(func() {
			draw := rand.New(rand.NewPCG(42, uint64(w))) //nolint:gosec // a test's own dice
			s := stores[w%len(stores)]
			var mine []*store.Redeem
			for range batches {
				var cs []store.Command
				for range 1 + draw.IntN(size) {
					cs = append(cs, drawn(draw, customers, mine))
				}
				outcomes, err := s.Apply(t.Context(), cs)
				if err != nil {
					t.Errorf("an error escaped: %v", err)
					return
				}
				for i, o := range outcomes {
					if made := y.count(cs[i], o); made != nil {
						mine = append(mine, made)
					}
				}
			}
		})
	}
	running.Wait()
	y.check(t, limits)
	var held int64
	for i := range customers {
		held += balance(t, stores[i%len(stores)], name(i))
	}
	if held != y.minor {
		t.Errorf("the wallets hold %d, want %d", held, y.minor)
	}
	audited(t, stores[1])
}

// drawn is a command on the common rows.
func drawn(draw *rand.Rand, customers int, mine []*store.Redeem) store.Command {
	who := func() string { return name(draw.IntN(customers)) }
	switch n := draw.IntN(10); {
	case n < 5:
		r := redeem([]string{"FEW", "SOME", "MANY"}[draw.IntN(3)], who())
		if draw.IntN(2) == 0 {
			r.Key, r.Fingerprint[0] = "k"+r.Code, 1
		}
		return r
	case n < 6 && len(mine) > 0:
		return &store.Rollback{ID: redeem("", "").ID, Redemption: mine[draw.IntN(len(mine))].ID}
	case n < 7:
		return pay(who(), 10)
	default:
		from := draw.IntN(customers)
		return send(name(from), name((from+1+draw.IntN(customers-1))%customers), 1+draw.Int64N(50))
	}
}

func (y *tally) check(t *testing.T, limits map[string]int64) {
	t.Helper()
	for code, limit := range limits {
		if limit != 0 && int64(y.wins[code]) > limit {
			t.Errorf("%s was won %d times, its limit is %d", code, y.wins[code], limit)
		}
	}
	for who, n := range y.winners {
		if n > 1 {
			t.Errorf("%s won %d times", who, n)
		}
	}
	for rank, n := range y.ranks {
		if n != 1 {
			t.Errorf("rank %s was given %d times", rank, n)
		}
	}
	for key, effects := range y.keyed {
		if len(effects) != 1 {
			t.Errorf("key %s has %d effects", key, len(effects))
		}
	}
	for r, n := range y.backs {
		if n != 1 {
			t.Errorf("redemption %s was rolled back %d times", r.Format(id.Redemption), n)
		}
	}
}

// A crowd over three processes for fewer uses than there are customers: every use is won, and none twice.
func TestCrowdOverSeveralProcesses(t *testing.T) {
	const crowd, limit, size = 3000, 500, 50
	stores := several(t, 3)
	create(t, stores[0], "CROWD", limit)
	y := newTally()
	var refused sync.Map
	var running sync.WaitGroup
	for i, s := range stores {
		running.Go(func() {
			for from := 0; from < crowd; from += size {
				var cs []store.Command
				for j := range size { // each customer asks every process
					cs = append(cs, redeem("CROWD", name((from+j+i*crowd/3)%crowd)))
				}
				outcomes, err := s.Apply(t.Context(), cs)
				if err != nil {
					t.Error(err)
					return
				}
				for k, o := range outcomes {
					y.count(cs[k], o)
					if o.Refusal != nil {
						refused.Store(o.Refusal.Code, true)
					}
				}
			}
		})
	}
	running.Wait()
	y.check(t, map[string]int64{"CROWD": limit})
	if y.wins["CROWD"] != limit {
		t.Errorf("%d uses were won of %d", y.wins["CROWD"], limit)
	}
	refused.Range(func(code, _ any) bool {
		if code != fault.ErrSoldOut.Code && code != fault.ErrAlreadyRedeemed.Code {
			t.Errorf("refused as %v", code)
		}
		return true
	})
	audited(t, stores[2])
}
