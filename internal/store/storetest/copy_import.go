package storetest

import (
	"context"
	"errors"
	"strings"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/store/copying"
)

// open opens an import.
func (w *world) importInto(s store.Store) store.Import {
	w.t.Helper()
	im, err := targetOf(w, s).OpenImport(w.t.Context())
	w.ok(err)
	return im
}

// is checks that err is a wrapped one of the contract.
func (w *world) is(err, want error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Fatalf("got the error %v, want %v", err, want)
	}
}

func importGoesOn(w *world) {
	if w.skipsCopy() {
		return
	}
	w.lived()
	all, to := w.records(w.s, store.Place{}), w.fresh()
	const batch = 3
	for from := 0; from < len(all); from += batch { // an import for every batch, as if each were killed
		im := w.importInto(to)
		state := im.State()
		w.equal("begun", state.Begun(), from > 0)
		if from > 0 {
			w.equal("the place", state.At, all[from-1].Place())
		}
		w.ok(im.Begin(w.t.Context(), store.Digest{1}))
		w.ok(im.Add(w.t.Context(), all[from:min(from+batch, len(all))]))
		w.ok(im.Close())
		w.ok(im.Close())
	}
	w.sameRecords(to, w.s)
	im := w.importInto(to)
	w.equal("finished", im.State(), store.ImportState{Source: store.Digest{1}, At: all[len(all)-1].Place()})
	w.ok(im.Filled(w.t.Context()))
	w.ok(im.Finish(w.t.Context()))
	w.ok(im.Close())
	w.s = to
	w.equal("the rank that follows", w.win("salam", "dara").Rank, int64(3))
}

func recordOnce(w *world) {
	if w.skipsCopy() {
		return
	}
	w.lived()
	all, to := w.records(w.s, store.Place{}), w.fresh()
	im := w.importInto(to)
	defer func() { w.ok(im.Close()) }()
	w.ok(im.Begin(w.t.Context(), store.Digest{1}))
	for i, r := range all {
		w.ok(im.Add(w.t.Context(), all[max(0, i-2):i+1])) // the last ones once more
		for _, other := range spoilt(r) {
			err := im.Add(w.t.Context(), []store.Record{other})
			if err == nil || !strings.Contains(err.Error(), r.String()) {
				w.t.Fatalf("%s is there with other contents, and that is no error that names it: %v", r, err)
			}
		}
	}
	w.sameRecords(to, w.s)
	w.ok(im.Finish(w.t.Context()))
	w.s = to
}

// spoilt is a record with the same place and other contents.
func spoilt(r store.Record) []store.Record {
	switch r := r.(type) {
	case *store.CampaignRecord:
		other := *r
		other.Name += "!"
		return []store.Record{&other}
	case *store.VoucherRecord:
		other := *r
		other.Version++
		return []store.Record{&other}
	case *store.WalletRecord:
		other := *r
		other.BalanceMinor++
		return []store.Record{&other}
	case *store.TransferRecord:
		other := *r
		other.Amount++
		return []store.Record{&other}
	case *store.AccountRecord:
		other := *r
		other.Balance = other.Balance.Plus(ledger.Sum{Hi: 1})
		return []store.Record{&other}
	case *store.RedemptionRecord:
		other := *r
		other.Limit++
		return []store.Record{&other}
	case *store.RollbackRecord:
		other := *r
		other.Reason += "!"
		return []store.Record{&other}
	case *store.PostRecord:
		other := *r
		other.Seq++
		return []store.Record{&other}
	case *store.KeyRecord:
		other := *r
		other.Fingerprint[3]++
		return []store.Record{&other}
	case *store.AccessKeyRecord:
		other := *r
		other.Scopes ^= access.Wallets
		return []store.Record{&other}
	case *store.EventRecord:
		other := *r
		other.By.Name += "!"
		return []store.Record{&other}
	default:
		return nil
	}
}

func inUseRefused(w *world) {
	if w.skipsCopy() {
		return
	}
	to := &world{t: w.t, d: w.d, s: w.fresh(), clock: w.clock}
	to.shared("salam", 1)
	_, err := targetOf(w, to.s).OpenImport(w.t.Context())
	w.is(err, store.ErrNotEmpty)
	_, err = copying.Run(w.t.Context(), sourceOf(w, w.s), targetOf(w, to.s), copying.Config{})
	w.is(err, store.ErrNotEmpty)
	to.win("salam", "ali")
	to.audit()
}

