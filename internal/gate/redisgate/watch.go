package redisgate

import (
	"container/list"
	"strings"
	"sync"

	"scrip/internal/id"
	"scrip/internal/voucher"
)

const (
	// watchMax is how many keys are watched because something is known of them: codes that exist, and
	// campaigns. guessMax is how many beside them, of which nothing is known, so that guessers can't push
	// the others out. Some 300 bytes each.
	watchMax = 16_384
	guessMax = 4096
	// watchFor is after how many epochs without use a key is watched no more.
	watchFor = 6
	// renewEvery is how often the renewal of a fact that is in use is published at most: often enough for
	// others to renew theirs by it, when half of their second is gone.
	renewEvery = voucher.FactFreshFor / 8
)

// watch is the set of keys in Redis that this replica cares about, because their codes are in use here.
type watch struct {
	mu     sync.Mutex
	names  names
	epoch  int
	byName map[string]*watched
	known  list.List // of *watched, the latest used first
	guess  list.List
	due    map[*watched]struct{}
	wake   chan struct{} // holds one when something may be due
}

// watched is one key.
type watched struct {
	name     string
	code     string // of the terms of a code; empty for a campaign
	campaign id.ID  // of a campaign's version
	used     int    // the epoch
	in       *list.List
	at       *list.Element

	published voucher.Fact // the last that this replica published of the code
}

// tag is what decides the key's slot in a cluster.
func (e *watched) tag() string {
	if e.code != "" {
		return tagOf(e.code)
	}
	return e.campaign.Format(id.Campaign)
}

func (w *watch) open(n names) {
	w.names = n
	w.byName = make(map[string]*watched)
	w.due = make(map[*watched]struct{})
	w.wake = make(chan struct{}, 1)
}

// asked says that a code was asked for here.
func (w *watch) asked(code string) {
	if code == "" || len(code) > codeBytesMax {
		return
	}
	name := w.names.terms(code)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.use(name, func() *watched { return &watched{code: strings.Clone(code)} }, false)
}

// settled says that the store was asked about a code here. It reports whether the answer is worth
// publishing: not, if what this replica published of it a moment ago says the same.
func (w *watch) settled(f *voucher.Fact) bool {
	name := w.names.terms(f.Key)
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.use(name, func() *watched { return &watched{code: f.Key} }, true)
	w.useCampaign(f.Campaign)
	was := &e.published
	if f.Voucher == was.Voucher && f.Closure() == was.Closure() && f.Remaining == was.Remaining {
		if f.Status == voucher.Open || f.At.Sub(was.At) < renewEvery {
			return false
		}
	}
	e.published = *f
	return true
}

// heard says that something is known of a code.
func (w *watch) heard(f *voucher.Fact) {
	name := w.names.terms(f.Key)
	w.mu.Lock()
	defer w.mu.Unlock()
	if e := w.byName[name]; e != nil {
		w.move(e, &w.known)
		w.useCampaign(f.Campaign)
	}
}

// useCampaign watches a campaign. The caller holds mu.
func (w *watch) useCampaign(c id.ID) {
	w.use(w.names.campaign(c), func() *watched { return &watched{campaign: c} }, true)
}

// use makes a key the latest used; one that is new is due. The caller holds mu.
func (w *watch) use(name string, fresh func() *watched, known bool) *watched {
	e := w.byName[name]
	if e == nil {
		e = fresh()
		e.name = name
		w.byName[name] = e
		w.dueNow(e)
	}
	e.used = w.epoch
	to := &w.guess
	if known || e.in == &w.known {
		to = &w.known
	}
	w.move(e, to)
	return e
}

// move puts a key first in a list, and forgets the last of it for want of room. The caller holds mu.
func (w *watch) move(e *watched, to *list.List) {
	if e.in == to {
		to.MoveToFront(e.at)
		return
	}
	if e.in != nil {
		e.in.Remove(e.at)
	}
	e.in, e.at = to, to.PushFront(e)
	most := watchMax
	if to == &w.guess {
		most = guessMax
	}
	if to.Len() > most {
		if last, ok := to.Back().Value.(*watched); ok {
			w.forget(last)
		}
	}
}

func (w *watch) forget(e *watched) {
	e.in.Remove(e.at)
	delete(w.byName, e.name)
	delete(w.due, e)
}

// changed says that a key was changed in Redis.
func (w *watch) changed(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.byName[name]
	switch {
	case e == nil:
	case w.epoch-e.used > watchFor:
		w.forget(e) // and Redis, having told us once, tells us no more
	default:
		w.dueNow(e)
	}
}

// lost says that any key may have been changed.
func (w *watch) lost() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.byName {
		e.published = voucher.Fact{}
		if w.epoch-e.used > watchFor {
			w.forget(e)
			continue
		}
		w.dueNow(e)
	}
}

func (w *watch) dueNow(e *watched) {
	w.due[e] = struct{}{}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take returns at most n keys that are due, and they are no more: what changes from now on is due again.
func (w *watch) take(n int) []*watched {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := make([]*watched, 0, min(n, len(w.due)))
	for e := range w.due {
		if len(taken) == n {
			break
		}
		taken = append(taken, e)
		delete(w.due, e)
	}
	return taken
}

// holds reports whether a code is watched, and known to exist.
func (w *watch) holds(code string) bool {
	name := w.names.terms(code)
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.byName[name]
	return e != nil && e.in == &w.known
}

// pass begins the next epoch.
func (w *watch) pass() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.epoch++
}

// forgetPublished makes facts worth publishing again.
func (w *watch) forgetPublished(facts []voucher.Fact) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range facts {
		if e := w.byName[w.names.terms(facts[i].Key)]; e != nil {
			e.published = voucher.Fact{}
		}
	}
}
