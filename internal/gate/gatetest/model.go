package gatetest

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"scrip/internal/fault"
	"scrip/internal/gate"
	"scrip/internal/id"
	"scrip/internal/voucher"
)

// The model is a store with one campaign of two vouchers, elsewhere, and a gate here. Vouchers are created,
// redeemed, rolled back and changed, and time passes; what the store says of them reaches the gate late,
// out of order, twice or never. After each step the gate's decisions are held against the store's whole
// past:
//
//	A refusal is sound if there was a moment, within the last voucher.FactFreshFor and not before the
//	newest news that reached this gate, at which the store would have refused this customer alike.
//
// So nobody is refused who would have been accepted throughout, or has been a winner throughout; and what
// was learned a moment ago is obeyed at once, for then there is but that moment. Who has redeemed a voucher
// that is there is never refused alike: the answer to their request's repetition is what it was, even if it
// was rolled back since.
func model(t testing.TB, open Open) {
	rounds := 5 // of a hundred stories each, by rapid's default
	if testing.Short() {
		rounds = 1
	}
	for range rounds {
		rapid.Check(t, func(rt *rapid.T) {
			w := newWorld(rt, t, open)
			defer func() { _ = w.gate.Close() }()
			for range 500 { // the worst stories are long: open, sold out, given back, sold out, and all of it late
				w.step()
			}
		})
		if t.Failed() {
			return
		}
	}
}

const (
	modelVouchers  = 2
	modelCustomers = 3
)

type world struct {
	*rapid.T
	gate  gate.Gate
	clock *clock

	held holdings              // the store as it is
	past []epoch               // and as it was, oldest first; the last is how it is
	told [modelVouchers]moment // the newest news of each voucher that reached the gate,
	said moment                // and of the campaign

	questions []*question
	readings  []*reading
	notices   []notice
}

// question is a look-up: asked, then judged by the store, then delivered, perhaps more than once, and
// perhaps with the winners of the same moment.
type question struct {
	voucher int
	asked   time.Time
	judged  bool
	fact    voucher.Fact
	when    moment
	reading *reading
}

// reading is one of a voucher's winners, at one snapshot.
type reading struct {
	voucher int
	read    bool
	fact    voucher.Fact // at the snapshot
	winners []string
}

// notice says that this replica changed the campaign.
type notice struct {
	version int64
	when    moment
}

func newWorld(rt *rapid.T, t testing.TB, open Open) *world {
	c := newClock()
	w := &world{T: rt, gate: open(t, c.Now), clock: c}
	w.held.campaign = voucher.Campaign{ID: id.ID{1}, Name: "model", Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 10}}
	for i := range modelVouchers {
		w.held.vouchers[i] = voucher.Voucher{
			ID: id.ID{0: 2, 15: byte(i)}, CampaignID: w.held.campaign.ID,
			Code: modelKey(i), Key: modelKey(i), Limit: int64(1 + i), PerCustomer: 1,
		}
		w.held.vouchers[i].Customer = w.anyAssignee()
	}
	w.held.made[0] = true
	w.changed()
	w.said = w.now()
	for i := range w.told {
		w.told[i] = w.now()
	}
	return w
}

func modelKey(i int) string      { return "CODE" + strconv.Itoa(i) }
func modelCustomer(i int) string { return "CUSTOMER" + strconv.Itoa(i) }

func (w *world) step() {
	steps := []struct {
		name   string
		weight int
		do     func()
	}{
		{"nothing", 1, func() {}}, // what a failing story is shortened to
		{"pass time", 3, w.passTime},
		{"redeem", 5, w.redeem},
		{"roll back", 2, w.rollBack},
		{"amend a voucher", 2, w.amendVoucher},
		{"amend the campaign", 2, w.amendCampaign},
		{"create", 1, w.create},
		{"ask", 3, w.ask},
		{"judge", 3, w.judge},
		{"deliver a fact", 4, w.deliverFact},
		{"read winners unasked", 1, w.readUnasked},
		{"read winners", 2, w.read},
		{"deliver winners", 2, w.deliverWinners},
		{"deliver a notice", 1, w.deliverNotice},
		{"admit", 5, w.admitSomebody},
		{"tell all of a voucher", 2, w.tellAll},
	}
	total := 0
	for _, s := range steps {
		total += s.weight
	}
	n := rapid.IntRange(0, total-1).Draw(w.T, "step")
	for _, s := range steps {
		if n -= s.weight; n < 0 {
			s.do()
			return
		}
	}
}

