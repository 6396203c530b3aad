package stampede

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// The histogram is log-linear: 64 buckets for each power of two of microseconds, so that a quantile is
// within 1/64 of the truth from a microsecond to twelve days.
const (
	subBits    = 6
	subBuckets = 1 << subBits
	spanBits   = 40
	buckets    = (spanBits - subBits + 1) * subBuckets
)

// histogram counts durations. It is safe for concurrent use, and counting is one atomic addition.
type histogram struct {
	counts [buckets]atomic.Int64
}

func (h *histogram) add(d time.Duration) { h.counts[bucketOf(d)].Add(1) }

// bucketOf returns where a duration counts; what is out of range counts at the nearer end.
func bucketOf(d time.Duration) int {
	micro := uint64(max(d.Microseconds(), 0))
	micro = min(micro, 1<<spanBits-1)
	shift := max(bits.Len64(micro)-subBits-1, 0)
	return shift<<subBits + int(micro>>shift) //nolint:gosec // below 2^7
}

// middle returns the duration in the middle of a bucket.
func middle(bucket int) time.Duration {
	shift := max(bucket>>subBits-1, 0)
	low := uint64(bucket-shift<<subBits) << shift              //nolint:gosec // not below zero
	return time.Duration(low+(1<<shift)>>1) * time.Microsecond //nolint:gosec // below 2^41
}

// quantiles returns the durations below which these shares of the counts lie, in one pass; the shares
// must rise. All are zero of an empty histogram.
func (h *histogram) quantiles(shares ...float64) []time.Duration {
	var counts [buckets]int64
	total := int64(0)
	for i := range h.counts {
		counts[i] = h.counts[i].Load()
		total += counts[i]
	}
	values := make([]time.Duration, len(shares))
	if total == 0 {
		return values
	}
	seen, at := int64(0), 0
	for bucket := range counts {
		n := counts[bucket]
		seen += n
		for at < len(shares) && n > 0 && seen >= rankOf(shares[at], total) {
			values[at] = middle(bucket)
			at++
		}
	}
	return values
}

// rankOf is the place of a share in a sorted list: the smallest that has the share at or below it.
func rankOf(share float64, total int64) int64 {
	rank := int64(share * float64(total))
	if float64(rank) < share*float64(total) {
		rank++
	}
	return min(max(rank, 1), total)
}
