package storetest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"scrip/internal/store"
)

// Tamper changes what a store holds behind its back, as whoever has the database in their hands can. Each method fails
// the test if it did not change what it says.
type Tamper interface {
	// AlterAmount changes the amount of a transfer.
	AlterAmount(r store.TransferRef)
	// Delete removes a transfer.
	Delete(r store.TransferRef)
	// Insert adds a transfer that is like another one but for its number, past whatever remembers the unsealed.
	Insert(like, as store.TransferRef)
	// Swap exchanges the numbers of two transfers of one wallet.
	Swap(a, b store.TransferRef)
	// AlterSeal changes the time of a seal.
	AlterSeal(number int64)
	// DeleteSeal removes a seal.
	DeleteSeal(number int64)
}

// orElse stands between two findings, either of which will do.
const orElse = " | "

// RunTampering tests that a driver's audit names what was changed behind its back: the transfer by its wallet and its
// number, the seal by its number, and nothing else.
func RunTampering(t *testing.T, d Driver, tamper func(t testing.TB, s store.Store) Tamper) {
	t.Helper()
	ali := func(seq int64) store.TransferRef {
		return store.TransferRef{Customer: "ali", Currency: rial, Seq: seq}
	}
	for _, c := range []struct {
		name string
		do   func(w *world, tamper Tamper)
		want []string // check, name and the beginning of the detail of each finding about seals
	}{
		{"nothing", func(*world, Tamper) {}, nil},
		{"a transfer altered", func(_ *world, by Tamper) { by.AlterAmount(ali(2)) }, []string{
			"seal_holds_its_transfers: ali IRR 2: it is not what seal 1 holds",
		}},
		{"two transfers altered", func(_ *world, by Tamper) { by.AlterAmount(ali(5)); by.AlterAmount(ali(3)) }, []string{
			"seal_holds_its_transfers: ali IRR 3: it is not what seal 2 holds", "seal_holds_its_transfers: ali IRR 5: it is not what seal 3 holds",
		}},
		{"a transfer deleted", func(_ *world, by Tamper) { by.Delete(ali(4)) }, []string{
			"seal_holds_its_transfers: ali IRR 4: seal 2 holds it, but it is missing",
		}},
		{"a transfer inserted", func(_ *world, by Tamper) { by.Insert(ali(1), ali(8)) }, []string{
			"transfer_is_sealed_or_waiting: ali IRR 8: it stands in no seal",
		}},
		{"two transfers swapped", func(_ *world, by Tamper) { by.Swap(ali(1), ali(4)) }, []string{
			"seal_holds_its_transfers: ali IRR 1: it is not what seal 1 holds", "seal_holds_its_transfers: ali IRR 4: it is not what seal 2 holds",
		}},
		{"an unsealed transfer deleted", func(_ *world, by Tamper) { by.Delete(ali(7)) }, []string{
			"transfer_is_sealed_or_waiting: ali IRR 7: it was written and waits to be sealed, but it is missing",
		}},
		{"an unsealed transfer deleted, and the rest sealed", func(w *world, by Tamper) { by.Delete(ali(7)); w.sealAll(9) }, []string{
			"transfer_is_sealed_or_waiting: ali IRR 7: it was written and waits to be sealed, but it is missing" +
				orElse + "seal_holds_its_transfers: ali IRR 7: seal 4 holds it, but it is missing", // where it was remembered
		}},
		{"a seal altered", func(_ *world, by Tamper) { by.AlterSeal(2) }, []string{"seal_chain_unbroken: seal 2: it is not what its hash says"}},
		{"a seal deleted", func(_ *world, by Tamper) { by.DeleteSeal(2) }, []string{"seal_chain_unbroken: seal 2: it is missing"}},
		{"the newest seal deleted", func(_ *world, by Tamper) { by.DeleteSeal(3) }, []string{
			"transfer_is_sealed_or_waiting: ali IRR 5: it stands in no seal", "transfer_is_sealed_or_waiting: ali IRR 6: it stands in no seal",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := open(t, d)
			for n := range 7 {
				w.clock.Advance(time.Second)
				w.done(w.do(w.pay("ali", int64(100+n))))
				if n%2 == 1 {
					w.seal(10)
				}
			}
			published, err := w.s.LatestSeal(t.Context())
			w.ok(err)
			c.do(w, tamper(t, w.s))
			var got []string
			_, err = w.s.Audit(t.Context(), func(f store.Finding) {
				if f.Check == store.CheckSeal || f.Check == store.CheckSealed || f.Check == store.CheckWaiting {
					got = append(got, f.Check+": "+f.ID+": "+f.Detail)
				}
			})
			w.ok(err)
			if len(got) != len(c.want) {
				t.Fatalf("found %q, want %q", got, c.want)
			}
			for i, want := range c.want {
				if !slices.ContainsFunc(strings.Split(want, orElse), func(begin string) bool { return strings.HasPrefix(got[i], begin) }) {
					t.Errorf("found %q, want %q", got[i], want)
				}
			}
			w.cutOff(published, c.name == "the newest seal deleted")
		})
	}
}

// cutOff checks that a seal which was published tells whether the chain was cut off before it.
func (w *world) cutOff(published *store.Seal, was bool) {
	w.t.Helper()
	var told []store.Finding
	kept := []store.PublishedSeal{{Number: published.Number, Hash: published.Hash}}
	w.ok(store.CheckPublished(w.t.Context(), w.s, kept, func(f store.Finding) { told = append(told, f) }))
	if (len(told) == 1) != was || was && (told[0].Check != store.CheckSeal || told[0].ID != "seal 3" || !strings.Contains(told[0].Detail, "cut off")) {
		w.t.Errorf("against the seal that was published: %+v", told)
	}
	kept[0].Number, told = 1, nil
	w.ok(store.CheckPublished(w.t.Context(), w.s, kept, func(f store.Finding) { told = append(told, f) }))
	if len(told) != 1 || told[0].ID != "seal 1" || !strings.Contains(told[0].Detail, "it was published as "+published.Hash.String()) {
		w.t.Errorf("against another seal: %+v", told)
	}
}
