package storetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
)

func apiKeys() topic {
	return topic{"api keys", []scenario{
		{"a key is kept as it was made", keyKept},
		{"a list of keys, both ways", listKeys},
		{"the first key is the first", firstKey},
		{"of racing first keys one is made", raceOfFirstKeys},
		{"a key is amended, or not", keyAmended},
		{"a revoked key stays revoked", keyRevoked},
		{"a replaced key goes on for the overlap", keyRotated},
		{"what can't be rotated", rotationRefused},
		{"the last admin key stays, unless by force", lastAdminStays},
		{"a key that ends soon is no other admin key", lastAdminLasts},
		{"of racing ends of admin keys one is refused", raceOfLastAdmins},
		{"the ring tells what is usable, when it changed", ringTold},
		{"a last use only goes forward", keyTouched},
		{"racing amendments follow one another", raceOfKeyAmendments},
		{"keys are remembered", keysAfterCrash},
	}}
}

// newKey is a key, not yet created. No two names make one secret.
func (w *world) newKey(name string) access.Key {
	return access.Key{ID: w.id(), Name: name, Kind: access.Secret, Scopes: access.Redeem | access.Read, Hash: sha256.Sum256([]byte(name)), Tail: "7zqd"}
}

// by is who does what a scenario does.
func (w *world) by() access.By {
	return access.By{Name: access.NameCLI, RequestID: "req_storetest"}
}

// createKey creates a key a millisecond later, which orders it behind the others.
func (w *world) createKey(k access.Key) access.Key {
	w.t.Helper()
	w.clock.Advance(time.Millisecond)
	k.ID = w.id()
	made, err := w.s.CreateKey(w.t.Context(), k, false, w.by())
	w.ok(err)
	return made
}

// key reads a key.
func (w *world) key(of id.ID) access.Key {
	w.t.Helper()
	k, err := w.s.Key(w.t.Context(), of)
	w.ok(err)
	return k
}

// amendKey amends a key.
func (w *world) amendKey(of id.ID, p access.KeyPatch) access.Key {
	w.t.Helper()
	k, err := w.s.AmendKey(w.t.Context(), of, p, w.by())
	w.ok(err)
	return k
}

// ring reads the ring from the beginning: the ids of its keys, newest first, and its version.
func (w *world) ring() (of []id.ID, version int64) {
	w.t.Helper()
	keys, version, now, changed, err := w.s.Ring(w.t.Context(), 0)
	w.ok(err)
	w.equal("changed since the beginning", changed, true)
	w.equal("the store's clock", now, w.clock.Now())
	for _, k := range keys {
		w.equal("a key of the ring", k, w.key(k.ID))
		of = append(of, k.ID)
	}
	return newestFirst(of), version
}

func keyKept(w *world) {
	want := w.newKey("cash desk «۱»")
	want.Kind, want.Scopes = access.Publishable, 0
	want.RatePerSecond, want.Burst, want.Replaces = 50, 1_000_000, w.id()
	want.ExpiresAt = w.clock.Now().Add(time.Hour + 999*time.Nanosecond).In(time.FixedZone("IRST", 12600))
	given := want
	given.CreatedAt, given.RevokedAt, given.LastUsedAt = w.clock.Now().Add(-time.Hour), w.clock.Now(), w.clock.Now() // the store's own
	made, err := w.s.CreateKey(w.t.Context(), given, false, w.by())
	w.ok(err)
	want.CreatedAt, want.ExpiresAt = w.clock.Now(), w.clock.Now().Add(time.Hour)
	w.equal("the key made", made, want)
	w.equal("the key kept", w.key(made.ID), want)

	plain := w.createKey(w.newKey("plain"))
	w.equal("a key without anything", w.key(plain.ID), plain)
	w.equal("scopes", plain.Scopes, access.Redeem|access.Read)
	_, err = w.s.Key(w.t.Context(), w.id())
	w.fails(err, fault.ErrKeyNotFound)

	twice := w.newKey("plain")
	if _, err := w.s.CreateKey(w.t.Context(), twice, false, w.by()); err == nil {
		w.t.Fatal("two keys have one secret")
	}
	if _, err := w.s.Key(w.t.Context(), twice.ID); !errors.Is(err, fault.ErrKeyNotFound) {
		w.t.Fatalf("a key that was refused is there: %v", err)
	}
}

