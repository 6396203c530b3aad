package pgstore_test

import (
	"fmt"
	"testing"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

// A text that PostgreSQL can't keep is its command's own fault, and no other's.
func TestTextsThatCanNotBeStored(t *testing.T) {
	t.Parallel()
	s := open(t, testenv.Database(t), nil)
	create(t, s, "SA1AM", 0)
	stands := redeem("SA1AM", "stands")
	apply(t, s, stands)
	var n int
	for _, bad := range []string{"\x00", "a\x00b", "\xff", "\xc3\x28", "\xed\xa0\x80"} {
		spoilt := map[string]store.Command{
			"code":     redeem("SA1AM"+bad, "ali"),
			"customer": redeem("SA1AM", "ali"+bad),
			"key":      &store.Redeem{ID: id.New(stands.ID.Time()), Code: "SA1AM", Customer: "ali", Key: bad},
			"order": &store.Redeem{
				ID: id.New(stands.ID.Time()), Code: "SA1AM", Customer: "ali",
				Order: &voucher.Order{ID: bad, AmountMinor: 5, Currency: "IRR"},
			},
			"reason":   &store.Rollback{ID: id.New(stands.ID.Time()), Redemption: stands.ID, Reason: bad},
			"undo key": &store.Rollback{ID: id.New(stands.ID.Time()), Redemption: stands.ID, Key: bad},
			"payee":    pay("ali"+bad, 5),
			"receiver": send("stands", "ali"+bad, 5),
		}
		for what, c := range spoilt {
			n++
			before, after := redeem("SA1AM", fmt.Sprint("before", n)), pay(fmt.Sprint("after", n), 5)
			outcomes, err := s.Apply(t.Context(), []store.Command{before, c, after})
			if err != nil {
				t.Fatalf("%s %q broke the batch: %v", what, bad, err)
			}
			if r := outcomes[1].Refusal; r == nil || !r.Is(fault.ErrInvalidRequest) {
				t.Errorf("%s %q: %+v, want an invalid request", what, bad, outcomes[1])
			}
			if outcomes[0].Redemption == nil || outcomes[2].Transfer == nil {
				t.Errorf("%s %q: its neighbours were not done: %+v", what, bad, outcomes)
			}
		}
	}
	audited(t, s)
}
