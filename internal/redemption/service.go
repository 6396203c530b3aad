// Package redemption is the hot use case: one redemption in one direction, from a request to a durable,
// final verdict.
//
// The path: normalise, ask the gate (memory), wait for a share of one commit, answer, and only then teach
// the gate what the commit taught. The package promises that nothing is answered as won before the store
// said that it is durable, and that every request gets a verdict of its own. It must not know HTTP, SQL
// or Redis.
package redemption

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"scrip/internal/code"
	"scrip/internal/customer"
	"scrip/internal/fault"
	"scrip/internal/gate"
	"scrip/internal/groupcommit"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// Store is what the use case needs of a store.
type Store interface {
	store.Applier
	store.Redemptions
	store.Vouchers
}

// Observer is told what happens, for the metrics. Its methods must be fast and safe for concurrent use.
type Observer interface {
	// Redeemed counts a success; replayed where it answered an earlier one again.
	Redeemed(replayed bool)
	// Refused counts a refusal; fromMemory where the store was not asked.
	Refused(reason fault.Code, fromMemory bool)
	// Flushed tells one batch: its size, and how long the store took.
	Flushed(size int, took time.Duration, err error)
}

// Config bounds the service.
type Config struct {
	MaxBatch int // commands in one commit
	MaxQueue int // commands waiting for one
	// RetryMax is how long a batch of unknown fate is asked again before its callers are told to come
	// back; zero is DefaultRetryMax.
	RetryMax time.Duration
	// Unreachable tells that an error of the store says that it could not be reached; nil: none does. Such a store is
	// given time between two tries.
	Unreachable func(error) bool
	Clock       func() time.Time // nil: time.Now
	Log         *slog.Logger     // nil: slog.Default
}

// DefaultRetryMax outlasts a store's restart and stays below the time after which callers give up.
const DefaultRetryMax = 5 * time.Second

// Service redeems. It is safe for concurrent use.
type Service struct {
	store   Store
	gate    gate.Gate
	observe Observer
	batches *groupcommit.Batcher[store.Command, store.Outcome]
	learner *learner
	clock   func() time.Time
	retry   time.Duration
	log     *slog.Logger

	failed atomic.Pointer[failure] // the last commit, if it failed
	outage outage
	aside  aside

	asked  time.Time       // when the running flush asked the store; the flusher's alone
	facts  []voucher.Fact  // its working space for what a batch taught
	taught map[string]bool // and about which codes
}

