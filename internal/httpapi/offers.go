package httpapi

import (
	"strconv"
	"time"

	"scrip/internal/id"
	"scrip/internal/money"
	"scrip/internal/voucher"
)

// appendCampaign appends a campaign as it stands at a moment, with its first voucher unless that is nil.
func appendCampaign(dst []byte, c *voucher.Campaign, first *voucher.Voucher, now time.Time) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, id.Campaign, c.ID)
	dst = append(dst, `,"object":"campaign","name":`...)
	dst = appendText(dst, c.Name)
	dst = append(dst, `,"currency":"`...)
	dst = append(dst, c.Currency...)
	dst = append(dst, `","effect":`...)
	dst = appendEffect(dst, c.Effect, c.Currency)
	dst = append(dst, `,"starts_at":`...)
	dst = appendBound(dst, c.Window.Start)
	dst = append(dst, `,"ends_at":`...)
	dst = appendBound(dst, c.Window.End)
	dst = append(dst, `,"budget":`...)
	dst = appendBudget(dst, c.Budget)
	dst = append(dst, `,"status":"`...)
	dst = append(dst, campaignStatus(c, now)...)
	dst = append(dst, `","disabled":`...)
	dst = strconv.AppendBool(dst, c.Disabled)
	dst = append(dst, `,"redeemed":`...)
	dst = appendInt(dst, c.Redeemed)
	dst = append(dst, `,"given":`...)
	dst = appendInt(dst, c.GivenMinor)
	dst = append(dst, `,"created_at":`...)
	dst = appendTime(dst, c.CreatedAt)
	dst = append(dst, `,"updated_at":`...)
	dst = appendTime(dst, c.UpdatedAt)
	if first != nil {
		dst = append(dst, `,"voucher":`...)
		dst = appendVoucher(dst, c, first, now)
	}
	return append(dst, '}')
}

// campaignStatus is what holds for all the campaign's vouchers.
func campaignStatus(c *voucher.Campaign, now time.Time) string {
	status := voucher.StatusOf(c, &voucher.Voucher{}, now)
	if status == voucher.Open {
		return "active"
	}
	return status.String()
}

func appendVoucher(dst []byte, c *voucher.Campaign, v *voucher.Voucher, now time.Time) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, id.Voucher, v.ID)
	dst = append(dst, `,"object":"voucher","campaign":`...)
	dst = appendID(dst, id.Campaign, v.CampaignID)
	dst = append(dst, `,"code":`...)
	dst = appendText(dst, v.Code)
	dst = append(dst, `,"limit":`...)
	dst = appendCap(dst, v.Limit)
	dst = append(dst, `,"per_customer":`...)
	dst = appendInt(dst, v.PerCustomer)
	dst = append(dst, `,"customer":`...)
	if v.Customer == "" {
		dst = append(dst, "null"...)
	} else {
		dst = appendText(dst, v.Customer)
	}
	dst = append(dst, `,"status":"`...)
	dst = append(dst, voucher.StatusOf(c, v, now).String()...)
	dst = append(dst, `","disabled":`...)
	dst = strconv.AppendBool(dst, v.Disabled)
	dst = append(dst, `,"redeemed":`...)
	dst = appendInt(dst, v.Redeemed)
	dst = append(dst, `,"remaining":`...)
	dst = appendLeft(dst, v.Remaining())
	dst = append(dst, `,"effect":`...)
	dst = appendEffect(dst, c.Effect, c.Currency)
	dst = append(dst, `,"created_at":`...)
	dst = appendTime(dst, v.CreatedAt)
	dst = append(dst, `,"updated_at":`...)
	dst = appendTime(dst, v.UpdatedAt)
	return append(dst, '}')
}

func appendEffect(dst []byte, e voucher.Effect, c money.Currency) []byte {
	dst = append(dst, `{"kind":"`...)
	dst = append(dst, e.Kind.String()...)
	dst = append(dst, '"')
	for _, part := range []struct {
		name  string
		value int64
	}{{`,"amount":`, e.AmountMinor}, {`,"percent_bp":`, e.PercentBP}, {`,"max_amount":`, e.MaxMinor}} {
		if part.value != 0 {
			dst = append(dst, part.name...)
			dst = appendInt(dst, part.value)
		}
	}
	dst = append(dst, `,"currency":"`...)
	dst = append(dst, c...)
	return append(dst, `"}`...)
}

func appendBudget(dst []byte, b voucher.Budget) []byte {
	dst = append(dst, `{"amount":`...)
	dst = appendCap(dst, b.AmountMinor)
	dst = append(dst, `,"count":`...)
	dst = appendCap(dst, b.Count)
	dst = append(dst, `,"per_customer":`...)
	dst = appendCap(dst, b.PerCustomer)
	return append(dst, '}')
}

func appendSummary(dst []byte, c *voucher.Campaign, now time.Time) []byte {
	dst = append(dst, `{"object":"campaign_summary","campaign":`...)
	dst = appendID(dst, id.Campaign, c.ID)
	dst = append(dst, `,"currency":"`...)
	dst = append(dst, c.Currency...)
	dst = append(dst, `","status":"`...)
	dst = append(dst, campaignStatus(c, now)...)
	dst = append(dst, `","redeemed":`...)
	dst = appendInt(dst, c.Redeemed)
	dst = append(dst, `,"given":`...)
	dst = appendInt(dst, c.GivenMinor)
	dst = append(dst, `,"budget":`...)
	dst = appendBudget(dst, c.Budget)
	dst = append(dst, `,"left":{"amount":`...)
	dst = appendLeft(dst, left(c.Budget.AmountMinor, c.GivenMinor))
	dst = append(dst, `,"count":`...)
	dst = appendLeft(dst, left(c.Budget.Count, c.Redeemed))
	return append(dst, `}}`...)
}

// left is what is left below a cap, -1 where there is none.
func left(most, used int64) int64 {
	if most == 0 {
		return -1
	}
	return most - used
}
