package storetest

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/store/memstore"
	"scrip/internal/voucher"
)

// TestMutants proves that the suite can fail: each mutant is the reference model with one fault, and must
// be caught. The model without a fault must pass, its crash being a pause.
func TestMutants(t *testing.T) {
	quietRapid(t)
	if caught := convict(t, func(fresh func() store.Store) store.Store { return fresh() }); len(caught) > 0 {
		t.Fatalf("the sound store was refused:\n%s", strings.Join(caught, "\n"))
	}
	for name, mutate := range mutants() {
		t.Run(name, func(t *testing.T) {
			caught := convict(t, mutate)
			if len(caught) == 0 {
				t.Fatal("the suite let it pass")
			}
			t.Logf("caught by %d scenarios:\n%s", len(caught), strings.Join(caught, "\n"))
		})
	}
}

// quietRapid keeps the model check from shrinking and filing what it finds in mutants.
func quietRapid(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{"rapid.nofailfile": "true", "rapid.shrinktime": "1ns"} {
		before := flag.Lookup(name).Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = flag.Set(name, before) })
	}
}

// convict runs every scenario against a mutant and names those that failed.
func convict(t *testing.T, mutate mutation) (caught []string) {
	t.Helper()
	d := Driver{
		Name:     "mutant",
		SkipCopy: "a mutant is wrong in what it applies",
		Open: func(_ testing.TB, clock func() time.Time) store.Store {
			return mutate(func() store.Store { return memstore.New(memstore.Options{Clock: clock}) })
		},
		Crash: func(_ testing.TB, s store.Store) store.Store {
			if c, ok := s.(interface{ crash() store.Store }); ok {
				return c.crash()
			}
			return s
		},
	}
	for _, topic := range topics() {
		for _, scenario := range topic.scenarios {
			court := &courtTB{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() {
					if broken := recover(); broken != nil { // a mutant may well break a scenario's back
						court.Errorf("panic: %v", broken)
					}
				}()
				play(court, d, scenario)
			}()
			<-done
			if court.Failed() {
				caught = append(caught, fmt.Sprintf("%s: %s: %s", topic.name, scenario.name, court.first))
			}
		}
	}
	return caught
}

// courtTB records failure without failing the test it runs in.
type courtTB struct {
	testing.TB
	mu     sync.Mutex
	failed bool
	first  string // what it failed with
}

func (t *courtTB) Fail() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = true
}

func (t *courtTB) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

func (t *courtTB) say(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.first == "" {
		t.first = what
	}
	t.failed = true
}

func (t *courtTB) FailNow()                          { t.Fail(); runtime.Goexit() }
func (t *courtTB) Error(args ...any)                 { t.say(fmt.Sprint(args...)) }
func (t *courtTB) Errorf(format string, args ...any) { t.say(fmt.Sprintf(format, args...)) }
func (t *courtTB) Fatal(args ...any)                 { t.Error(args...); runtime.Goexit() }
func (t *courtTB) Fatalf(format string, args ...any) { t.Errorf(format, args...); runtime.Goexit() }
func (t *courtTB) Log(...any)                        {}
func (t *courtTB) Logf(string, ...any)               {}

// mutation makes a store that is wrong in one way out of fresh, sound ones.
type mutation func(fresh func() store.Store) store.Store

// mutant is a sound store that applies wrongly.
type mutant struct {
	store.Store
	apply func(ctx context.Context, s store.Store, commands []store.Command) ([]store.Outcome, error)
}

func (m *mutant) Apply(ctx context.Context, commands []store.Command) ([]store.Outcome, error) {
	return m.apply(ctx, m.Store, commands)
}

// edits makes a mutant that changes commands before they are applied.
func edits(redeem func(*store.Redeem), rollback func(*store.Rollback), post func(*store.Post)) mutation {
	return func(fresh func() store.Store) store.Store {
		return &mutant{fresh(), func(ctx context.Context, s store.Store, commands []store.Command) ([]store.Outcome, error) {
			edited := slices.Clone(commands)
			for i, command := range commands {
				switch c := command.(type) {
				case *store.Redeem:
					e := *c
					redeem(&e)
					edited[i] = &e
				case *store.Rollback:
					e := *c
					rollback(&e)
					edited[i] = &e
				case *store.Post:
					e := *c
					post(&e)
					edited[i] = &e
				}
			}
			return s.Apply(ctx, edited)
		}}
	}
}

