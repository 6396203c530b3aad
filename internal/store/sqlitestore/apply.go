package sqlitestore

import (
	"context"
	"errors"
	"fmt"

	"scrip/internal/fault"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// Apply applies the commands in order, in one transaction and one sync of the log. Each command sees
// what those before it did, so that the batch equals its commands in series.
func (s *Store) Apply(ctx context.Context, commands []store.Command) ([]store.Outcome, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrNotApplied, err)
	}
	outcomes := make([]store.Outcome, len(commands))
	err := s.write(func(w *writer) error {
		for i, c := range commands {
			if err := w.apply(c, &outcomes[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return outcomes, nil
}

func (w *writer) apply(c store.Command, out *store.Outcome) error {
	switch c := c.(type) {
	case *store.Redeem:
		return w.redeem(c, out)
	case *store.Rollback:
		return w.rollBack(c, out)
	case *store.Post:
		return w.post(c, out)
	default:
		return fmt.Errorf("unknown command %T", c)
	}
}

// Kinds of command, as they stand beside an Idempotency-Key. Stored by number: never renumber.
const (
	kindRedeem   = 1
	kindRollback = 2
	kindPost     = 3
	kindCreate   = 4
)

func (w *writer) redeem(c *store.Redeem, out *store.Outcome) error {
	if c.Again {
		r, err := w.redemption(c.ID)
		if r != nil || err != nil {
			out.Redemption, out.Replayed = r, true
			return err
		}
	}
	customerNo, err := w.customerNo(c.Customer)
	if err != nil {
		return err
	}
	if c.Key != "" && customerNo != 0 {
		used, err := w.replayedKey(customerNo, c.Key, kindRedeem, c.Fingerprint, out)
		if err != nil {
			return err
		}
		if used != nil {
			out.Redemption, err = w.redemption(used.id)
			return err
		}
		if out.Refusal != nil {
			return nil
		}
	}
	h, err := w.voucherByKey(c.Code)
	if err != nil {
		return err
	}
	if h == nil {
		out.Refusal, out.Fact = fault.ErrVoucherNotFound, voucher.UnknownFact(c.Code)
		return nil
	}
	err = w.redeemVoucher(c, h, customerNo, out)
	out.Fact = voucher.FactOf(&h.campaign.c, &h.v, w.now)
	return err
}

func (w *writer) redeemVoucher(c *store.Redeem, h *hotVoucher, customerNo int64, out *store.Outcome) error {
	claims, err := w.claims(customerNo, h)
	if err != nil {
		return err
	}
	grant, refusal := voucher.Judge(&h.campaign.c, &h.v, claims, c.Customer, c.Order, w.now)
	if refusal != nil {
		out.Refusal = refusal
		if errors.Is(refusal, fault.ErrAlreadyRedeemed) {
			out.Redemption, err = firstClaim(&w.firstClaim, customerNo, h.no)
		}
		return err
	}
	p, err := w.purse(c.Customer, customerNo, h.campaign.c.Currency)
	if err != nil {
		return err
	}
	t := w.transferOf(c, h, grant, &p)
	if t.Balance, refusal = t.Apply(p.balance); refusal != nil {
		out.Refusal = refusal
		return nil
	}
	slot := int64(1)
	if claims.OnVoucher > 0 {
		if slot, err = w.freeSlot(customerNo, h.no); err != nil {
			return err
		}
	}
	if err := w.write(&p, &t, h.campaign); err != nil {
		return err
	}
	out.Redemption = receipt(c, h, grant, &t)
	return w.writeRedemption(c, h, &p, slot, out.Redemption)
}

// transferOf is the ledger entry of a redemption: from the campaign's funding to the wallet, or, for a
// discount, to the merchant.
func (w *writer) transferOf(c *store.Redeem, h *hotVoucher, grant voucher.Grant, p *purse) ledger.Transfer {
	campaign := &h.campaign.c
	t := ledger.Transfer{
		ID: c.ID, Customer: c.Customer, Currency: campaign.Currency, Seq: p.seq + 1, Kind: ledger.Redemption,
		Debit:  ledger.FundingOf(campaign.ID, campaign.Currency),
		Credit: ledger.WalletOf(c.Customer, campaign.Currency),
		Amount: grant.AmountMinor, At: w.now,
	}
	if campaign.Effect.Kind == voucher.Discount {
		t.Credit = ledger.Account{Kind: ledger.Merchant, Currency: campaign.Currency}
	}
	return t
}

func receipt(c *store.Redeem, h *hotVoucher, grant voucher.Grant, t *ledger.Transfer) *voucher.Redemption {
	r := &voucher.Redemption{
		ID: c.ID, VoucherID: h.v.ID, CampaignID: h.campaign.c.ID, Code: h.v.Code, Customer: c.Customer,
		Rank: grant.Rank, Limit: h.v.Limit, Effect: h.campaign.c.Effect.Kind,
		AmountMinor: t.Amount, Currency: t.Currency,
		BalanceMinor: t.Balance, Seq: t.Seq, Key: c.Key, At: t.At,
	}
	if r.Effect == voucher.Discount {
		r.Order = *c.Order
	}
	return r
}

func (w *writer) writeRedemption(c *store.Redeem, h *hotVoucher, p *purse, slot int64, r *voucher.Redemption) error {
	err := w.addRedemption.id(r.ID).int(p.no).text(r.Customer).int(h.no).int(slot).int(r.Rank).int(r.Limit).
		int(int64(r.Effect)).int(r.AmountMinor).text(string(r.Currency)).text(r.Order.ID).int(r.Order.AmountMinor).
		int(r.BalanceMinor).int(r.Seq).text(r.Key).int(r.At.UnixMicro()).exec()
	if err != nil {
		return err
	}
	if c.Key != "" {
		if err := w.writeKey(p.no, c.Key, kindRedeem, c.ID, c.Fingerprint, ""); err != nil {
			return err
		}
	}
	h.v.Redeemed++
	h.v.Ranked++
	h.dirty = true
	h.campaign.c.Redeemed++
	return nil
}

// claims counts what a customer holds of a voucher and, if the campaign limits that, of the campaign.
func (w *writer) claims(customerNo int64, h *hotVoucher) (voucher.Claims, error) {
	if customerNo == 0 {
		return voucher.Claims{}, nil
	}
	on, err := count(w.countClaims.int(customerNo).int(h.no))
	if err != nil || h.campaign.c.Budget.PerCustomer == 0 {
		return voucher.Claims{OnVoucher: on}, err
	}
	all, err := count(w.countOnCampaign.int(customerNo).int(h.campaign.no))
	return voucher.Claims{OnVoucher: on, OnCampaign: all}, err
}

// freeSlot is a slot that none of the customer's standing uses of the voucher holds: the one above the
// highest. Slots only tell uses apart; how many there may be is the rules' business.
func (w *writer) freeSlot(customerNo, voucherNo int64) (int64, error) {
	highest, err := count(w.lastSlot.int(customerNo).int(voucherNo))
	return highest + 1, err
}

const (
	countClaimsQuery = "SELECT count(*) FROM redemption WHERE customer_no = ? AND voucher_no = ? AND slot > 0"
	// Along the customer's ledger: what a campaign gave is a redemption's entry (kind 1) from its funding account.
	countOnCampaignQuery = `SELECT count(*) FROM transfer t CROSS JOIN redemption r ON r.id = t.id
		WHERE t.customer_no = ? AND t.kind = 1 AND t.debit = -? AND r.slot > 0`
	firstClaimWhere = "WHERE r.customer_no = ? AND r.voucher_no = ? AND r.slot > 0 ORDER BY r.rank LIMIT 1"
)

// count runs a query of one number.
func count(q *stmt) (int64, error) {
	if _, err := q.row(); err != nil {
		return 0, err
	}
	n := q.nextInt()
	return n, q.done()
}

// firstClaim is a customer's first standing redemption of a voucher.
func firstClaim(q *stmt, customerNo, voucherNo int64) (*voucher.Redemption, error) {
	found, err := q.int(customerNo).int(voucherNo).row()
	if err != nil || !found {
		return nil, err
	}
	r := q.nextRedemption()
	return r, q.done()
}
