package voucher_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/money"
	"scrip/internal/voucher"
)

const (
	rial = money.Currency("IRR")
	euro = money.Currency("EUR")
)

// noon is the moment of all tests here.
var noon = time.Date(2026, time.March, 20, 12, 0, 0, 0, time.UTC)

// question is one thing to judge: unless changed, an open voucher, 2 of 5 used, that gives 1,000, and a
// customer who holds nothing.
type question struct {
	c        voucher.Campaign
	v        voucher.Voucher
	mine     voucher.Claims
	customer string
	order    *voucher.Order
}

func ask(change ...func(*question)) *question {
	q := &question{
		c: voucher.Campaign{
			ID: id.New(noon), Name: "Nowruz", Currency: rial,
			Effect:     voucher.Effect{Kind: voucher.Credit, AmountMinor: 1000},
			Window:     voucher.Window{Start: noon.Add(-time.Hour), End: noon.Add(time.Hour)},
			GivenMinor: 3000, Redeemed: 3, Version: 4,
		},
		customer: "ali",
	}
	q.v = voucher.Voucher{
		ID: id.New(noon), CampaignID: q.c.ID, Code: "Salam-1", Key: "SA1AM1",
		Limit: 5, PerCustomer: 1, Redeemed: 2, Ranked: 7, Version: 6,
	}
	for _, f := range change {
		f(q)
	}
	return q
}

func (q *question) judge() (voucher.Grant, *fault.Error) {
	return voucher.Judge(&q.c, &q.v, q.mine, q.customer, q.order, noon)
}

// Obstacles, in the order in which Judge asks for them; each stands in the way of a customer who is not
// a winner yet.
var obstacles = []struct {
	name    string
	put     func(*question)
	refusal *fault.Error
}{
	{"assigned to another", func(q *question) { q.v.Customer = "bita" }, fault.ErrAssigned},
	{"voucher disabled", func(q *question) { q.v.Disabled = true }, fault.ErrDisabled},
	{"campaign disabled", func(q *question) { q.c.Disabled = true }, fault.ErrDisabled},
	{"not started", func(q *question) {
		q.c.Window = voucher.Window{Start: noon.Add(time.Microsecond), End: noon.Add(time.Hour)}
	}, fault.ErrNotActive},
	{"ended", func(q *question) {
		if !q.c.Window.Start.After(noon) { // a window can't be ahead and over
			q.c.Window.End = noon
		}
	}, fault.ErrExpired},
	{"sold out", func(q *question) { q.v.Redeemed = 5 }, fault.ErrSoldOut},
	{"count spent", func(q *question) { q.c.Budget.Count = 3 }, fault.ErrBudgetExceeded},
	{"money spent", func(q *question) { q.c.Budget.AmountMinor = 3000 }, fault.ErrBudgetExceeded},
	{"customer's limit", func(q *question) { q.c.Budget.PerCustomer, q.mine.OnCampaign = 2, 2 }, fault.ErrCustomerLimit},
	{"no order", func(q *question) { q.c.Effect, q.order = discount(300, 0, 0), nil }, fault.ErrOrderRequired},
	{"another currency", func(q *question) {
		q.c.Effect, q.order = discount(300, 0, 0), &voucher.Order{AmountMinor: 9000, Currency: euro}
	}, fault.ErrCurrencyMismatch},
	{"too small an order", func(q *question) { q.c.Effect, q.order = discount(0, 1, 0), order(9999) }, fault.ErrNoEffect},
	{"more than the budget has left", func(q *question) {
		q.c.Effect, q.order, q.c.Budget.AmountMinor = discount(0, 5000, 0), order(9000), 7499
	}, fault.ErrBudgetExceeded},
}

func discount(minor, bp, capMinor int64) voucher.Effect {
	return voucher.Effect{Kind: voucher.Discount, AmountMinor: minor, PercentBP: bp, MaxMinor: capMinor}
}

func order(minor int64) *voucher.Order {
	return &voucher.Order{ID: "order-7", AmountMinor: minor, Currency: rial}
}