func otherSourceRefused(w *world) {
	if w.skipsCopy() {
		return
	}
	w.lived()
	to := w.fresh()
	im := w.importInto(to)
	w.ok(im.Begin(w.t.Context(), store.Digest{1}))
	w.ok(im.Begin(w.t.Context(), store.Digest{2})) // nothing is there yet
	w.ok(im.Add(w.t.Context(), w.records(w.s, store.Place{})[:2]))
	w.ok(im.Close())
	im = w.importInto(to)
	w.is(im.Begin(w.t.Context(), store.Digest{1}), store.ErrOtherSource)
	w.ok(im.Begin(w.t.Context(), store.Digest{2}))
	w.ok(im.Close())
	_, err := copying.Run(w.t.Context(), sourceOf(w, w.s), targetOf(w, to), copying.Config{})
	w.is(err, store.ErrOtherSource)
}

func finishedKnown(w *world) {
	if w.skipsCopy() {
		return
	}
	w.lived()
	to := w.fresh()
	first := w.carry(w.s, to, 5)
	w.equal("copied", first.Copied, first.Records)
	again := w.carry(w.s, to, 5)
	w.equal("copied again", []any{again.Copied, again.Already, again.Records}, []any{int64(0), true, first.Records})
	in := &world{t: w.t, d: w.d, s: to, clock: w.clock}
	in.win("salam", "dara")
	_, err := copying.Run(w.t.Context(), sourceOf(w, w.s), targetOf(w, to), copying.Config{})
	w.is(err, store.ErrNotEmpty)
	w.lose("salam", "ali", fault.ErrAlreadyRedeemed)
	w.win("salam", "dara")
	_, err = copying.Run(w.t.Context(), sourceOf(w, w.s), targetOf(w, to), copying.Config{})
	w.is(err, store.ErrNotEmpty)
	in.audit()
}

// lying is a source that tells something else at one of its exports.
type lying struct {
	copying.Source
	told  []store.Record
	at    int // the export that lies, from 1
	calls int
}

// Export implements store.Exporter.
func (l *lying) Export(ctx context.Context, after store.Place, yield func(store.Record) error) error {
	if l.calls++; l.calls != l.at {
		return l.Source.Export(ctx, after, yield)
	}
	for _, r := range l.told {
		if err := yield(r); err != nil {
			return err
		}
	}
	return nil
}

func differenceTold(w *world) {
	if w.skipsCopy() {
		return
	}
	w.lived()
	var told []store.Record
	var want []copying.Difference
	for _, r := range w.records(w.s, store.Place{}) { // zal's rollback is lost, and the key of it is another
		switch place := r.Place(); {
		case place.Kind == store.RollbackKind && place.Customer == "zal":
			want = append(want, copying.Difference{What: copying.Missing, Record: r.String()})
		case place.Kind == store.KeyKind && place.Customer == "zal" && place.Text == "back":
			told = append(told, spoilt(r)...)
			want = append(want, copying.Difference{What: copying.Changed, Record: r.String()})
		default:
			told = append(told, r)
		}
	}
	const surveying, copied, comparing = 1, 2, 3
	to := w.fresh()
	report, err := copying.Run(w.t.Context(), &lying{Source: sourceOf(w, w.s), told: told, at: copied}, targetOf(w, to), copying.Config{})
	w.ok(err)
	w.equal("exact", report.Exact(), false)
	w.equal("differences", report.Differences, want)
	im := w.importInto(to)
	w.equal("finished", im.State().Finished, false)
	w.ok(im.Close())
	_, err = copying.Run(w.t.Context(), &lying{Source: sourceOf(w, w.s), told: told, at: surveying}, targetOf(w, to), copying.Config{})
	w.is(err, store.ErrOtherSource)
	_, err = copying.Run(w.t.Context(), &lying{Source: sourceOf(w, w.s), told: told, at: comparing}, targetOf(w, w.fresh()), copying.Config{})
	w.is(err, copying.ErrMoved)
}

func twoImports(w *world) {
	if w.skipsCopy() {
		return
	}
	to := w.fresh()
	im := w.importInto(to)
	_, err := targetOf(w, to).OpenImport(w.t.Context())
	w.is(err, store.ErrInUse)
	w.ok(im.Close())
	w.ok(w.importInto(to).Close())
}
