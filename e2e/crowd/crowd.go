// Package crowd is a crowd of customers that redeems codes on real servers, and a book of what it was told.
//
// Each customer uses a code once; half of them under an Idempotency-Key. Now and then a winner asks again,
// mostly another server than the first, and must be told the first answer. The book knows of each win in which
// span of time it was asked for and answered, so that a backup can be held to what was acknowledged before it
// began. The crowd is paced and bounded, and checks everything it is told; Wrong says what it found.
//
// It knows the public SDK alone, and nothing but end-to-end tests may know it.
package crowd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"scrip/client"
)

// Server is one that the crowd asks.
type Server struct {
	Name   string
	Client *client.Client // without retries: the crowd looks at each answer
}

// Credit is what each use of a code of Make gives, in minor units of Currency.
const (
	Credit   = 100
	Currency = "IRR"
)

// Task is one use of a code by one customer.
type Task struct {
	Code     string
	Customer string
	Keyed    bool // under an Idempotency-Key of its own
}

func (k Task) options() []client.RequestOption {
	if !k.Keyed {
		return nil
	}
	return []client.RequestOption{client.IdempotencyKey(k.Code + "/" + k.Customer)}
}

// Win is a use that was acknowledged.
type Win struct {
	Task

	Receipt string
	Rank    int64
	By      string // who said so
	Span    int64  // the span, as Mark counts them, in which it was first asked for
}

// Crowd asks servers, and keeps the book. It is safe for concurrent use.
type Crowd struct {
	name string
	span atomic.Int64
	made atomic.Int64 // customers so far
	wins atomic.Int64

	mu       sync.Mutex
	answered *sync.Cond     // something was
	asking   map[string]int // how many are on their way, by server
	servers  []Server
	codes    []string
	tolerant bool
	open     []pending // asked before, without a final answer
	won      []Win     // in the order of their answers
	lost     map[string]int
	answers  map[string]int // verdicts, by server
	silent   int            // requests that tolerance forgave
	wrong    []string
}

// pending is a task, and the span in which it was first asked for.
type pending struct {
	Task

	span  int64
	asked bool
}

// New is a crowd whose customers' names begin with name.
func New(name string) *Crowd {
	c := &Crowd{name: name, asking: map[string]int{}, lost: map[string]int{}, answers: map[string]int{}}
	c.answered = sync.NewCond(&c.mu)
	return c
}

