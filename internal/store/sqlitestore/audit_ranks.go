package sqlitestore

import (
	"scrip/internal/id"
	"scrip/internal/store"
)

// ranks checks that each voucher's ranks run from 1 to as many as it gave out, each once. It goes through the redemptions
// voucher by voucher, along their index, and keeps one bit for each rank of one voucher: that they are different would
// otherwise be known by sorting them, in memory.
func (a *auditor) ranks() error {
	r := ranked{most: a.seen.Redemptions}
	end := func() {
		if n := r.rows; n != r.given || r.different != n || n > 0 && (r.lowest != 1 || r.highest != n) {
			a.report(store.CheckRank, r.voucher.Format(id.Voucher), "%d ranks are given out, but %d redemptions have %d different ranks, from %d to %d",
				r.given, n, r.different, r.lowest, r.highest)
		}
	}
	var at int64
	err := a.all(`SELECT v.no, v.id, v.ranked, r.rank IS NOT NULL, r.rank FROM voucher v LEFT JOIN redemption r ON r.voucher_no = v.no
		ORDER BY v.no`, func(q *stmt) {
		if no := q.nextInt(); no != at {
			if at != 0 {
				end()
			}
			at = no
			r.begin(q.nextID(), q.nextInt())
		} else {
			q.skip(2)
		}
		if q.nextInt() != 0 {
			r.add(q.nextInt())
		}
	})
	if err == nil && at != 0 {
		end()
	}
	return err
}

// ranked is what is known of one voucher's ranks.
type ranked struct {
	most int64 // no rank can be above the number of all redemptions

	voucher         id.ID
	given           int64 // by the voucher's counter
	rows, different int64
	lowest, highest int64
	seen            []uint64 // a bit for each rank from 1 on
}

const wordBits = 64

// begin goes on to the next voucher.
func (r *ranked) begin(voucher id.ID, given int64) {
	r.voucher, r.given = voucher, given
	r.rows, r.different, r.lowest, r.highest = 0, 0, 1, 0
	r.seen = r.seen[:0]
}

// add counts a rank. One that can't be is taken for different from all others: it is reported in any case.
func (r *ranked) add(rank int64) {
	if r.rows++; r.rows == 1 {
		r.lowest = rank
	}
	r.lowest, r.highest = min(r.lowest, rank), max(r.highest, rank)
	if rank < 1 || rank > r.most {
		r.different++
		return
	}
	word, bit := int(rank/wordBits), uint64(1)<<(rank%wordBits)
	for len(r.seen) <= word {
		r.seen = append(r.seen, 0)
	}
	if r.seen[word]&bit == 0 {
		r.different++
	}
	r.seen[word] |= bit
}
