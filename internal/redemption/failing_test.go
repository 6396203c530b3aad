package redemption_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"scrip/internal/fault"
	"scrip/internal/redemption"
	"scrip/internal/store"
)

// A commit that failed is told until one succeeds, or until requests should be let in to find out.
func TestAStoreThatCantCommitIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, redemption.Config{})
		r.code("salam", 2)
		full := func(func() ([]store.Outcome, error), []store.Command) ([]store.Outcome, error) {
			return nil, fmt.Errorf("%w: %w", store.ErrNotApplied, errDisk)
		}
		fails := func() {
			t.Helper()
			if err := r.Failing(); !errors.Is(err, errDisk) {
				t.Errorf("failing: %v", err)
			}
		}
		works := func() {
			t.Helper()
			if err := r.Failing(); err != nil {
				t.Errorf("failing: %v", err)
			}
		}
		works()
		r.hook = full
		r.loses("salam", "ali", fault.ErrStoreUnavailable)
		fails()

		r.hook = nil
		if _, err := r.ask("unknown", "ali"); !errors.Is(err, fault.ErrVoucherNotFound) {
			t.Error(err)
		}
		fails() // a refusal commits nothing, and so proves nothing
		r.wins("salam", "ali", 1)
		works()

		r.hook = full
		r.loses("salam", "bita", fault.ErrStoreUnavailable)
		time.Sleep(redemption.FailingFor - time.Millisecond)
		fails()
		time.Sleep(time.Millisecond)
		works()
		r.loses("salam", "bita", fault.ErrStoreUnavailable)
		fails()
		r.hook = nil
		r.wins("salam", "bita", 2)
		works()
	})
}
