package sqlitestore

import (
	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/voucher"
)

// The columns of each kind of row, and the one function that reads them.

const campaignColumns = ` c.no, c.id, c.name, c.currency, c.effect_kind, c.effect_amount, c.effect_percent_bp, c.effect_max,
	c.starts_at, c.ends_at, c.budget_amount, c.budget_count, c.budget_per_customer, c.disabled,
	c.given, c.redeemed, c.version, c.created_at, c.updated_at `

func (q *stmt) nextCampaign() (no int64, c *voucher.Campaign) {
	no = q.nextInt()
	c = &voucher.Campaign{
		ID: q.nextID(), Name: q.nextText(), Currency: money.Currency(q.nextText()),
		Effect: voucher.Effect{
			Kind:        voucher.EffectKind(q.nextInt()), //nolint:gosec // written from an EffectKind
			AmountMinor: q.nextInt(), PercentBP: q.nextInt(), MaxMinor: q.nextInt(),
		},
		Window:     voucher.Window{Start: q.nextTime(), End: q.nextTime()},
		Budget:     voucher.Budget{AmountMinor: q.nextInt(), Count: q.nextInt(), PerCustomer: q.nextInt()},
		Disabled:   q.nextBool(),
		GivenMinor: q.nextInt(), Redeemed: q.nextInt(), Version: q.nextInt(),
		CreatedAt: q.nextTime(), UpdatedAt: q.nextTime(),
	}
	return no, c
}

const voucherColumns = ` v.no, v.id, v.code, v.code_key, v.max_uses, v.per_customer, v.customer, v.disabled,
	v.redeemed, v.ranked, v.version, v.created_at, v.updated_at `

// nextVoucher leaves the campaign's id to its caller, who read the campaign beside it.
func (q *stmt) nextVoucher() (no int64, v *voucher.Voucher) {
	no = q.nextInt()
	v = &voucher.Voucher{
		ID: q.nextID(), Code: q.nextText(), Key: q.nextText(),
		Limit: q.nextInt(), PerCustomer: q.nextInt(), Customer: q.nextText(), Disabled: q.nextBool(),
		Redeemed: q.nextInt(), Ranked: q.nextInt(), Version: q.nextInt(),
		CreatedAt: q.nextTime(), UpdatedAt: q.nextTime(),
	}
	return no, v
}

const redemptionColumns = ` r.id, v.id, c.id, v.code, r.customer, r.rank, r.max_uses, r.effect_kind, r.amount, r.currency,
	r.order_id, r.order_amount, r.balance, r.seq, r.idempotency, r.at, r.rolled_back_at, r.rollback_id `

const redemptionFrom = ` FROM redemption r CROSS JOIN voucher v ON v.no = r.voucher_no CROSS JOIN campaign c ON c.no = v.campaign_no `

func (q *stmt) nextRedemption() *voucher.Redemption {
	r := &voucher.Redemption{
		ID: q.nextID(), VoucherID: q.nextID(), CampaignID: q.nextID(), Code: q.nextText(), Customer: q.nextText(),
		Rank: q.nextInt(), Limit: q.nextInt(),
		Effect:      voucher.EffectKind(q.nextInt()), //nolint:gosec // written from an EffectKind
		AmountMinor: q.nextInt(), Currency: money.Currency(q.nextText()),
		Order:        voucher.Order{ID: q.nextText(), AmountMinor: q.nextInt()},
		BalanceMinor: q.nextInt(), Seq: q.nextInt(), Key: q.nextText(), At: q.nextTime(),
		RolledBackAt: q.nextTime(), RollbackID: q.nextID(),
	}
	if r.Order.AmountMinor != 0 {
		r.Order.Currency = r.Currency
	}
	return r
}

const transferColumns = ` t.id, t.seq, t.kind, t.debit, d.kind, dc.id, t.credit, k.kind, kc.id, t.amount, t.balance, t.at `

// newestEntry is what a wallet is: its balance is what its newest entry leaves.
const newestEntry = " FROM transfer WHERE customer_no = ? AND currency = ? ORDER BY seq DESC LIMIT 1"

const transferFrom = ` FROM transfer t
	LEFT JOIN account d ON d.no = t.debit LEFT JOIN campaign dc ON dc.no = -t.debit
	LEFT JOIN account k ON k.no = t.credit LEFT JOIN campaign kc ON kc.no = -t.credit `

func (q *stmt) nextTransfer(customer string, c money.Currency) ledger.Transfer {
	t := ledger.Transfer{
		ID: q.nextID(), Customer: customer, Currency: c,
		Seq:  q.nextInt(),
		Kind: ledger.Kind(q.nextInt()), //nolint:gosec // written from a Kind
	}
	t.Debit = q.nextAccount(customer, c)
	t.Credit = q.nextAccount(customer, c)
	t.Amount, t.Balance, t.At = q.nextInt(), q.nextInt(), q.nextTime()
	return t
}

func (q *stmt) nextAccount(customer string, c money.Currency) ledger.Account {
	no, kind, campaign := q.nextInt(), q.nextInt(), q.nextID()
	switch {
	case no == 0:
		return ledger.WalletOf(customer, c)
	case no < 0:
		return ledger.FundingOf(campaign, c)
	default:
		return ledger.Account{Kind: ledger.AccountKind(kind), Currency: c} //nolint:gosec // written from an AccountKind
	}
}
