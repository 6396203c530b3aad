package chaos_test

import (
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/anishathalye/porcupine"
)

// walletModel is one customer's wallet as it should behave. A wallet checked alone raises no false alarm, for
// the same reason as a code (codeModel): what its balance should be depends on its own credits and reversals
// only. That a credit and the use of the code are one act is held by `scrip verify`, which compares the rows
// of both, not by this.
type walletModel struct {
	wins []win          // of this customer, over all codes
	byID map[string]int // index in wins
}

// walletState is a state of the machine. It can be compared.
type walletState struct {
	balance  int64
	credited bitset
	rolled   bitset
}

func (m *walletModel) model() porcupine.Model {
	seed := maphash.MakeSeed()
	return porcupine.Model{
		Init: func() any { return walletState{} },
		Step: func(state, input, _ any) (bool, any) {
			return m.step(state.(walletState), input.(*op)) //nolint:forcetypeassert,errcheck // the model's own
		},
		Equal:             func(a, b any) bool { return a == b },
		Hash:              func(state any) uint64 { return maphash.Comparable(seed, state.(walletState)) }, //nolint:forcetypeassert,errcheck // the model's own
		DescribeOperation: func(input, _ any) string { return describe(input.(*op)) },                      //nolint:forcetypeassert,errcheck // the model's own
		DescribeState: func(state any) string {
			s := state.(walletState) //nolint:forcetypeassert,errcheck // the model's own
			return fmt.Sprintf("%d, %d credits, %d of them reversed", s.balance, s.credited.count(), s.rolled.count())
		},
	}
}

func (m *walletModel) step(s walletState, o *op) (bool, walletState) {
	switch o.What {
	case redeem:
		return m.redeem(s, o)
	case rollback:
		return m.rollback(s, o)
	case balance:
		return s.balance == o.Count, s
	case credited:
		ok := s.balance == o.Count
		for i := range m.wins {
			ok = ok && s.credited.has(i) && s.rolled.has(i) == m.wins[i].rolledBack
		}
		return ok, s
	default:
		return false, s
	}
}

// redeem credits the wallet once for each receipt, which says the balance right after it.
func (m *walletModel) redeem(s walletState, o *op) (bool, walletState) {
	if o.Answer == maybe {
		for i := range m.wins {
			if w := &m.wins[i]; w.Code == o.Code && (w.key == "" || w.key == o.Key) && !s.credited.has(i) {
				if s.balance+w.Effect.Amount == w.Balance.Amount {
					s.balance, s.credited = w.Balance.Amount, s.credited.with(i)
				}
				break
			}
		}
		return true, s
	}
	at, known := m.byID[o.Redemption]
	if !known || o.Balance != m.wins[at].Balance.Amount || o.Amount != m.wins[at].Effect.Amount {
		return false, s
	}
	if s.credited.has(at) {
		return true, s
	}
	s.balance += o.Amount
	s.credited = s.credited.with(at)
	return o.Answer == done && s.balance == o.Balance, s
}

func (m *walletModel) rollback(s walletState, o *op) (bool, walletState) {
	at, known := m.byID[o.Redemption]
	if !known || !s.credited.has(at) {
		return o.Answer == maybe, s
	}
	was := s.rolled.has(at)
	switch {
	case o.Answer == already:
		return was, s
	case o.Answer == maybe && !m.wins[at].rolledBack, was:
		return o.Answer == maybe || o.Replayed, s
	}
	s.balance -= m.wins[at].Effect.Amount
	s.rolled = s.rolled.with(at)
	return o.Answer == maybe || s.balance == o.Balance, s
}

// can reports whether an op has to do with the wallet at all.
func (m *walletModel) can(o *op) bool {
	switch {
	case o.What == redeem && o.Answer == maybe:
		return slices.ContainsFunc(m.wins, func(w win) bool { return w.Code == o.Code && (w.key == "" || w.key == o.Key) })
	case o.What == redeem:
		return o.Answer == done || o.Answer == already
	case o.What == rollback && o.Answer == maybe:
		at, known := m.byID[o.Redemption]
		return known && m.wins[at].rolledBack
	case o.What == rollback:
		return o.Answer == done || o.Answer == already
	default:
		return o.What == balance || o.What == credited
	}
}
