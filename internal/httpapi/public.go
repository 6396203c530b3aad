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
	if err := x.try(x.use.Mobile, x.use.Code); err != nil {
		return err
	}
	res, err := s.svc.Redemptions.Redeem(x.waiting(), redemption.Request{
		Code: x.use.Code, Customer: x.use.Mobile, Key: x.key, Face: facePublic, Client: x.r.Context(), Veiled: x.veiled(),
	})
	x.tried(err, res.Replayed)
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
	if err := x.limitCustomer(req.Mobile); err != nil {
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
	if err := x.try("", req.Code); err != nil {
		return err
	}
	err := s.report(x, req.Code)
	x.judged(fault.From(err))
	return err
}

func (s *server) report(x *exchange, typed string) error {
	found, err := s.svc.Campaigns.ByCode(x.waiting(), typed)
	if err != nil {
		return publicFault(err)
	}
	c, v := found.Campaign, found.Voucher
	if v.Customer != "" {
		return fault.ErrNotRedeemable
	}
	switch status := voucher.StatusOf(c, v, found.Now); status {
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

// publicFault is a fault as the public routes show it: hidden, and with the customer called what they
// call it.
func publicFault(err error) error {
	f := hidden(faultOf(err))
	if errors.Is(f, fault.ErrInvalidCustomer) {
		return f.On("mobile")
	}
	return f
}

// hidden makes one answer of all that would tell a guesser about a code: that there is none, that it has
// not started, is disabled, or is somebody else's.
func hidden(f *fault.Error) *fault.Error {
	switch {
	case f.Is(fault.ErrVoucherNotFound), f.Is(fault.ErrNotActive), f.Is(fault.ErrDisabled), f.Is(fault.ErrAssigned):
		return fault.ErrNotRedeemable
	default:
		return f
	}
}