// Make makes a shared code on a server, which the crowd uses from then on. A limit of zero is none.
func (c *Crowd) Make(ctx context.Context, on Server, code string, limit int64) error {
	v := &client.NewCampaignVoucher{Code: code}
	if limit > 0 {
		v.Limit = &limit
	}
	_, err := on.Client.CreateCampaign(ctx, client.NewCampaign{
		Name: code, Currency: Currency, Effect: client.Effect{Kind: client.EffectCredit, Amount: Credit}, Voucher: v,
	})
	if err != nil {
		return fmt.Errorf("make the code %s on %s: %w", code, on.Name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.codes = append(c.codes, code)
	return nil
}

// Ask names the servers that are asked from now on, as a balancer does. It returns when nobody else is being asked:
// what was on its way to another has its answer.
func (c *Crowd) Ask(servers ...Server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.servers = slices.Clone(servers)
	for c.othersAsked() {
		c.answered.Wait()
	}
}

// othersAsked reports whether a server is being asked that is none of those to ask.
func (c *Crowd) othersAsked() bool {
	for name, n := range c.asking {
		if n > 0 && !slices.ContainsFunc(c.servers, func(s Server) bool { return s.Name == name }) {
			return true
		}
	}
	return false
}

// ask has one thing asked, and keeps account of who is being asked. The lock is not held meanwhile.
func (c *Crowd) ask(on Server, redeem func() (*client.Redemption, error)) (*client.Redemption, error) {
	c.asking[on.Name]++
	c.mu.Unlock()
	receipt, err := redeem()
	c.mu.Lock()
	c.asking[on.Name]--
	c.answered.Broadcast()
	return receipt, err
}

// Tolerate says whether a server may fail to give a verdict: by a 503, or by no answer at all. The same is then
// asked again later. At first it may not.
func (c *Crowd) Tolerate(faults bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tolerant = faults
}

// Mark begins the next span and returns its number. What was acknowledged before stands in the wins returned;
// whatever is first asked for from now on has this span or a later one.
func (c *Crowd) Mark() (span int64, before []Win) {
	c.mu.Lock()
	before = slices.Clone(c.won)
	c.mu.Unlock()
	return c.span.Add(1), before
}

// Run asks through so many connections at once, with a pause of about pace between two requests of each, until
// ctx ends.
func (c *Crowd) Run(ctx context.Context, connections int, pace time.Duration) {
	var workers sync.WaitGroup
	for range connections {
		workers.Go(func() {
			for ctx.Err() == nil {
				if rand.IntN(4) == 0 { //nolint:gosec // whom to ask, not a secret
					c.again(ctx)
				} else {
					c.next(ctx)
				}
				select {
				case <-ctx.Done():
				case <-time.After(pace/2 + rand.N(pace)): //nolint:gosec // a pause, not a secret
				}
			}
		})
	}
	workers.Wait()
}

// Drain asks for all that has no final answer yet, until it has, or ctx ends.
func (c *Crowd) Drain(ctx context.Context) error {
	for ctx.Err() == nil {
		c.mu.Lock()
		left := len(c.open)
		c.mu.Unlock()
		if left == 0 {
			return nil
		}
		c.next(ctx)
	}
	return ctx.Err()
}

// Wins counts what was acknowledged so far.
func (c *Crowd) Wins() int64 { return c.wins.Load() }

// next asks for a task without an answer, or for a new one.
func (c *Crowd) next(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, on, ok := c.take()
	if !ok {
		return
	}
	receipt, err := c.ask(on, func() (*client.Redemption, error) {
		return on.Client.Redeem(context.WithoutCancel(ctx), client.RedeemRequest{Code: k.Code, Customer: k.Customer}, k.options()...)
	})
	var refusal *client.Error
	errors.As(err, &refusal)
	switch {
	case err == nil:
		c.enter(k, receipt, on.Name)
	case k.asked && refusal != nil && refusal.Code == client.CodeAlreadyRedeemed && refusal.Redemption != nil:
		c.enter(k, refusal.Redemption, on.Name) // it had been done the first time
	case refusal != nil && refusal.Code == client.CodeQuantityExceeded:
		c.answers[on.Name]++
		c.lost[k.Code]++
	case c.tolerant && (refusal == nil || refusal.Retryable):
		c.silent++
		k.asked = true
		c.open = append(c.open, k)
	default:
		k.asked = true
		c.open = append(c.open, k)
		c.wrong = append(c.wrong, fmt.Sprintf("%+v asks %s, and the answer is %v", k.Task, on.Name, err))
	}
}

func (c *Crowd) enter(k pending, receipt *client.Redemption, by string) {
	c.answers[by]++
	c.wins.Add(1)
	c.won = append(c.won, Win{k.Task, receipt.ID, receipt.Rank, by, k.span})
}

// take chooses what to ask, and whom.
func (c *Crowd) take() (k pending, on Server, ok bool) {
	if len(c.servers) == 0 || len(c.codes) == 0 {
		return pending{}, Server{}, false
	}
	on = c.servers[rand.IntN(len(c.servers))] //nolint:gosec // whom to ask, not a secret
	if n := len(c.open); n > 0 {
		k = c.open[n-1]
		c.open = c.open[:n-1]
		return k, on, true
	}
	n := c.made.Add(1)
	return pending{Task: Task{
		Code: c.codes[int(n)%len(c.codes)], Customer: fmt.Sprintf("%s-%06d", c.name, n), Keyed: n%4 < 2,
	}, span: c.span.Load()}, on, true
}