// forges makes a mutant that changes an outcome after its command is applied, in series.
func forges(forge func(ctx context.Context, s store.Store, command store.Command, o *store.Outcome)) mutation {
	return func(fresh func() store.Store) store.Store {
		return &mutant{fresh(), func(ctx context.Context, s store.Store, commands []store.Command) ([]store.Outcome, error) {
			var outcomes []store.Outcome
			for _, command := range commands {
				os, err := s.Apply(ctx, []store.Command{command})
				if err != nil {
					return nil, fmt.Errorf("apply one: %w", err)
				}
				forge(ctx, s, command, &os[0])
				outcomes = append(outcomes, os[0])
			}
			return outcomes, nil
		}}
	}
}

// batches makes a mutant that treats batches wrongly.
func batches(apply func(ctx context.Context, s store.Store, commands []store.Command) ([]store.Outcome, error)) mutation {
	return func(fresh func() store.Store) store.Store { return &mutant{fresh(), apply} }
}

func mutants() map[string]mutation {
	return map[string]mutation{
		"forgets the keys of redemptions": edits(func(c *store.Redeem) { c.Key = "" }, func(*store.Rollback) {}, func(*store.Post) {}),
		"forgets the keys of posts":       edits(func(*store.Redeem) {}, func(*store.Rollback) {}, func(c *store.Post) { c.Key = "" }),
		"forgets fingerprints": edits(
			func(c *store.Redeem) { c.Fingerprint = store.Fingerprint{} },
			func(c *store.Rollback) { c.Fingerprint = store.Fingerprint{} },
			func(c *store.Post) { c.Fingerprint = store.Fingerprint{} }),
		"folds the case of customers": edits(
			func(c *store.Redeem) { c.Customer = strings.ToLower(c.Customer) }, func(*store.Rollback) {}, func(*store.Post) {}),
		"forgets under Again what was done": edits(
			func(c *store.Redeem) { c.ID, c.Again = fresh(c.ID, c.Again), false },
			func(c *store.Rollback) { c.ID, c.Again = fresh(c.ID, c.Again), false },
			func(c *store.Post) { c.ID, c.Again = fresh(c.ID, c.Again), false }),
		"forgets under Again what was posted": edits(
			func(*store.Redeem) {}, func(*store.Rollback) {}, func(c *store.Post) { c.ID, c.Again = fresh(c.ID, c.Again), false }),
		"gives one more when sold out": forges(func(ctx context.Context, s store.Store, command store.Command, o *store.Outcome) {
			if o.Refusal == nil || !o.Refusal.Is(fault.ErrSoldOut) {
				return
			}
			l, _, _ := s.Voucher(ctx, o.Fact.Voucher)
			_, _ = s.AmendVoucher(ctx, l.Voucher.ID, voucher.Patch{Limit: new(l.Voucher.Limit + 1)}, access.By{})
			os, _ := s.Apply(ctx, []store.Command{command})
			*o = os[0]
		}),
		"ranks by the uses that stand": forges(func(ctx context.Context, s store.Store, _ store.Command, o *store.Outcome) {
			if o.Redemption != nil && o.Rollback == nil && o.Refusal == nil && !o.Replayed {
				l, _, _ := s.Voucher(ctx, o.Redemption.VoucherID)
				o.Redemption.Rank = l.Voucher.Redeemed
			}
		}),
		"shows the last receipt": forges(func(ctx context.Context, s store.Store, _ store.Command, o *store.Outcome) {
			if o.Refusal == nil || o.Redemption == nil {
				return
			}
			rs, _, _ := s.ListRedemptions(ctx, store.RedemptionFilter{Customer: o.Redemption.Customer}, store.Page{Limit: store.PageLimitMax})
			for _, r := range rs {
				if r.VoucherID == o.Redemption.VoucherID && r.RolledBackAt.IsZero() && r.Rank > o.Redemption.Rank {
					o.Redemption = &r
				}
			}
		}),
		"does not mark replays": forges(func(_ context.Context, _ store.Store, _ store.Command, o *store.Outcome) { o.Replayed = false }),
		"hides a rollback's version": forges(func(_ context.Context, _ store.Store, _ store.Command, o *store.Outcome) {
			if o.Rollback != nil && !o.Replayed {
				o.Fact.Version.Voucher--
			}
		}),
		"tells local time": forges(func(_ context.Context, _ store.Store, _ store.Command, o *store.Outcome) {
			if o.Transfer != nil {
				o.Transfer.At = o.Transfer.At.In(time.FixedZone("IRST", 12600))
			}
		}),
		"debits for a transfer that failed": forges(func(ctx context.Context, s store.Store, command store.Command, o *store.Outcome) {
			if c, ok := command.(*store.Post); ok && c.Kind == ledger.TransferOut && o.Refusal != nil && o.Refusal.Is(fault.ErrBalanceOverflow) {
				_, _ = s.Apply(ctx, []store.Command{&store.Post{ID: c.ID, Kind: ledger.Debit, Customer: c.Customer, Currency: c.Currency, AmountMinor: c.AmountMinor}})
			}
		}),
		"applies a batch from its end": batches(func(ctx context.Context, s store.Store, commands []store.Command) ([]store.Outcome, error) {
			commands = slices.Clone(commands)
			slices.Reverse(commands)
			outcomes, err := s.Apply(ctx, commands)
			slices.Reverse(outcomes)
			return outcomes, err
		}),
		"lets a refusal spoil the batch": batches(func(ctx context.Context, s store.Store, commands []store.Command) ([]store.Outcome, error) {
			outcomes := make([]store.Outcome, len(commands))
			for i, command := range commands {
				if i > 0 && outcomes[i-1].Refusal != nil {
					outcomes[i] = outcomes[i-1]
					continue
				}
				os, err := s.Apply(ctx, []store.Command{command})
				if err != nil {
					return nil, fmt.Errorf("apply one: %w", err)
				}
				outcomes[i] = os[0]
			}
			return outcomes, nil
		}),
		"knows facts of the batch's end only": batches(func(ctx context.Context, s store.Store, commands []store.Command) ([]store.Outcome, error) {
			outcomes, err := s.Apply(ctx, commands)
			last := map[string]voucher.Fact{}
			for _, o := range outcomes {
				last[o.Fact.Key] = o.Fact
			}
			for i := range outcomes {
				outcomes[i].Fact = last[outcomes[i].Fact.Key]
			}
			return outcomes, err
		}),
		"reads backwards from the far end":  func(fresh func() store.Store) store.Store { return farEnd{fresh()} },
		"counts each winner once":           func(fresh func() store.Store) store.Store { return distinctWinners{fresh()} },
		"replays a creation as it is now":   func(fresh func() store.Store) store.Store { return currentCreation{fresh()} },
		"audits itself and finds a fault":   func(fresh func() store.Store) store.Store { return suspicious{fresh()} },
		"makes any key the first":           func(fresh func() store.Store) store.Store { return anyFirst{fresh()} },
		"lets no replaced key expire":       func(fresh func() store.Store) store.Store { return endless{fresh()} },
		"ends the last admin key":           func(fresh func() store.Store) store.Store { return reckless{fresh()} },
		"tells an unchanged ring again":     func(fresh func() store.Store) store.Store { return restless{fresh()} },
		"keeps what is revoked in the ring": func(fresh func() store.Store) store.Store { return forgiving{fresh()} },
		"forgets who did it":                func(fresh func() store.Store) store.Store { return anonymous{fresh()} },
		"tells what was refused":            func(fresh func() store.Store) store.Store { return talkative{fresh()} },
		"prunes more than it is told to":    func(fresh func() store.Store) store.Store { return ravenous{fresh()} },
		"writes a batch behind":             func(fresh func() store.Store) store.Store { return &lagging{Store: fresh(), durable: fresh()} },
	}
}

