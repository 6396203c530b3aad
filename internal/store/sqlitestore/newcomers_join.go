package sqlitestore

import (
	"errors"
	"time"
)

// appear gives a customer who was never seen a number.
func (w *writer) appear(name string) int64 {
	no := w.nextCustomer
	w.nextCustomer++
	if w.appeared == nil {
		w.appeared = make(map[string]int64)
	}
	w.appeared[name] = no
	w.names = append(w.names, name)
	return no
}

// flushNewcomers writes those who appeared in the running transaction, and lets some join the table customer.
func (w *writer) flushNewcomers() error {
	if len(w.names) == 0 {
		return nil
	}
	first := w.nextCustomer - int64(len(w.names))
	if err := w.addNewcomers.int(first).bytes(appendNames(nil, w.names)).exec(); err != nil {
		return err
	}
	return w.join(joinShare * len(w.names))
}

// join lets so many join, and takes them from the table newcomer when all of their generation have.
func (w *writer) join(most int) error {
	n := w.newcomers
	var all bool
	w.joining, all = n.waiting(most)
	left := w.joining
	for ; len(left) >= joinedTogether; left = left[joinedTogether:] {
		for _, name := range left[:joinedTogether] {
			w.addCustomers.text(name).int(n.old[name])
		}
		if err := w.addCustomers.exec(); err != nil {
			return err
		}
	}
	for _, name := range left {
		if err := w.addCustomer.text(name).int(n.old[name]).exec(); err != nil {
			return err
		}
	}
	if !all || n.swept {
		return nil
	}
	if err := w.sweepNewcomers.int(n.last).int(sweptAtOnce).exec(); err != nil {
		return err
	}
	w.sweeping = w.conn.Changes() < sweptAtOnce
	return nil
}

// committed remembers what the running transaction did to the newcomers.
func (w *writer) committedNewcomers() {
	n := w.newcomers
	n.joined += len(w.joining)
	n.swept = n.swept || w.sweeping
	if len(w.names) > 0 {
		n.add(w.nextCustomer-int64(len(w.names)), w.names)
	}
}

// settled runs do while no transaction runs and all customers are in the table that finds them by their names.
func (s *Store) settled(do func() error) error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	return s.hold(func() error {
		if s.closed {
			return errors.New("the store is closed")
		}
		if err := s.settle(nil); err != nil {
			return err
		}
		return do()
	})
}

// settleToClose settles a store that is about to close, so that the next start has nobody to read; not for longer than
// whoever ends the server waits for it.
func (s *Store) settleToClose() error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	return s.hold(func() error {
		if s.closed || s.w == nil {
			return nil
		}
		enough := time.NewTimer(settleMax)
		defer enough.Stop()
		return s.settle(enough.C)
	})
}

// settle lets all newcomers join, unless enough comes first. s.sealing and s.mu are held.
func (s *Store) settle(enough <-chan time.Time) error {
	n := s.w.newcomers
	for len(n.young)+len(n.old) > 0 {
		if len(n.old) == 0 {
			n.mu.Lock()
			n.age()
			n.mu.Unlock()
		}
		n.sort()
		for !n.leaves() {
			select {
			case <-enough:
				return nil
			default:
			}
			if err := s.w.tx(s.now(), func() error { return s.w.join(settledAtOnce) }); err != nil {
				return err
			}
		}
		n.leave()
	}
	return nil
}

const (
	settledAtOnce = 1 << 12
	settleMax     = 2 * time.Second
)