func listKeys(w *world) {
	read := func(p store.Page) ([]id.ID, bool, error) {
		ks, more, err := w.s.ListKeys(w.t.Context(), p)
		return ids(ks, more, err, func(k access.Key) id.ID { return k.ID })
	}
	w.walk(listed{"no keys", nil, read})
	var want []id.ID
	for i := range 7 {
		want = append(want, w.createKey(w.newKey(fmt.Sprintf("key %d", i))).ID)
	}
	w.amendKey(want[2], access.KeyPatch{Revoke: true}) // stays in the list, as the next, which expires
	w.amendKey(want[3], access.KeyPatch{ExpiresAt: new(w.clock.Now().Add(time.Second))})
	w.clock.Advance(time.Minute)
	w.walk(listed{"keys", newestFirst(want), read})
	ks, _, err := w.s.ListKeys(w.t.Context(), store.Page{Limit: 1})
	w.ok(err)
	w.equal("a whole key", ks[0], w.key(want[6]))
}

func firstKey(w *world) {
	ctx := w.t.Context()
	first, err := w.s.CreateKey(ctx, w.newKey("first"), true, w.by())
	w.ok(err)
	_, err = w.s.CreateKey(ctx, w.newKey("second"), true, w.by())
	w.is(err, store.ErrNotFirst)
	w.amendKey(first.ID, access.KeyPatch{Revoke: true})
	second := w.newKey("second")
	_, err = w.s.CreateKey(ctx, second, true, w.by()) // whoever revokes the last key does not thereby ask for another
	w.is(err, store.ErrNotFirst)
	_, err = w.s.Key(ctx, second.ID)
	w.fails(err, fault.ErrKeyNotFound)
	_, err = w.s.CreateKey(ctx, w.newKey("third"), false, w.by())
	w.ok(err)
	w.equal("events", w.actions(store.EventFilter{Action: store.KeyCreated}), []string{store.KeyCreated, store.KeyCreated})
}

func raceOfFirstKeys(w *world) {
	const runners = 8
	errs := make([]error, runners)
	var makers sync.WaitGroup
	for i := range runners {
		makers.Go(func() {
			_, errs[i] = w.s.CreateKey(w.t.Context(), w.newKey(fmt.Sprintf("first %d", i)), true, w.by())
		})
	}
	makers.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else {
			w.is(err, store.ErrNotFirst)
		}
	}
	ks, _, err := w.s.ListKeys(w.t.Context(), store.Page{Limit: store.PageLimitMax})
	w.ok(err)
	w.equal("first keys, keys and events", []int{made, len(ks), len(w.events(store.EventFilter{}))}, []int{1, 1, 1})
}

func keyAmended(w *world) {
	ctx := w.t.Context()
	k := w.createKey(w.newKey("desk"))
	w.clock.Advance(time.Second)
	end := w.clock.Now().Add(time.Hour)
	p := access.KeyPatch{Name: new("till"), ExpiresAt: new(end.Add(700 * time.Nanosecond)), RatePerSecond: new(int64(9)), Burst: new(int64(99))}
	want := k
	want.Name, want.ExpiresAt, want.RatePerSecond, want.Burst = "till", end, 9, 99
	w.equal("amended", w.amendKey(k.ID, p), want)
	w.equal("kept", w.key(k.ID), want)

	_, version := w.ring()
	w.equal("amended to what it is", w.amendKey(k.ID, p), want)
	w.equal("amended by nothing", w.amendKey(k.ID, access.KeyPatch{}), want)
	_, after := w.ring()
	w.equal("the version after nothing changed", after, version)
	w.equal("events", w.actions(store.EventFilter{Action: store.KeyAmended}), []string{store.KeyAmended})

	want.ExpiresAt = time.Time{}
	w.equal("for ever", w.amendKey(k.ID, access.KeyPatch{ExpiresAt: new(time.Time{})}), want)
	for _, p := range []access.KeyPatch{
		{Name: new("")}, {Name: new("a\x00b")}, {ExpiresAt: new(w.clock.Now())}, {RatePerSecond: new(int64(-1))}, {Burst: new(int64(-1))},
	} {
		_, err := w.s.AmendKey(ctx, k.ID, p, w.by())
		if want := fault.From(err); want.Kind != fault.Invalid {
			w.t.Fatalf("%+v: got the error %v, want a refusal", p, err)
		}
	}
	w.equal("after what was refused", w.key(k.ID), want)
	_, err := w.s.AmendKey(ctx, w.id(), access.KeyPatch{Revoke: true}, w.by())
	w.fails(err, fault.ErrKeyNotFound)
}

