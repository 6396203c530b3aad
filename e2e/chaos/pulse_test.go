package chaos_test

import (
	"slices"
	"sync"
	"time"
)

// pulse measures unavailability: the longest time without a verdict while no fault was on.
type pulse struct {
	mu      sync.Mutex
	faults  int   // that are on
	since   int64 // the latest of: a verdict, the end of the last fault, the start
	on      bool  // the crowd is in
	longest time.Duration
	all     []time.Duration // of each fault's end, until the next verdict; cut off by the next fault
	fresh   bool            // no verdict since the last fault's end
}

func (w *world) answered(at int64) { w.pulse.beat(at) }

func (p *pulse) beat(at int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.faults > 0 || !p.on {
		return
	}
	p.gap(at)
	if p.fresh {
		p.all, p.fresh = append(p.all, time.Duration(max(0, at-p.since))), false
	}
	p.since = max(p.since, at)
}

func (p *pulse) gap(at int64) {
	p.longest = max(p.longest, time.Duration(at-p.since))
}

// begin and end are told of each fault.
func (p *pulse) begin(at int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.faults == 0 && p.on {
		p.gap(at)
	}
	p.faults++
}

func (p *pulse) end(at int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.faults--; p.faults == 0 {
		p.since, p.fresh = at, true
	}
}

// crowdIs tells whether there is a crowd that could have answers.
func (p *pulse) crowdIs(in bool, at int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on, p.since, p.fresh = in, at, false
}

// figures are the longest unavailability and the middle one after a fault's end.
func (p *pulse) figures() (longest, middle time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.all) > 0 {
		sorted := slices.Sorted(slices.Values(p.all))
		middle = sorted[len(sorted)/2]
	}
	return p.longest, middle
}
