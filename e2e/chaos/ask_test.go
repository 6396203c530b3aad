package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"scrip/client"
)

// How long a client waits. A server answers within its own timeout unless it is paused or cut off, and then
// nothing is lost by leaving it.
const (
	requestTimeout = 2 * time.Second
	patience       = requestTimeout + time.Second
)

// asker is one connection's worth of the crowd.
type asker struct {
	no int
	w  *world
	h  *history
}

// begin is an op that is about to be asked of a server.
func (a *asker) begin(s *server, what verb, code *code, customer string) *op {
	o := &op{What: what, Customer: customer, Server: s.Name, Client: a.no, Call: a.w.time.now()}
	if code != nil {
		o.Code = code.name
	}
	return o
}

// verdict reports whether an answer is final: anything but that it may have happened, or surely did not.
func (a answer) verdict() bool { return a != maybe && a != nothing }

// finish judges an error, takes the time, and records the op. It reports whether the answer is a verdict.
func (a *asker) finish(o *op, err error) bool {
	o.Return = a.w.time.now()
	a.settle(o, err)
	if o.Answer == maybe {
		o.Return = never
	} else if o.Answer != nothing {
		a.w.answered(o.Return)
	}
	o.Earliest, o.Latest = a.w.clock.between(o.Call, o.Return)
	if o.Answer != nothing {
		a.h.add(o)
	}
	return o.Answer.verdict()
}

// settle says what an error means.
func (a *asker) settle(o *op, err error) {
	if err == nil {
		o.Answer = done
		return
	}
	o.Text = err.Error()
	var refusal *client.Error
	if !errors.As(err, &refusal) {
		o.Answer = maybe
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" {
			o.Answer = nothing // it was never sent
		}
		return
	}
	switch refusal.Code {
	case client.CodeAlreadyRedeemed:
		o.Answer = already
		if refusal.Redemption != nil {
			receipt(o, refusal.Redemption)
		}
	case client.CodeAlreadyRolledBack:
		o.Answer = already
	case client.CodeQuantityExceeded:
		o.Answer = soldOut
	case client.CodeVoucherDisabled, client.CodeNotRedeemable:
		o.Answer = closed
	case client.CodeVoucherNotActive:
		o.Answer = notYet
	case client.CodeVoucherExpired:
		o.Answer = ended
	case client.CodeLimitBelowRedeemed:
		o.Answer = tooLow
	case client.CodeOverloaded, client.CodeShuttingDown:
		o.Answer = nothing // the contract says that nothing was done
	case client.CodeStoreUnavailable, client.CodeTimeout, client.CodeUnknown:
		o.Answer = maybe
	default:
		o.Answer = wrong
	}
	if refusal.Status == http.StatusInternalServerError {
		o.Answer = wrong
	}
	if o.Answer == wrong {
		a.w.say("%s: %v", describe(o), err)
	}
}

// receipt enters what a receipt says.
func receipt(o *op, r *client.Redemption) {
	o.Redemption, o.Rank, o.Replayed = r.ID, r.Rank, r.Replayed
	o.Amount, o.Balance = r.Effect.Amount, r.Balance.Amount
}

func keyOption(key string) []client.RequestOption {
	if key == "" {
		return nil
	}
	return []client.RequestOption{client.IdempotencyKey(key)}
}

// redeem asks for one use and returns what became of it.
func (a *asker) redeem(ctx context.Context, s *server, i intent) answer {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	o := a.begin(s, redeem, i.code, i.customer)
	o.Key = i.key
	r, err := s.client.Redeem(ctx, client.RedeemRequest{Code: i.code.name, Customer: i.customer}, keyOption(i.key)...)
	if err == nil {
		receipt(o, r)
	}
	a.finish(o, err)
	i.code.learn(o)
	return o.Answer
}

