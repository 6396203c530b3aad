package redisgate_test

import (
	"reflect"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// What happens in the stores: the same in both, and each change is a new epoch of the past.

// epoch is the reference store from one change to the next, by its own clock.
type epoch struct {
	since    time.Time
	listings [storyVouchers]store.Listing // no voucher where there is none yet
	claims   [storyVouchers][storyCustomers]voucher.Claims
	ever     [storyVouchers][storyCustomers]bool // redeemed, were it rolled back since
}

// moment is a point in the store's past. Between two changes at the same time there is no time, but order.
type moment struct {
	epoch int
	at    time.Time
}

func (m moment) before(n moment) bool {
	return m.epoch < n.epoch || m.epoch == n.epoch && m.at.Before(n.at)
}

func (s *tale) present() moment { return moment{len(s.past) - 1, s.storeNow()} }

func (s *tale) stores() [2]store.Store { return [2]store.Store{s.model, s.file} }

func (s *tale) firstCampaign() {
	s.Helper()
	s.campaign = s.id()
	s.make(0, &voucher.Campaign{
		ID: s.campaign, Name: "a story", Currency: "IRR", Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 10},
	})
}

// make makes a voucher, and its campaign with the first.
func (s *tale) make(i int, c *voucher.Campaign) {
	s.Helper()
	s.vouchers[i] = s.id()
	v := voucher.Voucher{
		ID: s.vouchers[i], CampaignID: s.campaign, Code: s.code(i), Key: s.code(i), Limit: int64(1 + i), PerCustomer: 1, Customer: s.assignee(),
	}
	both(s, "what was made", func(st store.Store) (store.Creation, error) {
		made, _, err := st.Create(s.Context(), store.Creation{Campaign: c, Vouchers: []voucher.Voucher{v}})
		return made, err
	})
	s.changed()
}

func (s *tale) create() {
	if s.vouchers[1].IsZero() {
		s.make(1, nil)
	}
}

// assignee is whom a voucher is for: everybody, mostly.
func (s *tale) assignee() string {
	if s.dice.pick(4) == 1 {
		return s.customer(0)
	}
	return ""
}

func (s *tale) redeem() {
	i, c := s.dice.pick(storyVouchers), s.dice.pick(storyCustomers)
	made := s.apply(&store.Redeem{ID: s.id(), Code: s.code(i), Customer: s.customer(c)})
	if made.Refusal == nil {
		s.won = append(s.won, made.Redemption.ID)
		s.ever[i][c] = true
		s.changed()
	}
	if made.Fact.Key != "" && s.dice.coin() {
		s.settle(s.anyGate(), &lookUp{voucher: i, asked: s.clock.Now(), judged: true, fact: made.Fact, when: s.present()})
	}
}

func (s *tale) rollBack() {
	if len(s.won) == 0 {
		return
	}
	made := s.apply(&store.Rollback{ID: s.id(), Redemption: s.won[s.dice.pick(len(s.won))]})
	if made.Refusal == nil {
		s.changed()
	}
}

// apply gives both stores a command and compares what became of it.
func (s *tale) apply(command store.Command) store.Outcome {
	s.Helper()
	return both(s, "the outcome", func(st store.Store) (store.Outcome, error) {
		outcomes, err := st.Apply(s.Context(), []store.Command{command})
		if err != nil {
			return store.Outcome{}, err
		}
		return outcomes[0], nil
	})
}

func (s *tale) amendVoucher() {
	i := s.dice.pick(storyVouchers)
	now := s.past[len(s.past)-1].listings[i].Voucher
	if now == nil {
		return
	}
	var p voucher.Patch
	switch s.dice.pick(4) {
	case 0, 1:
		p.Disabled = new(!now.Disabled)
	case 2:
		p.Customer = new(s.assignee())
	default:
		p.Limit = new(now.Redeemed + int64(s.dice.pick(3)))
	}
	both(s, "the voucher", func(st store.Store) (store.Listing, error) {
		return st.AmendVoucher(s.Context(), s.vouchers[i], p, access.By{})
	})
	s.changed()
}

func (s *tale) amendCampaign() {
	now := s.past[len(s.past)-1].listings[0].Campaign
	var p voucher.CampaignPatch
	switch s.dice.pick(4) {
	case 0:
		p.Disabled = new(!now.Disabled)
	case 1:
		p.Budget = voucher.Budget{Count: now.Redeemed + int64(s.dice.pick(2))}.Patch()
	default:
		p.Start, p.End = new(s.aroundNow()), new(s.aroundNow())
	}
	both(s, "the campaign", func(st store.Store) (*voucher.Campaign, error) {
		return st.AmendCampaign(s.Context(), s.campaign, p, access.By{})
	})
	s.changed()
}

