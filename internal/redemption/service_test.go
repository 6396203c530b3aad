package redemption_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/access"
	"scrip/internal/campaign"
	"scrip/internal/fault"
	"scrip/internal/gate"
	"scrip/internal/gate/memgate"
	"scrip/internal/redemption"
	"scrip/internal/store"
	"scrip/internal/store/memstore"
	"scrip/internal/voucher"
)

// tally is an Observer that counts.
type tally struct {
	redeemed, replayed, fromMemory, fromStore, flushes atomic.Int64
}

func (t *tally) Redeemed(replayed bool) {
	if replayed {
		t.replayed.Add(1)
		return
	}
	t.redeemed.Add(1)
}

func (t *tally) Refused(_ fault.Code, fromMemory bool) {
	if fromMemory {
		t.fromMemory.Add(1)
		return
	}
	t.fromStore.Add(1)
}

func (t *tally) Flushed(int, time.Duration, error) { t.flushes.Add(1) }

// rig is a service over a real store and a real gate, with a hook between it and Apply.
type rig struct {
	*redemption.Service
	t         *testing.T
	store     store.Store
	gate      gate.Gate
	campaigns *campaign.Service
	tally     tally
	applied   atomic.Int64 // commands that reached the store
	hook      func(apply func() ([]store.Outcome, error), cmds []store.Command) ([]store.Outcome, error)
}

type hooked struct {
	store.Store
	r *rig
}

func (h hooked) Apply(ctx context.Context, cmds []store.Command) ([]store.Outcome, error) {
	h.r.applied.Add(int64(len(cmds)))
	apply := func() ([]store.Outcome, error) { return h.Store.Apply(ctx, cmds) }
	if h.r.hook != nil {
		return h.r.hook(apply, cmds)
	}
	return apply()
}

func newRig(t *testing.T, cfg redemption.Config) *rig {
	t.Helper()
	r := &rig{t: t, store: memstore.New(memstore.Options{})}
	r.restart(cfg)
	return r
}

// restart makes a new service and a new gate over the same store, as a new process would.
func (r *rig) restart(cfg redemption.Config) {
	r.t.Helper()
	if cfg.MaxBatch == 0 {
		cfg.MaxBatch, cfg.MaxQueue = 64, 1024
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	g, err := memgate.New(memgate.Config{})
	if err != nil {
		r.t.Fatal(err)
	}
	svc, err := redemption.New(cfg, hooked{r.store, r}, g, &r.tally)
	if err != nil {
		r.t.Fatal(err)
	}
	campaigns, err := campaign.New(campaign.Config{MaxBatch: cfg.MaxBatch, MaxQueue: cfg.MaxQueue}, r.store, g)
	if err != nil {
		r.t.Fatal(err)
	}
	r.Service, r.gate, r.campaigns = svc, g, campaigns
	r.t.Cleanup(func() {
		ctx := context.Background()
		if err := errors.Join(svc.Close(ctx), campaigns.Close(ctx), g.Close()); err != nil {
			r.t.Error(err)
		}
	})
}

func (r *rig) code(code string, limit int64) *voucher.Voucher {
	r.t.Helper()
	made, err := r.campaigns.Create(r.t.Context(), campaign.NewCampaign{
		Name: code, Currency: "IRR", Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 100},
		Voucher: &campaign.NewVoucher{Code: code, Limit: limit},
	}, "", access.By{})
	if err != nil {
		r.t.Fatal(err)
	}
	return made.Voucher
}

func (r *rig) ask(code, who string) (redemption.Result, error) {
	return r.Redeem(r.t.Context(), redemption.Request{Code: code, Customer: who})
}

func (r *rig) wins(code, who string, rank int64) *voucher.Redemption {
	r.t.Helper()
	got, err := r.ask(code, who)
	if err != nil {
		r.t.Fatalf("%s: %v", who, err)
	}
	if got.Redemption.Rank != rank {
		r.t.Fatalf("%s has rank %d, want %d", who, got.Redemption.Rank, rank)
	}
	return got.Redemption
}

func (r *rig) loses(code, who string, want *fault.Error) redemption.Result {
	r.t.Helper()
	got, err := r.ask(code, who)
	if !errors.Is(err, want) {
		r.t.Fatalf("%s: got %v, want %v", who, err, want)
	}
	return got
}

