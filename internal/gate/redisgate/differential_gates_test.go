package redisgate_test

import (
	"slices"
	"strconv"
	"time"

	"scrip/internal/fault"
	"scrip/internal/gate"
	"scrip/internal/gate/redisgate"
	"scrip/internal/voucher"
)

// What reaches the gates, and what Redis is told and tells.

// lookUp is a question to the store: asked, then judged by the store, then delivered, perhaps more than once.
type lookUp struct {
	voucher int
	asked   time.Time // by the replicas' clock
	judged  bool
	fact    voucher.Fact
	when    moment
}

// reading is one of a voucher's winners, at one snapshot.
type reading struct {
	voucher int
	fact    voucher.Fact
	winners []string
}

// act is what may happen next.
type act struct {
	weight int
	do     func()
}

func (s *tale) acts() []act {
	return []act{
		{3, s.passTime},
		{5, s.redeem},
		{2, s.rollBack},
		{2, s.amendVoucher},
		{2, s.amendCampaign},
		{1, s.create},
		{2, s.ask},
		{2, s.judge},
		{4, s.deliver},
		{3, s.publish},
		{3, s.publishNow},
		{4, s.hear},
		{2, s.settleCampaign},
		{2, s.readWinners},
		{2, s.deliverWinners},
		{2, s.tellAll},
		{1, s.flush},
		{1, s.fallBack},
		{1, s.lie},
	}
}

// play plays the story to its end, and then one in which nothing fails.
func (s *tale) play() {
	s.Helper()
	acts := s.acts()
	total := 0
	for _, a := range acts {
		total += a.weight
	}
	for range storyStepsMax {
		if len(s.dice.bytes) == 0 {
			break
		}
		n := s.dice.pick(total)
		for _, a := range acts {
			if n -= a.weight; n < 0 {
				a.do()
				break
			}
		}
		s.admitAll()
	}
	s.clock.pass(voucher.FactFreshFor)
	for i := range storyVouchers {
		s.flushOne(i)
		for _, g := range s.gates {
			s.tell(g, i)
		}
		s.tellRedis(i)
	}
}

func (s *tale) anyGate() *told { return s.gates[s.dice.pick(len(s.gates))] }

func (s *tale) anyReplica() *told { return s.gates[1+s.dice.pick(storyReplicas)] }

func (s *tale) ask() {
	s.questions = append(s.questions, &lookUp{voucher: s.dice.pick(storyVouchers), asked: s.clock.Now()})
}

func (s *tale) judge() {
	for _, q := range s.questions {
		if !q.judged {
			q.judged, q.fact, q.when = true, s.fact(q.voucher), s.present()
			if s.dice.coin() {
				return
			}
		}
	}
}

// anyJudged is a question that the store has answered, nil if there is none.
func (s *tale) anyJudged() *lookUp {
	judged := slices.DeleteFunc(slices.Clone(s.questions), func(q *lookUp) bool { return !q.judged })
	if len(judged) == 0 {
		return nil
	}
	q := judged[s.dice.pick(len(judged))]
	if s.dice.coin() { // for the last time
		s.questions = slices.DeleteFunc(s.questions, func(p *lookUp) bool { return p == q })
	}
	return q
}

func (s *tale) deliver() {
	if q := s.anyJudged(); q != nil {
		s.settle(s.anyGate(), q)
	}
}

func (s *tale) settle(g *told, q *lookUp) {
	s.say("gate %d is told %v, asked for %v ago", slices.Index(s.gates, g), q.fact, s.clock.Now().Sub(q.asked))
	g.Settle(q.asked, q.fact)
	if g.news[q.voucher].before(q.when) {
		g.news[q.voucher] = q.when
	}
}

// publish tells Redis what the store said a while ago.
func (s *tale) publish() {
	if q := s.anyJudged(); q != nil {
		s.forward(q.voucher, q.fact)
	}
}

func (s *tale) publishNow() {
	i := s.dice.pick(storyVouchers)
	s.forward(i, s.fact(i))
}

