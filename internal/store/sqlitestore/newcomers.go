package sqlitestore

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sync"
)

// newcomers are the customers who are not in the table customer yet, or not all of whose generation are.
//
// That table finds a number by a name, so it is entered at random, and in a large file each stranger in a batch
// changes a page of it alone: 4 KiB in the log and as much at the checkpoint, for a row of twenty bytes. So the
// strangers of a batch are one row of the table newcomer, and their names wait here until there are many (a
// generation). Then that generation joins the table in the order of its names, twice as many with each batch as
// the batch brings, which changes each page once for all who belong there.
//
// Invariants:
//   - Every customer of the file is in the table customer or here, with one number.
//   - Who is looked up here first, and only then in a snapshot of the table, is found: a generation leaves this
//     memory after the transaction in which the last of it joined.
//   - All that is here is in the table newcomer, and is read from it when the file is opened.
type newcomers struct {
	most int // who make a generation

	mu    sync.RWMutex
	young map[string]int64 // those who appeared last
	old   map[string]int64 // the generation that joins; empty between two of them
	names []string         // of old, in order, once sort has run
	last  int64            // the highest number in old

	// The writer's own.
	joined int  // of names, how many are in the table customer
	swept  bool // no row of old is left in the table newcomer
}

const (
	newcomersMost = 1 << 17 // some ten megabytes
	joinShare     = 2       // who join, for each who appears: a generation is gone when the next is half grown
	// joinedTogether are written by one statement, which spares most of what a statement costs beside its rows.
	joinedTogether = 16
	sweptAtOnce    = 512 // rows of newcomer that a transaction removes at most
)

func newNewcomers(most int) *newcomers {
	if most == 0 {
		most = newcomersMost
	}
	return &newcomers{most: most, young: make(map[string]int64)}
}

// find returns the number of a customer who is here, or 0.
func (n *newcomers) find(name string) int64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if no, ok := n.young[name]; ok {
		return no
	}
	return n.old[name]
}

// add takes in those whom a transaction has committed.
func (n *newcomers) add(first int64, names []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, name := range names {
		n.young[name] = first + int64(i)
	}
	if len(n.young) >= n.most && len(n.old) == 0 {
		n.age()
	}
}

// age begins to let the young ones join. n.mu is held.
func (n *newcomers) age() {
	n.old, n.young = n.young, make(map[string]int64)
	n.last = 0
	for _, no := range n.old {
		n.last = max(n.last, no)
	}
	n.names, n.joined, n.swept = nil, 0, false
}

// sort makes a generation that has aged ready to join. It takes its time, which no commit should wait for.
func (n *newcomers) sort() {
	n.mu.RLock()
	old, sorted := n.old, n.names != nil
	n.mu.RUnlock()
	if len(old) == 0 || sorted {
		return
	}
	names := slices.Sorted(maps.Keys(old)) // nobody changes old, but for all of it leaving
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.old) == len(names) && n.names == nil {
		n.names = names
	}
}

// waiting returns at most so many of those who are to join next, and whether all of a generation have.
func (n *newcomers) waiting(most int) (next []string, all bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.names[n.joined:min(n.joined+most, len(n.names))], len(n.names) > 0 && n.joined == len(n.names)
}

// leaves reports whether a generation has joined and can leave.
func (n *newcomers) leaves() bool { return n.swept }

// leave forgets the generation that has joined.
func (n *newcomers) leave() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.old, n.names, n.joined, n.swept = nil, nil, 0, false
}

// each calls do with all who are here.
func (n *newcomers) each(do func(name string, no int64)) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, of := range []map[string]int64{n.young, n.old} {
		for name, no := range of {
			do(name, no)
		}
	}
}

// load takes in whom a file holds, as one generation.
func (n *newcomers) load(r *reader) error {
	q := r.stmt("SELECT first, names FROM newcomer ORDER BY first")
	for {
		found, err := q.row()
		if err != nil || !found {
			return errors.Join(err, r.err)
		}
		first := q.nextInt()
		names, err := parseNames(q.nextBytes())
		if err != nil {
			return errors.Join(err, q.done())
		}
		n.add(first, names)
	}
}

// appendNames encodes names: the length of each, as a varint, and its bytes.
func appendNames(b []byte, names []string) []byte {
	for _, name := range names {
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
	}
	return b
}

var errNames = errors.New("a row of the table newcomer can't be read; restore a backup")

// parseNames decodes them. They share one piece of memory: very many are kept.
func parseNames(b []byte) (names []string, _ error) {
	all := string(b)
	for at := 0; at < len(b); {
		length, n := binary.Uvarint(b[at:])
		if n <= 0 || length > uint64(len(b)-at-n) { //nolint:gosec // not negative
			return nil, errNames
		}
		at += n
		names = append(names, all[at:at+int(length)]) //nolint:gosec // at most len(b)
		at += int(length)                             //nolint:gosec // likewise
	}
	return names, nil
}
