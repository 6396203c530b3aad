package stampede

import (
	"context"
	"sync"
	"time"
)

// Progress is how far a run is.
type Progress struct {
	Doing    string
	Done     int64 // customers, of what is being done
	Total    int64
	Rate     float64 // final answers a second, over the last moment
	Winners  int64
	P50, P99 time.Duration
	Failures int64
}

// progressEvery is often enough to look alive, and rare enough to cost nothing.
const progressEvery = 200 * time.Millisecond

// tellProgress tells how far the run is until the returned function is called, which tells it once more.
func (f *flood) tellProgress(ctx context.Context) (stop func()) {
	if f.cfg.Progress == nil {
		return func() {}
	}
	ended := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		last, at := int64(0), time.Now()
		for {
			select {
			case <-ended:
				f.cfg.Progress(f.progress(0))
				return
			case now := <-tick.C:
				n := f.requests.Load()
				f.cfg.Progress(f.progress(float64(n-last) / now.Sub(at).Seconds()))
				last, at = n, now
			case <-ctx.Done():
				<-ended
				return
			}
		}
	})
	return func() {
		close(ended)
		done.Wait()
	}
}

func (f *flood) progress(rate float64) Progress {
	q := f.latency.quantiles(0.5, 0.99)
	return Progress{
		Doing: phase(f.phase.Load()).String(), Done: f.done.Load(), Total: int64(f.cfg.Customers), Rate: rate,
		Winners: f.winners.Load(), P50: q[0], P99: q[1], Failures: f.failures.Load(),
	}
}

// String says what a phase does.
func (p phase) String() string {
	switch p {
	case askingAgain:
		return "asking again"
	case checkingWallets:
		return "checking wallets"
	default:
		return "asking"
	}
}
