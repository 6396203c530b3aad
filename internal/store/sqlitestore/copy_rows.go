package sqlitestore

import (
	"errors"
	"fmt"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
)

// add adds a record, and reports whether its place was free.
func (i *importer) add(w *writer, r store.Record) (bool, error) {
	var err error
	switch r := r.(type) {
	case *store.CampaignRecord:
		err = i.addCampaign(r)
	case *store.VoucherRecord:
		err = i.addVoucher(r)
	case *store.WalletRecord:
		err = i.addWallet(w, r)
	case *store.TransferRecord:
		err = i.addTransfer(w, r)
	case *store.AccountRecord:
		return i.addAccount(w, r)
	case *store.RedemptionRecord:
		err = i.addRedemption(r)
	case *store.RollbackRecord:
		err = i.r.stmt(`INSERT INTO rollback (id, redemption_id, seq, balance, reason, idempotency, at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`).id(r.ID).id(r.RedemptionID).int(r.Seq).int(r.BalanceMinor).text(r.Reason).text(r.Key).int(r.At.UnixMicro()).exec()
	case *store.PostRecord:
		err = i.addPost(r)
	case *store.KeyRecord:
		err = i.addKey(r)
	case *store.AccessKeyRecord:
		err = i.r.stmt(addAccessKeyQuery + onceOnly).accessKey((*access.Key)(r)).exec()
	case *store.EventRecord:
		err = i.r.stmt(addEventQuery + onceOnly).event((*store.Event)(r)).exec()
	case *store.SealRecord:
		err = i.r.stmt(addSealQuery + onceOnly).seal((*store.Seal)(r)).exec()
	case *store.UnsealedRecord:
		err = i.addUnsealed(r)
	default:
		return false, fmt.Errorf("no such record: %T", r)
	}
	return w.conn.Changes() > 0, errors.Join(i.r.err, err)
}

// onceOnly leaves what is there as it is.
const onceOnly = " ON CONFLICT DO NOTHING"

func (i *importer) addCampaign(c *store.CampaignRecord) error {
	return i.r.stmt(`INSERT INTO campaign (id, name, currency, effect_kind, effect_amount, effect_percent_bp, effect_max, starts_at, ends_at,
			budget_amount, budget_count, budget_per_customer, disabled, given, redeemed, version, created_at, updated_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`).
		id(c.ID).text(c.Name).text(string(c.Currency)).
		int(int64(c.Effect.Kind)).int(c.Effect.AmountMinor).int(c.Effect.PercentBP).int(c.Effect.MaxMinor).
		bound(c.Window.Start).bound(c.Window.End).
		int(c.Budget.AmountMinor).int(c.Budget.Count).int(c.Budget.PerCustomer).bool(c.Disabled).
		int(c.GivenMinor).int(c.Redeemed).int(c.Version).int(c.CreatedAt.UnixMicro()).int(c.UpdatedAt.UnixMicro()).exec()
}

func (i *importer) addVoucher(v *store.VoucherRecord) error {
	campaignNo, err := i.campaignNo(v.CampaignID)
	if err != nil {
		return err
	}
	return i.r.stmt(`INSERT INTO voucher (id, campaign_no, code, code_key, max_uses, per_customer, customer, disabled, redeemed, ranked,
			version, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`).
		id(v.ID).int(campaignNo).text(v.Code).text(v.Key).int(v.Limit).int(v.PerCustomer).text(v.Customer).bool(v.Disabled).
		int(v.Redeemed).int(v.Ranked).int(v.Version).int(v.CreatedAt.UnixMicro()).int(v.UpdatedAt.UnixMicro()).exec()
}

// addWallet keeps what the wallet will be, so that a record of it with other contents is told apart.
func (i *importer) addWallet(w *writer, r *store.WalletRecord) error {
	customerNo, err := i.customerNumber(w, r.Customer)
	if err != nil {
		return err
	}
	return i.r.stmt("INSERT INTO copied_wallet (customer_no, currency, balance, seq) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING").
		int(customerNo).text(string(r.Currency)).int(r.BalanceMinor).int(r.Seq).exec()
}

func (i *importer) addTransfer(w *writer, t *store.TransferRecord) error {
	customerNo, err := i.customerNumber(w, t.Customer)
	if err != nil {
		return err
	}
	debit, err := i.accountNo(w, t, t.Debit)
	if err != nil {
		return err
	}
	credit, err := i.accountNo(w, t, t.Credit)
	if err != nil {
		return err
	}
	return i.r.stmt(`INSERT INTO transfer (customer_no, currency, seq, id, kind, debit, credit, amount, balance, at, queued)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING`).
		int(customerNo).text(string(t.Currency)).int(t.Seq).id(t.ID).int(int64(t.Kind)).
		int(debit).int(credit).int(t.Amount).int(t.Balance).int(t.At.UnixMicro()).exec()
}

// accountNo is the number of one side of a ledger entry, as writer.side has it.
func (i *importer) accountNo(w *writer, t *store.TransferRecord, a ledger.Account) (int64, error) {
	switch a.Kind {
	case ledger.Wallet:
		if a.Owner != t.Customer {
			return 0, errors.New("it reaches into another customer's wallet")
		}
		return 0, nil
	case ledger.Funding:
		campaign, err := id.Parse(id.Campaign, a.Owner)
		if err != nil {
			return 0, fmt.Errorf("its funding account %q: %w", a.Owner, err)
		}
		no, err := i.campaignNo(campaign)
		return -no, err
	default:
		h, err := w.account(a)
		if err != nil {
			return 0, err
		}
		return h.no, nil
	}
}

