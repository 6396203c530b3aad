package gatetest

import (
	"runtime"
	"sync"
	"time"

	"scrip/internal/fault"
	"scrip/internal/gate"
	"scrip/internal/id"
	"scrip/internal/voucher"
)

// bug is a mistake that a driver could make.
type bug string

const (
	sound bug = ""

	ignoresVersions      bug = "the last fact that comes counts"
	ignoresStages        bug = "within a version the last fact that comes counts"
	ignoresCampaignPart  bug = "only the voucher's part of a version counts"
	dropsOpen            bug = "an open fact is not kept"
	unknownOverwrites    bug = "an unknown code's fact overwrites a voucher's"
	unknownStays         bug = "an unknown code's fact is not overwritten by one asked for earlier"
	refusesWinners       bug = "winners are refused too"
	refusesUnheard       bug = "losers are refused before the winners are known"
	neverExpires         bug = "a fact refuses for ever"
	ignoresFreshFor      bug = "each fact refuses for a second"
	trustsFreshFor       bug = "a fact refuses for as long as it says"
	countsFromArrival    bug = "a fact's age counts from its arrival"
	askedFalls           bug = "a late fact makes the fact older"
	lendsFreshFor        bug = "a late fact lends its time"
	trustsTheFuture      bug = "a fact asked for in the future counts from then"
	anyWinners           bug = "winners of any version are taken"
	anyStatusWinners     bug = "winners read at any status of the version are taken"
	winnersFromBefore    bug = "winners read before the start are taken after it"
	winnersFromOpen      bug = "winners read while the voucher was open are taken"
	winnersOfOpen        bug = "an open voucher's winners are taken, and stay when it closes"
	winnersOverVersions  bug = "winners stay over a new version"
	winnersOverStart     bug = "winners from before the start stay"
	winnersOverEnd       bug = "winners of a voucher sold out stay when it ends"
	fetchesOncePerKey    bug = "the winners of the next closure are wished for later"
	renewalDropsWinners  bug = "a renewed fact loses its winners"
	wrongRefusal         bug = "every refusal is sold out"
	ignoresAssignee      bug = "strangers are told the status of an assigned voucher"
	tellsSoldOut         bug = "strangers are told that an assigned voucher is sold out"
	strangerToAll        bug = "all are strangers to an assigned voucher"
	refusesStrangers     bug = "strangers are refused an assigned voucher that is open"
	refusesStrangersSoon bug = "strangers are refused before the winners are known"
	keepsAssignee        bug = "whom a voucher is published to never changes"
	asksEverybody        bug = "everybody is asked to renew"
	asksNobody           bug = "nobody is asked to renew"
	asksOnce             bug = "nobody is asked to renew again"
	asksLate             bug = "renewal begins when the fact has expired"
	fetchesEverybody     bug = "everybody is asked for the winners"
	fetchesOnce          bug = "nobody is asked for the winners again"
	wishesNothing        bug = "a wish does not say what it is about"
	ignoresCampaigns     bug = "a changed campaign changes nothing"
	takesLateOfCampaign  bug = "a changed campaign's late facts are used"
	floorFalls           bug = "the last change of a campaign that comes counts"
	forgetsFloors        bug = "of many changed campaigns some are forgotten"
	learnsWhenClosed     bug = "a closed gate still learns"
	judgesBeforeItWrites bug = "a fact is compared before the lock is taken"
)

func bugs() []bug {
	return []bug{
		ignoresVersions, ignoresStages, ignoresCampaignPart, dropsOpen, unknownOverwrites, unknownStays, refusesWinners, refusesUnheard,
		neverExpires, ignoresFreshFor, trustsFreshFor, countsFromArrival, askedFalls, lendsFreshFor, trustsTheFuture,
		anyWinners, anyStatusWinners, winnersFromBefore, winnersFromOpen, winnersOfOpen, winnersOverVersions, winnersOverStart,
		winnersOverEnd, fetchesOncePerKey, renewalDropsWinners, wrongRefusal,
		ignoresAssignee, tellsSoldOut, strangerToAll, refusesStrangers, refusesStrangersSoon, keepsAssignee,
		asksEverybody, asksNobody, asksOnce, asksLate, fetchesEverybody, fetchesOnce, wishesNothing,
		ignoresCampaigns, takesLateOfCampaign, floorFalls, forgetsFloors, learnsWhenClosed, judgesBeforeItWrites,
	}
}

