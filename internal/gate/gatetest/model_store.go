package gatetest

import (
	"time"

	"pgregory.net/rapid"

	"scrip/internal/fault"
	"scrip/internal/voucher"
)

// holdings is all that the store keeps. It is copied by assignment.
type holdings struct {
	campaign voucher.Campaign
	vouchers [modelVouchers]voucher.Voucher
	made     [modelVouchers]bool
	claims   [modelVouchers][modelCustomers]int64
	redeemed [modelVouchers][modelCustomers]bool // ever: what was rolled back is answered as it was, if asked again
}

// epoch is the store from one change to the next.
type epoch struct {
	since time.Time
	holdings
}

// moment is a point in the store's past. Between two changes at the same time there is no time, but order.
type moment struct {
	epoch int
	at    time.Time
}

func (m moment) before(n moment) bool {
	return m.epoch < n.epoch || m.epoch == n.epoch && m.at.Before(n.at)
}

// redeem uses a voucher if the store allows it.
func (w *world) redeem() {
	i, customer := w.anyVoucher(), w.anyCustomer()
	if w.held.answer(i, customer, w.clock.Now()) != nil {
		return
	}
	w.held.vouchers[i].Redeemed++
	w.held.vouchers[i].Ranked++
	w.held.campaign.Redeemed++
	w.held.campaign.GivenMinor += w.held.campaign.Effect.AmountMinor
	w.held.claims[i][customer]++
	w.held.redeemed[i][customer] = true
	w.changed()
	w.tellMaybe(i)
}

// rollBack reverses a use. It can reopen the voucher and, where there is a budget, its campaign's others.
func (w *world) rollBack() {
	i, customer := w.anyVoucher(), w.anyCustomer()
	if w.held.claims[i][customer] == 0 {
		return
	}
	w.held.vouchers[i].Redeemed--
	w.held.vouchers[i].Version++
	w.held.campaign.Redeemed--
	w.held.campaign.GivenMinor -= w.held.campaign.Effect.AmountMinor
	if w.held.campaign.Budget != (voucher.Budget{}) {
		w.held.campaign.Version++
	}
	w.held.claims[i][customer]--
	w.changed()
	w.tellMaybe(i)
}

func (w *world) amendVoucher() {
	i := w.anyVoucher()
	if !w.held.made[i] {
		return
	}
	var p voucher.Patch
	switch rapid.IntRange(0, 4).Draw(w.T, "change") {
	case 0, 1:
		disabled := !w.held.vouchers[i].Disabled
		p.Disabled = &disabled
	case 2:
		customer := w.anyAssignee()
		p.Customer = &customer
	default:
		limit := w.held.vouchers[i].Redeemed + rapid.Int64Range(0, 2).Draw(w.T, "limit left")
		p.Limit = &limit
	}
	v, err := w.held.vouchers[i].Amend(p, w.clock.Now())
	if err != nil {
		return
	}
	w.held.vouchers[i] = v
	w.changed()
	w.tellMaybe(i)
}

func (w *world) amendCampaign() {
	var p voucher.CampaignPatch
	switch rapid.IntRange(0, 3).Draw(w.T, "change") {
	case 0:
		disabled := !w.held.campaign.Disabled
		p.Disabled = &disabled
	case 1:
		b := voucher.Budget{Count: w.held.campaign.Redeemed + rapid.Int64Range(0, 1).Draw(w.T, "budget left")}
		p.Budget = b.Patch()
	default:
		start, end := w.aroundNow("start"), w.aroundNow("end")
		p.Start, p.End = &start, &end
	}
	c, err := w.held.campaign.Amend(p, w.clock.Now())
	if err != nil {
		return
	}
	w.held.campaign = c
	w.changed()
	w.notices = append(w.notices, notice{version: c.Version, when: w.now()})
	if rapid.Bool().Draw(w.T, "here") {
		w.deliverNoticeOf(len(w.notices) - 1)
	}
}

func (w *world) aroundNow(label string) time.Time {
	in := rapid.SampledFrom([]time.Duration{
		0, -time.Second, 100 * time.Millisecond, 600 * time.Millisecond, 2 * time.Second, time.Minute,
	}).Draw(w.T, label)
	if in == 0 {
		return time.Time{}
	}
	return w.clock.Now().Add(in)
}

func (w *world) create() {
	if i := modelVouchers - 1; !w.held.made[i] {
		w.held.made[i] = true
		w.changed()
		w.tellMaybe(i)
	}
}

// changed ends an epoch, after the store was changed.
func (w *world) changed() {
	w.past = append(w.past, epoch{since: w.clock.Now(), holdings: w.held})
}

func (w *world) now() moment { return moment{epoch: len(w.past) - 1, at: w.clock.Now()} }

// answer is what the store would say.
func (h *holdings) answer(i, customer int, at time.Time) *fault.Error {
	if !h.made[i] {
		return fault.ErrVoucherNotFound
	}
	var mine voucher.Claims
	mine.OnVoucher = h.claims[i][customer]
	for n := range h.claims {
		mine.OnCampaign += h.claims[n][customer]
	}
	_, refusal := voucher.Judge(&h.campaign, &h.vouchers[i], mine, modelCustomer(customer), nil, at)
	return refusal
}

func (h *holdings) fact(i int, at time.Time) voucher.Fact {
	if !h.made[i] {
		return voucher.UnknownFact(modelKey(i))
	}
	return voucher.FactOf(&h.campaign, &h.vouchers[i], at)
}