func (w *world) passTime() {
	w.clock.pass(rapid.SampledFrom([]time.Duration{
		1, time.Millisecond, 10 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond,
		250 * time.Millisecond, 500*time.Millisecond + 1, time.Second - 1, time.Second, 3 * time.Second,
	}).Draw(w.T, "pass"))
}

func (w *world) anyVoucher() int  { return rapid.IntRange(0, modelVouchers-1).Draw(w.T, "voucher") }
func (w *world) anyCustomer() int { return rapid.IntRange(0, modelCustomers-1).Draw(w.T, "customer") }

// anyAssignee is whom a voucher is published to: everybody, mostly.
func (w *world) anyAssignee() string {
	return rapid.SampledFrom([]string{"", "", "", modelCustomer(0)}).Draw(w.T, "published to")
}

// tellMaybe is what a replica learns from what it did itself, if it was this one.
func (w *world) tellMaybe(i int) {
	if rapid.Bool().Draw(w.T, "here") {
		w.tell(i)
	}
}

func (w *world) tell(i int) {
	q := &question{voucher: i, asked: w.clock.Now()}
	w.judgeQuestion(q)
	w.deliverQuestion(q)
}

func (w *world) ask() { w.askAbout(w.anyVoucher()) }

func (w *world) askAbout(i int) {
	w.questions = append(w.questions, &question{voucher: i, asked: w.clock.Now()})
}

func (w *world) judge() {
	var open []*question
	for _, q := range w.questions {
		if !q.judged {
			open = append(open, q)
		}
	}
	if len(open) > 0 {
		w.judgeQuestion(rapid.SampledFrom(open).Draw(w.T, "question"))
	}
}

func (w *world) judgeQuestion(q *question) {
	q.judged, q.when = true, w.now()
	q.fact = w.held.fact(q.voucher, w.clock.Now())
	q.reading = w.readNow(&reading{voucher: q.voucher})
}

func (w *world) deliverFact() {
	var judged []int
	for n, q := range w.questions {
		if q.judged {
			judged = append(judged, n)
		}
	}
	if len(judged) == 0 {
		return
	}
	n := rapid.SampledFrom(judged).Draw(w.T, "question")
	w.deliverQuestion(w.questions[n])
	if rapid.Bool().Draw(w.T, "for the last time") {
		w.questions = slices.Delete(w.questions, n, n+1)
	}
}

func (w *world) deliverQuestion(q *question) {
	w.Logf("settle %v %v %+v for %q, %d left, asked %v ago",
		q.fact.Key, q.fact.Status, q.fact.Version, q.fact.Customer, q.fact.Remaining, w.clock.Now().Sub(q.asked))
	w.gate.Settle(q.asked, q.fact)
	if w.told[q.voucher].before(q.when) {
		w.told[q.voucher] = q.when
	}
	w.admitEverybody(q.voucher)
	if rapid.Bool().Draw(w.T, "with its winners") {
		w.settleWinners(q.reading)
	}
}

func (w *world) deliverNotice() {
	if len(w.notices) > 0 {
		w.deliverNoticeOf(rapid.IntRange(0, len(w.notices)-1).Draw(w.T, "notice"))
	}
}

func (w *world) deliverNoticeOf(n int) {
	w.Logf("settle the campaign's version %d", w.notices[n].version)
	w.gate.SettleCampaign(w.held.campaign.ID, w.notices[n].version)
	if w.said.before(w.notices[n].when) {
		w.said = w.notices[n].when
	}
	w.notices = slices.Delete(w.notices, n, n+1)
	for i := range modelVouchers {
		w.admitEverybody(i)
	}
}

// readUnasked reads winners that nobody wished for.
func (w *world) readUnasked() {
	w.readings = append(w.readings, w.readNow(&reading{voucher: w.anyVoucher()}))
}

