package redemption_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/fault"
	"scrip/internal/redemption"
	"scrip/internal/store"
)

// What waits in the queue for clients who have gone, or whose time is up, does not reach the store.
func TestClientsWhoHaveGoneAreNotStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, redemption.Config{})
		r.code("salam", 100)
		release := make(chan struct{})
		r.hook = func(apply func() ([]store.Outcome, error), _ []store.Command) ([]store.Outcome, error) {
			<-release
			return apply()
		}
		here := t.Context()
		client, hangUp := context.WithCancel(here)
		hurry, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		type verdict struct{ err, want error }
		verdicts := make(chan verdict, 100)
		ask := func(ctx context.Context, client redemption.Client, who string, want error) {
			go func() {
				_, err := r.Redeem(ctx, redemption.Request{Code: "salam", Customer: who, Client: client})
				verdicts <- verdict{err, want}
			}()
			synctest.Wait()
		}
		ask(t.Context(), t.Context(), "first", nil) // in the store
		for i := range 10 {
			ask(t.Context(), client, fmt.Sprintf("gone-%d", i), fault.ErrClientGone)
			ask(hurry, t.Context(), fmt.Sprintf("late-%d", i), fault.ErrOverloaded)
			ask(t.Context(), t.Context(), fmt.Sprintf("here-%d", i), nil)
		}
		batch := make(chan []redemption.Verdict, 1)
		go func() {
			batch <- r.RedeemAll(here, []redemption.Request{
				{Code: "salam", Customer: "gone-a", Client: client}, {Code: "!", Client: client}, {Code: "salam", Customer: "gone-b", Client: client},
			})
		}()
		synctest.Wait()
		hangUp()
		time.Sleep(2 * time.Second)
		close(release)
		for range 31 {
			if v := <-verdicts; !errors.Is(v.err, v.want) {
				t.Errorf("got %v; want %v", v.err, v.want)
			}
		}
		all := <-batch
		if !errors.Is(all[0].Err, fault.ErrClientGone) || !errors.Is(all[1].Err, fault.ErrInvalidCode) || !errors.Is(all[2].Err, fault.ErrClientGone) {
			t.Errorf("the batch got %+v", all)
		}
		if n := r.applied.Load(); n != 11 {
			t.Errorf("%d commands reached the store; want 11", n)
		}
		r.wins("salam", "gone-0", 12) // it can ask again
		r.clean()
	})
}