func TestJudgeGrants(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		q    *question
		want voucher.Grant
	}{
		{"an open voucher", ask(), voucher.Grant{Rank: 8, AmountMinor: 1000}},
		{"no limit", ask(func(q *question) { q.v.Limit = 0 }), voucher.Grant{Rank: 8, AmountMinor: 1000}},
		{"the last use", ask(func(q *question) { q.v.Redeemed = 4 }), voucher.Grant{Rank: 8, AmountMinor: 1000}},
		{"no window", ask(func(q *question) { q.c.Window = voucher.Window{} }), voucher.Grant{Rank: 8, AmountMinor: 1000}},
		{"at the start", ask(func(q *question) { q.c.Window.Start = noon }), voucher.Grant{Rank: 8, AmountMinor: 1000}},
		{"just before the end", ask(func(q *question) { q.c.Window.End = noon.Add(1) }), voucher.Grant{Rank: 8, AmountMinor: 1000}},
		{"the last of the count", ask(func(q *question) { q.c.Budget.Count = 4 }), voucher.Grant{Rank: 8, AmountMinor: 1000}},
		{"the last of the money", ask(func(q *question) { q.c.Budget.AmountMinor = 4000 }), voucher.Grant{Rank: 8, AmountMinor: 1000}},
		{"one more of two", ask(func(q *question) { q.v.PerCustomer, q.mine.OnVoucher = 2, 1 }), voucher.Grant{Rank: 8, AmountMinor: 1000}},
		{"one more of the campaign", ask(func(q *question) { q.c.Budget.PerCustomer, q.mine.OnCampaign = 2, 1 }), voucher.Grant{Rank: 8, AmountMinor: 1000}},
		{"assigned to the customer", ask(func(q *question) { q.v.Customer = "ali" }), voucher.Grant{Rank: 8, AmountMinor: 1000}},
		{"up to the largest number", ask(func(q *question) { q.c.Effect.AmountMinor = math.MaxInt64 - 3000 }), voucher.Grant{Rank: 8, AmountMinor: math.MaxInt64 - 3000}},
		{"a credit looks at no order", ask(func(q *question) { q.order = &voucher.Order{AmountMinor: -1, Currency: euro} }), voucher.Grant{Rank: 8, AmountMinor: 1000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got, refusal := c.q.judge(); refusal != nil || got != c.want {
				t.Errorf("got %+v and %v, want %+v", got, refusal, c.want)
			}
		})
	}
}

// TestJudgeOrder puts every two obstacles in the way at once: the refusal is the earlier one's.
func TestJudgeOrder(t *testing.T) {
	t.Parallel()
	for i, first := range obstacles {
		for _, second := range obstacles[i:] {
			q := ask(second.put, first.put)
			if _, refusal := q.judge(); refusal == nil || !refusal.Is(first.refusal) {
				t.Errorf("%s and %s: got %v, want %s", first.name, second.name, refusal, first.refusal.Code)
			}
		}
	}
}

// TestJudgeWinner checks that whoever holds all uses is told so whatever became of the code, and whoever
// holds one of several as soon as the voucher is not open.
func TestJudgeWinner(t *testing.T) {
	t.Parallel()
	for _, o := range obstacles {
		q := ask(o.put, func(q *question) { q.mine.OnVoucher = 1 })
		if _, refusal := q.judge(); refusal == nil || !refusal.Is(fault.ErrAlreadyRedeemed) {
			t.Errorf("%s: a winner is told %v", o.name, refusal)
		}
		q = ask(o.put, func(q *question) { q.v.PerCustomer, q.mine.OnVoucher = 2, 1 })
		want := o.refusal
		if voucher.StatusOf(&q.c, &q.v, noon) != voucher.Open {
			want = fault.ErrAlreadyRedeemed
		}
		if _, refusal := q.judge(); refusal == nil || !refusal.Is(want) {
			t.Errorf("%s: a winner with a use left is told %v, want %s", o.name, refusal, want.Code)
		}
	}
}

func TestJudgeOverflow(t *testing.T) {
	t.Parallel()
	for budget, want := range map[int64]*fault.Error{0: fault.ErrBalanceOverflow, 4000: fault.ErrBudgetExceeded, math.MaxInt64: fault.ErrBudgetExceeded} {
		q := ask(func(q *question) { q.c.Effect.AmountMinor, q.c.Budget.AmountMinor = math.MaxInt64-2999, budget })
		if _, refusal := q.judge(); refusal == nil || !refusal.Is(want) {
			t.Errorf("what is given overflows with a budget of %d, and Judge says %v, want %s", budget, refusal, want.Code)
		}
	}
}