// New starts the service; Close ends it.
func New(cfg Config, s Store, g gate.Gate, o Observer) (*Service, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.RetryMax == 0 {
		cfg.RetryMax = DefaultRetryMax
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	svc := &Service{
		taught: make(map[string]bool), store: s, gate: g, observe: o, clock: cfg.Clock, retry: cfg.RetryMax, log: cfg.Log,
		outage: outage{log: cfg.Log, unreachable: cfg.Unreachable}, aside: newAside(),
	}
	batches, err := groupcommit.New(groupcommit.Config[store.Command, store.Outcome]{
		MaxBatch: cfg.MaxBatch,
		MaxQueue: cfg.MaxQueue,
		Flush:    svc.flush,
		Screen:   svc.screen,
		Settled:  svc.settled,
	})
	if err != nil {
		return nil, fmt.Errorf("redemption: %w", err)
	}
	svc.batches = batches
	svc.learner = newLearner(s, g, cfg.Clock, cfg.Log, svc.outage.shut)
	return svc, nil
}

// Close refuses new requests, finishes those that wait, and returns when all are answered or ctx ends.
func (s *Service) Close(ctx context.Context) error {
	err := errors.Join(s.batches.Close(ctx), s.aside.wait(ctx))
	s.learner.close()
	return err
}

// Depth is the number of requests that wait for a commit.
func (s *Service) Depth() int { return s.batches.Depth() }

// Request asks for one redemption.
type Request struct {
	Code     string         // as it was typed
	Customer string         // as it was sent
	Order    *voucher.Order // for a discount
	Key      string         // Idempotency-Key, empty for none
	// Face tells the routes apart whose answers differ, so that a key used on one is not replayed in the
	// shape of another.
	Face string
	// Veiled keeps the time of a refusal from telling whether a code exists: a code that is unknown, not
	// started or disabled is judged by the store each time, also where memory knows it, as one that is
	// assigned to somebody else is.
	Veiled bool
	// Client is who waits for the verdict, such as the context of an HTTP request; nil for nobody to ask. A
	// request whose client has gone before its batch was formed is not started.
	Client Client
}

// Client says, by an error, that nobody waits for a verdict any longer.
type Client = groupcommit.Client

// Result is a verdict's receipt.
type Result struct {
	// Redemption is the receipt; with fault.ErrAlreadyRedeemed, the first one that stands.
	Redemption *voucher.Redemption
	Replayed   bool // it answers an earlier request under the same key
}

// Redeem uses a code for a customer. The error is a *fault.Error; a Result stands beside
// fault.ErrAlreadyRedeemed too.
func (s *Service) Redeem(ctx context.Context, r Request) (Result, error) {
	key, who, refusal := s.judge(r)
	if refusal != nil {
		return Result{}, refusal
	}
	if err := s.batches.Refusal(); err != nil { // the gate comes first: losers are told the truth however full it is
		return s.answer(store.Outcome{}, err)
	}
	// gofail: var afterGate struct{}
	out, err := s.batches.SubmitFor(ctx, r.Client, s.command(r, key, who))
	return s.answer(s.await(ctx, out, err))
}

// Verdict is one answer of many.
type Verdict struct {
	Result
	Err error
}

// RedeemAll redeems many, each with a verdict of its own, in the order given. They are all of one client,
// the first one's.
func (s *Service) RedeemAll(ctx context.Context, rs []Request) []Verdict {
	verdicts := make([]Verdict, len(rs))
	cmds := make([]store.Command, 0, len(rs))
	at := make([]int, 0, len(rs))
	for i, r := range rs {
		key, who, refusal := s.judge(r)
		if refusal != nil {
			verdicts[i].Err = refusal
			continue
		}
		cmds, at = append(cmds, s.command(r, key, who)), append(at, i)
	}
	if len(cmds) == 0 {
		return verdicts
	}
	replies, err := s.batches.SubmitAllFor(ctx, rs[at[0]].Client, cmds)
	if err != nil {
		replies = slices.Repeat([]groupcommit.Reply[store.Outcome]{{Err: err}}, len(cmds))
	}
	for j, i := range at {
		verdicts[i].Result, verdicts[i].Err = s.answer(s.await(ctx, replies[j].Result, replies[j].Err))
	}
	return verdicts
}

// judge takes a request as far as memory can: to the code's key and the customer, or to a refusal that cost nothing.
func (s *Service) judge(r Request) (key, who string, refusal *fault.Error) {
	key, who, refusal = normalise(r)
	if refusal == nil {
		refusal = s.admit(key, who, r.Veiled)
		if r.Veiled && telling(refusal) {
			refusal = nil
		}
	}
	if refusal != nil {
		s.observe.Refused(refusal.Code, true)
	}
	return key, who, refusal
}

// command is what the store is asked for a request.
func (s *Service) command(r Request, key, who string) *store.Redeem {
	cmd := &store.Redeem{ID: id.New(s.clock()), Code: key, Customer: who, Order: r.Order, Key: r.Key}
	if r.Key != "" {
		cmd.Fingerprint = fingerprint(r.Face, key, who, orderText(r.Order))
	}
	return cmd
}

// normalise returns the code's key and the customer that a request means, or why it can't be judged.
func normalise(r Request) (key, who string, refusal *fault.Error) {
	key, err := code.Normalise(r.Code)
	if err != nil {
		return "", "", fault.From(err)
	}
	if who, err = customer.Normalise(r.Customer); err != nil {
		return "", "", fault.From(err)
	}
	if r.Key != "" && !validKey(r.Key) {
		return "", "", fault.ErrInvalidKey
	}
	return key, who, checkOrder(r.Order)
}

// admit asks the gate and passes its wishes on.
//
// A code that guessers ask for is not learned about on purpose: the work in the background would slow what comes next,
// and so tell that the code is there.
func (s *Service) admit(key, who string, veiled bool) *fault.Error {
	d := s.gate.Admit(key, who)
	if d.Want != 0 && (!veiled || !telling(d.Fact.Status.Refusal())) {
		s.learner.want(d.Want, d.Fact)
	}
	return d.Refusal
}

// screen is admit once more, as the batch is formed: a queue of losers drains in memory the moment the
// code sells out.
func (s *Service) screen(c store.Command) (store.Outcome, bool) {
	cmd, ok := c.(*store.Redeem)
	if !ok {
		return store.Outcome{}, false
	}
	refusal := s.admit(cmd.Code, cmd.Customer, true)
	if telling(refusal) { // it may be veiled; the others passed before it was known, and are few
		return store.Outcome{}, false
	}
	return store.Outcome{Refusal: refusal}, refusal != nil
}

// telling reports whether a refusal would tell a guesser whether there is such a code.
func telling(refusal *fault.Error) bool {
	return refusal != nil &&
		(refusal.Is(fault.ErrVoucherNotFound) || refusal.Is(fault.ErrNotActive) || refusal.Is(fault.ErrDisabled) || refusal.Is(fault.ErrAssigned))
}

// answer turns an outcome into a verdict and counts it.
func (s *Service) answer(out store.Outcome, err error) (Result, error) {
	if err != nil {
		refusal := waitFault(err)
		s.observe.Refused(refusal.Code, true)
		return Result{}, refusal
	}
	if out.Refusal != nil {
		s.observe.Refused(out.Refusal.Code, out.Fact.Key == "")
		return Result{Redemption: out.Redemption}, out.Refusal
	}
	s.observe.Redeemed(out.Replayed)
	return Result{Redemption: out.Redemption, Replayed: out.Replayed}, nil
}

var errTooLate = fault.ErrOverloaded.Says("The time to wait, your Request-Timeout or the server's own, was over before this was begun. Nothing was done; ask again.")

// waitFault says why a command has no outcome.
func waitFault(err error) *fault.Error {
	switch {
	case errors.Is(err, groupcommit.ErrQueueFull), errors.Is(err, groupcommit.ErrTooMany):
		return fault.ErrOverloaded
	case errors.Is(err, groupcommit.ErrClosed):
		return fault.ErrShuttingDown
	case errors.Is(err, groupcommit.ErrWithdrawn):
		if errors.Is(err, context.Canceled) {
			return fault.ErrClientGone.With(err)
		}
		return errTooLate.With(err)
	case errors.Is(err, groupcommit.ErrAbandoned):
		return fault.ErrTimeout.With(err)
	default:
		return fault.From(err)
	}
}

const (
	keyLengthMax     = 255 // as Stripe's
	orderIDLengthMax = 128 // characters
)

func validKey(k string) bool {
	if len(k) > keyLengthMax {
		return false
	}
	for i := range len(k) {
		if k[i] <= ' ' || k[i] > '~' {
			return false
		}
	}
	return true
}

func checkOrder(o *voucher.Order) *fault.Error {
	switch {
	case o == nil:
		return nil
	case o.AmountMinor <= 0:
		return fault.ErrInvalidAmount.On("order.amount")
	case o.Currency == "":
		return fault.ErrInvalidCurrency.On("order.currency")
	case utf8.RuneCountInString(o.ID) > orderIDLengthMax:
		return fault.ErrInvalidRequest.Says("An order's id has up to 128 characters.").On("order.id")
	case !voucher.Storable(o.ID):
		return fault.ErrInvalidRequest.Says("An order's id has no NUL character.").On("order.id")
	default:
		return nil
	}
}

func orderText(o *voucher.Order) string {
	if o == nil {
		return ""
	}
	return fmt.Sprintf("%d %s %s", o.AmountMinor, o.Currency, o.ID)
}

// fingerprint hashes the parts of a request, each with its length, so that no two lists of parts run
// together.
func fingerprint(parts ...string) store.Fingerprint {
	b := make([]byte, 0, 256)
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	sum := sha256.Sum256(b)
	return store.Fingerprint(sum[:16])
}
