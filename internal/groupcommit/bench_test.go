package groupcommit_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"scrip/internal/groupcommit"
)

// command has about the size of the commands that the service hands in.
type command [12]uint64

func newBenchBatcher(tb testing.TB, flushTime time.Duration) *groupcommit.Batcher[command, command] {
	tb.Helper()
	results := make([]command, 512)
	b, err := groupcommit.New(groupcommit.Config[command, command]{
		MaxBatch: 512, MaxQueue: 4096,
		Flush: func(_ context.Context, batch []command) ([]command, error) {
			if flushTime > 0 {
				time.Sleep(flushTime)
			}
			return results[:len(batch)], nil
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = b.Close(context.WithoutCancel(tb.Context())) })
	return b
}

// BenchmarkSubmit measures the batcher itself, with a flush that does nothing, and its batching, with
// one that takes about as long as a durable commit.
func BenchmarkSubmit(b *testing.B) {
	for _, flushTime := range []time.Duration{0, time.Millisecond} {
		for _, callers := range []int{1, 64, 512} {
			b.Run("flush="+flushTime.String()+"/callers="+strconv.Itoa(callers), func(b *testing.B) {
				batcher := newBenchBatcher(b, flushTime)
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				b.ReportAllocs()
				done := make(chan error, callers)
				b.ResetTimer()
				for caller := range callers {
					mine := b.N/callers + min(1, max(0, b.N%callers-caller))
					go func() {
						own, leave := context.WithCancel(ctx) // as each request has its own
						defer leave()
						var err error
						for range mine {
							if _, err = batcher.Submit(own, command{}); err != nil {
								break
							}
						}
						done <- err
					}()
				}
				for range callers {
					if err := <-done; err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submits/s")
			})
		}
	}
}
