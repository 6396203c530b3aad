package voucher_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scrip/internal/voucher"
)

// Where a prospect is sure, Judge keeps to it: within the window and the caps everybody who holds nothing is granted what
// was foreseen, in any order of business, and the first beyond a cap is not.
func TestForeseeIsWhatJudgeSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		few := rapid.Int64Range(0, 4)
		q := ask(func(q *question) {
			q.c.Effect.AmountMinor = rapid.SampledFrom([]int64{1, 1000, math.MaxInt64 / 3}).Draw(t, "amount")
			q.c.Redeemed, q.v.Redeemed = few.Draw(t, "redeemed"), few.Draw(t, "of the voucher")
			q.c.GivenMinor = rapid.SampledFrom([]int64{0, 2, 3000, math.MaxInt64 / 2}).Draw(t, "given")
			q.v.Limit, q.v.PerCustomer = few.Draw(t, "limit"), rapid.Int64Range(1, 3).Draw(t, "per customer")
			q.c.Budget = voucher.Budget{Count: few.Draw(t, "count"), AmountMinor: rapid.SampledFrom([]int64{0, 0, 5, 6000}).Draw(t, "budget")}
			q.v.Customer = rapid.SampledFrom([]string{"", "", "", "bita"}).Draw(t, "published to")
			q.v.Disabled = rapid.IntRange(0, 9).Draw(t, "disabled") == 0
			if rapid.Bool().Draw(t, "endless") {
				q.c.Window.End = time.Time{}
			}
		})
		p, sure := voucher.Foresee(&q.c, &q.v)
		if want := q.v.Customer == "" && !q.v.Disabled; sure != want {
			t.Fatalf("sure is %t", sure)
		}
		if !sure {
			return
		}
		now := noon.Add(rapid.SampledFrom([]time.Duration{-time.Hour - 1, -time.Hour, 0, time.Hour - 1, time.Hour}).Draw(t, "at"))
		within := !now.Before(p.Window.Start) && (p.Window.End.IsZero() || now.Before(p.Window.End))
		order := rapid.SampledFrom([]*voucher.Order{nil, {AmountMinor: 5, Currency: euro}}).Draw(t, "order")
		for n := int64(1); n < 8; n++ {
			fits := p.Fits(&q.c, &q.v, 1)
			grant, refusal := voucher.Judge(&q.c, &q.v, voucher.Claims{}, "cyrus", order, now)
			if (refusal == nil) != (fits && within) {
				t.Fatalf("number %d, fits %t, within %t: %v", n, fits, within, refusal)
			}
			if refusal != nil {
				return
			}
			if grant != (voucher.Grant{Rank: q.v.Ranked + 1, AmountMinor: p.AmountMinor}) {
				t.Fatalf("number %d is granted %+v, foreseen was %+v", n, grant, p)
			}
			q.v.Redeemed++
			q.v.Ranked++
			q.c.Redeemed++
			q.c.GivenMinor += grant.AmountMinor
		}
	})
}

// Fits looks at all of a batch as at its commands in series.
func TestFits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*question)
		most   int64 // of the counters 2, 3 and 3000
	}{
		"no cap":     {func(q *question) { q.v.Limit = 0 }, 8},
		"a limit":    {func(*question) {}, 3},
		"a count":    {func(q *question) { q.c.Budget.Count = 5 }, 2},
		"an amount":  {func(q *question) { q.c.Budget.AmountMinor = 4999 }, 1},
		"the number": {func(q *question) { q.v.Limit, q.c.GivenMinor = 0, math.MaxInt64-4000 }, 4},
	} {
		q := ask(c.change)
		p, sure := voucher.Foresee(&q.c, &q.v)
		for n := range int64(9) {
			if got := sure && p.Fits(&q.c, &q.v, n); got != (n <= c.most) {
				t.Errorf("%s: %d fit: %t", name, n, got)
			}
		}
	}
}

// Whatever depends on who asks or on what they order is not foreseen.
func TestForeseeIsNotSure(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*question){
		"disabled":              func(q *question) { q.v.Disabled = true },
		"the campaign disabled": func(q *question) { q.c.Disabled = true },
		"published":             func(q *question) { q.v.Customer = "ali" },
		"a discount":            func(q *question) { q.c.Effect = discount(5, 0, 0) },
		"a customer's budget":   func(q *question) { q.c.Budget.PerCustomer = 3 },
	} {
		q := ask(change)
		if p, sure := voucher.Foresee(&q.c, &q.v); sure {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