// fresh is an id unlike of, if need be.
func fresh(of id.ID, need bool) id.ID {
	if need {
		return id.New(of.Time())
	}
	return of
}

type farEnd struct{ store.Store }

func (m farEnd) ListRedemptions(ctx context.Context, f store.RedemptionFilter, p store.Page) ([]voucher.Redemption, bool, error) {
	if p.Before.IsZero() || p.Limit < 1 {
		return m.Store.ListRedemptions(ctx, f, p)
	}
	rs, more, err := m.Store.ListRedemptions(ctx, f, store.Page{Limit: store.PageLimitMax, Before: p.Before})
	return rs[:min(len(rs), p.Limit)], more || len(rs) > p.Limit, err
}

type distinctWinners struct{ store.Store }

func (m distinctWinners) Winners(ctx context.Context, of id.ID, yield func(string) bool) (voucher.Fact, error) {
	seen := map[string]bool{}
	return m.Store.Winners(ctx, of, func(name string) bool {
		first := !seen[name]
		seen[name] = true
		return !first || yield(name)
	})
}

type currentCreation struct{ store.Store }

func (m currentCreation) Create(ctx context.Context, c store.Creation) (store.Creation, bool, error) {
	made, replayed, err := m.Store.Create(ctx, c)
	for i := range made.Vouchers {
		if l, _, err := m.Voucher(ctx, made.Vouchers[i].ID); err == nil {
			made.Vouchers[i], made.Campaign = *l.Voucher, l.Campaign
		}
	}
	return made, replayed, err
}