// A crowd of a thousand for ten uses: ten win, ranks 1 to 10, everybody gets a verdict, and the books
// are exact.
func TestACrowdIsJudgedExactly(t *testing.T) {
	r := newRig(t, redemption.Config{})
	r.code("salam", 10)
	var ranks sync.Map
	var won, lost atomic.Int64
	var all sync.WaitGroup
	for i := range 1000 {
		all.Go(func() {
			got, err := r.ask("salam", fmt.Sprintf("customer-%d", i))
			switch {
			case err == nil:
				won.Add(1)
				if _, twice := ranks.LoadOrStore(got.Redemption.Rank, true); twice {
					t.Errorf("rank %d is given twice", got.Redemption.Rank)
				}
			case errors.Is(err, fault.ErrSoldOut):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 10 || lost.Load() != 990 {
		t.Fatalf("%d won and %d lost", won.Load(), lost.Load())
	}
	r.clean()
}

// clean asserts that the store finds nothing wrong with itself.
func (r *rig) clean() {
	r.t.Helper()
	if _, err := r.store.Audit(r.t.Context(), func(f store.Finding) { r.t.Errorf("%+v", f) }); err != nil {
		r.t.Fatal(err)
	}
}

// After the sell-out a winner is always told so, with the receipt, and a loser costs the store nothing:
// on the replica that sold it, and on one that starts afterwards.
func TestAfterTheSellOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, redemption.Config{})
		r.code("salam", 2)
		first := r.wins("salam", "ali", 1)
		r.wins("salam", "bita", 2)
		for _, when := range []string{"on the same replica", "on a new one"} {
			r.loses("salam", "cyrus", fault.ErrSoldOut) // teaches the gate what it needs
			synctest.Wait()
			r.loses("salam", "dara", fault.ErrSoldOut)
			synctest.Wait()
			before := r.applied.Load()
			for i := range 5000 {
				r.loses("salam", fmt.Sprintf("loser-%d", i), fault.ErrSoldOut)
				if i%500 == 0 {
					time.Sleep(300 * time.Millisecond) // facts grow old and are renewed beside the flood
					synctest.Wait()
				}
			}
			// A filter of eight bits lets one loser in 256 through.
			if through := r.applied.Load() - before; through > 5000/256*4 {
				t.Errorf("%s, %d of 5,000 losers reached the store", when, through)
			}
			got := r.loses("salam", "ali", fault.ErrAlreadyRedeemed)
			if got.Redemption == nil || got.Redemption.ID != first.ID {
				t.Fatalf("%s, the winner's refusal carries %+v", when, got.Redemption)
			}
			r.restart(redemption.Config{})
		}
		r.clean()
	})
}

// A text that not every store can keep is refused before it reaches one.
func TestTextThatNoStoreKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, redemption.Config{})
		r.code("salam", 1)
		won := r.wins("salam", "ali", 1)
		for _, text := range []string{"\x00", "by\x00mistake", "\xff"} {
			_, err := r.Rollback(t.Context(), redemption.RollbackRequest{Redemption: won.ID, Reason: text})
			if !errors.Is(err, fault.ErrInvalidRequest) {
				t.Errorf("the reason %q: %v", text, err)
			}
			order := &voucher.Order{ID: text, AmountMinor: 5, Currency: "IRR"}
			_, err = r.Redeem(t.Context(), redemption.Request{Code: "salam", Customer: "bita", Order: order})
			if !errors.Is(err, fault.ErrInvalidRequest) {
				t.Errorf("the order %q: %v", text, err)
			}
		}
		r.clean()
	})
}

// What is given back is open again at once on the replica that gave it back.
func TestARollbackReopensAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, redemption.Config{})
		r.code("salam", 1)
		won := r.wins("salam", "ali", 1)
		for range 3 { // until the gate refuses from memory
			r.loses("salam", "bita", fault.ErrSoldOut)
			synctest.Wait()
		}
		back, err := r.Rollback(t.Context(), redemption.RollbackRequest{Redemption: won.ID, Reason: "by mistake", Key: "k"})
		if err != nil || back.Rollback.BalanceMinor != 0 {
			t.Fatalf("%+v, %v", back, err)
		}
		again, err := r.Rollback(t.Context(), redemption.RollbackRequest{Redemption: won.ID, Reason: "by mistake", Key: "k"})
		if err != nil || !again.Replayed || again.Rollback.ID != back.Rollback.ID {
			t.Fatalf("under the same key: %+v, %v", again, err)
		}
		if _, err := r.Rollback(t.Context(), redemption.RollbackRequest{Redemption: won.ID}); !errors.Is(err, fault.ErrAlreadyRolledBack) {
			t.Fatalf("a second time: %v", err)
		}
		r.wins("salam", "bita", 2)
		r.loses("salam", "ali", fault.ErrSoldOut)
		r.clean()
	})
}

