package httpapi

import (
	"errors"

	"scrip/internal/fault"
	"scrip/internal/money"
	"scrip/internal/redemption"
	"scrip/internal/voucher"
)

// The public routes speak to a crowd: in whole units of one currency, of mobiles instead of customers,
// and without telling a guesser which codes there are.

// sentence is what a winner reads. Clients compare it; it never changes.
const sentence = "Congratulation your credit increased! 🎉"

// The faces of the routes that redeem: a key used on one is not replayed in the shape of another.
const (
	facePublic = "codes/use"
	faceV1     = "v1/redemptions"
)

type useRequest struct {
	Code   string `json:"code"`
	Mobile string `json:"mobile"`
}

type mobileRequest struct {
	Mobile string `json:"mobile"`
}

type codeRequest struct {
	Code string `json:"code"`
}

func (s *server) useCode(x *exchange) error {
	if err := x.decode(&x.use); err != nil {
		return err
	}
	key, err := x.key()
	if err != nil {
		return err
	}
	res, err := s.svc.Redemptions.Redeem(x.waiting(), redemption.Request{
		Code: x.use.Code, Customer: x.use.Mobile, Key: key, Face: facePublic,
	})
	if err != nil {
		x.first = res.Redemption
		return publicFault(err)
	}
	x.replayed = res.Replayed
	x.kind = textType
	x.out = append(x.out, sentence...)
	return nil
}

func (s *server) balance(x *exchange) error {
	var req mobileRequest
	if err := x.decode(&req); err != nil {
		return err
	}
	minor, err := s.svc.Wallets.Balance(x.waiting(), req.Mobile, s.cfg.Currency)
	if err != nil {
		return publicFault(err)
	}
	x.out = append(x.out, `{"mobile":`...)
	x.out = appendText(x.out, req.Mobile)
	x.out = append(x.out, `,"balance":`...)
	x.out = money.AppendDecimal(x.out, minor, s.cfg.Currency)
	x.out = append(x.out, '}')
	return nil
}

func (s *server) reportCode(x *exchange) error {
	var req codeRequest
	if err := x.decode(&req); err != nil {
		return err
	}
	found, err := s.svc.Campaigns.ByCode(x.waiting(), req.Code)
	if err != nil {
		return publicFault(err)
	}
	c, v := found.Campaign, found.Voucher
	if v.Customer != "" {
		return fault.ErrNotRedeemable
	}
	switch status := voucher.StatusOf(c, v, s.cfg.Clock()); status {
	case voucher.Unknown, voucher.NotStarted, voucher.Disabled:
		return fault.ErrNotRedeemable
	case voucher.Open, voucher.Ended, voucher.SoldOut, voucher.Spent: // said plainly: a crowd deserves it
	}
	x.out = append(x.out, `{"code":`...)
	x.out = appendText(x.out, v.Code)
	x.out = append(x.out, `,"credit":`...)
	x.out = money.AppendDecimal(x.out, c.Effect.AmountMinor, c.Currency)
	x.out = append(x.out, `,"consumerCount":`...)
	x.out = appendInt(x.out, v.Remaining())
	x.out = append(x.out, '}')
	return nil
}

// publicFault makes one answer of all that would tell a guesser about a code, and calls the customer
// what the public routes call it.
func publicFault(err error) error {
	f := faultOf(err)
	switch {
	case errors.Is(f, fault.ErrVoucherNotFound), errors.Is(f, fault.ErrNotActive),
		errors.Is(f, fault.ErrDisabled), errors.Is(f, fault.ErrAssigned):
		return fault.ErrNotRedeemable
	case errors.Is(f, fault.ErrInvalidCustomer):
		return f.On("mobile")
	default:
		return f
	}
}
