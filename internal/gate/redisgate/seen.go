package redisgate

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

const (
	seenMax   = 1 << 15 // codes; 256 KiB
	epochBits = 16
	// epochEvery is how often a code that is in use is noted anew. It is counted by a clock of its own,
	// for it decides nothing but how much is asked of Redis.
	epochEvery = 30 * time.Second
)

// seen tells the first request for a code within an epoch from the others, for the price of a hash and no
// lock. It forgets a code for another that falls into the same slot; then a code is noted twice.
type seen struct {
	seed  maphash.Seed
	epoch atomic.Uint64
	slots []atomic.Uint64 // of a code's hash, the high bits, and the epoch
}

func (s *seen) open() {
	s.seed = maphash.MakeSeed()
	s.slots = make([]atomic.Uint64, seenMax)
	s.epoch.Store(1)
}

// first reports true to one caller in an epoch.
func (s *seen) first(key string) bool {
	h := maphash.String(s.seed, key)
	mark := h>>epochBits<<epochBits | s.epoch.Load()
	slot := &s.slots[h%seenMax]
	was := slot.Load()
	return was != mark && slot.CompareAndSwap(was, mark)
}

// pass begins the next epoch.
func (s *seen) pass() { s.epoch.Store((s.epoch.Load() + 1) & (1<<epochBits - 1)) }
