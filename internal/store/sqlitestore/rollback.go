package sqlitestore

import (
	"fmt"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// redemption returns one as it is now, or nil.
func (w *writer) redemption(redemption id.ID) (*voucher.Redemption, error) {
	r, _, err := w.redemptionOf(redemption)
	return r, err
}

// redemptionOf returns one with its customer's number, or nil.
func (w *writer) redemptionOf(redemption id.ID) (*voucher.Redemption, int64, error) {
	q := &w.getRedemption
	found, err := q.id(redemption).row()
	if err != nil || !found {
		return nil, 0, err
	}
	customerNo := q.nextInt()
	q.nextInt() // the voucher's number
	r := q.nextRedemption()
	return r, customerNo, q.done()
}

// rollBack reverses a redemption: its use is open again, and the money goes back the way it came.
func (w *writer) rollBack(c *store.Rollback, out *store.Outcome) error {
	if c.Again {
		done, err := w.replayRollback(c.ID, out)
		if done || err != nil {
			return err
		}
	}
	r, customerNo, err := w.redemptionOf(c.Redemption)
	if err != nil {
		return err
	}
	if r == nil {
		out.Refusal = fault.ErrRedemptionNotFound
		return nil
	}
	if c.Key != "" {
		used, err := w.replayedKey(customerNo, c.Key, kindRollback, c.Fingerprint, out)
		if err != nil || out.Refusal != nil {
			return err
		}
		if used != nil {
			_, err := w.replayRollback(used.id, out)
			return err
		}
	}
	h, err := w.voucherOf(r.VoucherID)
	if err != nil {
		return err
	}
	if h == nil {
		return fmt.Errorf("redemption %s has no voucher", r.ID.Format(id.Redemption))
	}
	err = w.reverse(c, r, h, customerNo, out)
	out.Fact = voucher.FactOf(&h.campaign.c, &h.v, w.now)
	return err
}

func (w *writer) reverse(c *store.Rollback, r *voucher.Redemption, h *hotVoucher, customerNo int64, out *store.Outcome) error {
	if !r.RolledBackAt.IsZero() {
		out.Refusal = fault.ErrAlreadyRolledBack
		return nil
	}
	p, err := w.purse(r.Customer, customerNo, r.Currency)
	if err != nil {
		return err
	}
	t := ledger.Transfer{
		ID: c.ID, Customer: r.Customer, Currency: r.Currency, Seq: p.seq + 1, Kind: ledger.Rollback,
		Debit:  ledger.WalletOf(r.Customer, r.Currency),
		Credit: ledger.FundingOf(r.CampaignID, r.Currency),
		Amount: r.AmountMinor, At: w.now,
	}
	if r.Effect == voucher.Discount {
		t.Debit = ledger.Account{Kind: ledger.Merchant, Currency: r.Currency}
	}
	var refusal *fault.Error
	if t.Balance, refusal = t.Apply(p.balance); refusal != nil {
		out.Refusal = refusal
		return nil
	}
	if err := w.write(&p, &t, h.campaign); err != nil {
		return err
	}
	err = w.addRollback.id(c.ID).id(r.ID).int(t.Seq).int(t.Balance).text(c.Reason).text(c.Key).int(w.now.UnixMicro()).exec()
	if err != nil {
		return err
	}
	if err := w.giveBack.int(w.now.UnixMicro()).id(c.ID).id(r.ID).execOne(w.conn); err != nil {
		return err
	}
	if c.Key != "" {
		if err := w.writeKey(customerNo, c.Key, kindRollback, c.ID, c.Fingerprint, ""); err != nil {
			return err
		}
	}
	r.RolledBackAt, r.RollbackID = w.now, c.ID
	out.Redemption = r
	out.Rollback = &voucher.Rollback{
		ID: c.ID, RedemptionID: r.ID, VoucherID: r.VoucherID, Customer: r.Customer,
		AmountMinor: r.AmountMinor, Currency: r.Currency, BalanceMinor: t.Balance, Seq: t.Seq,
		Reason: c.Reason, Key: c.Key, At: w.now,
	}
	w.reopen(h)
	return nil
}

// reopen gives a use back, one version up, so that no older fact about the voucher counts any more. With
// a budget, its campaign's other vouchers may be open again too.
func (w *writer) reopen(h *hotVoucher) {
	h.v.Redeemed--
	h.v.Version++
	h.dirty = true
	if b := h.campaign.c.Budget; b.AmountMinor != 0 || b.Count != 0 {
		h.campaign.c.Version++
	}
	h.campaign.c.Redeemed--
}

// replayRollback answers with a rollback that is there already, and reports whether it is.
func (w *writer) replayRollback(rollback id.ID, out *store.Outcome) (bool, error) {
	q := &w.getRollback
	found, err := q.id(rollback).row()
	if err != nil || !found {
		return false, err
	}
	b := &voucher.Rollback{ID: rollback, RedemptionID: q.nextID(), Seq: q.nextInt(), BalanceMinor: q.nextInt(), Reason: q.nextText(), Key: q.nextText(), At: q.nextTime()}
	if err := q.done(); err != nil {
		return false, err
	}
	r, err := w.redemption(b.RedemptionID)
	if err != nil {
		return false, err
	}
	if r == nil {
		return false, fmt.Errorf("rollback %s has no redemption", rollback.Format(id.Rollback))
	}
	b.VoucherID, b.Customer, b.AmountMinor, b.Currency = r.VoucherID, r.Customer, r.AmountMinor, r.Currency
	out.Rollback, out.Redemption, out.Replayed = b, r, true
	return true, nil
}

// voucherOf returns a voucher by its id, or nil.
func (w *writer) voucherOf(v id.ID) (*hotVoucher, error) {
	found, err := w.voucherByID.id(v).row()
	if err != nil || !found {
		return nil, err
	}
	key := w.voucherByID.nextText()
	if err := w.voucherByID.done(); err != nil {
		return nil, err
	}
	return w.voucherByKey(key)
}