// addAccount sets the balance of an account, which its first ledger entry made with none.
func (i *importer) addAccount(w *writer, r *store.AccountRecord) (bool, error) {
	h, err := w.account(ledger.Account{Kind: r.Kind, Currency: r.Currency})
	if err != nil || h.balance != (ledger.Sum{}) || r.Place().Compare(i.at) <= 0 {
		return false, err
	}
	h.balance, h.dirty = r.Balance, true
	return true, nil
}

func (i *importer) addRedemption(r *store.RedemptionRecord) error {
	customerNo, err := i.knownCustomer(r.Customer)
	if err != nil {
		return err
	}
	v, err := i.voucherRow(r.VoucherID)
	if err != nil {
		return err
	}
	q := i.r.stmt(`INSERT INTO redemption (id, customer_no, customer, voucher_no, slot, rank, max_uses, effect_kind, amount, currency,
			order_id, order_amount, balance, seq, idempotency, at, rolled_back_at, rollback_id)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`).
		id(r.ID).int(customerNo).text(r.Customer).int(v.no).int(v.slot(r)).int(r.Rank).int(r.Limit).
		int(int64(r.Effect)).int(r.AmountMinor).text(string(r.Currency)).text(r.Order.ID).int(r.Order.AmountMinor).
		int(r.BalanceMinor).int(r.Seq).text(r.Key).int(r.At.UnixMicro())
	if r.RolledBackAt.IsZero() {
		return q.int(0).null().exec()
	}
	return q.int(r.RolledBackAt.UnixMicro()).id(r.RollbackID).exec()
}

// slot is where a redemption stands among its customer's uses of the voucher. Slots need only tell standing uses
// apart and grow with the rank; the one use of a voucher that allows no more has the slot that any other
// would want.
func (v voucherRow) slot(r *store.RedemptionRecord) int64 {
	switch {
	case !r.RolledBackAt.IsZero():
		return -r.Rank
	case v.perCustomer == 1:
		return 1
	default:
		return r.Rank
	}
}

func (i *importer) addPost(p *store.PostRecord) error {
	customerNo, err := i.knownCustomer(p.Customer)
	if err != nil {
		return err
	}
	toNo := int64(0)
	if p.To != "" {
		if toNo, err = i.knownCustomer(p.To); err != nil {
			return err
		}
	}
	return i.r.stmt("INSERT INTO post (id, kind, customer_no, currency, seq, to_no, to_seq) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING").
		id(p.ID).int(int64(p.Kind)).int(customerNo).text(string(p.Currency)).int(p.Seq).int(toNo).int(p.ToSeq).exec()
}

func (i *importer) addKey(k *store.KeyRecord) error {
	owner := int64(administrators)
	if k.Customer != "" {
		var err error
		if owner, err = i.knownCustomer(k.Customer); err != nil {
			return err
		}
	}
	return i.r.stmt("INSERT INTO idempotency (customer_no, key, kind, id, fingerprint, snapshot) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING").
		int(owner).text(k.Key).int(int64(k.Kind)).id(k.ID).bytes(k.Fingerprint[:]).text(k.Snapshot).exec()
}

// customerNumber is the number of a customer, given out where there is none yet. Wallets and ledger entries come
// customer by customer, so that most often it is the last one's.
func (i *importer) customerNumber(w *writer, ref string) (int64, error) {
	no, err := i.findCustomer(ref)
	if err != nil || no != 0 {
		return no, err
	}
	no = w.nextCustomer
	w.nextCustomer++
	if err := w.addCustomer.text(ref).int(no).exec(); err != nil {
		return 0, err
	}
	i.customer, i.customerNo = ref, no
	return no, nil
}

// knownCustomer is the number of a customer who has a wallet.
func (i *importer) knownCustomer(ref string) (int64, error) {
	no, err := i.findCustomer(ref)
	if err == nil && no == 0 {
		err = fmt.Errorf("its customer %q has no wallet", ref)
	}
	return no, err
}

func (i *importer) findCustomer(ref string) (int64, error) {
	if i.customerNo != 0 && i.customer == ref {
		return i.customerNo, nil
	}
	no, err := one(i.r.stmt("SELECT no FROM customer WHERE ref = ?").text(ref))
	if err == nil && no != 0 {
		i.customer, i.customerNo = ref, no
	}
	return no, err
}

func (i *importer) campaignNo(campaign id.ID) (int64, error) {
	if no, known := i.campaigns[campaign]; known {
		return no, nil
	}
	no, err := one(i.r.stmt("SELECT no FROM campaign WHERE id = ?").id(campaign))
	if err == nil && no == 0 {
		err = fmt.Errorf("its campaign %s is not there: %w", campaign.Format(id.Campaign), fault.ErrCampaignNotFound)
	}
	if err != nil {
		return 0, err
	}
	if len(i.campaigns) > hotMax {
		clear(i.campaigns)
	}
	i.campaigns[campaign] = no
	return no, nil
}

func (i *importer) voucherRow(v id.ID) (voucherRow, error) {
	if row, known := i.vouchers[v]; known {
		return row, nil
	}
	q := i.r.stmt("SELECT no, per_customer FROM voucher WHERE id = ?").id(v)
	found, err := q.row()
	if err != nil {
		return voucherRow{}, err
	}
	if !found {
		return voucherRow{}, fmt.Errorf("its voucher %s is not there", v.Format(id.Voucher))
	}
	row := voucherRow{no: q.nextInt(), perCustomer: q.nextInt()}
	if len(i.vouchers) > hotMax {
		clear(i.vouchers)
	}
	i.vouchers[v] = row
	return row, q.done()
}
