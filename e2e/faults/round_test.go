package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"scrip/client"
)

// The load of one round: so many customers, each of whom asks for a limited code and for the endless one,
// and asks again, by so many connections at once. Both uses of a customer go to one wallet, mostly through
// different replicas.
const (
	crowd      = 12
	perRound   = 150                    // customers
	limit      = 100                    // uses of the round's code
	pace       = 6 * time.Millisecond   // between two requests of one connection
	newOneIn   = 3                      // every third request is a task, the others ask again
	drainMax   = 30 * time.Second       // for the last answers, after the fault
	answerMax  = requestTimeout + slack // for one answer of each replica during a fault
	probePause = 20 * time.Millisecond
)

// round is one fault under load, over one code of its own.
type round struct {
	*site
	n    int
	code string

	over     atomic.Bool // only what has no answer is asked from now on
	workers  sync.WaitGroup
	probes   int
	replicas []*replica // whom the crowd asks
}

// codeOf is the limited code that a customer belongs to.
func codeOf(customer string) string {
	code, _, _ := strings.Cut(customer, "-")
	return code
}

// begin makes the round's code and lets the crowd in.
func (s *site) begin(n int) *round {
	s.t.Helper()
	r := &round{site: s, n: n, code: fmt.Sprintf("limited%02d", n), replicas: slices.Clone(s.replicas)}
	s.code(r.code, limit)
	var tasks []task
	for i := range perRound {
		customer := fmt.Sprintf("%s-%04d", r.code, i)
		tasks = append(tasks, task{r.code, customer}, task{endless, customer})
	}
	s.random.Shuffle(len(tasks), func(i, j int) { tasks[i], tasks[j] = tasks[j], tasks[i] })
	s.book.add(tasks...)
	for range crowd {
		seed := s.random.Uint64()
		r.workers.Go(func() { r.work(rand.New(rand.NewPCG(seed, 0))) }) //nolint:gosec // whom to ask, not a secret
	}
	return r
}

// work is one of the crowd's connections.
func (r *round) work(random *rand.Rand) {
	ctx := r.t.Context()
	deadline := time.Time{}
	for ctx.Err() == nil {
		whom := r.replicas[random.IntN(len(r.replicas))]
		over := r.over.Load()
		if over && r.book.unanswered() == 0 {
			return
		}
		if over && deadline.IsZero() {
			deadline = time.Now().Add(drainMax)
		}
		if over && time.Now().After(deadline) {
			return
		}
		if over || random.IntN(newOneIn) == 0 {
			if k, ok := r.book.take(); ok {
				r.book.ask(ctx, whom, k)
			}
		} else {
			r.book.askAgain(ctx, whom, random.IntN(1<<20))
		}
		time.Sleep(pace/2 + time.Duration(random.Int64N(int64(pace))))
	}
}

// recover waits until each of the replicas redeems again (all of the round's, if none is named), and notes
// how long after the fault's end that was.
func (r *round) recover(ended time.Time, replicas ...*replica) {
	r.t.Helper()
	if len(replicas) == 0 {
		replicas = r.replicas
	}
	var all sync.WaitGroup
	took := make([]time.Duration, len(replicas))
	errs := make([]error, len(replicas))
	for i, of := range replicas {
		k := r.newProbe()
		all.Go(func() { took[i], errs[i] = r.probe(of, k, ended, recoverMax) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			r.t.Errorf("round %d: %s does not redeem %v after the fault's end: %v", r.n, replicas[i].name, recoverMax, err)
			continue
		}
		r.recoveries = append(r.recoveries, took[i])
	}
}

// newProbe is a task of nobody's.
func (r *round) newProbe() task {
	r.probes++
	return task{endless, fmt.Sprintf("probe-%02d-%d", r.n, r.probes)}
}

// probe redeems a task through one replica as soon as that can be done.
func (r *round) probe(of *replica, k task, ended time.Time, most time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithDeadline(r.t.Context(), ended.Add(most))
	defer cancel()
	for {
		receipt, err := k.redeem(ctx, of.client)
		if r.book.probed(k, receipt, err) {
			return time.Since(ended), nil
		}
		select {
		case <-ctx.Done():
			r.book.add(k) // it may have been done: whoever asks next finds out
			return 0, err
		case <-time.After(probePause):
		}
	}
}

// probed records what a probe was told, and reports whether it has won.
func (b *book) probed(k task, receipt *client.Redemption, err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		receipt = b.firstReceipt(k, err)
		b.unsure[k] = true
	}
	if receipt == nil {
		return false
	}
	b.enter(k, receipt)
	return true
}

// finish lets the crowd get its last answers, and holds the round to account.
func (r *round) finish() {
	r.t.Helper()
	r.over.Store(true)
	r.workers.Wait()
	if n := r.book.unanswered(); n > 0 {
		r.t.Errorf("round %d: %d tasks have no answer %v after the fault", r.n, n, drainMax)
	}
	r.check()
	if r.t.Failed() {
		r.t.FailNow()
	}
}

// mark is how far each replica's answers have come.
type mark struct{ answers, faults int64 }

func (r *round) mark() map[*replica]mark {
	marks := map[*replica]mark{}
	for _, of := range r.replicas {
		marks[of] = mark{of.answers.Load(), of.faults.Load()}
	}
	return marks
}

// untilAnswered waits until each replica that is not shaky has answered something since the mark.
func (r *round) untilAnswered(since map[*replica]mark) {
	r.t.Helper()
	r.untilAll("every replica answers", since, func(of *replica, m mark) bool { return of.answers.Load() > m.answers })
}

// untilRefused waits until each replica that is not shaky has said since the mark that something fails: the
// fault is felt, and told.
func (r *round) untilRefused(since map[*replica]mark) {
	r.t.Helper()
	r.untilAll("every replica tells of the fault", since, func(of *replica, m mark) bool { return of.faults.Load() > m.faults })
}

func (r *round) untilAll(what string, since map[*replica]mark, is func(*replica, mark) bool) {
	r.t.Helper()
	r.eventually(answerMax, what, func() bool {
		for of, m := range since {
			if !of.shaky.Load() && !is(of, m) {
				return false
			}
		}
		return true
	})
}
