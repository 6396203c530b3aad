package redemption

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

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
	// slotWait is how long a group waits for one of those before it. Where so many campaigns are locked, its callers are told
	// so while they are there.
	slotWait = 2 * time.Second
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
