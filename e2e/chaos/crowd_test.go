package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"scrip/client"
)

// The crowd. Each cell has a few codes with small limits and more customers than uses, so that each history
// stays short enough to be checked; when enough was asked of a cell, the next takes its place.
const (
	workers       = 24
	cellsAtOnce   = 3
	codesPerCell  = 4
	perCell       = 14  // customers
	asksPerCell   = 420 // requests, about
	pace          = 36 * time.Millisecond
	limitLeast    = 3
	limitMost     = 9
	raises        = 4 // of one code's limit, at most: so many redemptions fit into a model's sets
	windowsLength = 1500 * time.Millisecond
	startedFor    = 30 * time.Minute // ago, when a code is made: a clock moved back by hours has not come to it
)

// code is one code of a cell.
type code struct {
	name        string
	campaign    string
	voucher     string
	limit       int64 // at first
	perCustomer int64
	amount      int64 // minor units
	start       int64 // of its window, some minutes ago, in Unix microseconds

	mu    sync.Mutex
	wins  []won // that somebody was told of
	top   int64 // the largest limit that was asked for
	asked int   // requests to change it
}

// won is a redemption that somebody was told of.
type won struct{ id, customer string }

// intent is one customer's wish: one use, under a key or without.
type intent struct {
	code     *code
	customer string
	key      string
}

// learn remembers what was won, for those who roll back.
func (c *code) learn(o *op) {
	if o.Answer != done || o.Replayed {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wins = append(c.wins, won{o.Redemption, o.Customer})
}

// any is one of the redemptions that somebody was told of.
func (c *code) any(r *rand.Rand) (won, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.wins) == 0 {
		return won{}, false
	}
	return c.wins[r.IntN(len(c.wins))], true
}

// raise is a limit to ask for: mostly more than ever, at times one that may be too low.
func (c *code) raise(r *rand.Rand) (limit int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked++; c.asked > raises {
		return 0, false
	}
	if r.IntN(4) == 0 {
		return 1 + r.Int64N(c.top), true
	}
	c.top += 1 + r.Int64N(3)
	return c.top, true
}

// cell is a few codes and those who want them.
type cell struct {
	name  string
	codes []*code
	left  int // requests to come
}

// intent is a wish of the cell's. A customer has one for each code, or two where two uses are allowed; keyed
// or not is the customer's way with that code for good.
func (c *cell) intent(r *rand.Rand) intent {
	code := c.codes[r.IntN(len(c.codes))]
	n := r.IntN(perCell)
	i := intent{code: code, customer: fmt.Sprintf("%s-kim%02d", c.name, n)}
	if (n+len(code.name)+int(code.name[len(code.name)-1]))%3 != 0 {
		i.key = fmt.Sprintf("%s/%s/%d", code.name, i.customer, r.Int64N(code.perCustomer))
	}
	return i
}

// crowd asks for as long as an episode lasts.
type crowd struct {
	w    *world
	h    *history
	name string

	mu    sync.Mutex
	cells []*cell
	all   []*code
	made  int
}

// run lets the crowd in until ctx ends, and returns when all are gone.
func (c *crowd) run(ctx context.Context, seed uint64) {
	var all sync.WaitGroup
	for n := range workers {
		all.Go(func() {
			r := newRandom(seed, uint64(n+1)) //nolint:gosec // a small number
			a := &asker{no: n, w: c.w, h: c.h}
			for ctx.Err() == nil {
				if s := c.w.anybody(r); s != nil {
					c.step(context.WithoutCancel(ctx), a, s, r)
				}
				time.Sleep(pace/2 + time.Duration(r.Int64N(int64(pace))))
			}
		})
	}
	all.Wait()
}

