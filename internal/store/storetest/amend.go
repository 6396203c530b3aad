package storetest

import (
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

func amending() topic {
	return topic{"amend", []scenario{
		{"a voucher changes as the domain says", voucherAmended},
		{"a campaign changes as the domain says", campaignAmended},
		{"a refused change leaves no trace", refusedAmendment},
		{"what is not there", amendNothing},
		{"a disabled campaign closes its vouchers", campaignDisabled},
		{"a voucher is assigned and freed", voucherAssigned},
	}}
}

func voucherAmended(w *world) {
	w.shared("salam", 5)
	w.win("salam", "ali")
	l := w.look("salam")
	w.clock.Advance(time.Second)
	for _, p := range []voucher.Patch{
		{},
		{Limit: new(int64(9))},
		{PerCustomer: new(int64(3))},
		{Customer: new("bita")},
		{Disabled: new(true)},
		{Limit: new(int64(0)), PerCustomer: new(int64(4)), Customer: new(""), Disabled: new(false)},
	} {
		want, err := l.Voucher.Amend(p, w.clock.Now())
		w.ok(err)
		l.Voucher = &want
		w.equal("what is returned", w.amend(&want, p), l)
		w.equal("what is kept", w.look("salam"), l)
	}
	w.equal("the version", l.Voucher.Version, int64(7))
}

func campaignAmended(w *world) {
	w.shared("salam", 5)
	w.win("salam", "ali")
	c := w.look("salam").Campaign
	w.clock.Advance(time.Second)
	now := w.clock.Now()
	for _, p := range []voucher.CampaignPatch{
		{},
		{Name: new("Yalda")},
		{Start: new(now.Add(-time.Hour)), End: new(now.Add(time.Hour))},
		{Budget: voucher.Budget{AmountMinor: 5000, Count: 5, PerCustomer: 1}.Patch()},
		{Budget: voucher.BudgetPatch{Count: new(int64(6))}},
		{Budget: voucher.BudgetPatch{AmountMinor: new(int64(6000)), PerCustomer: new(int64(0))}},
		{Disabled: new(true)},
		{Disabled: new(false), Start: &time.Time{}, End: &time.Time{}, Budget: voucher.Budget{}.Patch()},
	} {
		want, err := c.Amend(p, now)
		w.ok(err)
		c = &want
		w.equal("what is returned", w.amendCampaign(c, p), c)
		kept, _, err := w.s.Campaign(w.t.Context(), c.ID)
		w.ok(err)
		w.equal("what is kept", kept, c)
	}
	w.equal("the version", c.Version, int64(9))
}

func refusedAmendment(w *world) {
	w.shared("salam", 5, func(c *voucher.Campaign, _ *voucher.Voucher) { c.Budget.Count = 5 })
	w.win("salam", "ali")
	w.win("salam", "bita")
	l := w.look("salam")
	w.clock.Advance(time.Second)
	ctx := w.t.Context()
	_, err := w.s.AmendVoucher(ctx, l.Voucher.ID, voucher.Patch{Limit: new(int64(1)), Disabled: new(true)}, access.By{})
	w.fails(err, fault.ErrLimitBelowUse)
	_, err = w.s.AmendVoucher(ctx, l.Voucher.ID, voucher.Patch{PerCustomer: new(int64(0))}, access.By{})
	w.fails(err, fault.ErrInvalidLimit)
	_, err = w.s.AmendCampaign(ctx, l.Campaign.ID, voucher.CampaignPatch{Name: new("")}, access.By{})
	w.fails(err, fault.ErrInvalidRequest)
	_, err = w.s.AmendCampaign(ctx, l.Campaign.ID, voucher.CampaignPatch{Start: new(w.clock.Now()), End: new(w.clock.Now())}, access.By{})
	w.fails(err, fault.ErrInvalidWindow)
	_, err = w.s.AmendCampaign(ctx, l.Campaign.ID, voucher.CampaignPatch{Budget: voucher.BudgetPatch{Count: new(int64(1))}, Disabled: new(true)}, access.By{})
	w.fails(err, fault.ErrLimitBelowUse)
	w.equal("what is kept", w.look("salam"), l)
}

func amendNothing(w *world) {
	l := w.shared("salam", 5)
	_, err := w.s.AmendVoucher(w.t.Context(), l.Campaign.ID, voucher.Patch{Disabled: new(true)}, access.By{})
	w.fails(err, fault.ErrVoucherNotFound)
	_, err = w.s.AmendCampaign(w.t.Context(), l.Voucher.ID, voucher.CampaignPatch{Disabled: new(true)}, access.By{})
	w.fails(err, fault.ErrCampaignNotFound)
}

func campaignDisabled(w *world) {
	c := w.campaign()
	w.create(c, w.voucher(c, "one", 1), w.voucher(c, "two", 1))
	w.amendCampaign(c, voucher.CampaignPatch{Disabled: new(true)})
	for _, text := range []string{"one", "two"} {
		w.knows(w.lose(text, "ali", fault.ErrDisabled), text)
	}
	w.amendCampaign(c, voucher.CampaignPatch{Disabled: new(false)})
	w.win("one", "ali")
}

func voucherAssigned(w *world) {
	l := w.shared("salam", 5)
	w.win("salam", "ali")
	w.amend(l.Voucher, voucher.Patch{Customer: new("bita")})
	w.lose("salam", "cyrus", fault.ErrAssigned)
	w.lose("salam", "ali", fault.ErrAlreadyRedeemed)
	w.win("salam", "bita")
	w.amend(l.Voucher, voucher.Patch{Customer: new("")})
	w.win("salam", "cyrus")
	read, _, err := w.s.Voucher(w.t.Context(), l.Voucher.ID)
	w.ok(err)
	w.equal("what is kept", read, store.Listing{Campaign: w.look("salam").Campaign, Voucher: w.look("salam").Voucher})
}
