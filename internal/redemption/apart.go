package redemption

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"scrip/internal/fault"
	"scrip/internal/groupcommit"
	"scrip/internal/id"
	"scrip/internal/store"
)

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
	outs, asked, locked := s.giveInTurn(ctx, g.commands)
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

// giveInTurn is give, with no more than asideMax others.
func (s *Service) giveInTurn(ctx context.Context, commands []store.Command) (outs []store.Outcome, asked time.Time, locked error) {
	patience := time.NewTimer(slotWait)
	defer patience.Stop()
	select {
	case s.aside.slots <- struct{}{}:
		defer func() { <-s.aside.slots }()
		return s.giveSafely(ctx, commands)
	case <-patience.C:
		return nil, s.clock(), fmt.Errorf("%w: other campaigns are too, and wait before this one", store.ErrLocked)
	}
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