// step asks one thing of a server.
func (c *crowd) step(ctx context.Context, a *asker, s *server, r *rand.Rand) {
	cell := c.pick(ctx, s, r)
	if cell == nil {
		return
	}
	i := cell.intent(r)
	switch n := r.IntN(100); {
	case n < 46:
		if !a.redeem(ctx, s, i).verdict() && r.IntN(2) == 0 {
			a.redeem(ctx, c.w.somebody(r), i) // again at once, of whoever it is
		}
	case n < 56:
		intents := make([]intent, 2+r.IntN(3))
		for k := range intents {
			intents[k] = cell.intent(r)
		}
		a.batch(ctx, s, intents)
	case n < 66:
		if of, some := i.code.any(r); some {
			key := ""
			if len(of.id)%2 == 0 || r.IntN(3) > 0 {
				key = "back/" + of.id
			}
			a.rollback(ctx, s, i.code, of, key)
		}
	case n < 80:
		a.balance(ctx, s, i.customer, r.IntN(2) == 0, balance)
	case n < 93:
		a.report(ctx, s, i.code)
	default:
		c.change(ctx, a, s, i.code, r)
	}
}

// change is an administrator's: a raised limit, a code closed for a while, a window that ends soon.
func (c *crowd) change(ctx context.Context, a *asker, s *server, code *code, r *rand.Rand) {
	switch r.IntN(6) {
	case 0, 1, 2:
		if limit, ok := code.raise(r); ok {
			a.amend(ctx, s, code, setLimit, limit)
		}
	case 3:
		a.amend(ctx, s, code, disable, 0)
		time.Sleep(time.Duration(r.Int64N(int64(300 * time.Millisecond))))
		a.amend(ctx, c.w.somebody(r), code, enable, 0)
	case 4:
		a.setEnd(ctx, s, code, time.Now().Add(time.Duration(r.Int64N(int64(windowsLength)))))
	default:
		a.setEnd(ctx, s, code, time.Time{})
	}
}

// pick is a cell to ask something of; a new one is made where one has had enough.
func (c *crowd) pick(ctx context.Context, s *server, r *rand.Rand) *cell {
	c.mu.Lock()
	c.cells = slices.DeleteFunc(c.cells, func(of *cell) bool { return of.left <= 0 })
	if len(c.cells) >= cellsAtOnce || len(c.cells) > 0 && r.IntN(2) == 0 {
		of := c.cells[r.IntN(len(c.cells))]
		of.left--
		c.mu.Unlock()
		return of
	}
	c.made++
	name := fmt.Sprintf("%s-%d", c.name, c.made)
	c.mu.Unlock()
	of := c.open(ctx, s, name, r)
	if of != nil {
		c.mu.Lock()
		c.cells = append(c.cells, of)
		c.all = append(c.all, of.codes...)
		c.mu.Unlock()
	}
	return of
}

// open makes a cell's codes; nil where that fails, and then nobody hears of them.
func (c *crowd) open(ctx context.Context, s *server, name string, r *rand.Rand) *cell {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	of := &cell{name: name, left: asksPerCell}
	for n := range codesPerCell {
		code := &code{
			name: fmt.Sprintf("%s%c", name, 'a'+n), perCustomer: 1 + int64(n/(codesPerCell-1)),
			limit: limitLeast + r.Int64N(limitMost-limitLeast+1), amount: hundred * (1 + r.Int64N(50)),
		}
		code.top = code.limit
		start := time.Now().Add(-startedFor).Truncate(time.Microsecond)
		code.start = start.UnixMicro()
		made, err := s.client.CreateCampaign(ctx, client.NewCampaign{
			Name: code.name, Currency: currency, Effect: client.Effect{Kind: client.EffectCredit, Amount: code.amount}, StartsAt: &start,
			Voucher: &client.NewCampaignVoucher{Code: code.name, Limit: &code.limit, PerCustomer: code.perCustomer},
		})
		if err != nil {
			return nil
		}
		code.campaign, code.voucher = made.ID, made.Voucher.ID
		of.codes = append(of.codes, code)
	}
	return of
}
