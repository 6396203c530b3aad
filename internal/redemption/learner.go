package redemption

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"scrip/internal/gate"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

const (
	wishesMax    = 1024             // more are dropped: the gate asks again
	lookupMax    = 256              // codes in one read
	learnWaitMax = 30 * time.Second // for one question to the store
)

// learner asks the store, in the background, what the gate would like to know. It reads many codes at
// once, one voucher's winners at a time, and drops wishes rather than let them queue without bound.
type learner struct {
	store   store.Vouchers
	gate    gate.Gate
	clock   func() time.Time
	log     *slog.Logger
	shut    func(now time.Time) bool // the store could not be reached a moment ago: it is not asked
	facts   chan string              // keys of codes
	winners chan voucher.Fact
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

func newLearner(s store.Vouchers, g gate.Gate, clock func() time.Time, log *slog.Logger, shut func(time.Time) bool) *learner {
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // outlives the requests that wish
	l := &learner{
		store: s, gate: g, clock: clock, log: log, shut: shut, cancel: cancel,
		facts:   make(chan string, wishesMax),
		winners: make(chan voucher.Fact, wishesMax),
	}
	l.done.Go(func() { l.learnFacts(ctx) })
	l.done.Go(func() { l.learnWinners(ctx) })
	return l
}

func (l *learner) close() {
	l.cancel()
	l.done.Wait()
}

// want takes a wish without waiting.
func (l *learner) want(w gate.Want, f voucher.Fact) {
	if w&gate.WantFact != 0 {
		select {
		case l.facts <- f.Key:
		default:
		}
	}
	if w&gate.WantWinners != 0 {
		select {
		case l.winners <- f:
		default:
		}
	}
}

// learnFacts looks up all the codes that are wished for at the moment in one read.
func (l *learner) learnFacts(ctx context.Context) {
	var told time.Time
	for {
		var keys []string
		select {
		case <-ctx.Done():
			return
		case key := <-l.facts:
			keys = append(keys, key)
		}
		for more := true; more && len(keys) < lookupMax; {
			select {
			case key := <-l.facts:
				keys = append(keys, key)
			default:
				more = false
			}
		}
		if l.shut(l.clock()) {
			continue
		}
		if err := l.lookup(ctx, keys); err != nil && l.tell(&told) {
			l.log.WarnContext(ctx, "the gate could not renew its facts; requests go to the store", "codes", len(keys), "err", maskedOf(keys, err))
		}
	}
}

// tell reports whether the log should be told of a failure, and was not lately.
func (l *learner) tell(told *time.Time) bool {
	now := l.clock()
	if now.Sub(*told) < remindEach {
		return false
	}
	*told = now
	return true
}

func (l *learner) lookup(ctx context.Context, keys []string) error {
	ctx, cancel := context.WithTimeout(ctx, learnWaitMax)
	defer cancel()
	asked := l.clock()
	listings, now, err := l.store.Lookup(ctx, keys)
	if err != nil {
		return err
	}
	facts := make([]voucher.Fact, len(keys))
	for i, found := range listings {
		if found.Voucher == nil {
			facts[i] = voucher.UnknownFact(keys[i])
			continue
		}
		facts[i] = voucher.FactOf(found.Campaign, found.Voucher, now)
	}
	l.gate.Settle(asked, facts...)
	return nil
}

// learnWinners builds the filter of a closed voucher's winners. They are final for the closure: the store
// lets no reading of winners overtake a batch that began before it, and says which closure it saw.
func (l *learner) learnWinners(ctx context.Context) {
	var told time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-l.winners:
			if l.shut(l.clock()) {
				continue
			}
			if err := l.build(ctx, f.Voucher); err != nil && ctx.Err() == nil && l.tell(&told) {
				l.log.WarnContext(ctx, "the gate could not learn a voucher's winners; its losers go to the store",
					"voucher", f.Voucher.Format(id.Voucher), "err", err)
			}
		}
	}
}

func (l *learner) build(ctx context.Context, v id.ID) error {
	ctx, cancel := context.WithTimeout(ctx, learnWaitMax)
	defer cancel()
	var hashes []uint64
	seen, err := l.store.Winners(ctx, v, func(customer string) bool {
		hashes = append(hashes, gate.HashCustomer(customer))
		return true
	})
	if err != nil {
		return err
	}
	w, err := gate.NewWinners(hashes)
	if err != nil {
		return err
	}
	l.gate.SettleWinners(seen, w)
	return nil
}