// plain is the contract in its plainest form, one map behind one lock and without bounds, and every
// mistake that the suite must find, one at a time.
type plain struct {
	bug   bug
	clock func() time.Time

	mu     sync.Mutex
	closed bool
	facts  map[string]*plainFact
	floors map[id.ID]int64
}

type plainFact struct {
	voucher.Fact
	asked      time.Time
	winners    *gate.Winners
	renewAsked time.Time // when a caller was last asked, zero if not since the last news
	fetchAsked time.Time
}

func newPlain(b bug, clock func() time.Time) *plain {
	return &plain{bug: b, clock: clock, facts: map[string]*plainFact{}, floors: map[id.ID]int64{}}
}

func (p *plain) Admit(key, customer string) gate.Decision {
	p.mu.Lock()
	defer p.mu.Unlock()
	f, now := p.facts[key], p.clock()
	if f == nil || f.Status == voucher.Open && (p.bug != refusesStrangers || !f.strange(customer)) {
		return gate.Decision{}
	}
	age := now.Sub(f.asked)
	low := f.Status != voucher.Unknown && f.Version.Campaign < p.floors[f.Campaign] && p.bug != ignoresCampaigns
	if low || age >= f.FreshFor && p.bug != neverExpires {
		return p.renew(gate.Decision{}, f, now)
	}
	if f.Status != voucher.Unknown && f.Status != voucher.Open {
		if f.winners == nil && p.bug != refusesUnheard && (p.bug != refusesStrangersSoon || !f.strange(customer)) {
			return p.fetch(f, now)
		}
		if f.winners != nil && f.winners.MayHold(customer) && p.bug != refusesWinners {
			return gate.Decision{}
		}
	}
	d := gate.Decision{Refusal: p.refusal(f, customer)}
	if age > f.FreshFor/2 && p.bug != asksLate {
		return p.renew(d, f, now)
	}
	return d
}

// strange reports whether the voucher is published to somebody else.
func (f *plainFact) strange(customer string) bool { return f.Customer != "" && f.Customer != customer }

func (p *plain) refusal(f *plainFact, customer string) *fault.Error {
	switch {
	case p.bug == wrongRefusal || p.bug == tellsSoldOut && f.Status == voucher.SoldOut:
		return fault.ErrSoldOut
	case p.bug == refusesStrangers && f.strange(customer) || p.bug == strangerToAll && f.Customer != "":
		return fault.ErrAssigned
	case p.bug == ignoresAssignee:
		return f.Status.Refusal()
	default:
		return f.Refusal(customer)
	}
}

func (p *plain) renew(d gate.Decision, f *plainFact, now time.Time) gate.Decision {
	again := f.renewAsked.IsZero() || now.Sub(f.renewAsked) >= voucher.FactFreshFor/4 && p.bug != asksOnce
	if p.bug == asksEverybody || again && p.bug != asksNobody {
		f.renewAsked = now
		d.Want, d.Fact = gate.WantFact, p.subject(f)
	}
	return d
}

func (p *plain) fetch(f *plainFact, now time.Time) gate.Decision {
	again := f.fetchAsked.IsZero() || now.Sub(f.fetchAsked) >= time.Second && p.bug != fetchesOnce
	if !again && p.bug != fetchesEverybody {
		return gate.Decision{}
	}
	f.fetchAsked = now
	return gate.Decision{Want: gate.WantWinners, Fact: p.subject(f)}
}

func (p *plain) subject(f *plainFact) voucher.Fact {
	if p.bug == wishesNothing {
		return voucher.Fact{}
	}
	return f.Fact
}

func (p *plain) Settle(asked time.Time, facts ...voucher.Fact) {
	for _, f := range facts {
		if p.bug == judgesBeforeItWrites {
			p.mu.Lock()
			next := p.succeed(p.facts[f.Key], f, asked)
			p.mu.Unlock()
			runtime.Gosched() // it would happen anyway, one day
			p.mu.Lock()
			if next != nil && !p.closed {
				p.facts[f.Key] = next
			}
			p.mu.Unlock()
			continue
		}
		p.mu.Lock()
		if !p.closed || p.bug == learnsWhenClosed {
			if next := p.succeed(p.facts[f.Key], f, asked); next != nil {
				p.facts[f.Key] = next
			}
		}
		p.mu.Unlock()
	}
}

