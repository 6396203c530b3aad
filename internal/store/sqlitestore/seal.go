package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"scrip/internal/fault"
	"scrip/internal/store"
)

// Seal seals what has waited longest. It reads beside the writer, and holds it only for what came of that: nobody
// else seals in the meantime, and what waits only grows.
func (s *Store) Seal(ctx context.Context, o store.Sealing) (made *store.Seal, more bool, err error) {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	var p *picked
	now := s.now()
	var newest *store.Seal
	first := func(r *reader) (err error) {
		newest, err = r.newestSeal()
		return err
	}
	err = s.readLong(ctx, func(r *reader) error {
		// Newcomers are known as soon as their transaction has ended, not as it commits.
		return r.snapshotBetween(s.hold, first, func() (err error) {
			if p, err = r.pick(&s.w.recent, o.Max); err != nil || len(p.transfers) == 0 {
				return err
			}
			if newest != nil && !p.more && now.Sub(newest.At) < o.Apart {
				p = &picked{}
				return nil
			}
			made = store.NewSeal(newest, p.transfers, now)
			return nil
		})
	})
	if err == nil && !p.empty() {
		if err = s.write(func(w *writer) error { return w.writeSeal(made, p) }); err == nil {
			s.w.recent.sealed(p.rows)
		}
	}
	if err != nil {
		return nil, false, fmt.Errorf("seal: %w", err)
	}
	if made != nil {
		made = made.Head()
	}
	return made, p.more, nil
}

const sealColumns = " number, previous, count, total, root, members_hash, at, hash "

func (q *stmt) nextSeal() *store.Seal {
	return &store.Seal{
		Number: q.nextInt(), Previous: q.nextSealHash(), Count: q.nextInt(), Total: q.nextInt(),
		Root: q.nextSealHash(), MembersHash: q.nextSealHash(), At: q.nextTime(), Hash: q.nextSealHash(),
	}
}

// nextSealHash reads a hash. What is not as long as one is none, which shows as a hash that is not right.
func (q *stmt) nextSealHash() (h store.SealHash) {
	if b := q.nextBytes(); len(b) == len(h) {
		copy(h[:], b)
	}
	return h
}

// newestSeal is the newest seal, nil for none.
func (r *reader) newestSeal() (*store.Seal, error) {
	found, err := oneSeal(r.stmt("SELECT" + sealColumns + "FROM seal ORDER BY number DESC LIMIT 1"))
	if errors.Is(err, fault.ErrSealNotFound) {
		return nil, nil //nolint:nilnil // there is none
	}
	return found, err
}

// oneSeal is the seal that a query finds, or fault.ErrSealNotFound.
func oneSeal(q *stmt) (*store.Seal, error) {
	found, err := q.row()
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fault.ErrSealNotFound
	}
	s := q.nextSeal()
	return s, q.done()
}

// LatestSeal returns the newest seal.
func (s *Store) LatestSeal(ctx context.Context) (found *store.Seal, err error) {
	err = s.read(ctx, func(r *reader) error {
		found, err = oneSeal(r.stmt("SELECT" + sealColumns + "FROM seal ORDER BY number DESC LIMIT 1"))
		return err
	})
	return found, err
}

// SealAt returns the seal of a number.
func (s *Store) SealAt(ctx context.Context, number int64) (found *store.Seal, err error) {
	err = s.read(ctx, func(r *reader) error {
		found, err = r.sealAt(number)
		return err
	})
	return found, err
}

func (r *reader) sealAt(number int64) (*store.Seal, error) {
	return oneSeal(r.stmt("SELECT" + sealColumns + "FROM seal WHERE number = ?").int(number))
}

// SealAt returns the seal of a number.
func (ro *ReadOnly) SealAt(ctx context.Context, number int64) (found *store.Seal, err error) {
	err = ro.view(ctx, func(v *view) (err error) {
		found, err = v.sealAt(number)
		return err
	})
	return found, err
}

// ListSeals returns a page, newest first.
func (s *Store) ListSeals(ctx context.Context, p store.SealPage) (seals []store.Seal, more bool, err error) {
	err = s.read(ctx, func(r *reader) error {
		q := r.stmt("SELECT" + sealColumns + "FROM seal WHERE ? = 0 OR number < ? ORDER BY number DESC LIMIT ?").int(p.After).int(p.After)
		if p.Before != 0 {
			q = r.stmt("SELECT" + sealColumns + "FROM seal WHERE number > ? ORDER BY number LIMIT ?").int(p.Before)
		}
		return q.int(int64(p.Limit + 1)).each(func() { seals = append(seals, *q.nextSeal()) })
	})
	if err != nil {
		return nil, false, err
	}
	more = len(seals) > p.Limit
	seals = seals[:min(len(seals), p.Limit)]
	if p.Before != 0 {
		slices.Reverse(seals)
	}
	return seals, more, nil
}

// Unsealed tells what waits to be sealed.
func (s *Store) Unsealed(ctx context.Context) (b store.Backlog, err error) {
	err = s.read(ctx, func(r *reader) error {
		q := r.stmt(`SELECT (SELECT coalesce(sum(n), 0) FROM unsealed WHERE lost = 0) + (SELECT count(*) FROM transfer WHERE queued = 0), (SELECT coalesce(min(at), 0) FROM unsealed WHERE lost = 0),
			EXISTS (SELECT 1 FROM sealing WHERE backfilled = 0)`)
		return q.each(func() { b = store.Backlog{Waiting: q.nextInt(), Since: q.nextTime(), Backfilling: q.nextBool()} })
	})
	return b, err
}
