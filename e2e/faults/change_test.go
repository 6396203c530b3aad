package faults_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"scrip/client"
)

// TestChangesAreObeyedByAll changes a code on one replica and asks the others: disabled, enabled, sold out,
// its limit raised, a use rolled back. Whatever they have cached, what is asked a second after the change
// was acknowledged is answered by the new state; with a Redis between them normally at once.
func TestChangesAreObeyedByAll(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		noRedis bool
		times   int
	}{{"with Redis", false, rounds}, {"without Redis", true, 6}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, options{noRedis: c.noRedis})
			took := map[string][]time.Duration{}
			for n := range c.times {
				s.change(n, took)
				if t.Failed() {
					t.FailNow()
				}
			}
			for what, all := range took {
				t.Logf("%s is obeyed by the last replica: %s", what, spread(all))
			}
			s.verify()
		})
	}
}

// obeyedWithin is the contract's bound: a fact lives no longer.
const obeyedWithin = time.Second

// changer changes one code.
type changer struct {
	*site
	name    string
	voucher string
	asked   atomic.Int64                      // newcomers so far
	won     atomic.Pointer[client.Redemption] // the latest win, or nil after a refusal
}

// change takes a new code through all its changes, each on another replica than the last.
func (s *site) change(n int, took map[string][]time.Duration) {
	s.t.Helper()
	uses := int64(len(s.replicas))
	name := fmt.Sprintf("change%02d", n)
	c := &changer{site: s, name: name, voucher: s.code(name, 1+uses).Voucher.ID}
	ctx, on := s.t.Context(), func(i int) *client.Client { return s.replicas[(n+i)%len(s.replicas)].client }
	note := func(what string, d time.Duration) { took[what] = append(took[what], d) }
	first := c.redeem(s.replicas[0])

	c.must(on(0).DisableVoucher(ctx, c.voucher))
	note("a disabled code", c.obeyed(client.CodeVoucherDisabled, s.replicas...))
	c.knownByAll(client.CodeVoucherDisabled)
	c.must(on(1).EnableVoucher(ctx, c.voucher))
	note("an enabled code", c.obeyed("", s.replicas...)) // a use for each of them

	c.knownByAll(client.CodeQuantityExceeded)
	c.must(on(2).UpdateVoucher(ctx, c.voucher, client.VoucherChange{Limit: client.Set(1 + 2*uses)}))
	note("a raised limit", c.obeyed("", s.replicas...))

	for i, r := range s.replicas { // the one use that a rollback frees goes through this replica
		c.knownByAll(client.CodeQuantityExceeded)
		if _, err := on(i+1).Rollback(ctx, first, "a test"); err != nil {
			s.t.Fatal(err)
		}
		note("a rollback", c.obeyed("", r))
		first = c.won.Load().ID
	}
}

// must ends the test unless an administrator's change was made.
func (c *changer) must(_ *client.Voucher, err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("%s: %v", c.name, err)
	}
}

// customer is one who has never asked.
func (c *changer) customer() string { return fmt.Sprintf("%s-%d", c.name, c.asked.Add(1)) }

// redeem wins one use and returns its receipt's id.
func (c *changer) redeem(by *replica) string {
	c.t.Helper()
	receipt, err := by.client.Redeem(c.t.Context(), client.RedeemRequest{Code: c.name, Customer: c.customer()})
	if err != nil {
		c.t.Fatalf("%s: %v", c.name, err)
	}
	return receipt.ID
}

// knownByAll has every replica say what the code's state is, twice, so that it has it in memory.
func (c *changer) knownByAll(want client.Code) {
	c.t.Helper()
	for range 2 {
		for _, r := range c.replicas {
			_, err := r.client.Redeem(c.t.Context(), client.RedeemRequest{Code: c.name, Customer: c.customer()})
			if client.CodeOf(err) != want {
				c.t.Fatalf("%s says %v of %s, not %s", r.name, err, c.name, want)
			}
		}
	}
}

// obeyed waits until each of the replicas answers newcomers with that code, or with a win where it is empty,
// and returns how long after the change the last of them did.
func (c *changer) obeyed(want client.Code, replicas ...*replica) time.Duration {
	c.t.Helper()
	changed := time.Now()
	took := make([]time.Duration, len(replicas))
	var all sync.WaitGroup
	for i, r := range replicas {
		all.Go(func() { took[i] = c.obeyedBy(r, want, changed) })
	}
	all.Wait()
	return slices.Max(took)
}

func (c *changer) obeyedBy(r *replica, want client.Code, changed time.Time) time.Duration {
	for {
		asked := time.Now()
		receipt, err := r.client.Redeem(c.t.Context(), client.RedeemRequest{Code: c.name, Customer: c.customer()})
		if err == nil && want == "" || err != nil && client.CodeOf(err) == want {
			c.won.Store(receipt)
			return time.Since(changed)
		}
		if age := asked.Sub(changed); age > obeyedWithin {
			c.t.Errorf("%s was asked for %s %v after the change, and says %v", r.name, c.name, age, err)
			return time.Since(changed)
		}
		time.Sleep(time.Millisecond)
	}
}