// batch asks for several uses at once.
func (a *asker) batch(ctx context.Context, s *server, intents []intent) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ops := make([]*op, len(intents))
	items := make([]client.BatchItem, len(intents))
	for n, i := range intents {
		ops[n] = a.begin(s, redeem, i.code, i.customer)
		ops[n].Key = i.key
		items[n] = client.BatchItem{RedeemRequest: client.RedeemRequest{Code: i.code.name, Customer: i.customer}, IdempotencyKey: i.key}
	}
	verdicts, err := s.client.RedeemBatch(ctx, items)
	if err == nil && len(verdicts) != len(items) {
		a.w.say("a batch of %d has %d verdicts", len(items), len(verdicts))
		return
	}
	for n, o := range ops {
		problem := err
		if err == nil {
			switch v := verdicts[n]; {
			case v.Redemption != nil:
				receipt(o, v.Redemption)
			case v.Problem != nil:
				problem = v.Problem
			default:
				a.w.say("an item of a batch has no verdict: %+v", v)
			}
		}
		a.finish(o, problem)
		intents[n].code.learn(o)
	}
}

// rollback reverses a redemption.
func (a *asker) rollback(ctx context.Context, s *server, code *code, of won, key string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	o := a.begin(s, rollback, code, of.customer)
	o.Key, o.Redemption = key, of.id
	r, err := s.client.Rollback(ctx, of.id, "", keyOption(key)...)
	if err == nil {
		o.Balance, o.Amount, o.Replayed = r.Balance.Amount, r.Amount, r.Replayed
	}
	a.finish(o, err)
}

// report asks how many uses a code has left, by the public route.
func (a *asker) report(ctx context.Context, s *server, code *code) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	o := a.begin(s, report, code, "")
	r, err := s.client.Report(ctx, code.name)
	if err == nil {
		o.Count = r.ConsumerCount
	}
	a.finish(o, err)
}

// balance looks into a wallet, by the public route or by the other.
func (a *asker) balance(ctx context.Context, s *server, customer string, public bool, what verb) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	o := a.begin(s, what, nil, customer)
	var err error
	if public {
		var b *client.MobileBalance
		if b, err = s.client.Balance(ctx, customer); err == nil {
			o.Count, err = minor(b.Balance.String())
		}
	} else {
		var w *client.Wallet
		if w, err = s.client.Wallet(ctx, customer); err == nil {
			o.Count = w.Balance(currency)
		}
	}
	return a.finish(o, err)
}

// minor is an amount in whole units, as the public routes show it, in minor units.
func minor(text string) (int64, error) {
	whole, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("a balance of %q: %w", text, err)
	}
	return int64(whole*hundred + 0.5), nil
}

const (
	currency = "IRR"
	hundred  = 100 // minor units in a whole one
)

// amend changes a code: its limit, or whether it is disabled.
func (a *asker) amend(ctx context.Context, s *server, code *code, what verb, value int64) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	o := a.begin(s, what, code, "")
	o.Value = value
	var v *client.Voucher
	var err error
	switch what {
	case setLimit:
		v, err = s.client.UpdateVoucher(ctx, code.voucher, client.VoucherChange{Limit: client.Set(value)})
	case disable:
		v, err = s.client.DisableVoucher(ctx, code.voucher)
	default:
		v, err = s.client.EnableVoucher(ctx, code.voucher)
	}
	if err == nil {
		o.Count = v.Redeemed
	}
	return a.finish(o, err)
}

// setEnd ends the code's window at a moment, or never.
func (a *asker) setEnd(ctx context.Context, s *server, code *code, at time.Time) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	o := a.begin(s, setEnd, code, "")
	change := client.CampaignChange{EndsAt: client.Remove[time.Time]()}
	if !at.IsZero() {
		at = at.Truncate(time.Microsecond)
		o.Value = at.UnixMicro()
		change.EndsAt = client.Set(at)
	}
	_, err := s.client.UpdateCampaign(ctx, code.campaign, change)
	return a.finish(o, err)
}