func (s *tale) aroundNow() time.Time {
	in := []time.Duration{0, -time.Second, 100 * time.Millisecond, 600 * time.Millisecond, 2 * time.Second, time.Minute}[s.dice.pick(6)]
	if in == 0 {
		return time.Time{}
	}
	return s.storeNow().Add(in)
}

func (s *tale) passTime() {
	s.clock.pass([]time.Duration{
		time.Millisecond, 1, 10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond,
		250 * time.Millisecond, 500*time.Millisecond + 1, time.Second - 1, time.Second, 3 * time.Second, 25 * time.Second,
	}[s.dice.pick(12)])
}

// both asks both stores, and compares what they say. A refusal is an answer; any other error fails the test.
func both[T any](s *tale, what string, ask func(store.Store) (T, error)) T {
	s.Helper()
	var said [2]T
	var refused [2]*fault.Error
	for n, st := range s.stores() {
		var err error
		if said[n], err = ask(st); err != nil {
			refused[n] = fault.From(err)
			if refused[n].Kind == fault.Internal || refused[n].Kind == fault.Unavailable {
				s.Fatalf("%s: store %d: %v", what, n, err)
			}
		}
	}
	if !reflect.DeepEqual(said[0], said[1]) || (refused[0] == nil) != (refused[1] == nil) ||
		refused[0] != nil && refused[0].Code != refused[1].Code {
		s.Fatalf("%s: the reference says\n%+v %v\nand the file\n%+v %v", what, said[0], refused[0], said[1], refused[1])
	}
	return said[0]
}

// changed ends an epoch, after the stores were changed, and compares all that the gates live on.
func (s *tale) changed() {
	s.Helper()
	e := epoch{since: s.storeNow(), ever: s.ever}
	listings := s.look(s.model)
	if file := s.look(s.file); !reflect.DeepEqual(listings, file) {
		s.Fatalf("the reference holds\n%+v\nand the file\n%+v", listings, file)
	}
	copy(e.listings[:], listings)
	s.say("the store, at %v, holds %v and %v of %+v", e.since, e.listings[0].Voucher, e.listings[1].Voucher, e.listings[0].Campaign)
	for i, l := range listings {
		for c := range storyCustomers {
			if l.Voucher != nil {
				e.claims[i][c] = both(s, "the claims", func(st store.Store) (voucher.Claims, error) {
					claims, _, err := st.Claims(s.Context(), s.customer(c), l.Voucher)
					return claims, err
				})
			}
		}
	}
	s.past = append(s.past, e)
}

func (s *tale) look(st store.Store) []store.Listing {
	s.Helper()
	keys := make([]string, storyVouchers)
	for i := range keys {
		keys[i] = s.code(i)
	}
	listings, now, err := st.Lookup(s.Context(), keys)
	if err != nil {
		s.Fatal(err)
	}
	if want := s.storeNow(); !now.Equal(want) {
		s.Fatalf("the store's clock shows %v, and should %v", now, want)
	}
	return listings
}

// fact is what the store says of a voucher now.
func (s *tale) fact(i int) voucher.Fact {
	l := s.past[len(s.past)-1].listings[i]
	if l.Voucher == nil {
		return voucher.UnknownFact(s.code(i))
	}
	return voucher.FactOf(l.Campaign, l.Voucher, s.storeNow())
}

// answer is what the store would have said in an epoch.
func (s *tale) answer(e *epoch, i, c int, at time.Time) *fault.Error {
	l := e.listings[i]
	if l.Voucher == nil {
		return fault.ErrVoucherNotFound
	}
	_, refusal := voucher.Judge(l.Campaign, l.Voucher, e.claims[i][c], s.customer(c), nil, at)
	return refusal
}

// winners are those of a voucher, with the fact of the same snapshot.
func (s *tale) winners(i int) (names []string, fact voucher.Fact) {
	s.Helper()
	fact = both(s, "the winners' fact", func(st store.Store) (voucher.Fact, error) {
		names = nil
		return st.Winners(s.Context(), s.vouchers[i], func(name string) bool { names = append(names, name); return true })
	})
	return names, fact
}
