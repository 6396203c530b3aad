package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
)

// admin creates a key with the scope admin, which expires after a time, or never.
func (w *world) admin(name string, lasting time.Duration) access.Key {
	w.t.Helper()
	k := w.newKey(name)
	k.Scopes = access.Admin | access.Read
	if lasting > 0 {
		k.ExpiresAt = w.clock.Now().Add(lasting + time.Millisecond) // which createKey takes
	}
	return w.createKey(k)
}

// amendRefused amends a key that must stay as it is.
func (w *world) amendRefused(of id.ID, p access.KeyPatch) {
	w.t.Helper()
	before, events := w.key(of), len(w.events(store.EventFilter{}))
	_, version := w.ring()
	_, err := w.s.AmendKey(w.t.Context(), of, p, w.by())
	w.fails(err, fault.ErrLastAdminKey)
	w.equal("the key that stays", w.key(of), before)
	_, after := w.ring()
	w.equal("the version and the events", []int64{after, int64(len(w.events(store.EventFilter{})))}, []int64{version, int64(events)})
}

func lastAdminStays(w *world) {
	revoke, force := access.KeyPatch{Revoke: true}, access.KeyPatch{Revoke: true, Force: true}
	reader := w.createKey(w.newKey("reader"))
	public := w.newKey("public")
	public.Kind, public.Scopes = access.Publishable, 0
	w.createKey(public)
	one, two := w.admin("one", 0), w.admin("two", 0)
	w.amendKey(one.ID, revoke)
	w.amendRefused(two.ID, revoke)
	w.amendKey(two.ID, access.KeyPatch{Name: new("still two"), Burst: new(int64(5))})
	w.amendKey(reader.ID, revoke)
	w.amendKey(one.ID, revoke) // changes nothing, and so nothing is lost
	w.amendKey(two.ID, force)
	w.equal("revoked by force", w.key(two.ID).RevokedAt, w.clock.Now())

	last := w.admin("last", time.Hour)
	w.amendRefused(last.ID, revoke)
	w.clock.Advance(time.Hour)
	w.amendKey(last.ID, revoke) // it had expired
}

func lastAdminLasts(w *world) {
	ctx, soon, late := w.t.Context(), store.OverlapMax, store.OverlapMax+time.Hour
	in := func(d time.Duration) *time.Time { return new(w.clock.Now().Add(d)) }
	old := w.admin("old", 0)
	w.amendRefused(old.ID, access.KeyPatch{ExpiresAt: in(soon)})
	w.amendKey(old.ID, access.KeyPatch{ExpiresAt: in(soon), Force: true})
	w.amendKey(old.ID, access.KeyPatch{ExpiresAt: in(late)})
	w.amendKey(old.ID, access.KeyPatch{ExpiresAt: &time.Time{}})

	next := func(name string, scopes access.Scopes, end time.Duration) access.Key {
		k := w.newKey(name)
		k.Scopes = scopes
		if end > 0 {
			k.ExpiresAt = *in(end)
		}
		return k
	}
	brief := next("brief", access.Admin, time.Hour)
	for _, k := range []access.Key{brief, next("no admin", access.Read, 0)} {
		_, _, err := w.s.RotateKey(ctx, old.ID, k, store.Rotation{Overlap: soon}, w.by())
		w.fails(err, fault.ErrLastAdminKey)
		_, err = w.s.Key(ctx, k.ID)
		w.fails(err, fault.ErrKeyNotFound)
	}
	w.equal("the key that stays", w.key(old.ID), old)

	made, _, err := w.s.RotateKey(ctx, old.ID, next("next", access.Admin, 0), store.Rotation{Overlap: soon}, w.by())
	w.ok(err)
	w.amendRefused(made.ID, access.KeyPatch{Revoke: true}) // the old one is still good, and will not be for long
	w.amendKey(old.ID, access.KeyPatch{Revoke: true})
	other := w.admin("other", late)
	w.amendKey(made.ID, access.KeyPatch{Revoke: true})
	w.clock.Advance(2 * time.Hour) // the last one ends soon by now, and may still be prolonged and replaced
	w.amendRefused(other.ID, access.KeyPatch{ExpiresAt: in(time.Hour)})
	w.amendKey(other.ID, access.KeyPatch{ExpiresAt: in(soon)})
	_, _, err = w.s.RotateKey(ctx, other.ID, next("last", access.Admin, soon), store.Rotation{}, w.by())
	w.ok(err)

	_, _, err = w.s.RotateKey(ctx, w.admin("more", 0).ID, brief, store.Rotation{Force: true}, w.by())
	w.ok(err)
}

func raceOfLastAdmins(w *world) {
	for round := range 5 {
		one, two := w.admin(fmt.Sprintf("one %d", round), 0), w.admin(fmt.Sprintf("two %d", round), 0)
		LastAdmins(w.t.Context(), []store.Keys{w.s}, w.by(), one.ID, two.ID, func(err error) { w.ok(err) })
		_, err := w.s.AmendKey(w.t.Context(), one.ID, access.KeyPatch{Revoke: true, Force: true}, w.by())
		w.ok(err)
		_, err = w.s.AmendKey(w.t.Context(), two.ID, access.KeyPatch{Revoke: true, Force: true}, w.by())
		w.ok(err)
	}
}

// LastAdmins has the last two keys with the scope admin ended at one moment, in turns over some stores with the same
// contents: one by a revocation, the other one by an expiry that is near. It reports an error unless one of them is
// refused as the last one.
func LastAdmins(ctx context.Context, stores []store.Keys, by access.By, one, two id.ID, report func(error)) {
	_, _, now, _, err := stores[0].Ring(ctx, 0)
	if err != nil {
		report(err)
		return
	}
	ends := []access.KeyPatch{{Revoke: true}, {ExpiresAt: new(now.Add(time.Hour))}}
	errs := make([]error, len(ends))
	var racers sync.WaitGroup
	for i, of := range []id.ID{one, two} {
		racers.Go(func() { _, errs[i] = stores[i%len(stores)].AmendKey(ctx, of, ends[i], by) })
	}
	racers.Wait()
	refused := 0
	for _, err := range errs {
		if errors.Is(err, fault.ErrLastAdminKey) {
			refused++
		} else if err != nil {
			report(err)
		}
	}
	if refused != 1 {
		report(fmt.Errorf("of two ends of the last two admin keys, %d were refused", refused))
	}
}