func keyRevoked(w *world) {
	k := w.createKey(w.newKey("desk"))
	w.clock.Advance(time.Second)
	want := k
	want.RevokedAt = w.clock.Now()
	w.equal("revoked", w.amendKey(k.ID, access.KeyPatch{Revoke: true}), want)
	w.clock.Advance(time.Second)
	w.equal("revoked again", w.amendKey(k.ID, access.KeyPatch{Revoke: true}), want)
	w.equal("kept", w.key(k.ID), want)
	w.equal("events", w.actions(store.EventFilter{Action: store.KeyRevoked}), []string{store.KeyRevoked})
	_, err := w.s.AmendKey(w.t.Context(), k.ID, access.KeyPatch{Name: new("till")}, w.by())
	w.fails(err, fault.ErrKeyRevoked)
	_, _, err = w.s.RotateKey(w.t.Context(), k.ID, w.newKey("next"), store.Rotation{Overlap: time.Minute}, w.by())
	w.fails(err, fault.ErrKeyRevoked)
	w.equal("kept", w.key(k.ID), want)
}

func keyRotated(w *world) {
	ctx := w.t.Context()
	old := w.createKey(w.newKey("desk"))
	w.clock.Advance(time.Second)
	next := w.newKey("desk, next")
	next.RevokedAt = w.clock.Now() // the store's own
	made, replaced, err := w.s.RotateKey(ctx, old.ID, next, store.Rotation{Overlap: time.Hour + 999*time.Nanosecond}, w.by())
	w.ok(err)
	want := next
	want.Replaces, want.CreatedAt, want.RevokedAt = old.ID, w.clock.Now(), time.Time{}
	w.equal("the key made", made, want)
	old.ExpiresAt = w.clock.Now().Add(time.Hour)
	w.equal("the key replaced", replaced, old)
	w.equal("kept", []access.Key{w.key(made.ID), w.key(old.ID)}, []access.Key{made, replaced})

	w.clock.Advance(time.Minute)
	_, replaced, err = w.s.RotateKey(ctx, old.ID, w.newKey("desk, other"), store.Rotation{Overlap: store.OverlapMax}, w.by())
	w.ok(err)
	w.equal("a rotation prolongs nothing", replaced.ExpiresAt, old.ExpiresAt)
	_, replaced, err = w.s.RotateKey(ctx, made.ID, w.newKey("desk, third"), store.Rotation{}, w.by())
	w.ok(err)
	w.equal("replaced at once", replaced.ExpiresAt, w.clock.Now())
	w.equal("usable", replaced.Usable(w.clock.Now()), false)
}

func rotationRefused(w *world) {
	ctx := w.t.Context()
	old := w.createKey(w.newKey("desk"))
	_, version := w.ring()
	next := w.newKey("next")
	for _, overlap := range []time.Duration{-1, store.OverlapMax + 1} {
		_, _, err := w.s.RotateKey(ctx, old.ID, next, store.Rotation{Overlap: overlap}, w.by())
		w.fails(err, fault.ErrInvalidRequest)
	}
	_, _, err := w.s.RotateKey(ctx, w.id(), next, store.Rotation{Overlap: time.Minute}, w.by())
	w.fails(err, fault.ErrKeyNotFound)
	same := next
	same.Hash = old.Hash
	if _, _, err := w.s.RotateKey(ctx, old.ID, same, store.Rotation{Overlap: time.Minute}, w.by()); err == nil {
		w.t.Fatal("a key is replaced by itself")
	}
	_, err = w.s.Key(ctx, next.ID)
	w.fails(err, fault.ErrKeyNotFound)
	w.equal("the key that stays", w.key(old.ID), old)
	_, after := w.ring()
	w.equal("the ring's version", after, version)
	w.equal("events", len(w.events(store.EventFilter{})), 1)
}

func ringTold(w *world) {
	ctx := w.t.Context()
	var seen int64
	turn := func(what string, want ...id.ID) {
		w.t.Helper()
		keys, version, now, changed, err := w.s.Ring(ctx, seen)
		w.ok(err)
		got, _, _ := ids(keys, false, nil, func(k access.Key) id.ID { return k.ID })
		w.equal(what, newestFirst(got), newestFirst(want))
		if !changed || version <= seen || !now.Equal(w.clock.Now()) {
			w.t.Fatalf("%s: changed %t, version %d after %d, at %v", what, changed, version, seen, now)
		}
		seen = version
	}
	still := func(what string) {
		w.t.Helper()
		keys, version, now, changed, err := w.s.Ring(ctx, seen)
		w.ok(err)
		w.equal(what, []any{len(keys), version, now, changed}, []any{0, seen, w.clock.Now(), false})
	}
	turn("nothing")
	still("nothing still")
	one := w.createKey(w.newKey("one")).ID
	turn("one", one)
	two := w.createKey(w.newKey("two")).ID
	turn("two", one, two)
	w.amendKey(one, access.KeyPatch{RatePerSecond: new(int64(7))})
	turn("amended", one, two)
	w.ok(w.s.TouchKeys(ctx, map[id.ID]time.Time{one: w.clock.Now()}))
	still("touched")
	three, _, err := w.s.RotateKey(ctx, two, w.newKey("three"), store.Rotation{Overlap: time.Minute}, w.by())
	w.ok(err)
	turn("rotated", one, two, three.ID)
	w.clock.Advance(time.Minute) // which is no change
	still("expired")
	w.amendKey(one, access.KeyPatch{Revoke: true})
	turn("revoked", three.ID)
	_, err = w.s.AmendKey(ctx, one, access.KeyPatch{Name: new("x")}, w.by())
	w.fails(err, fault.ErrKeyRevoked)
	still("refused")
	w.shared("salam", 1)
	w.win("salam", "ali")
	still("what is no key's")
	w.equal("from the beginning", first(w.ring()), []id.ID{three.ID})
}

