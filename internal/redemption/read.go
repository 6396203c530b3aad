package redemption

import (
	"context"
	"unicode/utf8"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"

	customers "scrip/internal/customer"
)

// Get returns a redemption as it is now, or fault.ErrRedemptionNotFound.
func (s *Service) Get(ctx context.Context, redemption id.ID) (*voucher.Redemption, error) {
	return s.store.Redemption(ctx, redemption)
}

// List returns a page of redemptions, newest first, and whether there is more. The filter's customer is
// taken as it was sent.
func (s *Service) List(ctx context.Context, f Filter, p Page) ([]voucher.Redemption, bool, error) {
	if f.Customer != "" {
		who, err := customers.Normalise(f.Customer)
		if err != nil {
			return nil, false, err
		}
		f.Customer = who
	}
	return s.store.ListRedemptions(ctx, f, p)
}

// RollbackRequest asks for the reversal of a redemption.
type RollbackRequest struct {
	Redemption id.ID
	Reason     string // up to 200 characters
	Key        string // Idempotency-Key
	Client     Client // as in a Request
}

// RollbackResult is a reversal, with the redemption that it reversed, as it is now.
type RollbackResult struct {
	Rollback   *voucher.Rollback
	Redemption *voucher.Redemption
	Replayed   bool
}

const reasonLengthMax = 200 // characters

// Rollback reverses a redemption: the use is open again and the money goes back. The error is a
// *fault.Error.
func (s *Service) Rollback(ctx context.Context, r RollbackRequest) (RollbackResult, error) {
	if utf8.RuneCountInString(r.Reason) > reasonLengthMax {
		return RollbackResult{}, fault.ErrInvalidRequest.Says("A reason has up to 200 characters.").On("reason")
	}
	if !voucher.Storable(r.Reason) {
		return RollbackResult{}, fault.ErrInvalidRequest.Says("A reason has no NUL character.").On("reason")
	}
	cmd := &store.Rollback{ID: id.New(s.clock()), Redemption: r.Redemption, Reason: r.Reason, Key: r.Key}
	if r.Key != "" {
		if !validKey(r.Key) {
			return RollbackResult{}, fault.ErrInvalidKey
		}
		cmd.Fingerprint = fingerprint("rollback", r.Redemption.Format(id.Redemption), r.Reason)
	}
	asked := s.clock()
	out, err := s.batches.SubmitFor(ctx, r.Client, cmd)
	out, err = s.await(ctx, out, err)
	if err != nil {
		return RollbackResult{}, waitFault(err)
	}
	if out.Fact.Key != "" {
		s.gate.Settle(asked, out.Fact) // before the answer, so that whoever hears it finds the use open
	}
	if out.Refusal != nil {
		return RollbackResult{}, out.Refusal
	}
	return RollbackResult{Rollback: out.Rollback, Redemption: out.Redemption, Replayed: out.Replayed}, nil
}

// Validation is the answer to a dry run.
type Validation struct {
	// Refusal is why it would not redeem; nil if it would.
	Refusal *fault.Error
	// First is the first standing receipt, where Refusal is fault.ErrAlreadyRedeemed.
	First *voucher.Redemption
	// Campaign and Voucher are what the code belongs to; nil for an unknown code.
	Campaign *voucher.Campaign
	Voucher  *voucher.Voucher
	// AmountMinor is what it would give, in the campaign's currency.
	AmountMinor int64
}

// Validate tells whether a request would redeem right now, and to what effect, and changes nothing. The
// error is for a request that can't be judged.
func (s *Service) Validate(ctx context.Context, r Request) (Validation, error) {
	key, who, refusal := normalise(r)
	if refusal != nil {
		return Validation{}, refusal
	}
	found, now, err := s.store.Lookup(ctx, []string{key})
	if err != nil {
		return Validation{}, err
	}
	c, v := found[0].Campaign, found[0].Voucher
	asked := v
	if v == nil && r.Veiled {
		asked = &voucher.Voucher{} // nobody's: it takes as long as one that is there
	}
	var mine voucher.Claims
	var first *voucher.Redemption
	if asked != nil {
		if mine, first, err = s.store.Claims(ctx, who, asked); err != nil {
			return Validation{}, err
		}
	}
	if v == nil {
		return Validation{Refusal: fault.ErrVoucherNotFound}, nil
	}
	grant, refusal := voucher.Judge(c, v, mine, who, r.Order, now)
	return Validation{Refusal: refusal, First: first, Campaign: c, Voucher: v, AmountMinor: grant.AmountMinor}, nil
}