func (w *world) read() {
	if len(w.readings) > 0 {
		if r := rapid.SampledFrom(w.readings).Draw(w.T, "reading"); !r.read {
			w.readNow(r)
		}
	}
}

// readNow takes the snapshot: the fact and the winners are of the same moment.
func (w *world) readNow(r *reading) *reading {
	r.read, r.fact = true, w.held.fact(r.voucher, w.clock.Now())
	for c, ever := range w.held.redeemed[r.voucher] {
		if ever {
			r.winners = append(r.winners, modelCustomer(c))
		}
	}
	return r
}

func (w *world) deliverWinners() {
	if len(w.readings) == 0 {
		return
	}
	n := rapid.IntRange(0, len(w.readings)-1).Draw(w.T, "reading")
	r := w.readings[n]
	if !r.read {
		return
	}
	if rapid.Bool().Draw(w.T, "for the last time") {
		w.readings = slices.Delete(w.readings, n, n+1)
	}
	w.settleWinners(r)
}

// settleWinners hands over what was read, also of a voucher that was open, but not if there was none.
func (w *world) settleWinners(r *reading) {
	if r.fact.Status == voucher.Unknown {
		return
	}
	w.Logf("settle winners of %s, %v at %+v: %v", modelKey(r.voucher), r.fact.Status, r.fact.Version, r.winners)
	w.gate.SettleWinners(r.fact, winners(w.T, r.winners...))
	w.admitEverybody(r.voucher)
}

func (w *world) admitSomebody() { w.admit(w.anyVoucher(), w.anyCustomer()) }

func (w *world) admitEverybody(i int) {
	for customer := range modelCustomers {
		w.admit(i, customer)
	}
}

// admit asks the gate and holds its decision against the store's past.
func (w *world) admit(i, customer int) gate.Decision {
	d := w.gate.Admit(modelKey(i), modelCustomer(customer))
	w.Logf("admit %s to %s: %v, wants %s", modelCustomer(customer), modelKey(i), d.Refusal, wantString(d.Want))
	if d.Want&gate.WantFact != 0 {
		w.askAbout(i)
	}
	if d.Want&gate.WantWinners != 0 {
		w.readings = append(w.readings, &reading{voucher: i})
	}
	if d.Refusal != nil && !w.sound(i, customer, d.Refusal) {
		w.Fatalf("%s is refused %s with %s, and never would the store have said so since the gate was told better",
			modelCustomer(customer), modelKey(i), d.Refusal.Code)
	}
	return d
}

// sound looks for a moment at which the store would have given this refusal.
func (w *world) sound(i, customer int, refusal *fault.Error) bool {
	from := w.told[i]
	if refusal.Code != fault.ErrVoucherNotFound.Code && from.before(w.said) { // the campaign of an unknown code is not known
		from = w.said
	}
	now := w.clock.Now()
	if oldest := now.Add(-voucher.FactFreshFor); from.at.Before(oldest) {
		from.at = oldest
	}
	for n := len(w.past) - 1; n >= from.epoch; n-- {
		e := w.past[n]
		first, last := e.since, now
		if n+1 < len(w.past) {
			last = w.past[n+1].since
		}
		if first.Before(from.at) {
			first = from.at
		}
		c := &e.campaign
		for _, at := range []time.Time{first, last, c.Window.Start.Add(-1), c.Window.Start, c.Window.End.Add(-1), c.Window.End} {
			if at.Before(first) || at.After(last) {
				continue
			}
			if !e.redeemed[i][customer] && alike(e.answer(i, customer, at), refusal) {
				return true
			}
		}
	}
	return false
}

// tellAll tells the gate all that there is to know about a voucher, and expects it to know it.
func (w *world) tellAll() {
	i := w.anyVoucher()
	w.tell(i)
	w.settleWinners(w.readNow(&reading{voucher: i}))
	f := w.held.fact(i, w.clock.Now())
	for customer := range modelCustomers {
		d := w.admit(i, customer)
		want := f.Refusal(modelCustomer(customer))
		if want != nil && !w.held.redeemed[i][customer] && !alike(d.Refusal, want) {
			w.Fatalf("%s is told %v at %s, though the gate was told all: %v", modelCustomer(customer), d.Refusal, modelKey(i), want)
		}
	}
}
