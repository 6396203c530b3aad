package groupcommit_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/groupcommit"
)

// failing is a change that makes the flush of any batch with this command end in fail.
func failing(command int, fail func(batch []int) ([]int, error)) func(*config) {
	return func(cfg *config) {
		flush := cfg.Flush
		cfg.Flush = func(ctx context.Context, batch []int) ([]int, error) {
			results, err := flush(ctx, batch)
			if slices.Contains(batch, command) {
				return fail(batch)
			}
			return results, err
		}
	}
}

func TestFailedFlushReachesItsWholeBatchAndNoOther(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fail func([]int) ([]int, error)
		want error
	}{
		"an error":            {func(batch []int) ([]int, error) { return batch, errStore }, errStore},
		"too few results":     {func(batch []int) ([]int, error) { return batch[1:], nil }, groupcommit.ErrResultCount},
		"too many results":    {func(batch []int) ([]int, error) { return append(batch, 0), nil }, groupcommit.ErrResultCount},
		"no results at all":   {func([]int) ([]int, error) { return nil, nil }, groupcommit.ErrResultCount},
		"a panic":             {func([]int) ([]int, error) { panic("boom") }, groupcommit.ErrPanicked},
		"a panic of an error": {func([]int) ([]int, error) { panic(errStore) }, groupcommit.ErrPanicked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := setup(t, failing(3, tt.fail))
				replies := b.submitEach(t.Context(), upTo(9)...) // batches of 1, 2 to 5, 6 to 9
				b.wantDone(t, []int{1, 6, 7, 8, 9}, slices.Concat(replies[:1], replies[5:]))
				for _, r := range replies[1:5] {
					wantError(t, r.err, tt.want)
					if r.result != 0 {
						t.Errorf("a failed command got the result %d", r.result)
					}
				}
			})
		})
	}
}

// A panic tells where it happened, and nothing of what it was about: that may be a command.
func TestPanicTellsItsPlaceAndNoValue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, failing(1, func([]int) ([]int, error) { panic("boom") }))
		_, err := b.Submit(t.Context(), 1)
		if strings.Contains(fmt.Sprint(err), "boom") {
			t.Errorf("the panic's error tells its value: %v", err)
		}
		for _, part := range []string{"Flush", "type string", "flusher_test.go"} {
			if !strings.Contains(fmt.Sprint(err), part) {
				t.Errorf("the panic's error does not tell %q: %v", part, err)
			}
		}
	})
}

// loser is the answer of screening: commands from 50 on lose.
const loser = -1

func screen(command int) (int, bool) { return loser, command >= 50 }

func TestScreenedCommandsJoinNoBatchAndGiveTheirPlaceAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(cfg *config) { cfg.Screen = screen; cfg.MaxQueue = 100 })
		lone := b.submit(t.Context(), 50)
		if lone.err != nil || lone.result != loser || lone.after != 0 {
			t.Errorf("a lone loser got %+v", lone)
		}
		commands := []int{1, 60, 2, 61, 62, 3, 63, 4, 64, 5}
		replies := b.submitEach(t.Context(), commands...)
		b.all.Wait()
		for i, r := range replies {
			if c := commands[i]; c >= 50 && (r.result != loser || r.err != nil || r.after > commit) {
				t.Errorf("loser %d got %+v", c, r) // at once as the batch was formed, after no second flush
			} else if c < 50 && (r.result != answerTo(c) || r.err != nil) {
				t.Errorf("command %d got %+v", c, r)
			}
		}
		wantEqual(t, "batch sizes", b.store.sizes(), []int{1, 4}) // the losers made room for 5
		wantEqual(t, "flushed", b.store.flushed(), upTo(5))
	})
}

func TestScreenKnowsWhatTheLastFlushTaught(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		soldOut := false // the flusher's own: the race detector sees to it that it alone calls back
		b := setup(t, func(cfg *config) {
			cfg.Screen = func(int) (int, bool) { return loser, soldOut }
			cfg.Settled = func([]int, []int) { soldOut = true }
		})
		replies := b.submitEach(t.Context(), upTo(9)...)
		b.wantDone(t, upTo(1), replies[:1])
		for _, r := range replies[1:] {
			if r.result != loser || r.after != commit {
				t.Errorf("a loser got %+v; want to hear of it after %v", r, commit)
			}
		}
		wantEqual(t, "flushed", b.store.flushed(), upTo(1)) // a queue of losers never reached the store
	})
}

