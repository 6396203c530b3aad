package chaos_test

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/anishathalye/porcupine"

	"scrip/client"
)

// codeModel is one code as it should behave: a sequential machine that takes one request after the other.
//
// That checking each code alone raises no false alarm follows from what a linearizable history is: an order of
// all requests that respects who was answered before whom asked, in which each answer is right. Left out all
// requests but one code's, that order is still one, and what is right for a code depends on nothing else:
// neither a limit, a rank, a window nor a claim of another code. (Campaigns have one code each here, and no
// budget.) A batch is a set of requests with the same times: nothing is promised of its items together.
//
// Ranks are given in the order in which uses are won. So the list of what was won in the end tells what each
// request of unknown fate can have done, and the search hardly branches.
type codeModel struct {
	name        string
	perCustomer int64
	limit       int64
	start       int64          // of its window, Unix microseconds
	wins        []win          // by rank, from 1 on
	byID        map[string]int // index in wins
	intents     map[string]int // customers' keys, each once
	limitAtEnd  int64
	closedAtEnd bool
	limits      []*op        // that were set, or may have been
	spare       map[*op]bool // requests of unknown fate that the search can do without
}

// win is a redemption as it is listed in the end.
type win struct {
	client.Redemption
	key        string // under which somebody was told of it
	rolledBack bool
}

// codeState is a state of the machine. It can be compared.
type codeState struct {
	ranked   int    // uses that were won so far, those given back included
	rolled   bitset // which of them were given back
	bound    bitset // keys that have won
	limit    int64
	disabled bool
	end      int64 // Unix microseconds; 0 for none
}

func (m *codeModel) model() porcupine.Model {
	seed := maphash.MakeSeed()
	return porcupine.Model{
		Init: func() any { return codeState{limit: m.limit} },
		Step: func(state, input, _ any) (bool, any) {
			return m.step(state.(codeState), input.(*op)) //nolint:forcetypeassert,errcheck // the model's own
		},
		Equal:             func(a, b any) bool { return a == b },
		Hash:              func(state any) uint64 { return maphash.Comparable(seed, state.(codeState)) }, //nolint:forcetypeassert,errcheck // the model's own
		DescribeOperation: func(input, _ any) string { return describe(input.(*op)) },                    //nolint:forcetypeassert,errcheck // the model's own
		DescribeState:     func(state any) string { return m.describe(state.(codeState)) },               //nolint:forcetypeassert,errcheck // the model's own
	}
}

func (m *codeModel) describe(s codeState) string {
	return fmt.Sprintf("%d of %d used, %d ranks, disabled %t, end %d", m.redeemed(s), s.limit, s.ranked, s.disabled, s.end)
}

func (m *codeModel) redeemed(s codeState) int64 { return int64(s.ranked - s.rolled.count()) }

func (m *codeModel) step(s codeState, o *op) (bool, codeState) {
	switch o.What {
	case redeem:
		return m.redeem(s, o)
	case rollback:
		return m.rollback(s, o)
	case report:
		if o.Answer == closed {
			return s.disabled || m.early(o), s
		}
		return !s.disabled && o.Latest >= m.start && o.Count == s.limit-m.redeemed(s), s
	case setLimit:
		return m.setLimit(s, o)
	case setEnd:
		s.end = o.Value
		return true, s
	case disable, enable:
		s.disabled = o.What == disable
		return o.Answer == maybe || o.Count == m.redeemed(s), s
	case final:
		return s.ranked == len(m.wins) && s.rolled == m.rolledAtEnd() && s.limit == m.limitAtEnd && s.disabled == m.closedAtEnd, s
	default:
		return false, s
	}
}

func (m *codeModel) rolledAtEnd() (b bitset) {
	for i := range m.wins {
		if m.wins[i].rolledBack {
			b = b.with(i)
		}
	}
	return b
}

func (m *codeModel) setLimit(s codeState, o *op) (bool, codeState) {
	fits := o.Value >= m.redeemed(s)
	switch o.Answer {
	case tooLow:
		return !fits, s
	case maybe:
		if fits {
			s.limit = o.Value
		}
		return true, s
	default:
		s.limit = o.Value
		return fits && o.Count == m.redeemed(s), s
	}
}

// claims counts a customer's uses that stand, and names the first.
func (m *codeModel) claims(s codeState, customer string) (n int64, first int64) {
	for i := range s.ranked {
		if m.wins[i].Customer == customer && !s.rolled.has(i) {
			if n == 0 {
				first = m.wins[i].Rank
			}
			n++
		}
	}
	return n, first
}

