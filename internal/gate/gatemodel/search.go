package gatemodel

import "hash/maphash"

// Found is what a search came to.
type Found struct {
	States int
	Depth  int    // the longest of the shortest ways to a state
	Done   bool   // there was nothing left to visit
	Wrong  string // the first thing that is wrong, or ""
	Trace  []Step // the shortest way to it
	Path   []State
}

// Search visits all that can happen, breadth first, until something is wrong, nothing is left, or so many states are
// seen; zero is no bound. The way to what is wrong is one of the shortest.
func (m *Model) Search(statesMax int) Found {
	seen := newTable()
	first := m.Initial()
	seen.add(m.keyOf(&first), -1)
	level, from := []State{first}, []int32{0}
	found := Found{}
	for ; len(level) > 0; found.Depth++ {
		if statesMax > 0 && seen.len() >= statesMax {
			found.States = seen.len()
			return found
		}
		var next []State
		var ids []int32
		for i := range level {
			s := &level[i]
			m.Next(s, func(step Step, t *State) {
				if found.Wrong != "" {
					return
				}
				if found.Wrong = m.wrongStep(s, step, t); found.Wrong != "" {
					found.Trace, found.Path = m.retrace(seen.way(from[i]), step)
					return
				}
				id, isNew := seen.add(m.keyOf(t), from[i])
				if !isNew {
					return
				}
				if found.Wrong = m.checkNew(t); found.Wrong != "" {
					found.Trace, found.Path = m.retrace(seen.way(id), Step{})
					return
				}
				next, ids = append(next, *t), append(ids, id)
			})
			if found.Wrong != "" {
				found.States = seen.len()
				return found
			}
		}
		level, from = next, ids
	}
	found.States, found.Done = seen.len(), true
	return found
}

// wrongStep is CheckStep, and what the model's user seeks.
func (m *Model) wrongStep(s *State, step Step, t *State) string {
	if m.Seek != nil && m.Seek(m, s, step, t) {
		return sought
	}
	return m.CheckStep(s, step, t)
}

func (m *Model) checkNew(s *State) string {
	if wrong := m.Check(s); wrong != "" || !m.Heals {
		return wrong
	}
	return m.CheckHeals(s)
}

// retrace walks the way from the beginning again, with the customers and replicas under the names they began with.
// If last is not the zero Step, the first step of its action that is wrong ends it.
func (m *Model) retrace(way []key, last Step) (trace []Step, path []State) {
	s := m.Initial()
	path = append(path, s)
	for _, k := range way[1:] {
		at, taken := s, false
		m.Next(&at, func(step Step, t *State) {
			if !taken && m.keyOf(t) == k {
				taken, s = true, *t
				trace, path = append(trace, step), append(path, *t)
			}
		})
	}
	if last == (Step{}) {
		return trace, path
	}
	at, taken := s, false
	m.Next(&at, func(step Step, t *State) {
		if !taken && m.wrongStep(&at, step, t) != "" {
			taken = true
			trace, path = append(trace, step), append(path, *t)
		}
	})
	return trace, path
}

// table is the set of the keys seen, numbered in order, each with the one it was reached from.
type table struct {
	keys  []key
	from  []int32
	slots []int32 // number and one; 0 is free
	mask  uint64  // of the slots, which are a power of two
	seed  maphash.Seed
}

const slotBitsMin = 16

func newTable() *table {
	return &table{slots: make([]int32, 1<<slotBitsMin), mask: 1<<slotBitsMin - 1, seed: maphash.MakeSeed()}
}

func (t *table) len() int { return len(t.keys) }

// add returns a key's number, and whether it is new.
func (t *table) add(k key, from int32) (id int32, isNew bool) {
	if 2*len(t.keys) >= len(t.slots) {
		t.grow()
	}
	at := t.slotOf(&k)
	if *at != 0 {
		return *at - 1, false
	}
	t.keys, t.from = append(t.keys, k), append(t.from, from)
	*at = int32(len(t.keys)) //nolint:gosec // memory ends long before 2^31 states
	return *at - 1, true
}

// slotOf is where a key is, or belongs.
func (t *table) slotOf(k *key) *int32 {
	for i := maphash.Bytes(t.seed, k[:]) & t.mask; ; i = (i + 1) & t.mask {
		if n := t.slots[i]; n == 0 || t.keys[n-1] == *k {
			return &t.slots[i]
		}
	}
}

func (t *table) grow() {
	t.slots, t.mask = make([]int32, 2*len(t.slots)), t.mask<<1|1
	for i := range t.keys {
		*t.slotOf(&t.keys[i]) = int32(i + 1)
	}
}

// way is the keys from the first to one.
func (t *table) way(id int32) []key {
	var back []key
	for ; id >= 0; id = t.from[id] {
		back = append(back, t.keys[id])
	}
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	return back
}
