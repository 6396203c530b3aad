package pgstore

import (
	"fmt"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// judge decides one command on the working set, and does there what was granted.
func (w *working) judge(c store.Command, out *store.Outcome) error {
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

func (w *working) redeem(c *store.Redeem, out *store.Outcome) error {
	if c.Again {
		if r, done := w.redemptions[c.ID]; done {
			out.Redemption, out.Replayed = r.copied(), true
			return nil
		}
	}
	effect, found, refusal := w.replayed(c.Customer, c.Key, kindRedeem, c.Fingerprint)
	if refusal != nil {
		out.Refusal = refusal
		return nil
	}
	if found {
		return w.replayRedemption(effect, out)
	}
	h, known := w.codes[c.Code]
	if !known {
		out.Refusal, out.Fact = fault.ErrVoucherNotFound, voucher.UnknownFact(c.Code)
		return nil
	}
	if h.campaign == nil {
		return fmt.Errorf("voucher %s: %w", h.v.ID.Format(id.Voucher), errMoved)
	}
	err := w.redeemVoucher(c, h, out)
	out.Fact = voucher.FactOf(&h.campaign.c, &h.v, w.now)
	return err
}

func (w *working) replayRedemption(redemption id.ID, out *store.Outcome) error {
	r, known := w.redemptions[redemption]
	if !known {
		return fmt.Errorf("a key's redemption %s is missing", redemption.Format(id.Redemption))
	}
	out.Redemption, out.Replayed = r.copied(), true
	return nil
}

func (w *working) redeemVoucher(c *store.Redeem, h *hotVoucher, out *store.Outcome) error {
	campaign := &h.campaign.c
	held := w.claim(c.Customer, h.v.ID)
	ofCampaign := holder{c.Customer, campaign.ID}
	mine := voucher.Claims{OnVoucher: held.standing, OnCampaign: w.uses[ofCampaign]}
	grant, refusal := voucher.Judge(campaign, &h.v, mine, c.Customer, c.Order, w.now)
	if refusal != nil {
		out.Refusal = refusal
		if refusal.Is(fault.ErrAlreadyRedeemed) {
			out.Redemption = held.receipt()
		}
		return nil
	}
	t := w.newTransfers.next()
	*t = ledger.Transfer{
		ID: c.ID, Customer: c.Customer, Currency: campaign.Currency, Kind: ledger.Redemption,
		Debit:  h.campaign.funding,
		Credit: given(campaign.Effect.Kind, c.Customer, campaign),
		Amount: grant.AmountMinor, At: w.now,
	}
	if refusal, err := w.enter(campaign.ID, t); refusal != nil || err != nil {
		out.Refusal = refusal
		return err
	}
	held.standing++
	held.highest++
	r := w.newRedemptions.next()
	r.Redemption, r.slot = receiptOf(c, h, grant, t), held.highest
	held.first = append(held.first, r)
	if campaign.Budget.PerCustomer != 0 {
		w.uses[ofCampaign]++
	}
	h.v.Redeemed++
	h.v.Ranked = grant.Rank
	campaign.Redeemed++
	campaign.GivenMinor += grant.AmountMinor
	h.dirty, h.campaign.dirty = true, true
	w.redemptions[r.ID] = r
	w.made.redemptions = append(w.made.redemptions, r)
	w.remember(c.Customer, c.Key, kindRedeem, c.ID, c.Fingerprint)
	out.Redemption = r.copied()
	return nil
}

// given is the account that an effect credits.
func given(k voucher.EffectKind, customer string, c *voucher.Campaign) ledger.Account {
	if k == voucher.Discount {
		return ledger.Account{Kind: ledger.Merchant, Currency: c.Currency}
	}
	return ledger.WalletOf(customer, c.Currency)
}

func receiptOf(c *store.Redeem, h *hotVoucher, grant voucher.Grant, t *ledger.Transfer) voucher.Redemption {
	r := voucher.Redemption{
		ID: c.ID, VoucherID: h.v.ID, CampaignID: h.v.CampaignID, Code: h.v.Code, Customer: c.Customer,
		Rank: grant.Rank, Limit: h.v.Limit, Effect: h.campaign.c.Effect.Kind,
		AmountMinor: t.Amount, Currency: t.Currency,
		BalanceMinor: t.Balance, Seq: t.Seq, Key: c.Key, At: t.At,
	}
	if r.Effect == voucher.Discount {
		r.Order = *c.Order
	}
	return r
}

// rollBack reverses a redemption: its use is open again, and the money goes back the way it came.
func (w *working) rollBack(c *store.Rollback, out *store.Outcome) error {
	if c.Again {
		if b, done := w.rollbacks[c.ID]; done {
			return w.replayRollback(b, out)
		}
	}
	r, known := w.redemptions[c.Redemption]
	if !known {
		out.Refusal = fault.ErrRedemptionNotFound
		return nil
	}
	effect, found, refusal := w.replayed(r.Customer, c.Key, kindRollback, c.Fingerprint)
	if refusal != nil {
		out.Refusal = refusal
		return nil
	}
	if found {
		b, known := w.rollbacks[effect]
		if !known {
			return fmt.Errorf("a key's rollback %s is missing", effect.Format(id.Rollback))
		}
		return w.replayRollback(b, out)
	}
	h, known := w.vouchers[r.VoucherID]
	if !known || h.campaign == nil {
		return fmt.Errorf("redemption %s: %w", r.ID.Format(id.Redemption), errMoved)
	}
	err := w.reverse(c, r, h, out)
	out.Fact = voucher.FactOf(&h.campaign.c, &h.v, w.now)
	return err
}

func (w *working) reverse(c *store.Rollback, r *redemption, h *hotVoucher, out *store.Outcome) error {
	if !r.RolledBackAt.IsZero() {
		out.Refusal = fault.ErrAlreadyRolledBack
		return nil
	}
	campaign := &h.campaign.c
	t := ledger.Transfer{
		ID: c.ID, Customer: r.Customer, Currency: r.Currency, Kind: ledger.Rollback,
		Debit:  given(r.Effect, r.Customer, campaign),
		Credit: h.campaign.funding,
		Amount: r.AmountMinor, At: w.now,
	}
	if refusal, err := w.enter(campaign.ID, &t); refusal != nil || err != nil {
		out.Refusal = refusal
		return err
	}
	r.RolledBackAt, r.RollbackID = w.now, c.ID
	if r.stored {
		w.made.undone = append(w.made.undone, r)
	}
	b := &voucher.Rollback{
		ID: c.ID, RedemptionID: r.ID, VoucherID: r.VoucherID, Customer: r.Customer,
		AmountMinor: r.AmountMinor, Currency: r.Currency, BalanceMinor: t.Balance, Seq: t.Seq,
		Reason: c.Reason, Key: c.Key, At: w.now,
	}
	w.addRollback(b)
	w.made.rollbacks = append(w.made.rollbacks, b)
	w.claim(r.Customer, r.VoucherID).standing--
	w.uses[holder{r.Customer, r.CampaignID}]--
	h.reopen(r.AmountMinor)
	w.remember(r.Customer, c.Key, kindRollback, c.ID, c.Fingerprint)
	return w.answerRollback(b, out)
}

// reopen gives a use back, one version up, so that no older fact about the voucher counts any more. With
// a budget, its campaign's other vouchers may be open again too.
func (h *hotVoucher) reopen(amount int64) {
	c := &h.campaign.c
	h.v.Redeemed--
	h.v.Version++
	if c.Budget.AmountMinor != 0 || c.Budget.Count != 0 {
		c.Version++
	}
	c.Redeemed--
	c.GivenMinor -= amount
	h.dirty, h.campaign.dirty = true, true
}

// replayRollback answers with a rollback that is there already.
func (w *working) replayRollback(b *voucher.Rollback, out *store.Outcome) error {
	out.Replayed = true
	return w.answerRollback(b, out)
}

func (w *working) answerRollback(b *voucher.Rollback, out *store.Outcome) error {
	r, known := w.redemptions[b.RedemptionID]
	if !known {
		return fmt.Errorf("rollback %s has no redemption", b.ID.Format(id.Rollback))
	}
	answer := *b
	answer.VoucherID, answer.AmountMinor, answer.Currency = r.VoucherID, r.AmountMinor, r.Currency
	out.Redemption, out.Rollback = r.copied(), &answer
	return nil
}

// enter writes transfers of different wallets into the ledger, all or none, and completes each with its
// Seq and its Balance. The funding account of the campaign, if there is one, is its row's business.
func (w *working) enter(campaign id.ID, transfers ...*ledger.Transfer) (refusal *fault.Error, err error) {
	for _, t := range transfers {
		if !t.Sound() {
			return nil, fmt.Errorf("transfer %s is not sound", t.ID.Format(id.Transaction))
		}
		p := w.purse(store.WalletRef{Customer: t.Customer, Currency: t.Currency})
		after, refusal := t.Apply(p.balance)
		if refusal != nil {
			return refusal, nil
		}
		t.Balance, t.Seq = after, p.seq+1
	}
	for _, t := range transfers {
		p := w.purse(store.WalletRef{Customer: t.Customer, Currency: t.Currency})
		p.balance, p.seq, p.dirty = t.Balance, t.Seq, true
		w.move(t.Debit, -t.Amount)
		w.move(t.Credit, t.Amount)
		w.made.transfers = append(w.made.transfers, entry{t, campaign})
	}
	return nil, nil //nolint:nilnil // neither refused nor failed
}

func (w *working) move(a ledger.Account, minor int64) {
	if a.Kind != ledger.Wallet && a.Kind != ledger.Funding {
		w.accounts[a] = w.accounts[a].Add(minor)
	}
}
