package httpapi

import (
	"net/http"
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/voucher"
)

func (s *server) createCampaign(x *exchange) error {
	var req campaignRequest
	if err := x.decode(&req); err != nil {
		return err
	}
	n, err := req.campaign(s.cfg.Currency)
	if err != nil {
		return err
	}
	made, err := s.svc.Campaigns.Create(x.waiting(), n, x.key, x.by())
	if err != nil {
		return ofVoucher(err)
	}
	x.replayed = made.Replayed
	x.status = http.StatusCreated
	x.out = appendCampaign(x.out, made.Campaign, made.Voucher, made.Campaign.CreatedAt)
	return nil
}

func (s *server) listCampaigns(x *exchange) error {
	_, page, err := x.pageQuery(id.Campaign)
	if err != nil {
		return err
	}
	ctx, cancel := x.reading()
	defer cancel()
	cs, more, now, err := s.svc.Campaigns.List(ctx, page)
	if err != nil {
		return err
	}
	x.out = appendList(x.out, cs, more, func(dst []byte, c *voucher.Campaign) []byte {
		return appendCampaign(dst, c, nil, now)
	})
	return nil
}

func (s *server) getCampaign(x *exchange) error {
	c, now, err := s.findCampaign(x)
	if err != nil {
		return err
	}
	x.out = appendCampaign(x.out, c, nil, now)
	return nil
}

func (s *server) summarise(x *exchange) error {
	c, now, err := s.findCampaign(x)
	if err != nil {
		return err
	}
	x.out = appendSummary(x.out, c, now)
	return nil
}

// findCampaign reads the campaign that the path names, with the moment by which it is to be judged.
func (s *server) findCampaign(x *exchange) (*voucher.Campaign, time.Time, error) {
	if _, err := x.query(); err != nil {
		return nil, time.Time{}, err
	}
	of, err := x.pathID("campaign", id.Campaign)
	if err != nil {
		return nil, time.Time{}, err
	}
	ctx, cancel := x.reading()
	defer cancel()
	return s.svc.Campaigns.Get(ctx, of)
}

type campaignPatch struct {
	Name     nullable[string]        `json:"name"`
	StartsAt instant                 `json:"starts_at"`
	EndsAt   instant                 `json:"ends_at"`
	Budget   nullable[budgetRequest] `json:"budget"`
	Disabled nullable[bool]          `json:"disabled"`
}

func (s *server) patchCampaign(x *exchange) error {
	of, err := x.pathID("campaign", id.Campaign)
	if err != nil {
		return err
	}
	var req campaignPatch
	if err := x.decode(&req); err != nil {
		return err
	}
	if err := notNull(req.Name.null, "name"); err != nil {
		return err
	}
	if err := notNull(req.Disabled.null, "disabled"); err != nil {
		return err
	}
	patch := voucher.CampaignPatch{
		Name: req.Name.pointer(), Start: req.StartsAt.pointer(), End: req.EndsAt.pointer(), Disabled: req.Disabled.pointer(),
	}
	switch {
	case req.Budget.null:
		patch.Budget = voucher.Budget{}.Patch()
	case req.Budget.given:
		if patch.Budget, err = req.Budget.value.patch(); err != nil {
			return err
		}
	}
	return s.amendCampaign(x, of, patch)
}

func notNull(null bool, field string) error {
	if null {
		return fault.ErrInvalidRequest.Says("This can't be removed; leave it out to keep it as it is.").On(field)
	}
	return nil
}

func (s *server) enableCampaign(x *exchange) error  { return s.switchCampaign(x, false) }
func (s *server) disableCampaign(x *exchange) error { return s.switchCampaign(x, true) }

func (s *server) switchCampaign(x *exchange, disabled bool) error {
	of, err := x.pathID("campaign", id.Campaign)
	if err != nil {
		return err
	}
	if err := x.decodeOptional(&struct{}{}); err != nil {
		return err
	}
	return s.amendCampaign(x, of, voucher.CampaignPatch{Disabled: &disabled})
}

func (s *server) amendCampaign(x *exchange, of id.ID, patch voucher.CampaignPatch) error {
	c, err := s.svc.Campaigns.Amend(x.waiting(), of, patch, x.by())
	if err != nil {
		return err
	}
	x.out = appendCampaign(x.out, c, nil, c.UpdatedAt)
	return nil
}