func TestLosersWhoKeepComingDoNotHoldABatchBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b *bundle
		more := 1000
		b = setup(t, func(cfg *config) {
			cfg.Screen = func(command int) (int, bool) {
				if command >= 50 && more > 0 { // each loser brings the next
					more--
					before := b.Depth()
					b.all.Go(func() { _, _ = b.Submit(t.Context(), 50) })
					for b.Depth() == before {
						time.Sleep(time.Nanosecond)
					}
				}
				return screen(command)
			}
		})
		first := b.submit(t.Context(), 1)
		replies := b.submitEach(t.Context(), 2, 50)
		time.Sleep(commit + 100*time.Nanosecond)
		wantEqual(t, "batch sizes", b.store.sizes(), []int{1, 1})
		b.wantDone(t, upTo(2), []*reply{first, replies[0]})
	})
}

func TestLeavingWhileABatchIsFormedShortensIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithCancel(t.Context())
		b := setup(t, func(cfg *config) {
			cfg.MaxBatch = 1
			cfg.Screen = func(command int) (int, bool) {
				if command >= 50 {
					leave()
					time.Sleep(time.Nanosecond) // the last in the queue withdraws
				}
				return screen(command)
			}
		})
		first := b.submit(t.Context(), 1)
		lost := b.submit(t.Context(), 50)
		gone := b.submit(ctx, 90)
		b.wantDone(t, upTo(1), []*reply{first})
		wantError(t, gone.err, groupcommit.ErrWithdrawn)
		if lost.err != nil || lost.result != loser {
			t.Errorf("the loser got %+v", lost)
		}
		synctest.Wait() // the flusher sleeps: it does not go on looking for the one who left
		last := b.submit(t.Context(), 2)
		b.wantDone(t, []int{2}, []*reply{last})
		wantEqual(t, "flushed", b.store.flushed(), upTo(2))
	})
}

func TestPanicInScreenHurtsOnlyItsOwner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, func(cfg *config) {
			cfg.Screen = func(command int) (int, bool) {
				if command == 3 {
					panic("boom")
				}
				return screen(command)
			}
		})
		replies := b.submitEach(t.Context(), upTo(5)...)
		b.wantDone(t, []int{1, 2, 4, 5}, slices.Delete(slices.Clone(replies), 2, 3))
		wantError(t, replies[2].err, groupcommit.ErrPanicked)
		wantEqual(t, "flushed", b.store.flushed(), []int{1, 2, 4, 5})
	})
}

func TestSettledComesOnceAfterAllRepliesOfASuccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var answered atomic.Int32
		var settled []int
		b := setup(t, failing(2, func([]int) ([]int, error) { return nil, errStore }), func(cfg *config) {
			cfg.Settled = func(batch, results []int) {
				synctest.Wait() // whoever was answered has had the time to say so
				settled = append(settled, batch...)
				for i, command := range batch {
					if results[i] != answerTo(command) {
						t.Errorf("settled %d with %d", command, results[i])
					}
				}
				if n := int(answered.Load()); n != batch[len(batch)-1] {
					t.Errorf("settled %v after %d answers", batch, n)
				}
			}
		})
		for _, command := range upTo(9) {
			b.all.Go(func() { _, _ = b.Submit(t.Context(), command); answered.Add(1) })
			time.Sleep(time.Nanosecond)
		}
		b.all.Wait()
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "settled", settled, []int{1, 6, 7, 8, 9}) // 2 to 5 failed: they taught nothing
	})
}

func TestObserveIsToldOfEachFlush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		var errs []error
		fail := failing(2, func([]int) ([]int, error) { return nil, errStore })
		b := setup(t, fail, func(cfg *config) {
			cfg.Settled = func(batch, _ []int) {
				time.Sleep(commit) // is no part of the time that Flush took
				if batch[0] == 6 {
					panic("boom")
				}
			}
			cfg.Observe = func(size int, took time.Duration, err error) {
				sizes, errs = append(sizes, size), append(errs, err)
				if took != commit {
					t.Errorf("a flush of %d took %v; want %v", size, took, commit)
				}
			}
		})
		replies := b.submitEach(t.Context(), upTo(9)...)
		b.wantDone(t, []int{1, 6, 7, 8, 9}, slices.Concat(replies[:1], replies[5:]))
		r := b.submit(t.Context(), 10) // a panic in Settled ends nothing
		b.wantDone(t, []int{10}, []*reply{r})
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "sizes", sizes, []int{1, 4, 4, 1})
		for i, want := range []error{nil, errStore, groupcommit.ErrPanicked, nil} {
			wantError(t, errs[i], want)
		}
	})
}
