package stampede

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"scrip/internal/id"
)

// worker asks one request at a time, on one connection to each replica.
type worker struct {
	f        *flood
	lines    []line
	refusals map[string]*int64
}

// line is a connection to one replica and the requests that are sent on it.
type line struct {
	conn    conn
	keyed   template
	keyless template
	wallet  template
}

func newWorker(f *flood) *worker {
	w := &worker{f: f, lines: make([]line, len(f.to)), refusals: map[string]*int64{}}
	for i, to := range f.to {
		w.lines[i] = line{
			conn:  conn{to: to, timeout: f.cfg.Timeout},
			keyed: f.redeemTemplate(to, true), keyless: f.redeemTemplate(to, false), wallet: f.walletTemplate(to),
		}
	}
	return w
}

func (w *worker) close() {
	for i := range w.lines {
		w.lines[i].conn.close()
	}
	w.f.mu.Lock()
	defer w.f.mu.Unlock()
	for reason, n := range w.refusals {
		if reason == "" {
			reason = "unknown"
		}
		w.f.refusals[reason] += *n
	}
}

// The wait before a request is tried again: doubled each time, and as long as the server says, within
// reason.
const (
	waitMin  = 2 * time.Millisecond
	waitMax  = 500 * time.Millisecond
	afterMax = 2 * time.Second
)

// ask sends a request until it has a final answer, and reports false if there is none to be had. It asks
// the replica of that number first, and another after each failure, as a load balancer would.
func (w *worker) ask(ctx context.Context, replica int, request func(*line) []byte) (reply, bool) {
	began := time.Now()
	now := began
	for wait := waitMin; ; wait = min(2*wait, waitMax) {
		w.f.requests.Add(1)
		l := &w.lines[replica%len(w.lines)]
		replica++
		r, err := l.conn.send(ctx, request(l), now)
		now = time.Now()
		if err == nil && final(r.status) {
			if phase(w.f.phase.Load()) == asking {
				w.f.latency.add(now.Sub(began))
				w.f.answered.Add(1)
			}
			return r, true
		}
		pause := wait
		switch {
		case ctx.Err() != nil:
			return reply{}, false
		case err == nil && busy(r.status):
			w.f.busy.Add(1)
			pause = max(pause, min(r.after, afterMax))
		default:
			w.f.failures.Add(1)
		}
		pause = pause/2 + rand.N(pause) //nolint:gosec // jitter, not a secret
		if now.Sub(began)+pause > w.f.cfg.Patience || !sleep(ctx, pause) {
			return reply{}, false
		}
		now = time.Now()
	}
}

// final reports whether asking again would bring the same answer.
func final(status int) bool { return status < 500 && status != http.StatusTooManyRequests }

// busy reports whether an answer says to come again.
func busy(status int) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests
}

// sleep waits, and reports false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// askFirst asks for a customer for the first time and notes the verdict.
func (w *worker) askFirst(ctx context.Context, customer int) {
	a := &w.f.asked[customer]
	r, ok := w.ask(ctx, customer, func(l *line) []byte { return l.keyed.of(customer) })
	if !ok {
		a.verdict = unknown
		return
	}
	n := read(r.body)
	switch r.status {
	case http.StatusCreated, http.StatusOK:
		a.verdict, a.receipt, a.rank = won, n.receipt, n.rank
		w.f.winners.Add(1)
		if n.receipt.IsZero() || n.rank < 1 {
			w.f.say("customer %s won, but the receipt has no id or no rank: %.200q", w.f.customer(customer), r.body)
		}
	default:
		a.verdict = refused
		w.refuse(n.code)
	}
}

// refuse counts a refusal by its code. The map is looked up without making a string.
func (w *worker) refuse(code []byte) {
	n, ok := w.refusals[string(code)]
	if !ok {
		n = new(int64)
		w.refusals[string(code)] = n
	}
	*n++
}

// askAgain asks once more for a customer whose verdict is known, and holds the answer to it: each time
// of another replica, and every other time under the first key.
func (w *worker) askAgain(ctx context.Context, customer, repeat int) {
	first := w.f.asked[customer]
	keyed := repeat%2 == 0
	r, ok := w.ask(ctx, customer+repeat, func(l *line) []byte {
		if keyed {
			return l.keyed.of(customer)
		}
		return l.keyless.of(customer)
	})
	if !ok {
		if ctx.Err() == nil {
			w.f.say("customer %s asked again and got no answer", w.f.customer(customer))
		}
		return
	}
	w.f.repeats.asked.Add(1)
	n := read(r.body)
	yes := r.status == http.StatusCreated || r.status == http.StatusOK
	switch {
	case first.verdict == won && keyed:
		w.f.repeats.replayed.Add(1)
		if !yes || n.receipt != first.receipt || n.rank != first.rank {
			w.f.say("customer %s won as number %d, and asking again under the same key got %d %s, another answer",
				w.f.customer(customer), first.rank, r.status, n.code)
		}
	case first.verdict == won:
		w.f.repeats.already.Add(1)
		if yes || string(n.code) != "already_redeemed" || n.first != first.receipt {
			w.f.say("customer %s won with receipt %s, and asking again got %d %s with receipt %s",
				w.f.customer(customer), first.receipt.Format(id.Redemption), r.status, n.code, n.first.Format(id.Redemption))
		}
	default:
		w.f.repeats.refused.Add(1)
		if yes {
			w.f.say("customer %s was refused, and asking again won as number %d", w.f.customer(customer), n.rank)
		}
	}
}

// notice is what matters of an answer's body.
type notice struct {
	receipt id.ID
	rank    int64
	code    []byte
	first   id.ID // the receipt within a refusal
}

// read takes a receipt or a problem apart. What it does not find stays zero.
func read(body []byte) notice {
	var n notice
	for name, value := range members(body) {
		switch string(name) {
		case "id":
			n.receipt = receipt(value)
		case "rank":
			n.rank, _ = integer(value) // zero is no rank
		case "code":
			n.code = plain(value)
		case "redemption":
			for name, value := range members(value) {
				if string(name) == "id" {
					n.first = receipt(value)
				}
			}
		}
	}
	return n
}

// receipt reads a redemption's id, zero if it is none.
func receipt(value []byte) id.ID {
	r, err := id.Parse(id.Redemption, string(plain(value)))
	if err != nil {
		return id.ID{}
	}
	return r
}