func first[A, B any](a A, _ B) A { return a }

func keyTouched(w *world) {
	ctx := w.t.Context()
	one, two := w.createKey(w.newKey("one")).ID, w.createKey(w.newKey("two")).ID
	at := w.clock.Now()
	w.ok(w.s.TouchKeys(ctx, nil))
	w.ok(w.s.TouchKeys(ctx, map[id.ID]time.Time{one: at.Add(999 * time.Nanosecond), w.id(): at}))
	w.equal("touched", []time.Time{w.key(one).LastUsedAt, w.key(two).LastUsedAt}, []time.Time{at, {}})
	w.ok(w.s.TouchKeys(ctx, map[id.ID]time.Time{one: at.Add(-time.Hour), two: at.Add(time.Second)})) // another replica's clock
	w.equal("touched again", []time.Time{w.key(one).LastUsedAt, w.key(two).LastUsedAt}, []time.Time{at, at.Add(time.Second)})
	w.amendKey(one, access.KeyPatch{Name: new("uno"), Revoke: true})
	w.equal("after an amendment", w.key(one).LastUsedAt, at)
	var touchers sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		touchers.Go(func() {
			errs[i] = w.s.TouchKeys(ctx, map[id.ID]time.Time{one: at.Add(time.Duration(i) * time.Minute), two: at.Add(time.Duration(i) * time.Hour)})
		})
	}
	touchers.Wait()
	w.ok(errors.Join(errs...))
	w.equal("the latest", []time.Time{w.key(one).LastUsedAt, w.key(two).LastUsedAt}, []time.Time{at.Add(7 * time.Minute), at.Add(7 * time.Hour)})
	w.equal("events", w.actions(store.EventFilter{Object: one.Format(id.Key)}), []string{store.KeyRevoked, store.KeyCreated})
}

// raceOfKeyAmendments changes three members at once, again and again: nobody's change is lost, and each event begins
// where another one ended.
func raceOfKeyAmendments(w *world) {
	const rounds = 5
	k := w.createKey(w.newKey("desk"))
	patches := []func(n int64) access.KeyPatch{
		func(n int64) access.KeyPatch { return access.KeyPatch{Name: new(fmt.Sprintf("desk %d", n))} },
		func(n int64) access.KeyPatch { return access.KeyPatch{RatePerSecond: &n} },
		func(n int64) access.KeyPatch { return access.KeyPatch{Burst: &n} },
	}
	errs := make([]error, len(patches))
	var racers sync.WaitGroup
	for i, patch := range patches {
		racers.Go(func() {
			for n := int64(1); n <= rounds; n++ {
				_, err := w.s.AmendKey(w.t.Context(), k.ID, patch(n), w.by())
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	racers.Wait()
	w.ok(errors.Join(errs...))
	k.Name, k.RatePerSecond, k.Burst = fmt.Sprintf("desk %d", rounds), rounds, rounds
	w.equal("the key", w.key(k.ID), k)
	w.chained(store.EventFilter{Object: k.ID.Format(id.Key)}, rounds*len(patches)+1)
}

func keysAfterCrash(w *world) {
	old := w.createKey(w.newKey("desk"))
	w.crash()
	made, replaced, err := w.s.RotateKey(w.t.Context(), old.ID, w.newKey("next"), store.Rotation{Overlap: time.Hour}, w.by())
	w.ok(err)
	w.crash()
	w.equal("the keys", []access.Key{w.key(made.ID), w.key(old.ID)}, []access.Key{made, replaced})
	w.clock.Advance(time.Microsecond) // the trail tells no order within one
	amended := w.amendKey(made.ID, access.KeyPatch{Revoke: true})
	w.crash()
	w.equal("the key", w.key(made.ID), amended)
	w.equal("events", w.actions(store.EventFilter{Object: made.ID.Format(id.Key)}), []string{store.KeyRevoked, store.KeyRotated})
}
