package limit

import (
	"context"
	"log/slog"
	"time"
)

// Count is what one replica has to tell of one bucket, and what it hears.
type Count struct {
	Of  Dimension
	Key uint64
	// Owed is what was taken since it was last told, as time: below zero where more was given back.
	Owed time.Duration
	// Ahead is how long until the bucket is full: as this replica knows it and, after the exchange, as all
	// together do.
	Ahead time.Duration
}

// Exchange is where replicas tell one another their counts.
type Exchange interface {
	// Trade adds each count's Owed to what all have taken and sets its Ahead to the sum. An error says that
	// some, or all, were not traded; their Ahead is then as it was, or what was heard.
	Trade(ctx context.Context, counts []Count) error
}

const (
	// ShareEvery is how often counts are exchanged. So long does each replica count alone.
	ShareEvery = 150 * time.Millisecond
	shareMax   = 2048 // counts in one exchange; the rest wait for the next
)

// Share exchanges counts with the other replicas until ctx ends. Where that fails each replica's limits are
// its own. What was taken is not added again then, for it may have been heard; but how this replica knows those
// buckets is told until it is heard.
func (l *Limiter) Share(ctx context.Context, with Exchange, log *slog.Logger) {
	l.share(ctx, with, log, ShareEvery)
}

func (l *Limiter) share(ctx context.Context, with Exchange, log *slog.Logger, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	counts := make([]Count, 0, shareMax)
	known, up := false, false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		counts = l.collect(counts[:0])
		if len(counts) == 0 {
			continue
		}
		err := with.Trade(ctx, counts)
		if ctx.Err() != nil {
			return
		}
		l.merge(counts)
		if err != nil {
			l.observe.LimitsNotShared()
			l.remind(counts)
		}
		if !known || up != (err == nil) {
			known, up = true, err == nil
			l.observe.LimitsShared(up)
			if up {
				log.InfoContext(ctx, "replicas share their limits")
			} else {
				log.WarnContext(ctx, "limits are not shared; each replica counts by itself", "err", err)
			}
		}
	}
}

// collect takes what is owed, at most shareMax counts.
func (l *Limiter) collect(counts []Count) []Count {
	now := l.now()
	for d := dimensions; d > 0; d-- { // misses first
		if t := l.tables[d-1]; t != nil {
			counts = t.collect(counts, d-1, now)
		}
	}
	return counts
}

func (t *table) collect(counts []Count, d Dimension, now int64) []Count {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for len(s.owing) > 0 && len(counts) < shareMax {
			last := len(s.owing) - 1
			b := &s.slots[s.owing[last]]
			s.owing = s.owing[:last]
			b.listed = false
			if b.owed != 0 || b.again {
				counts = append(counts, Count{
					Of: d, Key: b.key, Owed: time.Duration(b.owed), Ahead: time.Duration(max(0, b.at-now)),
				})
				b.owed, b.again = 0, false
			}
		}
		s.mu.Unlock()
	}
	return counts
}

// merge takes in what all have taken together, where it is more than is known here.
func (l *Limiter) merge(counts []Count) {
	now := l.now()
	for _, c := range counts {
		l.tables[c.Of].raise(c.Key, now, int64(min(c.Ahead, reachMax)))
	}
}

// remind has the next exchange tell of these buckets again.
func (l *Limiter) remind(counts []Count) {
	for _, c := range counts {
		l.tables[c.Of].remind(c.Key)
	}
}

func (t *table) remind(key uint64) {
	s, b, i := t.find(key)
	defer s.mu.Unlock()
	if b.key == key {
		b.again = true
		b.list(s, i)
	}
}

func (t *table) raise(key uint64, now, ahead int64) {
	s, b, _ := t.find(key)
	defer s.mu.Unlock()
	if b.key == key {
		b.at = max(b.at, now+ahead)
	}
}
