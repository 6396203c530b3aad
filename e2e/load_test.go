package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"scrip/client"
)

// book records what a crowd was told, over the lives of many servers. Each task is one customer's use of
// one code, under a key of its own; a task without a final answer is asked again under the same key.
type book struct {
	mu      sync.Mutex
	codes   []string
	made    int      // tasks made so far
	open    []task   // without a final answer
	won     []ticket // in the order of their answers
	lost    map[string]int
	checked int // tickets that were looked up since
	wrong   []string
}

// task is one use: customer number n of a code.
type task struct {
	code string
	n    int
}

func (k task) customer() string { return fmt.Sprintf("crowd-%07d", k.n) }
func (k task) key() string      { return fmt.Sprintf("%s/%d", k.code, k.n) }

// ticket is a win that was acknowledged.
type ticket struct {
	task
	receipt string
	rank    int64
}

func newBook(codes ...string) *book { return &book{codes: codes, lost: map[string]int{}} }

// take returns a task: an open one first, otherwise a new one if there may be one.
func (b *book) take(fresh bool) (task, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.open); n > 0 {
		k := b.open[n-1]
		b.open = b.open[:n-1]
		return k, true
	}
	if !fresh {
		return task{}, false
	}
	k := task{code: b.codes[b.made%len(b.codes)], n: b.made / len(b.codes)}
	b.made++
	return k, true
}

func (b *book) say(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong = append(b.wrong, fmt.Sprintf(format, args...))
}

// ask asks for one task and records the answer. It reports false if there was none.
func (b *book) ask(t *testing.T, c *client.Client, k task) bool {
	t.Helper()
	r, err := c.Redeem(t.Context(), client.RedeemRequest{Code: k.code, Customer: k.customer()}, client.IdempotencyKey(k.key()))
	var refusal *client.Error
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil:
		b.won = append(b.won, ticket{k, r.ID, r.Rank})
	case errors.As(err, &refusal) && refusal.Code == client.CodeQuantityExceeded:
		b.lost[k.code]++
	case errors.As(err, &refusal) && !refusal.Retryable:
		b.wrong = append(b.wrong, fmt.Sprintf("%v is answered with %v", k, err))
	default:
		b.open = append(b.open, k)
		return false
	}
	return true
}

// askAgain asks for a task that was won once more, without its key.
func (b *book) askAgain(t *testing.T, c *client.Client) {
	t.Helper()
	b.mu.Lock()
	if len(b.won) == 0 {
		b.mu.Unlock()
		return
	}
	first := b.won[len(b.won)*3/4] // neither fresh nor old
	b.mu.Unlock()
	r, err := c.Redeem(t.Context(), client.RedeemRequest{Code: first.code, Customer: first.customer()})
	var refusal *client.Error
	switch {
	case err == nil:
		b.say("%v won again, as number %d", first, r.Rank)
	case errors.As(err, &refusal) && !refusal.Retryable:
		if refusal.Code != client.CodeAlreadyRedeemed || refusal.Redemption == nil || refusal.Redemption.ID != first.receipt {
			b.say("%v asked again and got %+v", first, refusal)
		}
	}
}

// crowd is the load: so many at once.
const crowd = 16

// rush asks until tasks run out, the server is gone, or most new tasks are made.
func (b *book) rush(t *testing.T, p *process, most int) {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: crowd}
	defer transport.CloseIdleConnections()
	c, err := client.New(p.url, client.WithRetries(0), client.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	last := b.made + most
	b.mu.Unlock()
	var workers sync.WaitGroup
	for range crowd {
		workers.Go(func() {
			for n := 1; ; n++ {
				b.mu.Lock()
				fresh := b.made < last
				b.mu.Unlock()
				k, ok := b.take(fresh)
				if !ok || !b.ask(t, c, k) {
					return
				}
				if n%8 == 0 {
					b.askAgain(t, c)
				}
			}
		})
	}
	workers.Wait()
}

// check looks up every ticket that was acknowledged since the last check.
func (b *book) check(t *testing.T, p *process) int {
	t.Helper()
	c := p.sdk()
	fresh := b.won[b.checked:]
	b.checked = len(b.won)
	var workers sync.WaitGroup
	for part := range slices.Chunk(fresh, max(len(fresh)/8, 1)) {
		workers.Go(func() {
			for _, w := range part {
				r, err := c.Redemption(t.Context(), w.receipt)
				switch {
				case err != nil:
					b.say("%v was acknowledged with %s, which can't be read: %v", w.task, w.receipt, err)
				case r.Rank != w.rank || r.Customer != w.customer() || r.Code != w.code || r.Status != client.StatusRedeemed:
					b.say("%v was acknowledged, but is now %+v", w, r)
				}
			}
		})
	}
	workers.Wait()
	return len(fresh)
}

// settle holds a code's winners to its limit at the very end: ranks 1 to their number, each once, each
// to another customer.
func (b *book) settle(t *testing.T, p *process, code string, limit int64) {
	t.Helper()
	ranks, customers := map[int64]ticket{}, map[string]ticket{}
	for _, w := range b.won {
		if w.code != code {
			continue
		}
		if other, ok := ranks[w.rank]; ok {
			t.Errorf("rank %d of %s was given to %v and to %v", w.rank, code, other, w)
		}
		if other, ok := customers[w.customer()]; ok {
			t.Errorf("%s won twice: %v and %v", w.customer(), other, w)
		}
		ranks[w.rank], customers[w.customer()] = w, w
	}
	for rank := int64(1); rank <= int64(len(ranks)); rank++ {
		if _, ok := ranks[rank]; !ok {
			t.Errorf("nobody has rank %d of %s", rank, code)
		}
	}
	v, err := p.sdk().LookupVoucher(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	if v.Redeemed != int64(len(ranks)) || limit > 0 && v.Redeemed != limit {
		t.Errorf("%s: %d acknowledged, %d redeemed, limit %d", code, len(ranks), v.Redeemed, limit)
	}
}

// wallets holds every customer's wallet to their wins: credited once for each.
func (b *book) wallets(t *testing.T, p *process) {
	t.Helper()
	wins := map[string]int64{}
	for _, w := range b.won {
		wins[w.customer()]++
	}
	last := b.made/len(b.codes) + 1
	c := p.sdk()
	var workers sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			for n := worker; n < last; n += 8 {
				who := task{n: n}.customer()
				w, err := c.Wallet(t.Context(), who)
				if err != nil {
					b.say("the wallet of %s: %v", who, err)
					return
				}
				if have := w.Balance("IRR"); have != wins[who]*credit {
					b.say("%s won %d times and has %d", who, wins[who], have)
				}
			}
		})
	}
	workers.Wait()
}

// nothingWrong fails the test with what was found.
func (b *book) nothingWrong(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.wrong[:min(len(b.wrong), 20)] {
		t.Error(w)
	}
	if len(b.wrong) > 0 {
		t.Fatalf("%d things are wrong", len(b.wrong))
	}
}