// An administrator's change is obeyed by the next request.
func TestAChangeIsObeyedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, redemption.Config{})
		v := r.code("salam", 1)
		r.wins("salam", "ali", 1)
		for range 3 {
			r.loses("salam", "bita", fault.ErrSoldOut)
			synctest.Wait()
		}
		limit, yes, no := int64(2), true, false
		r.amend(v, voucher.Patch{Limit: &limit})
		r.wins("salam", "bita", 2)
		r.amend(v, voucher.Patch{Disabled: &yes})
		r.loses("salam", "cyrus", fault.ErrDisabled)
		limit = 3
		r.amend(v, voucher.Patch{Limit: &limit, Disabled: &no})
		if _, err := r.campaigns.Amend(t.Context(), v.CampaignID, voucher.CampaignPatch{Disabled: &yes}, access.By{}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			r.loses("salam", "cyrus", fault.ErrDisabled)
			synctest.Wait()
		}
		if _, err := r.campaigns.Amend(t.Context(), v.CampaignID, voucher.CampaignPatch{Disabled: &no}, access.By{}); err != nil {
			t.Fatal(err)
		}
		r.wins("salam", "cyrus", 3)
		r.loses("nosuch", "ali", fault.ErrVoucherNotFound)
		r.loses("nosuch", "ali", fault.ErrVoucherNotFound)
		r.code("nosuch", 1)
		r.wins("nosuch", "ali", 1)
		r.clean()
	})
}

func (r *rig) amend(v *voucher.Voucher, p voucher.Patch) {
	r.t.Helper()
	if _, err := r.campaigns.AmendVoucher(r.t.Context(), v.ID, p, access.By{}); err != nil {
		r.t.Fatal(err)
	}
}

// The same key gets the first answer again; another request under it is refused.
func TestKeys(t *testing.T) {
	r := newRig(t, redemption.Config{})
	r.code("salam", 5)
	r.code("nowruz", 5)
	ask := func(code, key, face string) (redemption.Result, error) {
		return r.Redeem(t.Context(), redemption.Request{Code: code, Customer: "ali", Key: key, Face: face})
	}
	first, err := ask("salam", "k1", "v1")
	if err != nil || first.Replayed {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := ask("SaLaM", "k1", "v1")
	if err != nil || !again.Replayed || again.Redemption.ID != first.Redemption.ID {
		t.Fatalf("the same again: %+v, %v", again, err)
	}
	for name, other := range map[string][2]string{"another code": {"nowruz", "v1"}, "another face": {"salam", "use"}} {
		if _, err := ask(other[0], "k1", other[1]); !errors.Is(err, fault.ErrKeyReused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ask("nowruz", "two words", "v1"); !errors.Is(err, fault.ErrInvalidKey) {
		t.Errorf("a key with a space: %v", err)
	}
	r.clean()
}

// A dry run says what would happen, and changes nothing.
func TestValidate(t *testing.T) {
	r := newRig(t, redemption.Config{})
	r.code("salam", 1)
	would := func(code, who string) redemption.Validation {
		got, err := r.Validate(t.Context(), redemption.Request{Code: code, Customer: who})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := would("salam", "ali"); got.Refusal != nil || got.AmountMinor != 100 {
		t.Fatalf("%+v", got)
	}
	won := r.wins("salam", "ali", 1)
	if got := would("salam", "ali"); got.Refusal != fault.ErrAlreadyRedeemed || got.First.ID != won.ID {
		t.Fatalf("a winner: %+v", got)
	}
	if got := would("salam", "bita"); got.Refusal != fault.ErrSoldOut {
		t.Fatalf("a loser: %+v", got)
	}
	if got := would("nosuch", "bita"); got.Refusal != fault.ErrVoucherNotFound {
		t.Fatalf("an unknown code: %+v", got)
	}
}
