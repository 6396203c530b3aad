package pgstore

import (
	"sync"

	"scrip/internal/voucher"
)

// terms are a voucher and its campaign as they were last read under their locks, with what follows for whoever holds
// nothing of them. The versions are what the express lane has the database compare; the counters may be behind by what
// other servers did.
type terms struct {
	campaign voucher.Campaign
	voucher  voucher.Voucher
	prospect voucher.Prospect
}

// termsMax bounds the vouchers whose terms are kept, of some 500 bytes each. A crowd wants a few.
const termsMax = 1024

// restMax bounds how many batches in a row go the ordinary way after express ones that came to nothing.
const restMax = 64

// book keeps the terms of vouchers that may be used in crowds, by the code's key.
type book struct {
	mu    sync.Mutex
	pages map[string]*page
}

type page struct {
	terms
	stale  bool // the express lane found something else
	misses int  // express batches in a row that came to nothing
	rest   int  // batches that are still to go the ordinary way
}

// take gives the terms for a batch of n redemptions of one code, where there is hope that they hold for all of it.
func (b *book) take(code string, n int) (terms, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, known := b.pages[code]
	if !known || p.stale {
		return terms{}, false
	}
	if p.rest > 0 {
		p.rest--
		return terms{}, false
	}
	return p.terms, p.prospect.Fits(&p.campaign, &p.voucher, int64(n))
}

// learn keeps what was read, or written, under the locks.
func (b *book) learn(c *voucher.Campaign, v *voucher.Voucher) {
	prospect, sure := voucher.Foresee(c, v)
	b.mu.Lock()
	defer b.mu.Unlock()
	if !sure || !prospect.Fits(c, v, 1) {
		delete(b.pages, v.Key)
		return
	}
	p, known := b.pages[v.Key]
	if !known {
		for other := range b.pages { // any one makes room
			if len(b.pages) < termsMax {
				break
			}
			delete(b.pages, other)
		}
		p = &page{}
		b.pages[v.Key] = p
	}
	p.terms, p.stale = terms{*c, *v, prospect}, false
}

// held is told that the terms of a batch held, and what the counters are now.
func (b *book) held(c *voucher.Campaign, v *voucher.Voucher) {
	b.learn(c, v)
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, known := b.pages[v.Key]; known {
		p.misses = 0
	}
}

// missed is told that an express batch came to nothing. The next one goes the ordinary way, and learns; if that did not
// help, because it is not the terms that stand in the way, two do, then four.
func (b *book) missed(code string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, known := b.pages[code]
	if !known {
		return
	}
	p.stale, p.rest = true, min(1<<p.misses, restMax)-1
	p.misses = min(p.misses+1, 16)
}
