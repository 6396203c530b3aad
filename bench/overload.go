package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Ten times what fills a batch: a batch's worth of wrk's connections keeps every commit full, which is the capacity;
// then ten batches' worth ask, each again as soon as it has its answer, so that those who are turned away press
// at once and nobody is patient. wrk can't tell the answers apart by their status. So a few clients of our own,
// probes, ask among the crowd in the same way, and what is compared is how long those of their requests took that
// were let in, in both crowds on the same server.
//
// wrk shares the machine with the server, and each refusal costs it as much as each success: the more of the
// processors' time goes into refusals, the less is left for commits.
//
// Where a large batch keeps all processors busy, ten times its clients are also ten times what the machine can do: each of
// them waits for as long as it takes to answer them all, whatever they are told. So the bare handler, which has
// no queue and does nothing, is asked by as many clients in each round: how long it takes is what the clients and
// net/http alone make of them on this machine. And it is measured with a small batch too; and on a database that is away, where
// the store's capacity is not the processors'.

const (
	overloadTimes    = 10
	overloadProbe    = 8   // one probe for so many clients that fill a batch
	overloadTailMax  = 4.0 // p99 of the admitted, over that of full batches
	overloadAgainMax = 2 * time.Second
	overloadCalm     = 20 // requests in a row without a refusal, after which it is normal again
	overloadStep     = 10 * time.Millisecond
	overloadGiveUp   = 30 * time.Second
)

// overloadBatches are the sizes of --max-batch. A smaller one would have more than two batches' worth in the queue,
// which has room for a hundred at least.
func overloadBatches() []int { return []int{256, 64} }

// overloadRound is one crowd after the other.
type overloadRound struct {
	FullPerSecond  float64 `json:"full_per_second"` // admitted
	Full99US       float64 `json:"full_p99_us"`
	OverPerSecond  float64 `json:"over_per_second"` // admitted
	Over99US       float64 `json:"over_p99_us"`
	BarePerSecond  float64 `json:"bare_per_second"`
	Bare99US       float64 `json:"bare_p99_us"` // of the bare handler, asked by as many clients
	RefusedPerSec  float64 `json:"refused_per_second"`
	Refused99US    float64 `json:"refused_p99_us"`
	ResidentMiB    float64 `json:"resident_mib"` // the most that was seen
	AgainMS        float64 `json:"again_ms"`     // from the end of the load until all are taken again
	HealthWorstMS  float64 `json:"health_worst_ms"`
	HealthFailures int     `json:"health_failures"`
}

type overloadResult struct {
	Store       string          `json:"store,omitempty"` // if it is not the embedded one
	Batch       int             `json:"batch"`
	Connections int             `json:"connections"`
	Rounds      []overloadRound `json:"rounds"`
}

func (r *overloadResult) median(of func(overloadRound) float64) float64 {
	return median(each(r.Rounds, of))
}

func (r *overloadResult) tail() float64 {
	return r.median(func(o overloadRound) float64 { return o.Over99US / o.Full99US })
}

// write appends the result's lines to the table of figures.
func (r *overloadResult) write(b *strings.Builder) {
	of := fmt.Sprintf("overload%s, batches of %d", r.Store, r.Batch)
	ms := func(of func(overloadRound) float64) float64 { return r.median(of) / 1e3 }
	tail, back := r.tail(), r.median(func(o overloadRound) float64 { return o.AgainMS })
	fmt.Fprintf(b, "| %s, %d clients: p99 of the admitted, against %.1f ms with %d clients | %.1f ms | %.2f times | %.0f times%s |\n",
		of, r.Connections, ms(func(o overloadRound) float64 { return o.Full99US }), r.Batch,
		ms(func(o overloadRound) float64 { return o.Over99US }), tail, overloadTailMax, missed(tail > overloadTailMax))
	fmt.Fprintf(b, "| %s: p99 of the bare handler with %d clients, at %.0f/s | %.1f ms | %.2f times | – |\n",
		of, r.Connections, r.median(func(o overloadRound) float64 { return o.BarePerSecond }), ms(func(o overloadRound) float64 { return o.Bare99US }),
		r.median(func(o overloadRound) float64 { return o.Bare99US / o.Full99US }))
	fmt.Fprintf(b, "| %s: admitted, against %.0f/s | %.0f/s | %.2f | – |\n", of, r.median(func(o overloadRound) float64 { return o.FullPerSecond }),
		r.median(func(o overloadRound) float64 { return o.OverPerSecond }),
		r.median(func(o overloadRound) float64 { return o.OverPerSecond / o.FullPerSecond }))
	fmt.Fprintf(b, "| %s: refused, p99 %.1f ms | %.0f/s | | – |\n", of, ms(func(o overloadRound) float64 { return o.Refused99US }),
		r.median(func(o overloadRound) float64 { return o.RefusedPerSec }))
	fmt.Fprintf(b, "| %s: from the end of the load until all are taken | %.0f ms | | %d ms%s |\n",
		of, back, overloadAgainMax.Milliseconds(), missed(back > milliseconds(overloadAgainMax)))
	fmt.Fprintf(b, "| %s: resident memory | %.0f MiB | | – |\n", of, r.median(func(o overloadRound) float64 { return o.ResidentMiB }))
	failures := 0
	for _, o := range r.Rounds {
		failures += o.HealthFailures
	}
	fmt.Fprintf(b, "| %s: slowest answer of /healthz, on a new connection each time; %d failed%s | %.0f ms | | – |\n",
		of, failures, missed(failures > 0), r.median(func(o overloadRound) float64 { return o.HealthWorstMS }))
}

