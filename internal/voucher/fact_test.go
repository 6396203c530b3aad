package voucher_test

import (
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/voucher"
)

func TestStatusOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		put  func(*question)
		want voucher.Status
	}{
		{"nothing in the way", func(*question) {}, voucher.Open},
		{"voucher disabled", func(q *question) { q.v.Disabled = true }, voucher.Disabled},
		{"campaign disabled", func(q *question) { q.c.Disabled = true }, voucher.Disabled},
		{"disabled and over", func(q *question) { q.c.Disabled, q.c.Window.End = true, noon }, voucher.Disabled},
		{"a moment before the start", func(q *question) { q.c.Window.Start = noon.Add(1) }, voucher.NotStarted},
		{"at the start", func(q *question) { q.c.Window.Start = noon }, voucher.Open},
		{"a moment before the end", func(q *question) { q.c.Window.End = noon.Add(1) }, voucher.Open},
		{"at the end", func(q *question) { q.c.Window.End = noon }, voucher.Ended},
		{"over and sold out", func(q *question) { q.c.Window.End, q.v.Redeemed = noon, 5 }, voucher.Ended},
		{"one left", func(q *question) { q.v.Redeemed = 4 }, voucher.Open},
		{"none left", func(q *question) { q.v.Redeemed = 5 }, voucher.SoldOut},
		{"less than none left", func(q *question) { q.v.Redeemed = 6 }, voucher.SoldOut},
		{"no limit", func(q *question) { q.v.Limit, q.v.Redeemed = 0, 1<<62 }, voucher.Open},
		{"sold out and spent", func(q *question) { q.v.Redeemed, q.c.Budget.Count = 5, 3 }, voucher.SoldOut},
		{"one of the count left", func(q *question) { q.c.Budget.Count = 4 }, voucher.Open},
		{"none of the count left", func(q *question) { q.c.Budget.Count = 3 }, voucher.Spent},
		{"a credit's money left", func(q *question) { q.c.Budget.AmountMinor = 4000 }, voucher.Open},
		{"not a credit's money left", func(q *question) { q.c.Budget.AmountMinor = 3999 }, voucher.Spent},
		{"a unit left for a discount", func(q *question) { q.c.Effect, q.c.Budget.AmountMinor = discount(1000, 0, 0), 3001 }, voucher.Open},
		{"no unit left for a discount", func(q *question) { q.c.Effect, q.c.Budget.AmountMinor = discount(1000, 0, 0), 3000 }, voucher.Spent},
		{"a unit left for a percentage", func(q *question) { q.c.Effect, q.c.Budget.AmountMinor = discount(0, 5000, 0), 3001 }, voucher.Open},
		{"a customer's limit closes nothing", func(q *question) { q.c.Budget.PerCustomer = 1 }, voucher.Open},
		{"an assignment closes nothing", func(q *question) { q.v.Customer = "bita" }, voucher.Open},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			q := ask(c.put)
			if got := voucher.StatusOf(&q.c, &q.v, noon); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestStatusRefusal(t *testing.T) {
	t.Parallel()
	for status, want := range map[voucher.Status]*fault.Error{
		voucher.Unknown: fault.ErrVoucherNotFound, voucher.Open: nil, voucher.NotStarted: fault.ErrNotActive,
		voucher.Ended: fault.ErrExpired, voucher.Disabled: fault.ErrDisabled, voucher.SoldOut: fault.ErrSoldOut,
		voucher.Spent: fault.ErrBudgetExceeded, voucher.Spent + 1: fault.ErrInternal,
	} {
		if got := status.Refusal(); got != want {
			t.Errorf("%s: got %v, want %v", status, got, want)
		}
	}
}

// Within one version a voucher goes one way: before its start, open, closed by its counters, closed for good.
func TestStages(t *testing.T) {
	t.Parallel()
	for stage, statuses := range [][]voucher.Status{
		{voucher.Unknown, voucher.Spent + 1},
		{voucher.NotStarted},
		{voucher.Open},
		{voucher.SoldOut, voucher.Spent},
		{voucher.Ended, voucher.Disabled},
	} {
		for _, s := range statuses {
			if got := s.Stage(); got != stage {
				t.Errorf("%v is at stage %d, want %d", s, got, stage)
			}
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for status := voucher.Unknown; status <= voucher.Spent+1; status++ {
		seen[status.String()] = true
	}
	if len(seen) != 8 || !seen["sold_out"] || !seen["invalid"] {
		t.Errorf("the statuses' names are %v", seen)
	}
	if got := []string{voucher.Credit.String(), voucher.Discount.String(), voucher.EffectKind(9).String()}; got[0] != "credit" || got[1] != "discount" || got[2] != "unknown" {
		t.Errorf("the effects' names are %v", got)
	}
}

func TestFactOf(t *testing.T) {
	t.Parallel()
	q := ask()
	want := voucher.Fact{
		Key: "SA1AM1", Voucher: q.v.ID, Campaign: q.c.ID, Version: voucher.Version{Campaign: 4, Voucher: 6},
		Status: voucher.Open, Remaining: 3, FreshFor: voucher.FactFreshFor, At: noon,
	}
	if got := voucher.FactOf(&q.c, &q.v, noon); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := want.Version.Sum(); got != 10 {
		t.Errorf("the version's sum is %d, want 10", got)
	}
	q.v.Limit = 0
	if got := voucher.FactOf(&q.c, &q.v, noon).Remaining; got != -1 {
		t.Errorf("without a limit %d remain, want -1", got)
	}
	if got, want := voucher.UnknownFact("NONE"), (voucher.Fact{Key: "NONE", FreshFor: voucher.FactFreshFor}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestFactFreshFor checks that a fact does not outlive the wait that it speaks of.
func TestFactFreshFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		start time.Duration // from now
		want  time.Duration
	}{
		{-time.Hour, voucher.FactFreshFor},
		{0, voucher.FactFreshFor},
		{time.Microsecond, time.Microsecond},
		{400 * time.Millisecond, 400 * time.Millisecond},
		{voucher.FactFreshFor, voucher.FactFreshFor},
		{time.Hour / 2, voucher.FactFreshFor},
	} {
		q := ask(func(q *question) { q.c.Window.Start = noon.Add(c.start) })
		if got := voucher.FactOf(&q.c, &q.v, noon).FreshFor; got != c.want {
			t.Errorf("starting in %v, it is fresh for %v, want %v", c.start, got, c.want)
		}
	}
}