// forward runs the function and its model, and holds what Redis has against the model's.
func (s *tale) forward(i int, f voucher.Fact) {
	s.Helper()
	if !redisgate.Publishable(f) {
		return
	}
	shelf := &s.redis[i]
	want := shelf.take(f)
	s.say("redis is told %v", f)
	b := s.client.B()
	terms, left := s.names(i)
	said := s.run(
		b.Eval().Script(s.text).Numkeys(2).Key(terms, left).
			Arg(redisgate.EncodeTerms(f), redisgate.EncodeLeft(f), "3600000").Build(),
		b.Get().Key(terms).Build(), b.Get().Key(left).Build())
	if said[0] != strconv.Itoa(want) || !shelf.same(said[1], said[2]) {
		s.Fatalf("after %+v, Redis returns %s and holds %q with %q left; the model returns %d and holds %+v", f, said[0], said[1], said[2], want, shelf.written)
	}
	held, err := redisgate.DecodeTerms(s.code(i), said[1])
	if err != nil {
		s.Fatalf("%q: %v", said[1], err)
	}
	if was := &shelf.newest; was.Key != "" && (held.Version.Sum() < was.Version.Sum() ||
		held.Version == was.Version && held.Status.Stage() < was.Status.Stage()) {
		s.Fatalf("what Redis holds went back from %+v to %+v", was, held)
	}
	shelf.newest = held
	s.stale = append(s.stale, copied{i, said[1], said[2], shelf.written, shelf.lied})
}

func (s *tale) names(i int) (terms, left string) {
	return redisgate.Terms(s.prefix, s.code(i)), redisgate.Left(s.prefix, s.code(i))
}

// tellRedis publishes what the store says now: unless Redis holds what the store never said, it is what Redis holds then.
func (s *tale) tellRedis(i int) {
	s.Helper()
	f := s.fact(i)
	s.forward(i, f)
	if shelf := &s.redis[i]; redisgate.Publishable(f) && !shelf.lied &&
		(shelf.fact.Version != f.Version || shelf.fact.Status != f.Status || shelf.left != redisgate.EncodeLeft(f)) {
		s.Fatalf("the store says %+v, and Redis %+v with %q left", f, shelf.fact, shelf.left)
	}
}

// hear lets a replica read what Redis holds, or what it held a while ago: a message may come late.
func (s *tale) hear() {
	g, i := s.anyReplica(), s.dice.pick(storyVouchers)
	terms, _ := s.names(i)
	value := s.run(s.client.B().Get().Key(terms).Build())[0]
	if n := len(s.stale); n > 0 && s.dice.pick(3) == 1 {
		late := s.stale[s.dice.pick(n)]
		i, value = late.voucher, late.terms
	}
	if value != "" {
		s.say("gate %d hears of %s: %s", slices.Index(s.gates, g), s.code(i), value)
		g.replica.Hear(s.code(i), value)
	}
}

// settleCampaign tells a gate of the campaign's version, by itself or through Redis.
func (s *tale) settleCampaign() {
	version := s.past[len(s.past)-1].listings[0].Campaign.Version
	first := slices.IndexFunc(s.past, func(e epoch) bool { return e.listings[0].Campaign.Version == version })
	when := moment{first, s.past[first].since} // it tells of what has changed, not of the moment
	if s.dice.coin() {
		key := redisgate.Campaign(s.prefix, s.campaign)
		b := s.client.B()
		said := s.run(
			b.Eval().Script(redisgate.RaiseText).Numkeys(1).Key(key).Arg(strconv.FormatInt(version, 10), "3600000").Build(),
			b.Get().Key(key).Build())
		if said[1] != strconv.FormatInt(version, 10) {
			s.Fatalf("the campaign's version is %d, and in Redis %q", version, said[1])
		}
		g := s.anyReplica()
		s.say("gate %d hears the campaign's version %s", slices.Index(s.gates, g), said[1])
		g.replica.HearCampaign(s.campaign, said[1])
		g.said = when
		return
	}
	g := s.anyGate()
	s.say("gate %d is told the campaign's version %d", slices.Index(s.gates, g), version)
	g.SettleCampaign(s.campaign, version)
	g.said = when
}

func (s *tale) readWinners() {
	i := s.dice.pick(storyVouchers)
	if s.vouchers[i].IsZero() {
		return
	}
	names, fact := s.winners(i)
	s.readings = append(s.readings, reading{i, fact, names})
}

func (s *tale) deliverWinners() {
	if n := len(s.readings); n > 0 {
		s.settleWinners(s.anyGate(), s.readings[s.dice.pick(n)])
	}
}

func (s *tale) settleWinners(g *told, r reading) {
	hashes := make([]uint64, 0, len(r.winners))
	for _, name := range r.winners {
		hashes = append(hashes, gate.HashCustomer(name))
	}
	w, err := gate.NewWinners(hashes)
	if err != nil {
		s.Fatal(err)
	}
	s.say("gate %d is told that %v won, at %v", slices.Index(s.gates, g), r.winners, r.fact)
	g.SettleWinners(r.fact, w)
}

func (s *tale) tellAll() { s.tell(s.anyGate(), s.dice.pick(storyVouchers)) }