// overload measures a server of its own for each size of batch.
func (b *bench) overload(ctx context.Context) ([]*overloadResult, error) {
	bare, err := startBare(ctx)
	if err != nil {
		return nil, err
	}
	defer bare.stop()
	var all []*overloadResult
	for _, batch := range overloadBatches() {
		r, err := b.overloadOf(ctx, bare.base, overloaded{data: "overload-" + strconv.Itoa(batch), batch: batch})
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	away, err := b.overloadAfar(ctx, bare.base)
	if err != nil {
		return nil, err
	}
	return append(all, away), nil
}

// overloaded is a server to be asked for too much.
type overloaded struct {
	store string // as a result has it
	data  string // its folder
	batch int
	flags []string
}

func (b *bench) overloadOf(ctx context.Context, bare string, of overloaded) (*overloadResult, error) {
	size := strconv.Itoa(of.batch)
	s, _, err := b.serve(ctx, filepath.Join(b.dir, of.data), append([]string{"--max-batch", size}, of.flags...)...)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	r := &overloadResult{Store: of.store, Batch: of.batch, Connections: overloadTimes * of.batch}
	for round := range b.runs + 1 { // the first only warms up
		b.say("overload%s, batches of %d, round %d of %d", of.store, of.batch, round, b.runs)
		o, err := b.overloadRound(ctx, s, bare, of.batch)
		if err != nil {
			return nil, err
		}
		if round > 0 {
			r.Rounds = append(r.Rounds, o)
		}
	}
	return r, nil
}

func (b *bench) overloadRound(ctx context.Context, s *server, bare string, batch int) (overloadRound, error) {
	code, err := s.newCode(ctx, 0)
	if err != nil {
		return overloadRound{}, err
	}
	reference, err := b.press(ctx, bare, code, overloadTimes*batch, batch/overloadProbe)
	if err != nil {
		return overloadRound{}, err
	}
	full, err := b.press(ctx, s.base, code, batch, batch/overloadProbe)
	if err != nil {
		return overloadRound{}, err
	}
	if full.crowd.Non2xx > 0 || len(full.refused) > 0 {
		return overloadRound{}, errors.New("overload: requests are refused while one batch's worth asks")
	}
	watch := newWatch(ctx, s)
	over, err := b.press(ctx, s.base, code, overloadTimes*batch, batch/overloadProbe)
	watch.end()
	if err != nil {
		return overloadRound{}, err
	}
	after, err := b.normalAgain(ctx, s, code)
	if err != nil {
		return overloadRound{}, err
	}
	answered := full.answered() + over.answered() + after.won
	unheard := int64((1 + overloadTimes) * batch) // those whom wrk left in the middle of a request
	if won, err := s.settled(ctx, code); err != nil || won < answered || won > answered+unheard {
		return overloadRound{}, fmt.Errorf("overload: %d successes were answered, %d are there: %w", answered, won, err)
	}
	return overloadRound{
		FullPerSecond: full.admitted(), Full99US: percentile(full.won, 99),
		OverPerSecond: over.admitted(), Over99US: percentile(over.won, 99),
		BarePerSecond: reference.crowd.rate(), Bare99US: percentile(reference.won, 99),
		RefusedPerSec: over.crowd.rate() - over.admitted(), Refused99US: percentile(over.refused, 99),
		ResidentMiB: watch.residentMiB, AgainMS: milliseconds(after.took),
		HealthWorstMS: milliseconds(watch.worst), HealthFailures: watch.failures,
	}, nil
}

// pressed is what a crowd was told: wrk's counts, and the probes' times in microseconds.
type pressed struct {
	crowd        sample
	won, refused []float64
}

// admitted is how many of the crowd were let in, a second.
func (p *pressed) admitted() float64 {
	return p.crowd.rate() * float64(p.crowd.Requests-p.crowd.Non2xx) / float64(p.crowd.Requests)
}

// answered is how many successes were told.
func (p *pressed) answered() int64 { return p.crowd.Requests - p.crowd.Non2xx + int64(len(p.won)) }

// press has so many clients, some of them probes, ask for b.duration, each again as soon as it has its answer.
func (b *bench) press(ctx context.Context, base, code string, clients, asProbes int) (*pressed, error) {
	l, err := b.load(base, seedRoute(), code, clients-asProbes)
	if err != nil {
		return nil, err
	}
	first, err := b.customers(int64(b.duration.Seconds()) * threadRateMax)
	if err != nil {
		return nil, err
	}
	var next atomic.Int64
	next.Store(first)
	probes, failed := make([]pressed, asProbes), make([]error, asProbes+1)
	total := &pressed{}
	var all sync.WaitGroup
	all.Go(func() { total.crowd, failed[asProbes] = b.wrk.run(ctx, l) })
	until := time.Now().Add(b.duration)
	for i := range probes {
		all.Go(func() {
			c, err := dialOne(ctx, strings.TrimPrefix(base, "http://"))
			if err != nil {
				failed[i] = err
				return
			}
			failed[i] = errors.Join(probes[i].keepAsking(c, code, &next, until), c.conn.Close())
		})
	}
	all.Wait()
	for i := range probes {
		total.won, total.refused = append(total.won, probes[i].won...), append(total.refused, probes[i].refused...)
	}
	return total, errors.Join(failed...)
}

func (p *pressed) keepAsking(c *oneConn, code string, next *atomic.Int64, until time.Time) error {
	for time.Now().Before(until) {
		body := fmt.Sprintf(`{"code":%q,"mobile":%q}`, code, mobile(next.Add(1)-1))
		began := time.Now()
		status, err := c.ask("/codes/use", body)
		took := microseconds(time.Since(began))
		switch {
		case err != nil:
			return err
		case status == http.StatusOK:
			p.won = append(p.won, took)
		case status == http.StatusServiceUnavailable:
			p.refused = append(p.refused, took)
		default:
			return fmt.Errorf("under overload a request is answered %d", status)
		}
	}
	return nil
}

// again is how a server came back.
type again struct {
	took time.Duration
	won  int64 // successes while it was waited for
}

// normalAgain waits until requests are taken one after the other.
func (b *bench) normalAgain(ctx context.Context, s *server, code string) (again, error) {
	began := time.Now()
	c, err := dialOne(ctx, strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		return again{}, err
	}
	defer c.conn.Close() //nolint:errcheck // nothing is left to send
	first, err := b.customers(int64(overloadGiveUp / overloadStep))
	if err != nil {
		return again{}, err
	}
	calm, won := 0, int64(0)
	normal := began // since when all are taken
	for n := first; time.Since(began) < overloadGiveUp; n++ {
		status, err := c.ask("/codes/use", fmt.Sprintf(`{"code":%q,"mobile":%q}`, code, mobile(n)))
		if err != nil {
			return again{}, err
		}
		calm++
		if status == http.StatusOK {
			won++
		} else {
			calm, normal = 0, time.Now()
			time.Sleep(overloadStep)
		}
		if calm == overloadCalm {
			return again{normal.Sub(began), won}, nil
		}
	}
	return again{}, fmt.Errorf("overload: requests are still refused %v after the load", overloadGiveUp)
}

// watch asks a server under load how it is, each time on a new connection, and looks at its memory.
type watch struct {
	cancel context.CancelFunc
	done   sync.WaitGroup

	worst       time.Duration
	failures    int
	residentMiB float64
}

func newWatch(ctx context.Context, s *server) *watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{cancel: cancel}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	w.done.Go(func() {
		for ctx.Err() == nil {
			began := time.Now()
			status, err := get(ctx, client, s.base+"/healthz")
			if ctx.Err() != nil {
				return
			}
			w.worst = max(w.worst, time.Since(began))
			if err != nil || status != http.StatusOK {
				w.failures++
			}
			w.residentMiB = max(w.residentMiB, residentMiB(s.cmd.Process.Pid))
			time.Sleep(overloadStep)
		}
	})
	return w
}

func (w *watch) end() {
	w.cancel()
	w.done.Wait()
}
