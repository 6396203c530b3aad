package redemption

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"scrip/internal/fault"
	"scrip/internal/groupcommit"
	"scrip/internal/id"
	"scrip/internal/store"
)

// A batch waits for all that its commands need. Where somebody else holds a lock for long (a session in which an
// administrator began a transaction and went to lunch), one campaign's commands would stop all the others, batch
// after batch. So what waited in vain is set aside, campaign by campaign:
//
//  1. A batch that met a lock was not applied. Its commands are applied again as one group for each campaign, beside the
//     batches, and their callers wait for their group. The groups of free campaigns are done in a moment.
//  2. A campaign whose group meets the lock again is held. Of a held campaign one group at a time is in the store, which
//     gets the lock as soon as it is free, and ends the hold with it; whoever comes meanwhile is told so at once.
//
// A campaign is the unit because its row is locked with that of each of its vouchers. Within a campaign the order of a
// batch is kept; commands of different campaigns may change places.

const (
	// asideMax bounds the groups that are in the store at once. Of the four connections that a store of many servers
	// has for writing, one is the batches' and one the administrators'.
	asideMax = 2
	// asideWait is how long the next batch waits for the groups of one that met a lock, so that campaigns that are
	// free have no hold by then. It is what the free ones pay for a lock, beyond the store's own wait for it.
	asideWait = 250 * time.Millisecond
	// heldFor is how long a campaign stays held without anybody asking for it.
	heldFor = 30 * time.Second
	// sortWait bounds the reading of which campaigns a batch is about.
	sortWait = 2 * time.Second
	// knownMax bounds the codes whose campaign is remembered while there is a hold.
	knownMax = 1 << 16
)

// aside is what is known of locked campaigns. The id of none stands for what belongs to no campaign.
type aside struct {
	slots   chan struct{}
	running sync.WaitGroup

	mu    sync.Mutex
	holds map[id.ID]*hold

	known map[string]id.ID // campaigns of codes, while there are holds; the flusher's alone
}

// hold is a campaign whose commands are not for the batches.
type hold struct {
	under bool      // a group is under way
	err   error     // why the last one was not applied; nil while the first one is under way
	until time.Time // it is forgotten, unless a group is under way
}

// group is the commands of one campaign, applied beside the batches.
type group struct {
	commands []store.Command
	done     chan struct{} // closed once outs is there
	outs     []store.Outcome
}

// elsewhere stands in an outcome whose command is in a group.
type elsewhere struct {
	*group
	n int
}

func (elsewhere) Error() string { return "the outcome is not there yet" }

func newAside() aside {
	return aside{slots: make(chan struct{}, asideMax), holds: make(map[id.ID]*hold), known: make(map[string]id.ID)}
}

// any reports whether campaigns are held.
func (a *aside) any(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.holds, func(_ id.ID, h *hold) bool { return !h.under && !now.Before(h.until) })
	if len(a.holds) == 0 {
		clear(a.known)
	}
	return len(a.holds) > 0
}

// sort parts the places of a batch whose campaigns are given into free ones and those of held campaigns.
func (a *aside) sort(campaigns []id.ID) (free []int, held map[id.ID][]int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	held = make(map[id.ID][]int)
	for i, c := range campaigns {
		if a.holds[c] != nil {
			held[c] = append(held[c], i)
		} else {
			free = append(free, i)
		}
	}
	return free, held
}

// begin holds a campaign for a group, unless one is under way; then it returns why the one before was not applied.
func (a *aside) begin(campaign id.ID) (begun bool, why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.holds[campaign]
	if h == nil {
		h = &hold{}
		a.holds[campaign] = h
	}
	if h.under {
		return false, h.err
	}
	h.under = true
	return true, nil
}

// end takes note of how a group ended: locked is why it was not applied, if that is a lock. It reports whether the campaign
// was held before, by more than this group.
func (a *aside) end(campaign id.ID, locked error, now time.Time) (before bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.holds[campaign]
	before = h.err != nil
	if locked == nil {
		delete(a.holds, campaign)
		return before
	}
	h.under, h.err, h.until = false, locked, now.Add(heldFor)
	return before
}

// wait returns when no group is under way any more, or ctx ends.
func (a *aside) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { a.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("commands that wait for a lock: %w", ctx.Err())
	}
}

// around applies a batch while campaigns are held: theirs are set aside, and the others are a batch as ever.
func (s *Service) around(ctx context.Context, batch []store.Command, campaigns []id.ID) []store.Outcome {
	outs := make([]store.Outcome, len(batch))
	free, held := s.aside.sort(campaigns)
	for campaign, places := range held {
		s.setAside(ctx, campaign, batch, places, outs)
	}
	if len(free) > 0 {
		for i, out := range s.together(ctx, picked(batch, free), picked(campaigns, free)) {
			outs[free[i]] = out
		}
	}
	return outs
}

// apart sets a batch that met a lock aside, campaign by campaign.
func (s *Service) apart(ctx context.Context, batch []store.Command, campaigns []id.ID) []store.Outcome {
	outs := make([]store.Outcome, len(batch))
	places := make(map[id.ID][]int)
	var order []id.ID
	for i, c := range campaigns {
		if places[c] == nil {
			order = append(order, c)
		}
		places[c] = append(places[c], i)
	}
	patience := time.NewTimer(asideWait)
	defer patience.Stop()
	groups := make([]*group, 0, len(order))
	for _, c := range order {
		if g := s.setAside(ctx, c, batch, places[c], outs); g != nil {
			groups = append(groups, g)
		}
	}
	for _, g := range groups {
		select {
		case <-g.done:
		case <-patience.C:
			return outs
		}
	}
	return outs
}

