package pgstore

import (
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// The columns of each kind of row, and the one function that reads them. The …Targets functions serve
// queries that read more beside them: append their targets in the order of the columns.

const campaignColumns = ` c.id, c.name, c.currency, c.effect_kind, c.effect_amount, c.effect_percent_bp, c.effect_max,
	c.starts_at, c.ends_at, c.budget_amount, c.budget_count, c.budget_per_customer, c.disabled,
	c.given, c.redeemed, c.version, c.created_at, c.updated_at `

func campaignTargets(c *voucher.Campaign) []any {
	return []any{
		(*uid)(&c.ID), &c.Name, (*string)(&c.Currency),
		(*uint8)(&c.Effect.Kind), &c.Effect.AmountMinor, &c.Effect.PercentBP, &c.Effect.MaxMinor,
		(*instant)(&c.Window.Start), (*instant)(&c.Window.End),
		&c.Budget.AmountMinor, &c.Budget.Count, &c.Budget.PerCustomer, &c.Disabled,
		&c.GivenMinor, &c.Redeemed, &c.Version, (*instant)(&c.CreatedAt), (*instant)(&c.UpdatedAt),
	}
}

func scanCampaign(row pgx.CollectableRow) (c voucher.Campaign, err error) {
	err = row.Scan(campaignTargets(&c)...)
	return c, err
}

const voucherColumns = ` v.id, v.campaign_id, v.code, v.code_key, v.max_uses, v.per_customer, v.customer, v.disabled,
	v.redeemed, v.ranked, v.version, v.created_at, v.updated_at `

func voucherTargets(v *voucher.Voucher) []any {
	return []any{
		(*uid)(&v.ID), (*uid)(&v.CampaignID), &v.Code, &v.Key, &v.Limit, &v.PerCustomer, &v.Customer, &v.Disabled,
		&v.Redeemed, &v.Ranked, &v.Version, (*instant)(&v.CreatedAt), (*instant)(&v.UpdatedAt),
	}
}

func scanVoucher(row pgx.CollectableRow) (v voucher.Voucher, err error) {
	err = row.Scan(voucherTargets(&v)...)
	return v, err
}

const (
	listingColumns = voucherColumns + "," + campaignColumns
	listingFrom    = " FROM voucher v JOIN campaign c ON c.id = v.campaign_id "
)

func scanListing(row pgx.CollectableRow) (store.Listing, error) {
	l := store.Listing{Campaign: new(voucher.Campaign), Voucher: new(voucher.Voucher)}
	err := row.Scan(append(voucherTargets(l.Voucher), campaignTargets(l.Campaign)...)...)
	return l, err
}

const (
	redemptionColumns = ` r.id, r.voucher_id, r.campaign_id, v.code, r.customer, r.rank, r.max_uses, r.effect_kind, r.amount,
	r.currency, r.order_id, r.order_amount, r.balance, r.seq, r.idempotency, r.at, r.rolled_back_at, r.rollback_id `
	redemptionFrom = " FROM redemption r JOIN voucher v ON v.id = r.voucher_id "
)

// redemptionTargets leaves Order.Currency to its caller (see completeOrder), for it has no column.
func redemptionTargets(r *voucher.Redemption) []any {
	return []any{
		(*uid)(&r.ID), (*uid)(&r.VoucherID), (*uid)(&r.CampaignID), &r.Code, &r.Customer, &r.Rank, &r.Limit,
		(*uint8)(&r.Effect), &r.AmountMinor, (*string)(&r.Currency), &r.Order.ID, &r.Order.AmountMinor,
		&r.BalanceMinor, &r.Seq, &r.Key, (*instant)(&r.At), (*instant)(&r.RolledBackAt), (*uid)(&r.RollbackID),
	}
}

func scanRedemption(row pgx.CollectableRow) (r voucher.Redemption, err error) {
	err = row.Scan(redemptionTargets(&r)...)
	completeOrder(&r)
	return r, err
}

// completeOrder gives an order the one currency that it can have.
func completeOrder(r *voucher.Redemption) {
	if r.Order.AmountMinor != 0 {
		r.Order.Currency = r.Currency
	}
}

const (
	transferColumns = ` t.id, t.customer, t.currency, t.seq, t.kind, t.debit_kind, t.credit_kind, t.campaign_id,
	t.amount, t.balance, t.at `
	transferFrom = " FROM transfer t "
)

func scanTransfer(row pgx.CollectableRow) (t ledger.Transfer, err error) {
	var debit, credit ledger.AccountKind
	var campaign id.ID
	err = row.Scan((*uid)(&t.ID), &t.Customer, (*string)(&t.Currency), &t.Seq, (*uint8)(&t.Kind),
		(*uint8)(&debit), (*uint8)(&credit), (*uid)(&campaign), &t.Amount, &t.Balance, (*instant)(&t.At))
	t.Debit = accountOf(debit, t.Customer, campaign, t.Currency)
	t.Credit = accountOf(credit, t.Customer, campaign, t.Currency)
	return t, err
}

// accountOf names the account of one side of a ledger entry: a wallet is its customer's own, a funding
// account the campaign's that the entry names.
func accountOf(k ledger.AccountKind, customer string, campaign id.ID, c money.Currency) ledger.Account {
	switch k {
	case ledger.Wallet:
		return ledger.WalletOf(customer, c)
	case ledger.Funding:
		return ledger.FundingOf(campaign, c)
	default:
		return ledger.Account{Kind: k, Currency: c}
	}
}

// uid receives a uuid; null is the zero id.
type uid id.ID

// ScanUUID implements pgtype.UUIDScanner.
func (u *uid) ScanUUID(v pgtype.UUID) error {
	*u = v.Bytes
	return nil
}

// instant receives a timestamptz in UTC; null is the zero time.
type instant time.Time

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (i *instant) ScanTimestamptz(v pgtype.Timestamptz) error {
	*i = instant{}
	if v.Valid {
		*i = instant(v.Time.UTC())
	}
	return nil
}

// bound is a time as it is stored where its zero means none: null.
func bound(t time.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()}
}