// tell tells a gate all that there is to know about a voucher, and expects it to turn its losers away.
func (s *tale) tell(g *told, i int) {
	s.Helper()
	f := s.fact(i)
	s.settle(g, &lookUp{voucher: i, asked: s.clock.Now(), fact: f, when: s.present()})
	if f.Status != voucher.Unknown {
		names, fact := s.winners(i)
		s.settleWinners(g, reading{i, fact, names})
	}
	for c := range storyCustomers {
		d := s.admit(g, i, c)
		want := f.Refusal(s.customer(c))
		if want != nil && !s.ever[i][c] && (d == nil || d.Code != want.Code) {
			s.Fatalf("%s is told %v at %s, though the gate was told all: %v", s.customer(c), d, s.code(i), want)
		}
	}
}

func (s *tale) flush() { s.flushOne(s.dice.pick(storyVouchers)) }

func (s *tale) flushOne(i int) {
	s.Helper()
	terms, left := s.names(i)
	s.run(s.client.B().Del().Key(terms, left).Build())
	s.redis[i] = shelf{}
}

// fallBack makes Redis hold what it held once, as a copy does that takes over.
func (s *tale) fallBack() {
	if len(s.stale) == 0 {
		return
	}
	old := s.stale[s.dice.pick(len(s.stale))]
	s.put(old.voucher, old.terms, old.left, old.written, old.lied)
}

// lie makes Redis hold what the store never said: a newer version, of long ago; or nothing that can be read.
func (s *tale) lie() {
	i := s.dice.pick(storyVouchers)
	f := s.fact(i)
	if s.dice.coin() || !redisgate.Publishable(f) {
		s.put(i, []string{"garbage", "1", "1 2 3"}[s.dice.pick(3)], "-7", written{left: "-7"}, false)
		return
	}
	f.Version.Voucher += 5
	f.Status, f.Remaining = voucher.SoldOut, 0
	f.At = f.At.Add(-voucher.FactFreshFor - time.Second/100) // older than any drift makes young
	left := redisgate.EncodeLeft(f)
	s.put(i, redisgate.EncodeTerms(f), left, written{fact: &f, left: left}, true)
}

func (s *tale) put(i int, termsText, leftText string, w written, lied bool) {
	s.Helper()
	terms, left := s.names(i)
	b := s.client.B()
	commands := s.client.B().Set().Key(terms).Value(termsText).PxMilliseconds(3_600_000).Build()
	if leftText == "" {
		s.run(commands, b.Del().Key(left).Build())
	} else {
		s.run(commands, b.Set().Key(left).Value(leftText).PxMilliseconds(3_600_000).Build())
	}
	s.redis[i] = shelf{written: w, lied: lied}
}

// admitAll asks every gate for everybody.
func (s *tale) admitAll() {
	s.Helper()
	for _, g := range s.gates {
		for i := range storyVouchers {
			for c := range storyCustomers {
				_ = s.admit(g, i, c) // it judges the decision itself
			}
		}
	}
}

// admit asks a gate and holds its decision against the store's past.
func (s *tale) admit(g *told, i, c int) *fault.Error {
	s.Helper()
	refusal := g.Admit(s.code(i), s.customer(c)).Refusal
	if refusal != nil && !s.sound(g, i, c, refusal) {
		s.Fatalf("gate %d refuses %s to %s with %s, and never would the store have said so in the last second, since it was told better",
			slices.Index(s.gates, g), s.code(i), s.customer(c), refusal.Code)
	}
	return refusal
}

// sound looks for a moment at which the store would have given this refusal: within the last second, and not before
// the newest news that reached the gate.
func (s *tale) sound(g *told, i, c int, refusal *fault.Error) bool {
	from := g.news[i]
	if refusal.Code != fault.ErrVoucherNotFound.Code && from.before(g.said) { // the campaign of an unknown code is not known
		from = g.said
	}
	now := s.storeNow()
	if oldest := s.storeAt(s.clock.Now().Add(-voucher.FactFreshFor)); from.at.Before(oldest) {
		from.at = oldest
	}
	for n := len(s.past) - 1; n >= from.epoch; n-- {
		e := &s.past[n]
		first, last := e.since, now
		if n+1 < len(s.past) {
			last = s.past[n+1].since
		}
		if first.Before(from.at) {
			first = from.at
		}
		w := e.listings[0].Campaign.Window
		for _, at := range []time.Time{first, last, w.Start.Add(-1), w.Start, w.End.Add(-1), w.End} {
			if at.Before(first) || at.After(last) || e.ever[i][c] {
				continue
			}
			if said := s.answer(e, i, c, at); said != nil && said.Code == refusal.Code {
				return true
			}
		}
	}
	return false
}