type anyFirst struct{ store.Store }

func (m anyFirst) CreateKey(ctx context.Context, k access.Key, _ bool, by access.By) (access.Key, error) {
	return m.Store.CreateKey(ctx, k, false, by)
}

type endless struct{ store.Store }

func (m endless) RotateKey(ctx context.Context, old id.ID, next access.Key, r store.Rotation, by access.By) (made, replaced access.Key, err error) {
	return m.Store.RotateKey(ctx, old, next, store.Rotation{Overlap: store.OverlapMax, Force: r.Force}, by)
}

type reckless struct{ store.Store }

func (m reckless) AmendKey(ctx context.Context, of id.ID, p access.KeyPatch, by access.By) (access.Key, error) {
	p.Force = true
	return m.Store.AmendKey(ctx, of, p, by)
}

type restless struct{ store.Store }

func (m restless) Ring(ctx context.Context, _ int64) ([]access.Key, int64, time.Time, bool, error) {
	return m.Store.Ring(ctx, 0)
}

type forgiving struct{ store.Store }

func (m forgiving) Ring(ctx context.Context, seen int64) ([]access.Key, int64, time.Time, bool, error) {
	_, version, now, changed, err := m.Store.Ring(ctx, seen)
	var keys []access.Key
	if changed {
		keys, _, _ = m.ListKeys(ctx, store.Page{Limit: store.PageLimitMax})
	}
	return keys, version, now, changed, err
}

type anonymous struct{ store.Store }

func (m anonymous) AmendVoucher(ctx context.Context, of id.ID, p voucher.Patch, _ access.By) (store.Listing, error) {
	return m.Store.AmendVoucher(ctx, of, p, access.By{})
}

type talkative struct{ store.Store }

func (m talkative) AmendCampaign(ctx context.Context, of id.ID, p voucher.CampaignPatch, by access.By) (*voucher.Campaign, error) {
	c, err := m.Store.AmendCampaign(ctx, of, p, by)
	if err != nil {
		_, _ = m.Store.AmendCampaign(ctx, of, voucher.CampaignPatch{}, by)
	}
	return c, err
}

type ravenous struct{ store.Store }

func (m ravenous) PruneEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	return m.Store.PruneEvents(ctx, before, max(limit, min(2*limit, store.PruneMax)))
}

type suspicious struct{ store.Store }

func (m suspicious) Audit(ctx context.Context, report func(store.Finding)) (store.Audited, error) {
	report(store.Finding{Check: store.CheckZeroSum, ID: string(rial), Detail: "all accounts sum to 1"})
	return m.Store.Audit(ctx, report)
}

// lagging acknowledges a batch before it is durable: a crash loses the last one.
type lagging struct {
	store.Store
	durable store.Store
	mu      sync.Mutex
	pending []store.Command
}

func (m *lagging) Apply(ctx context.Context, commands []store.Command) ([]store.Outcome, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = m.durable.Apply(ctx, m.pending)
	m.pending = commands
	return m.Store.Apply(ctx, commands)
}

func (m *lagging) Create(ctx context.Context, c store.Creation) (store.Creation, bool, error) {
	_, _, _ = m.durable.Create(ctx, c)
	return m.Store.Create(ctx, c)
}

func (m *lagging) crash() store.Store { return m.durable }