// succeed is the fact in force after f came.
func (p *plain) succeed(old *plainFact, f voucher.Fact, asked time.Time) *plainFact {
	if now := p.clock(); p.bug == countsFromArrival || asked.After(now) && p.bug != trustsTheFuture {
		asked = now
	}
	if p.bug == ignoresFreshFor || f.FreshFor > voucher.FactFreshFor && p.bug != trustsFreshFor {
		f.FreshFor = voucher.FactFreshFor
	}
	next := &plainFact{Fact: f, asked: asked}
	if p.bug == dropsOpen && f.Status == voucher.Open {
		return &plainFact{Fact: voucher.Fact{Key: f.Key, Status: voucher.Open}}
	}
	if old == nil {
		return next
	}
	if asked.Before(old.asked) && p.bug != askedFalls {
		next.asked = old.asked
	}
	switch {
	case f.Status == voucher.Unknown && old.Status == voucher.Unknown:
		if !asked.After(old.asked) && p.bug != askedFalls {
			return old
		}
		return next
	case old.Status == voucher.Unknown:
		if p.bug == unknownStays && asked.Before(old.asked) {
			return old
		}
		return next
	case f.Status == voucher.Unknown:
		if p.bug == unknownOverwrites || p.bug == ignoresVersions {
			return next
		}
		return old
	}
	return p.advance(old, next, asked)
}

func (p *plain) advance(old, next *plainFact, asked time.Time) *plainFact {
	was, is := old.Version.Sum(), next.Version.Sum()
	if p.bug == ignoresCampaignPart {
		was, is = old.Version.Voucher, next.Version.Voucher
	}
	if is < was && p.bug != ignoresVersions {
		return old
	}
	if p.bug == keepsAssignee {
		next.Customer = old.Customer
	}
	if p.bug == fetchesOncePerKey {
		next.fetchAsked = old.fetchAsked
	}
	if next.Version != old.Version {
		if p.bug == winnersOverVersions && next.Status != voucher.Open {
			next.winners = old.winners
		}
		return next
	}
	if p.bug != ignoresStages && p.bug != ignoresVersions {
		if plainStage(next.Status) < plainStage(old.Status) {
			return old
		}
		if next.Status == old.Status && !asked.After(old.asked) && p.bug != askedFalls {
			if p.bug == lendsFreshFor {
				old.FreshFor = max(old.FreshFor, next.FreshFor)
			}
			return old
		}
	}
	if next.Closure() == old.Closure() {
		next.fetchAsked = old.fetchAsked
		if p.bug != renewalDropsWinners {
			next.winners = old.winners
		}
	}
	if p.keepsWinners(old.Status, next.Status) {
		next.winners = old.winners
	}
	return next
}

// keepsWinners reports whether winners are mistaken for those of the next closure.
func (p *plain) keepsWinners(old, next voucher.Status) bool {
	switch p.bug {
	case winnersOverStart:
		return old == voucher.NotStarted
	case winnersOfOpen:
		return old == voucher.Open
	case winnersOverEnd:
		return next == voucher.Ended && old != voucher.NotStarted
	default:
		return false
	}
}

func plainStage(s voucher.Status) int {
	return map[voucher.Status]int{
		voucher.NotStarted: 0, voucher.Open: 1, voucher.SoldOut: 2, voucher.Spent: 2, voucher.Ended: 3, voucher.Disabled: 3,
	}[s]
}

func (p *plain) SettleCampaign(campaign id.ID, version int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.floors) > 1000 && p.bug == forgetsFloors {
		clear(p.floors)
	}
	if p.bug == takesLateOfCampaign {
		for key, f := range p.facts {
			if f.Campaign == campaign && f.Version.Campaign < version {
				delete(p.facts, key)
			}
		}
		return
	}
	if version > p.floors[campaign] || p.bug == floorFalls {
		p.floors[campaign] = version
	}
}

func (p *plain) SettleWinners(read voucher.Fact, w *gate.Winners) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.facts {
		if f.Voucher == read.Voucher && f.Status != voucher.Unknown && p.takesWinners(f, &read) {
			f.winners = w
		}
	}
}

// takesWinners reports whether winners that were read under one fact are taken under another.
func (p *plain) takesWinners(f *plainFact, read *voucher.Fact) bool {
	if f.Status == voucher.Open {
		return p.bug == winnersOfOpen && f.Version == read.Version
	}
	if f.Closure() == read.Closure() || p.bug == anyWinners {
		return true
	}
	if f.Version != read.Version {
		return false
	}
	return p.bug == anyStatusWinners ||
		p.bug == winnersFromBefore && read.Status == voucher.NotStarted ||
		p.bug == winnersFromOpen && read.Status == voucher.Open
}

func (p *plain) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	clear(p.facts)
	return nil
}