// setAside begins a group of those commands of a batch that are a campaign's, and says in outs where their outcomes come to
// be. Where one is under way already, they are refused.
func (s *Service) setAside(ctx context.Context, campaign id.ID, batch []store.Command, places []int, outs []store.Outcome) *group {
	begun, why := s.aside.begin(campaign)
	if !begun {
		refusal := fault.ErrStoreUnavailable.With(errors.Join(store.ErrLocked, why))
		for _, i := range places {
			outs[i].Refusal = refusal
		}
		return nil
	}
	g := &group{commands: picked(batch, places), done: make(chan struct{})}
	for n, i := range places {
		outs[i].Refusal = fault.ErrStoreUnavailable.With(elsewhere{g, n})
	}
	s.aside.running.Go(func() { s.applyAside(ctx, campaign, g) })
	return g
}

// applyAside applies a group and takes note of what it tells of the campaign.
func (s *Service) applyAside(ctx context.Context, campaign id.ID, g *group) {
	s.aside.slots <- struct{}{} // those who hold one are ended by the store, or by ctx
	outs, asked, locked := s.giveSafely(ctx, g.commands)
	<-s.aside.slots
	if locked != nil {
		outs = refuseAll(len(g.commands), locked)
	}
	g.outs = outs
	before := s.aside.end(campaign, locked, s.clock())
	close(g.done)
	switch {
	case locked != nil && !before:
		s.log.WarnContext(ctx, "a campaign waits for a lock that somebody else holds; its requests are told to come again, and nobody else waits",
			"campaign", campaign.Format(id.Campaign), "err", locked)
	case locked == nil && before:
		s.log.InfoContext(ctx, "the lock is free; the campaign's requests go on", "campaign", campaign.Format(id.Campaign))
	}
	s.teach(asked, outs, nil, make(map[string]bool))
}

// giveSafely is give, with a panic made an error as groupcommit makes one of it in a batch.
func (s *Service) giveSafely(ctx context.Context, commands []store.Command) (outs []store.Outcome, asked time.Time, locked error) {
	defer func() {
		if v := recover(); v != nil {
			err := fmt.Errorf("%w: a group set aside: %T", groupcommit.ErrPanicked, v) // the value may hold what a command is about
			outs, locked = refuseAll(len(commands), err), nil
		}
	}()
	return s.give(ctx, commands)
}

// await returns the outcome of a command that was set aside, or out where it was not.
func (s *Service) await(ctx context.Context, out store.Outcome, err error) (store.Outcome, error) {
	if err != nil || out.Refusal == nil || out.Refusal.Err == nil {
		return out, err
	}
	e, ok := out.Refusal.Err.(elsewhere) //nolint:errorlint // it is put there as it is, and never wrapped
	if !ok {
		return out, nil
	}
	select {
	case <-e.done:
		return e.outs[e.n], nil
	case <-ctx.Done():
		return store.Outcome{}, fmt.Errorf("%w: %w", groupcommit.ErrAbandoned, ctx.Err())
	}
}

// campaignsOf reads which campaign each command is about.
func (s *Service) campaignsOf(ctx context.Context, batch []store.Command) ([]id.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, sortWait)
	defer cancel()
	if err := s.learnCampaigns(ctx, batch); err != nil {
		return nil, err
	}
	campaigns := make([]id.ID, len(batch))
	for i, command := range batch {
		switch c := command.(type) {
		case *store.Redeem:
			campaigns[i] = s.aside.known[c.Code]
		case *store.Rollback:
			r, err := s.store.Redemption(ctx, c.Redemption)
			if err != nil && !errors.Is(err, fault.ErrRedemptionNotFound) {
				return nil, err
			}
			if err == nil {
				campaigns[i] = r.CampaignID
			}
		}
	}
	return campaigns, nil
}

// learnCampaigns reads the campaigns of those codes whose is not known.
func (s *Service) learnCampaigns(ctx context.Context, batch []store.Command) error {
	if len(s.aside.known) > knownMax {
		clear(s.aside.known)
	}
	var keys []string
	asked := make(map[string]bool)
	for _, command := range batch {
		if c, ok := command.(*store.Redeem); ok && !asked[c.Code] {
			if _, known := s.aside.known[c.Code]; !known {
				asked[c.Code] = true
				keys = append(keys, c.Code)
			}
		}
	}
	for some := range slices.Chunk(keys, lookupMax) {
		found, _, err := s.store.Lookup(ctx, some)
		if err != nil {
			return err
		}
		for i, f := range found {
			if f.Campaign != nil { // a code that is unknown may be made at any moment
				s.aside.known[some[i]] = f.Campaign.ID
			}
		}
	}
	return nil
}

// picked are the values at those places.
func picked[T any](of []T, places []int) []T {
	those := make([]T, len(places))
	for n, i := range places {
		those[n] = of[i]
	}
	return those
}
