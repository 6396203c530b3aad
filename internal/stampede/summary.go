package stampede

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Summary is how a run went.
type Summary struct {
	Run             string           `json:"run"`
	Code            string           `json:"code"`
	Customers       int              `json:"customers"`
	Requests        int64            `json:"requests"` // every try, those of the check included
	Winners         int64            `json:"winners"`
	WinnersExpected int64            `json:"winners_expected"`
	Refusals        map[string]int64 `json:"refusals"` // of first answers, by reason
	Repeats         Repeats          `json:"repeats"`
	Unknown         int              `json:"unknown"` // customers without a final verdict
	Errors          int64            `json:"errors"`  // lost connections and answers; each was tried again
	Busy            int64            `json:"busy"`    // answers that said to come again; each was tried again
	Seconds         float64          `json:"seconds"` // of asking
	RatePerSecond   float64          `json:"rate_per_second"`
	P50             float64          `json:"p50_ms"`
	P99             float64          `json:"p99_ms"`
	Max             float64          `json:"max_ms"`
	Exact           bool             `json:"exact"`
	Interrupted     bool             `json:"interrupted"`
	Wrong           []string         `json:"wrong"`       // what is wrong, the first of it
	WrongTotal      int              `json:"wrong_total"` // how much is
}

// Repeats is what became of those who asked again.
type Repeats struct {
	Asked    int64 `json:"asked"`
	Replayed int64 `json:"replayed"`         // winners, under their first key
	Already  int64 `json:"already_redeemed"` // winners, without a key
	Refused  int64 `json:"refused"`          // losers
}

// summary tells how it went. Exact needs a check that came to its end and found nothing.
func (f *flood) summary(ctx context.Context) *Summary {
	if err := ctx.Err(); err != nil && !f.complete {
		why := "it was interrupted"
		if errors.Is(err, context.DeadlineExceeded) {
			why = fmt.Sprintf("it did not end within %s", f.cfg.Limit)
		}
		f.say("nothing is proven: %s", why)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended.IsZero() {
		f.ended = time.Now()
	}
	took := f.ended.Sub(f.began).Seconds()
	q := f.latency.quantiles(0.5, 0.99, 1)
	return &Summary{
		Run: f.name, Code: f.before.voucher.Code, Customers: f.cfg.Customers,
		Requests: f.requests.Load(), Winners: f.winners.Load(), WinnersExpected: f.expected(),
		Refusals: f.refusals, Unknown: f.unknown(), Errors: f.failures.Load(), Busy: f.busy.Load(),
		Repeats: Repeats{
			Asked: f.repeats.asked.Load(), Replayed: f.repeats.replayed.Load(),
			Already: f.repeats.already.Load(), Refused: f.repeats.refused.Load(),
		},
		Seconds: took, RatePerSecond: float64(f.answered.Load()) / took,
		P50: milliseconds(q[0]), P99: milliseconds(q[1]), Max: milliseconds(q[2]),
		Exact:       f.complete && f.wrong.total == 0,
		Interrupted: !f.complete && ctx.Err() != nil,
		Wrong:       append([]string{}, f.wrong.told...), WrongTotal: f.wrong.total,
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// unknown counts the customers who asked and have no final verdict.
func (f *flood) unknown() int {
	n := 0
	for i := range f.asked {
		if f.asked[i].verdict == unknown {
			n++
		}
	}
	return n
}
