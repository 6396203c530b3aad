package httpapi

import (
	"net/http"

	"scrip/internal/campaign"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/voucher"
)

type campaignVoucherRequest struct {
	Code        optional[string] `json:"code"`
	Limit       nullable[number] `json:"limit"`
	PerCustomer nullable[number] `json:"per_customer"`
	Customer    nullable[string] `json:"customer"`
}

func (r *campaignVoucherRequest) voucher() (campaign.NewVoucher, error) {
	out := campaign.NewVoucher{Code: r.Code.value, Customer: r.Customer.value}
	if r.Code.given && out.Code == "" {
		return out, fault.ErrInvalidCode
	}
	if r.Customer.given && !r.Customer.null && out.Customer == "" {
		return out, fault.ErrInvalidCustomer
	}
	var err error
	if out.Limit, err = r.Limit.value.limit("limit"); err != nil {
		return out, err
	}
	out.PerCustomer, err = r.PerCustomer.value.limit("per_customer")
	return out, err
}

type voucherRequest struct {
	Campaign    string           `json:"campaign"`
	Code        optional[string] `json:"code"`
	Limit       nullable[number] `json:"limit"`
	PerCustomer nullable[number] `json:"per_customer"`
	Customer    nullable[string] `json:"customer"`
}

func (s *server) createVoucher(x *exchange) error {
	var req voucherRequest
	if err := x.decode(&req); err != nil {
		return err
	}
	of, err := parseID(id.Campaign, req.Campaign, "campaign")
	if err != nil {
		return err
	}
	return s.makeVoucher(x, of, campaignVoucherRequest{
		Code: req.Code, Limit: req.Limit, PerCustomer: req.PerCustomer, Customer: req.Customer,
	})
}

func (s *server) createCampaignVoucher(x *exchange) error {
	of, err := x.pathID("campaign", id.Campaign)
	if err != nil {
		return err
	}
	var req campaignVoucherRequest
	if err := x.decodeOptional(&req); err != nil {
		return err
	}
	return s.makeVoucher(x, of, req)
}

func (s *server) makeVoucher(x *exchange, of id.ID, req campaignVoucherRequest) error {
	n, err := req.voucher()
	if err != nil {
		return err
	}
	made, err := s.svc.Campaigns.CreateVoucher(x.waiting(), of, n, x.key, x.by())
	if err != nil {
		return err
	}
	x.replayed = made.Replayed
	x.status = http.StatusCreated
	x.out = appendVoucher(x.out, made.Campaign, made.Voucher, made.Voucher.CreatedAt)
	return nil
}

func (s *server) getVoucher(x *exchange) error {
	if _, err := x.query(); err != nil {
		return err
	}
	of, err := x.pathID("voucher", id.Voucher)
	if err != nil {
		return err
	}
	ctx, cancel := x.reading()
	defer cancel()
	found, err := s.svc.Campaigns.Voucher(ctx, of)
	if err != nil {
		return err
	}
	x.out = appendVoucher(x.out, found.Campaign, found.Voucher, found.Now)
	return nil
}

func (s *server) lookUpVoucher(x *exchange) error {
	var req codeRequest
	if err := x.decode(&req); err != nil {
		return err
	}
	found, err := s.svc.Campaigns.ByCode(x.waiting(), req.Code)
	if err != nil {
		return err
	}
	x.out = appendVoucher(x.out, found.Campaign, found.Voucher, found.Now)
	return nil
}

func (s *server) listVouchers(x *exchange) error {
	q, page, err := x.pageQuery(id.Voucher, "campaign")
	if err != nil {
		return err
	}
	of, err := q.id("campaign", id.Campaign)
	if err != nil {
		return err
	}
	return s.pageOfVouchers(x, of, page)
}

func (s *server) listCampaignVouchers(x *exchange) error {
	_, page, err := x.pageQuery(id.Voucher)
	if err != nil {
		return err
	}
	of, err := x.pathID("campaign", id.Campaign)
	if err != nil {
		return err
	}
	ctx, cancel := x.reading()
	defer cancel()
	if _, _, err := s.svc.Campaigns.Get(ctx, of); err != nil { // an empty list would hide a wrong id
		return err
	}
	return s.pageOfVouchers(x, of, page)
}

func (s *server) pageOfVouchers(x *exchange, of id.ID, page campaign.Page) error {
	ctx, cancel := x.reading()
	defer cancel()
	vs, more, now, err := s.svc.Campaigns.ListVouchers(ctx, of, page)
	if err != nil {
		return err
	}
	x.out = appendList(x.out, vs, more, func(dst []byte, l *campaign.Listing) []byte {
		return appendVoucher(dst, l.Campaign, l.Voucher, now)
	})
	return nil
}

type voucherPatch struct {
	Limit       nullable[number] `json:"limit"`
	PerCustomer nullable[number] `json:"per_customer"`
	Customer    nullable[string] `json:"customer"`
	Disabled    nullable[bool]   `json:"disabled"`
}

func (r *voucherPatch) patch() (voucher.Patch, error) {
	p := voucher.Patch{Disabled: r.Disabled.pointer()}
	if err := notNull(r.Disabled.null, "disabled"); err != nil {
		return p, err
	}
	if r.Limit.given {
		n, err := r.Limit.value.limit("limit")
		if err != nil {
			return p, err
		}
		p.Limit = &n
	}
	if r.PerCustomer.given {
		n, err := r.PerCustomer.value.limit("per_customer")
		if err != nil {
			return p, err
		}
		n = max(n, 1)
		p.PerCustomer = &n
	}
	if r.Customer.given {
		if !r.Customer.null && r.Customer.value == "" {
			return p, fault.ErrInvalidCustomer
		}
		p.Customer = &r.Customer.value
	}
	return p, nil
}

func (s *server) patchVoucher(x *exchange) error {
	of, err := x.pathID("voucher", id.Voucher)
	if err != nil {
		return err
	}
	var req voucherPatch
	if err := x.decode(&req); err != nil {
		return err
	}
	patch, err := req.patch()
	if err != nil {
		return err
	}
	return s.amendVoucher(x, of, patch)
}

func (s *server) enableVoucher(x *exchange) error  { return s.switchVoucher(x, false) }
func (s *server) disableVoucher(x *exchange) error { return s.switchVoucher(x, true) }

func (s *server) switchVoucher(x *exchange, disabled bool) error {
	of, err := x.pathID("voucher", id.Voucher)
	if err != nil {
		return err
	}
	if err := x.decodeOptional(&struct{}{}); err != nil {
		return err
	}
	return s.amendVoucher(x, of, voucher.Patch{Disabled: &disabled})
}

func (s *server) amendVoucher(x *exchange, of id.ID, patch voucher.Patch) error {
	l, err := s.svc.Campaigns.AmendVoucher(x.waiting(), of, patch, x.by())
	if err != nil {
		return err
	}
	x.out = appendVoucher(x.out, l.Campaign, l.Voucher, l.Voucher.UpdatedAt)
	return nil
}