func TestEffectAmount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		effect voucher.Effect
		order  int64
		want   int64 // 0: no effect
	}{
		{"fixed", discount(300, 0, 0), 1000, 300},
		{"fixed, the whole order", discount(300, 0, 0), 300, 300},
		{"fixed, a smaller order", discount(300, 0, 0), 299, 299},
		{"fixed, nothing to pay", discount(300, 0, 0), 0, 0},
		{"fixed, less than nothing to pay", discount(300, 0, 0), -5, 0},
		{"percent", discount(0, 1250, 0), 1000, 125},
		{"percent, rounded down", discount(0, 1250, 0), 1007, 125},
		{"percent, too small", discount(0, 1250, 0), 7, 0},
		{"percent, the smallest", discount(0, 1250, 0), 8, 1},
		{"percent of less than nothing", discount(0, 1250, 0), -1000, 0},
		{"percent, below its cap", discount(0, 1250, 126), 1000, 125},
		{"percent, at its cap", discount(0, 1250, 125), 1000, 125},
		{"percent, above its cap", discount(0, 1250, 124), 1000, 124},
		{"everything", discount(0, 10_000, 0), math.MaxInt64 - 3000, math.MaxInt64 - 3000},
		{"a part of everything", discount(0, 9_999, 0), math.MaxInt64, 9222449699651090329},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			grant, refusal := ask(func(q *question) { q.c.Effect, q.order = c.effect, order(c.order) }).judge()
			if c.want == 0 {
				if refusal == nil || !refusal.Is(fault.ErrNoEffect) {
					t.Errorf("got %+v and %v, want no effect", grant, refusal)
				}
				return
			}
			if refusal != nil || grant.AmountMinor != c.want {
				t.Errorf("got %d and %v, want %d", grant.AmountMinor, refusal, c.want)
			}
		})
	}
}

// TestJudgeAgreesWithStatus checks on random vouchers that a closed one grants nothing, that an open one
// whose amount is sure refuses only what concerns the customer, and that no grant breaks a limit.
func TestJudgeAgreesWithStatus(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		few := rapid.Int64Range(0, 4)
		q := ask(func(q *question) {
			q.c.Budget = voucher.Budget{AmountMinor: 1000 * few.Draw(t, "money"), Count: few.Draw(t, "count"), PerCustomer: few.Draw(t, "per customer")}
			q.c.Redeemed = few.Draw(t, "redeemed")
			q.c.GivenMinor = 1000 * q.c.Redeemed
			q.v.Limit, q.v.Redeemed = few.Draw(t, "limit"), few.Draw(t, "uses")
			q.v.PerCustomer = 1 + few.Draw(t, "allowed")
			q.v.Disabled = rapid.Bool().Draw(t, "disabled")
			q.mine = voucher.Claims{OnVoucher: few.Draw(t, "mine"), OnCampaign: few.Draw(t, "mine of the campaign")}
		})
		grant, refusal := q.judge()
		status := voucher.StatusOf(&q.c, &q.v, noon)
		switch {
		case refusal == nil:
			over := q.v.Limit != 0 && q.v.Redeemed+1 > q.v.Limit ||
				q.c.Budget.Count != 0 && q.c.Redeemed+1 > q.c.Budget.Count ||
				q.c.Budget.AmountMinor != 0 && q.c.GivenMinor+grant.AmountMinor > q.c.Budget.AmountMinor ||
				q.c.Budget.PerCustomer != 0 && q.mine.OnCampaign+1 > q.c.Budget.PerCustomer ||
				q.mine.OnVoucher+1 > q.v.PerCustomer
			if status != voucher.Open || over || grant.Rank != q.v.Ranked+1 {
				t.Fatalf("granted %+v while %s: %+v", grant, status, q)
			}
		case status == voucher.Open && !refusal.Is(fault.ErrAlreadyRedeemed) && !refusal.Is(fault.ErrCustomerLimit):
			t.Fatalf("open, and refused as %s: %+v", refusal.Code, q)
		}
	})
}
