package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"scrip/client"
)

// task is one customer's use of one code. Without a final answer it is asked again, of any replica: most under
// the same key, some without one, who may then find that they had won already.
type task struct{ code, customer string }

func (k task) String() string { return k.code + "/" + k.customer }

// keyed reports whether it has an Idempotency-Key: two of three have.
func (k task) keyed() bool { return k.customer[len(k.customer)-1]%3 != 0 }

// redeem asks for the task, under its key if it has one.
func (k task) redeem(ctx context.Context, c *client.Client) (*client.Redemption, error) {
	var o []client.RequestOption
	if k.keyed() {
		o = append(o, client.IdempotencyKey(k.String()))
	}
	return c.Redeem(ctx, client.RedeemRequest{Code: k.code, Customer: k.customer}, o...)
}

// ticket is a win that was acknowledged.
type ticket struct {
	task
	receipt string
	rank    int64
}

// book records what a crowd was told, and what of it can't be true.
type book struct {
	timeout time.Duration // of the servers for one request

	mu     sync.Mutex
	open   []task // without a final answer, the next one first
	asking int    // tasks that are being asked
	won    map[task]ticket
	wins   []ticket // in the order of their answers
	lost   map[task]bool
	losers []task
	unsure map[task]bool // was asked for once and may have been done
	wrong  []string

	refused, silent, again int // answers of 503, no answers, askings again
	longest                time.Duration
	slowest                string // what took longest
}

func newBook(timeout time.Duration) *book {
	return &book{timeout: timeout, won: map[task]ticket{}, lost: map[task]bool{}, unsure: map[task]bool{}}
}

// String is the book in figures.
func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprintf("%d won, %d lost, %d asked again; %d answers of 503, %d without an answer; the slowest after %v: %s",
		len(b.won), len(b.lost), b.again, b.refused, b.silent, b.longest.Round(time.Millisecond), b.slowest)
}

// add gives the crowd tasks.
func (b *book) add(tasks ...task) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = append(b.open, tasks...)
}

// take takes a task that has no final answer.
func (b *book) take() (task, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.open) == 0 {
		return task{}, false
	}
	k := b.open[0]
	b.open = b.open[1:]
	b.asking++
	return k, true
}

// unanswered is the number of tasks without a final answer.
func (b *book) unanswered() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.open) + b.asking
}

func (b *book) say(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong = append(b.wrong, fmt.Sprintf(format, args...))
}

// Patience. A client that has waited for longer than the server's own timeout and the slack of a busy
// machine has found a server that hangs. Of one that is paused or cut off nothing else is expected.
const (
	slack        = 3 * time.Second
	patienceWith = 250 * time.Millisecond // with a shaky replica
)

// call asks a replica one thing and judges how it answers. It reports whether there is a verdict: anything
// but a fault that the server tells of, or that it may have.
func (b *book) call(ctx context.Context, r *replica, what string, ask func(context.Context, *client.Client) error) (verdict bool, err error) {
	shaky := r.shaky.Load()
	patience := b.timeout + slack
	if shaky {
		patience = patienceWith
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	err = ask(ctx, r.client)
	took := time.Since(began)

	var refusal *client.Error
	answered := err == nil || errors.As(err, &refusal)
	shaky = shaky || r.shaky.Load()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !answered {
		b.silent++
		if !shaky {
			b.wrong = append(b.wrong, fmt.Sprintf("%s of %s has no answer after %v: %v", what, r.name, took, err))
		}
		return false, err
	}
	r.answers.Add(1)
	if !shaky && took > b.longest {
		b.longest, b.slowest = took, fmt.Sprintf("%s of %s: %v", what, r.name, err)
	}
	if refusal == nil || refusal.Status < http.StatusInternalServerError {
		return true, err
	}
	b.refused++
	r.faults.Add(1)
	if refusal.Status != http.StatusServiceUnavailable || !refusal.Retryable || refusal.RetryAfter <= 0 {
		b.wrong = append(b.wrong, fmt.Sprintf("%s of %s is answered with %+v", what, r.name, refusal))
	}
	return false, err
}

// ask asks for a task that take has given.
func (b *book) ask(ctx context.Context, r *replica, k task) {
	var receipt *client.Redemption
	verdict, err := b.call(ctx, r, "redeeming "+k.String(), func(ctx context.Context, c *client.Client) (err error) {
		receipt, err = k.redeem(ctx, c)
		return err
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asking--
	switch {
	case !verdict:
		b.unsure[k] = true
		b.open = append(b.open, k)
	case err == nil:
		b.enter(k, receipt)
	case client.CodeOf(err) == client.CodeQuantityExceeded:
		b.lost[k] = true
		b.losers = append(b.losers, k)
	default:
		if first := b.firstReceipt(k, err); first != nil {
			b.enter(k, first)
			return
		}
		b.wrong = append(b.wrong, fmt.Sprintf("%s asks %s and is answered with %v", k, r.name, err))
	}
}

// firstReceipt is the receipt that answers a task without a key which was asked before, and had been done. One
// whose every asking was answered can't have been.
func (b *book) firstReceipt(k task, err error) *client.Redemption {
	var refusal *client.Error
	if k.keyed() || !b.unsure[k] || !errors.As(err, &refusal) || refusal.Code != client.CodeAlreadyRedeemed {
		return nil
	}
	return refusal.Redemption
}

// enter records a win.
func (b *book) enter(k task, receipt *client.Redemption) {
	w := ticket{k, receipt.ID, receipt.Rank}
	b.won[k] = w
	b.wins = append(b.wins, w)
}

// winnersOf are the wins of a code, by rank.
func (b *book) winnersOf(code string) []ticket {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []ticket
	for k, w := range b.won {
		if k.code == code {
			found = append(found, w)
		}
	}
	slices.SortFunc(found, func(a, b ticket) int { return int(a.rank - b.rank) })
	return found
}

// contradictions takes what was found wrong so far.
func (b *book) contradictions() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	wrong := b.wrong
	b.wrong = nil
	return wrong
}

func sortedCopy(of []time.Duration) []time.Duration { return slices.Sorted(slices.Values(of)) }
