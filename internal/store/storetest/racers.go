package storetest

import (
	"errors"
	"slices"
	"sync"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

func racers() topic {
	return topic{"racers", []scenario{
		{"the limit wins, each rank once", raceForLimit},
		{"one customer wins once", raceOfOneCustomer},
		{"one key has one effect", raceOfOneKey},
		{"a wallet is spent once", raceOfSpenders},
		{"money goes round in circles", raceInCircles},
		{"a redemption is rolled back once", raceOfRollbacks},
		{"a code is created once", raceOfCreators},
		{"changes come in between", raceWithAmendments},
	}}
}

// race applies each batch in a goroutine of its own, all at once, and returns all outcomes.
func (w *world) race(batches [][]store.Command) []store.Outcome {
	w.t.Helper()
	outcomes := make([][]store.Outcome, len(batches))
	errs := make([]error, len(batches))
	var runners sync.WaitGroup
	gun := make(chan struct{})
	for i, batch := range batches {
		runners.Go(func() {
			<-gun
			outcomes[i], errs[i] = w.s.Apply(w.t.Context(), batch)
		})
	}
	close(gun)
	runners.Wait()
	w.ok(errors.Join(errs...))
	return slices.Concat(outcomes...)
}

// count counts the effects, the replays and the refusals among outcomes.
func count(outcomes []store.Outcome) (effects, replays int, refusals map[fault.Code]int) {
	refusals = map[fault.Code]int{}
	for _, o := range outcomes {
		switch {
		case o.Refusal != nil:
			refusals[o.Refusal.Code]++
		case o.Replayed:
			replays++
		default:
			effects++
		}
	}
	return effects, replays, refusals
}

func raceForLimit(w *world) {
	const limit, runners = 50, 40
	l := w.shared("salam", limit)
	batches := make([][]store.Command, runners)
	for i := range batches {
		for j := range 1 + i%4 {
			batches[i] = append(batches[i], w.redeem("salam", customer(10*i+j)))
		}
	}
	outcomes := w.race(batches)
	effects, replays, refusals := count(outcomes)
	w.equal("winners, replays and losers", []int{effects, replays, refusals[fault.ErrSoldOut.Code]}, []int{limit, 0, 50})
	var ranks []int64
	var names []string
	for _, o := range outcomes {
		if o.Refusal == nil {
			ranks, names = append(ranks, o.Redemption.Rank), append(names, o.Redemption.Customer)
			w.holds(o.Redemption.Customer, credit)
		}
	}
	slices.Sort(ranks)
	for i, rank := range ranks {
		w.equal("rank", rank, int64(i+1))
	}
	slices.Sort(names)
	w.equal("winners", w.winnersOf(l.Voucher.ID), names)
}

func raceOfOneCustomer(w *world) {
	w.shared("salam", 0)
	batches := make([][]store.Command, 16)
	for i := range batches {
		batches[i] = []store.Command{w.redeem("salam", "ali"), w.redeem("salam", customer(i))}
	}
	outcomes := w.race(batches)
	effects, _, refusals := count(outcomes)
	w.equal("winners and repeats", []int{effects, refusals[fault.ErrAlreadyRedeemed.Code]}, []int{17, 15})
	_, first, err := w.s.Claims(w.t.Context(), "ali", w.look("salam").Voucher)
	w.ok(err)
	for _, o := range outcomes {
		if o.Redemption.Customer == "ali" {
			w.equal("the one receipt", o.Redemption, first)
		}
	}
	w.holds("ali", credit)
}

func raceOfOneKey(w *world) {
	w.shared("salam", 0, func(_ *voucher.Campaign, v *voucher.Voucher) { v.PerCustomer = 99 })
	batches := make([][]store.Command, 16)
	for i := range batches {
		batches[i] = []store.Command{w.keyed("salam", "ali", "k", 1)}
	}
	outcomes := w.race(batches)
	effects, replays, _ := count(outcomes)
	w.equal("effects and replays", []int{effects, replays}, []int{1, 15})
	for _, o := range outcomes {
		w.equal("the one receipt", o.Redemption, outcomes[0].Redemption)
	}
}

func raceOfSpenders(w *world) {
	w.done(w.do(w.pay("ali", 10)))
	batches := make([][]store.Command, 24)
	for i := range batches {
		batches[i] = []store.Command{w.spend("ali", 1)}
	}
	effects, _, refusals := count(w.race(batches))
	w.equal("spent and refused", []int{effects, refusals[fault.ErrInsufficientFunds.Code]}, []int{10, 14})
	w.holds("ali", 0)
}

func raceInCircles(w *world) {
	for i := range 4 {
		w.done(w.do(w.pay(customer(i), 100)))
	}
	var batches [][]store.Command
	for i := range 24 {
		from, to := i%4, (i+1+i%3)%4 // every pair in both directions, so that lock orders cross
		batches = append(batches, []store.Command{w.send(customer(from), customer(to), 1), w.send(customer(to), customer(from), 1)})
	}
	effects, _, _ := count(w.race(batches))
	w.equal("transfers", effects, 48)
	for i := range 4 {
		w.holds(customer(i), 100)
	}
}

func raceOfRollbacks(w *world) {
	w.shared("salam", 1)
	r := w.win("salam", "ali")
	batches := make([][]store.Command, 12)
	for i := range batches {
		batches[i] = []store.Command{w.rollback(r), w.redeem("salam", customer(i))}
	}
	effects, _, refusals := count(w.race(batches))
	w.equal("effects", []int{effects, refusals[fault.ErrAlreadyRolledBack.Code]}, []int{2, 11})
	w.equal("the last rank", w.look("salam").Voucher.Ranked, int64(2))
}

func raceOfCreators(w *world) {
	const runners = 8
	errs := make([]error, runners)
	made := make([]id.ID, runners)
	var creators sync.WaitGroup
	for i := range runners {
		creators.Go(func() {
			c := w.campaign()
			made[i] = c.ID
			_, _, errs[i] = w.s.Create(w.t.Context(), store.Creation{Campaign: c, Vouchers: []voucher.Voucher{w.voucher(c, "salam", 1)}})
		})
	}
	creators.Wait()
	l := w.look("salam")
	for i, err := range errs {
		if made[i] == l.Campaign.ID {
			w.ok(err)
		} else {
			w.fails(err, fault.ErrCodeTaken)
		}
	}
	w.equal("campaigns", w.audit().Campaigns, int64(1))
}

func raceWithAmendments(w *world) {
	l := w.shared("salam", 10)
	var admin sync.WaitGroup
	admin.Go(func() {
		for limit := int64(11); limit <= 30; limit++ {
			if _, err := w.s.AmendVoucher(w.t.Context(), l.Voucher.ID, voucher.Patch{Limit: &limit}, access.By{}); err != nil {
				w.t.Errorf("amend: %v", err)
			}
		}
	})
	batches := make([][]store.Command, 40)
	for i := range batches {
		batches[i] = []store.Command{w.redeem("salam", customer(i))}
	}
	first, _, _ := count(w.race(batches))
	admin.Wait()
	for i := range batches { // whoever lost asks again, now that the limit stands at 30
		batches[i] = []store.Command{w.redeem("salam", customer(i))}
	}
	second, _, refusals := count(w.race(batches))
	w.equal("winners in all", first+second, 30)
	w.equal("the others", []int{refusals[fault.ErrSoldOut.Code], refusals[fault.ErrAlreadyRedeemed.Code]}, []int{10, first})
	v := w.look("salam").Voucher
	w.equal("uses, ranks and version", []int64{v.Redeemed, v.Ranked, v.Version}, []int64{30, 30, 21})
}
