package httpapi

import (
	"scrip/internal/campaign"
	"scrip/internal/fault"
	"scrip/internal/money"
	"scrip/internal/voucher"
)

type effectRequest struct {
	Kind      string `json:"kind"`
	Amount    number `json:"amount"`
	PercentBP number `json:"percent_bp"`
	MaxAmount number `json:"max_amount"`
}

func (e *effectRequest) effect() (voucher.Effect, error) {
	var out voucher.Effect
	switch e.Kind {
	case voucher.Credit.String():
		out.Kind = voucher.Credit
	case voucher.Discount.String():
		out.Kind = voucher.Discount
	default:
		return out, fault.ErrInvalidRequest.Says("An effect's kind is credit or discount.").On("effect.kind")
	}
	var err error
	if out.AmountMinor, err = e.Amount.amount("effect.amount"); err != nil {
		return out, err
	}
	if out.MaxMinor, err = e.MaxAmount.amount("effect.max_amount"); err != nil {
		return out, err
	}
	out.PercentBP = e.PercentBP.value
	if e.PercentBP.given && (out.PercentBP < 1 || out.PercentBP > 10_000) {
		return out, fault.ErrInvalidRequest.Says("A percentage is 1 to 10,000 basis points.").On("effect.percent_bp")
	}
	return out, nil
}

type budgetRequest struct {
	Amount      nullable[number] `json:"amount"`
	Count       nullable[number] `json:"count"`
	PerCustomer nullable[number] `json:"per_customer"`
}

// patch returns the change that the request asks for, as a merge patch does: a cap that is left out stays,
// null removes it.
func (r *budgetRequest) patch() (voucher.BudgetPatch, error) {
	var p voucher.BudgetPatch
	if r.Amount.given {
		minor, err := r.Amount.value.amount("budget.amount")
		if err != nil {
			return p, err
		}
		p.AmountMinor = &minor
	}
	if r.Count.given {
		n, err := r.Count.value.limit("budget.count")
		if err != nil {
			return p, err
		}
		p.Count = &n
	}
	if r.PerCustomer.given {
		n, err := r.PerCustomer.value.limit("budget.per_customer")
		if err != nil {
			return p, err
		}
		p.PerCustomer = &n
	}
	return p, nil
}

type campaignRequest struct {
	Name     string                  `json:"name"`
	Currency optional[string]        `json:"currency"`
	Effect   effectRequest           `json:"effect"`
	StartsAt instant                 `json:"starts_at"`
	EndsAt   instant                 `json:"ends_at"`
	Budget   budgetRequest           `json:"budget"`
	Disabled bool                    `json:"disabled"`
	Voucher  *campaignVoucherRequest `json:"voucher"`
}

func (r *campaignRequest) campaign(currency money.Currency) (campaign.NewCampaign, error) {
	out := campaign.NewCampaign{
		Name: r.Name, Currency: currency, Disabled: r.Disabled,
		Window: voucher.Window{Start: r.StartsAt.value, End: r.EndsAt.value},
	}
	var err error
	if given := r.Currency.pointer(); given != nil {
		if out.Currency, err = money.ParseCurrency(*given); err != nil {
			return out, err
		}
	}
	if out.Effect, err = r.Effect.effect(); err != nil {
		return out, err
	}
	caps, err := r.Budget.patch()
	if err != nil {
		return out, err
	}
	out.Budget = voucher.Budget{}.Amended(caps)
	if r.Voucher != nil {
		v, err := r.Voucher.voucher()
		if err != nil {
			return out, ofVoucher(err)
		}
		out.Voucher = &v
	}
	return out, nil
}

// ofVoucher names a campaign's first voucher in a fault about one of its members.
func ofVoucher(err error) error {
	f := faultOf(err)
	switch f.Field {
	case "code", "limit", "per_customer", "customer":
		return f.On("voucher." + f.Field)
	default:
		return f
	}
}
