package memstore

import (
	"context"
	"slices"
	"time"

	"scrip/internal/fault"
	"scrip/internal/ledger"
	"scrip/internal/store"
)

// unsealed is a transfer that waits to be sealed.
type unsealed struct {
	ref store.TransferRef
	at  time.Time // when it was written
}

// Seal seals what has waited longest.
func (s *Store) Seal(_ context.Context, o store.Sealing) (*store.Seal, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false, errClosed
	}
	now := s.now()
	picked, kept, more := s.pick(o.Max)
	if len(picked) == 0 {
		return nil, false, nil
	}
	var newest *store.Seal
	if len(s.seals) > 0 {
		newest = &s.seals[len(s.seals)-1]
	}
	if newest != nil && !more && now.Sub(newest.At) < o.Apart {
		return nil, false, nil
	}
	made := store.NewSeal(newest, store.AppendPointers(nil, picked), now)
	s.seals, s.unsealed = append(s.seals, *made), kept
	return made.Head(), more, nil
}

// pick parts what waits into the first that are there, at most most, and the rest. more says that some of the rest
// are there too.
func (s *Store) pick(most int) (picked []ledger.Transfer, rest []unsealed, more bool) {
	for _, u := range s.unsealed {
		t, there := s.transfer(u.ref)
		if there && len(picked) < most {
			picked = append(picked, t)
			continue
		}
		rest, more = append(rest, u), more || there
	}
	return picked, rest, more
}

// transfer is a ledger entry, if it is there.
func (s *Store) transfer(ref store.TransferRef) (ledger.Transfer, bool) {
	w, known := s.wallets[store.WalletRef{Customer: ref.Customer, Currency: ref.Currency}]
	if !known {
		return ledger.Transfer{}, false
	}
	at, found := slices.BinarySearchFunc(w.entries, ref.Seq, func(t ledger.Transfer, seq int64) int { return int(t.Seq - seq) })
	if !found {
		return ledger.Transfer{}, false
	}
	return w.entries[at], true
}

// LatestSeal returns the newest seal.
func (s *Store) LatestSeal(context.Context) (*store.Seal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seals) == 0 {
		return nil, fault.ErrSealNotFound
	}
	return s.seals[len(s.seals)-1].Head(), nil
}

// SealAt returns the seal of a number.
func (s *Store) SealAt(_ context.Context, number int64) (*store.Seal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.seals {
		if s.seals[i].Number == number {
			return s.seals[i].Head(), nil
		}
	}
	return nil, fault.ErrSealNotFound
}

// ListSeals returns a page, newest first.
func (s *Store) ListSeals(_ context.Context, p store.SealPage) (page []store.Seal, more bool, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []store.Seal
	for i := range s.seals {
		if n := s.seals[i].Number; (p.After == 0 || n < p.After) && (p.Before == 0 || n > p.Before) {
			found = append(found, *s.seals[i].Head())
		}
	}
	more = len(found) > p.Limit
	switch {
	case !more:
		page = found
	case p.Before != 0:
		page = found[:p.Limit]
	default:
		page = found[len(found)-p.Limit:]
	}
	slices.Reverse(page)
	return page, more, nil
}

// Unsealed tells what waits to be sealed.
func (s *Store) Unsealed(context.Context) (b store.Backlog, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.unsealed {
		if b.Waiting++; b.Since.IsZero() || u.at.Before(b.Since) {
			b.Since = u.at
		}
	}
	return b, nil
}

// seals checks the chain of seals and all that it holds.
func (a *audit) seals() {
	seen, err := store.CheckSeals(sealRows{a.s}, func(check, id, detail string) { a.find(check, id, "%s", detail) })
	if err != nil {
		a.find(store.CheckSeal, "seals", "%v", err)
	}
	a.read.Seals = seen
}

// sealRows reads under the store's mutex.
type sealRows struct{ s *Store }

// Seals implements store.SealRows.
func (r sealRows) Seals(after int64, limit int) (seals []store.Seal, _ error) {
	for _, s := range r.s.seals {
		if s.Number > after && len(seals) < limit {
			seals = append(seals, s)
		}
	}
	return seals, nil
}

// Transfers implements store.SealRows.
func (r sealRows) Transfers(refs []store.TransferRef) (ts []ledger.Transfer, _ error) {
	for _, ref := range refs {
		if t, there := r.s.transfer(ref); there {
			ts = append(ts, t)
		}
	}
	return ts, nil
}

// EachTransfer implements store.SealRows.
func (r sealRows) EachTransfer(yield func(store.TransferRef)) error {
	for _, w := range r.s.wallets {
		for i := range w.entries {
			yield(store.RefOf(&w.entries[i]))
		}
	}
	return nil
}

// EachWaiting implements store.SealRows.
func (r sealRows) EachWaiting(yield func(ref store.TransferRef, there bool)) error {
	for _, u := range r.s.unsealed {
		_, there := r.s.transfer(u.ref)
		yield(u.ref, there)
	}
	return nil
}