func (m *codeModel) redeem(s codeState, o *op) (bool, codeState) {
	intent, keyed := m.intents[o.Customer+" "+o.Key]
	if keyed && s.bound.has(intent) {
		if o.Answer == maybe {
			return true, s
		}
		at, known := m.byID[o.Redemption]
		return o.Answer == done && o.Replayed && known && m.wins[at].key == o.Key && m.wins[at].Customer == o.Customer, s
	}
	mine, first := m.claims(s, o.Customer)
	isOpen := o.Latest >= m.start && (s.end == 0 || o.Earliest < s.end)
	isOver := s.end != 0 && o.Latest >= s.end
	sold := m.redeemed(s) >= s.limit
	switch o.Answer {
	case done, maybe:
		can := !s.disabled && isOpen && !sold && mine < m.perCustomer && m.next(s, o)
		if !can {
			return o.Answer == maybe, s
		}
		s.ranked++
		if keyed {
			s.bound = s.bound.with(intent)
		}
		return true, s
	case already:
		return o.Rank == first && (mine >= m.perCustomer || mine > 0 && (s.disabled || isOver || sold || m.early(o))), s
	case soldOut:
		return mine == 0 && !s.disabled && isOpen && sold, s
	case closed:
		return mine == 0 && s.disabled, s
	case ended:
		return mine == 0 && !s.disabled && isOver, s
	case notYet:
		return mine == 0 && !s.disabled && m.early(o), s
	default:
		return false, s
	}
}

// early reports whether the code's window may not have started, which it long has unless a clock was moved.
func (m *codeModel) early(o *op) bool { return o.Earliest < m.start }

// next reports whether the next win of the list can be this request's.
func (m *codeModel) next(s codeState, o *op) bool {
	if s.ranked >= len(m.wins) {
		return false
	}
	w := &m.wins[s.ranked]
	if o.Answer == done {
		return w.ID == o.Redemption
	}
	return w.Customer == o.Customer && (w.key == o.Key || w.key == "")
}

func (m *codeModel) rollback(s codeState, o *op) (bool, codeState) {
	at, known := m.byID[o.Redemption]
	if !known || at >= s.ranked {
		return o.Answer == maybe, s
	}
	was := s.rolled.has(at)
	switch o.Answer {
	case done:
		ok := !was || o.Replayed
		s.rolled = s.rolled.with(at)
		return ok, s
	case already:
		return was && o.Key == "", s
	case maybe:
		if m.wins[at].rolledBack {
			s.rolled = s.rolled.with(at)
		}
		return true, s
	default:
		return false, s
	}
}

// can reports whether a request of unknown fate can have done anything: one that can't is left out of the
// search.
func (m *codeModel) can(o *op) bool {
	switch {
	case o.Answer != maybe:
		return true
	case m.spare[o]:
		return false
	case o.What == redeem:
		return slices.ContainsFunc(m.wins, func(w win) bool { return w.Customer == o.Customer && (w.key == "" || w.key == o.Key) })
	case o.What == rollback:
		at, known := m.byID[o.Redemption]
		return known && m.wins[at].rolledBack
	case o.What == setLimit: // a limit that is not the last was followed by another
		return o.Value == m.limitAtEnd || slices.ContainsFunc(m.limits, func(later *op) bool {
			return later.Value == m.limitAtEnd && later.Return > o.Call
		})
	default:
		return true
	}
}

// spareMaybes finds the requests of unknown fate that need not have done anything. What an answer that was no replay
// tells was done by the request that it answers. And what none told was done by one of those that may have: then
// by the one that began first, for it may have happened at any time at which another may. So of many only as many
// are kept as there are effects to explain; each one more that is not would double what there is to search.
func (m *codeModel) spareMaybes(ops []*op) {
	m.spare = map[*op]bool{}
	explained, kept := map[string]bool{}, map[string]int64{}
	var maybes []*op
	for _, o := range ops {
		switch {
		case o.Answer == done && !o.Replayed:
			explained[string(o.What)+o.Redemption] = true
		case o.Answer == maybe && (o.What == redeem || o.What == rollback):
			maybes = append(maybes, o)
		}
	}
	slices.SortStableFunc(maybes, func(a, b *op) int { return cmp.Compare(a.Call, b.Call) })
	for _, o := range maybes {
		effects := int64(0)
		alike := fmt.Sprint(o.What, "\x00", o.Customer, "\x00", o.Key)
		if o.What == rollback {
			alike = fmt.Sprint(o.What, "\x00", o.Redemption)
			if !explained[string(rollback)+o.Redemption] {
				effects = 1
			}
		} else {
			for i := range m.wins {
				w := &m.wins[i]
				if w.Customer == o.Customer && (w.key == "" || w.key == o.Key) && !explained[string(redeem)+w.ID] {
					effects++
				}
			}
			if o.Key != "" { // which wins once
				effects = min(effects, 1)
			}
		}
		m.spare[o] = kept[alike] >= effects
		kept[alike]++
	}
}

func describe(o *op) string {
	text := fmt.Sprintf("%s %s %s", o.What, o.Code, o.Customer)
	if o.Key != "" {
		text += " key " + o.Key
	}
	if o.Value != 0 {
		text += fmt.Sprintf(" %d", o.Value)
	}
	text += fmt.Sprintf(" by %s: %s", o.Server, o.Answer)
	switch {
	case o.Rank != 0:
		text += fmt.Sprintf(" rank %d (%s)", o.Rank, o.Redemption)
	case o.Redemption != "":
		text += " of " + o.Redemption
	}
	if o.What == report || o.What == balance {
		text += fmt.Sprintf(" %d", o.Count)
	}
	if o.Replayed {
		text += ", replayed"
	}
	return text
}
