package memgate

import (
	"sync"
	"sync/atomic"
	"time"

	"scrip/internal/id"
	"scrip/internal/voucher"
)

// floorsMax is how many campaigns can be changed here within one second (a fact's life) before all
// facts, and not only theirs, are learned again.
const floorsMax = 4096

// floors are the campaign versions that facts must not be older than.
//
// A floor is needed only as long as facts live that were asked for before it: afterwards they refuse
// nobody anyway. It is kept longer, while there is room, against news that comes late by other ways.
type floors struct {
	generation atomic.Uint64 // how often a floor was raised

	mu       sync.RWMutex
	of       map[id.ID]floor
	notSince time.Duration // no fact of any campaign that was asked for by then is used
}

type floor struct {
	version int64
	at      time.Duration
}

func (f *floors) open() {
	f.of = make(map[id.ID]floor)
	f.notSince = never
}

// raise sets a campaign's floor.
func (f *floors) raise(campaign id.ID, version int64, now time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old, ok := f.of[campaign]
	if ok && old.version >= version {
		return
	}
	if !ok && len(f.of) >= floorsMax {
		f.makeRoom(now)
	}
	f.of[campaign] = floor{version: version, at: now}
	f.generation.Add(1)
}

func (f *floors) makeRoom(now time.Duration) {
	for c, was := range f.of {
		if now-was.at > voucher.FactFreshFor {
			delete(f.of, c)
		}
	}
	if len(f.of) >= floorsMax {
		clear(f.of)
		f.notSince = now
	}
}

// above reports whether a state stands above the floors. It looks them up once per state and change.
func (f *floors) above(s *state) bool {
	generation := f.generation.Load()
	if s.floorsSeen.Load() == generation {
		return true
	}
	if s.fact.Status != voucher.Unknown {
		f.mu.RLock()
		low := s.asked <= f.notSince || s.fact.Version.Campaign < f.of[s.fact.Campaign].version
		f.mu.RUnlock()
		if low {
			return false
		}
	}
	s.floorsSeen.Store(generation)
	return true
}

// below reports whether a fact is older than its campaign's floor.
func (f *floors) below(fact *voucher.Fact) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return fact.Version.Campaign < f.of[fact.Campaign].version
}
