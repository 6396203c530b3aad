package sqlitestore

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// writer is the one connection that changes the file. Everything in it is guarded by Store.mu.
//
// Invariant: between transactions, vouchers and campaigns hold nothing but what the file holds. The
// store is the file's only writer, so they need not be read again; after a transaction that failed they
// are forgotten.
type writer struct {
	conn *sqlite.Conn

	begin, commit, rollback stmt

	findCustomer, addCustomer, lastCustomer          stmt
	findWallet                                       stmt
	addTransfer, findTransfer                        stmt
	addRedemption, getRedemption, firstClaim         stmt
	countClaims, countOnCampaign, lastSlot, giveBack stmt
	addRollback, getRollback                         stmt
	addPost, getPost                                 stmt
	addKey, findKey                                  stmt
	findVoucher, setVoucher                          stmt
	getCampaign, findCampaign, setCampaign           stmt
	findAccount, addAccount, setAccount              stmt
	addCampaign, addVoucher                          stmt
	amendVoucher, amendCampaign, voucherByID         stmt
	addUnsealed                                      stmt
	addNewcomers, sweepNewcomers, addCustomers       stmt

	vouchers     map[string]*hotVoucher // by the code's key
	campaigns    map[int64]*hotCampaign // by number
	accounts     map[ledger.Account]*hotAccount
	nextCustomer int64
	now          time.Time // the time of the running transaction

	newcomers *newcomers
	appeared  map[string]int64 // in the running transaction
	names     []string         // theirs, in the order of their numbers
	joining   []string         // who joins the table customer in it
	sweeping  bool             // whether it takes the last of a generation from the table newcomer

	unsealed []ledger.Transfer           // what the running transaction wrote
	named    map[int64][]ledger.Transfer // the same, by the rows of unsealed that name it
	recent   recent                      // what was committed and is not sealed
}

// hotVoucher is a voucher in use, with what the running transaction did to its counters.
type hotVoucher struct {
	no       int64
	v        voucher.Voucher
	campaign *hotCampaign
	dirty    bool
}

type hotCampaign struct {
	no    int64
	c     voucher.Campaign
	dirty bool
}

// hotAccount is an account that is neither a wallet nor a campaign's. They are few, and each is written
// once a batch, however many entries it has.
type hotAccount struct {
	no      int64
	balance ledger.Sum
	dirty   bool
}

// hotMax bounds the vouchers kept between transactions. It is a cache, not a limit: a crowd uses a few
// codes, and a run of unique codes uses each once.
const hotMax = 1024

func (w *writer) prepare() error {
	for query, q := range map[string]*stmt{
		"BEGIN IMMEDIATE": &w.begin,
		"COMMIT":          &w.commit,
		"ROLLBACK":        &w.rollback,

		"SELECT no FROM customer WHERE ref = ?":                                                                    &w.findCustomer,
		"INSERT OR IGNORE INTO customer (ref, no) VALUES (?, ?)":                                                   &w.addCustomer, // some joined before the file was closed
		"INSERT OR IGNORE INTO customer (ref, no) VALUES (?, ?)" + strings.Repeat(", (?, ?)", joinedTogether-1):    &w.addCustomers,
		"INSERT INTO newcomer (first, names) VALUES (?, ?)":                                                        &w.addNewcomers,
		`DELETE FROM newcomer WHERE first IN (SELECT first FROM newcomer WHERE first <= ? ORDER BY first LIMIT ?)`: &w.sweepNewcomers,
		"SELECT coalesce(max(customer_no), 0) FROM transfer":                                                       &w.lastCustomer,
		"SELECT balance, seq" + newestEntry:                                                                        &w.findWallet,
		`INSERT INTO transfer (customer_no, currency, seq, id, kind, debit, credit, amount, balance, at, queued)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`: &w.addTransfer,
		"INSERT INTO unsealed (at, n, lost, refs) VALUES (?, ?, ?, ?)":                                         &w.addUnsealed,
		"SELECT" + transferColumns + transferFrom + "WHERE t.customer_no = ? AND t.currency = ? AND t.seq = ?": &w.findTransfer,

		`INSERT INTO redemption (id, customer_no, customer, voucher_no, slot, rank, max_uses, effect_kind, amount, currency,
			order_id, order_amount, balance, seq, idempotency, at, rolled_back_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`: &w.addRedemption,
		"SELECT r.customer_no, r.voucher_no," + redemptionColumns + redemptionFrom + "WHERE r.id = ?": &w.getRedemption,
		"SELECT" + redemptionColumns + redemptionFrom + firstClaimWhere:                               &w.firstClaim,
		countClaimsQuery:     &w.countClaims,
		countOnCampaignQuery: &w.countOnCampaign,
		"SELECT coalesce(max(slot), 0) FROM redemption WHERE customer_no = ? AND voucher_no = ? AND slot > 0":          &w.lastSlot,
		"UPDATE redemption SET slot = -rank, rolled_back_at = ?, rollback_id = ? WHERE id = ? AND rolled_back_at = 0":  &w.giveBack,
		"INSERT INTO rollback (id, redemption_id, seq, balance, reason, idempotency, at) VALUES (?, ?, ?, ?, ?, ?, ?)": &w.addRollback,
		"SELECT redemption_id, seq, balance, reason, idempotency, at FROM rollback WHERE id = ?":                       &w.getRollback,
		"INSERT INTO post (id, kind, customer_no, currency, seq, to_no, to_seq) VALUES (?, ?, ?, ?, ?, ?, ?)":          &w.addPost,
		"SELECT customer_no, currency, seq FROM post WHERE id = ?":                                                     &w.getPost,
		"INSERT INTO idempotency (customer_no, key, kind, id, fingerprint, snapshot) VALUES (?, ?, ?, ?, ?, ?)":        &w.addKey,
		"SELECT kind, id, fingerprint, snapshot FROM idempotency WHERE customer_no = ? AND key = ?":                    &w.findKey,
		"SELECT" + voucherColumns + ", v.campaign_no FROM voucher v WHERE v.code_key = ?":                              &w.findVoucher,
		"UPDATE voucher SET redeemed = ?, ranked = ?, version = ? WHERE no = ?":                                        &w.setVoucher,
		"SELECT" + campaignColumns + "FROM campaign c WHERE c.id = ?":                                                  &w.findCampaign,
		"SELECT" + campaignColumns + "FROM campaign c WHERE c.no = ?":                                                  &w.getCampaign,
		"UPDATE campaign SET redeemed = ?, given = ?, version = ? WHERE no = ?":                                        &w.setCampaign,
		"SELECT no, balance_hi, balance_lo FROM account WHERE kind = ? AND currency = ?":                               &w.findAccount,
		"INSERT INTO account (kind, currency, balance_hi, balance_lo) VALUES (?, ?, 0, 0)":                             &w.addAccount,
		"UPDATE account SET balance_hi = ?, balance_lo = ? WHERE no = ?":                                               &w.setAccount,
		`INSERT INTO campaign (id, name, currency, effect_kind, effect_amount, effect_percent_bp, effect_max, starts_at, ends_at,
			budget_amount, budget_count, budget_per_customer, disabled, given, redeemed, version, created_at, updated_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 1, ?, ?)`: &w.addCampaign,
		`INSERT INTO voucher (id, campaign_no, code, code_key, max_uses, per_customer, customer, disabled, redeemed, ranked,
			version, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 1, ?, ?)`: &w.addVoucher,
		"UPDATE voucher SET max_uses = ?, per_customer = ?, customer = ?, disabled = ?, version = ?, updated_at = ? WHERE no = ?": &w.amendVoucher,
		`UPDATE campaign SET name = ?, starts_at = ?, ends_at = ?, budget_amount = ?, budget_count = ?, budget_per_customer = ?,
			disabled = ?, version = ?, updated_at = ? WHERE no = ?`: &w.amendCampaign,
		"SELECT code_key FROM voucher WHERE id = ?": &w.voucherByID,
	} {
		s, err := w.conn.Prepare(query)
		if err != nil {
			return fmt.Errorf("prepare %q: %w", query, err)
		}
		q.s = s
	}
	w.forget()
	if _, err := w.lastCustomer.row(); err != nil {
		return err
	}
	w.nextCustomer = w.lastCustomer.nextInt() + 1
	return w.lastCustomer.done()
}

// forget drops what is kept between transactions.
func (w *writer) forget() {
	w.vouchers = make(map[string]*hotVoucher)
	w.campaigns = make(map[int64]*hotCampaign)
	w.accounts = make(map[ledger.Account]*hotAccount)
}

// tx runs do as one durable unit. Its error says whether that surely did not happen.
func (w *writer) tx(now time.Time, do func() error) error {
	w.now, w.unsealed = now, make([]ledger.Transfer, 0, len(w.unsealed)) // those of before are kept for the sealer
	w.names, w.joining, w.sweeping = w.names[:0], nil, false
	clear(w.named)
	clear(w.appeared)
	if len(w.vouchers) > hotMax {
		w.forget()
	}
	firstCustomer := w.nextCustomer
	abandon := func(err error) error {
		w.nextCustomer = firstCustomer
		w.forget()
		if !w.conn.AutocommitEnabled() {
			if rollback := w.rollback.exec(); rollback != nil {
				err = errors.Join(err, rollback)
			}
		}
		return err
	}
	if err := w.begin.exec(); err != nil {
		return abandon(fmt.Errorf("%w: begin: %w", store.ErrNotApplied, err))
	}
	err := do()
	if err == nil {
		err = w.flushHot()
	}
	if err == nil {
		err = w.flushUnsealed()
	}
	if err == nil {
		err = w.flushNewcomers()
	}
	if err != nil {
		return abandon(fmt.Errorf("%w: %w", store.ErrNotApplied, err))
	}
	// gofail: var sqliteBeforeCommit struct{}
	if err := w.commit.exec(); err != nil {
		return abandon(fmt.Errorf("%w: commit: %w", commitFate(err), err))
	}
	// gofail: var sqliteAfterCommit struct{}
	for no, ts := range w.named {
		w.recent.add(no, ts)
	}
	w.committedNewcomers()
	return nil
}

// commitFate tells what a failed COMMIT leaves. A full disk or a busy file is found before the commit
// record stands; after any other failure (of the sync, say) the record may stand in the log.
func commitFate(err error) error {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultFull, sqlite.ResultBusy, sqlite.ResultConstraint:
		return store.ErrNotApplied
	default:
		return store.ErrFateUnknown
	}
}

// flushHot writes the counters that the transaction moved: each voucher, campaign and account
// once, however many redemptions there were. The table's own constraints stand behind the arithmetic.
func (w *writer) flushHot() error {
	for _, h := range w.vouchers {
		if !h.dirty {
			continue
		}
		h.dirty = false
		if err := w.setVoucher.int(h.v.Redeemed).int(h.v.Ranked).int(h.v.Version).int(h.no).execOne(w.conn); err != nil {
			return fmt.Errorf("voucher %s: %w", h.v.ID.Format(id.Voucher), err)
		}
	}
	for _, h := range w.campaigns {
		if !h.dirty {
			continue
		}
		h.dirty = false
		if err := w.setCampaign.int(h.c.Redeemed).int(h.c.GivenMinor).int(h.c.Version).int(h.no).execOne(w.conn); err != nil {
			return fmt.Errorf("campaign %s: %w", h.c.ID.Format(id.Campaign), err)
		}
	}
	for a, h := range w.accounts {
		if !h.dirty {
			continue
		}
		h.dirty = false
		if err := w.setAccount.int(h.balance.Hi).int(int64(h.balance.Lo)).int(h.no).execOne(w.conn); err != nil { //nolint:gosec // two's complement
			return fmt.Errorf("%s account: %w", a.Kind, err)
		}
	}
	return nil
}

// voucherByKey returns the voucher with a code, or nil.
func (w *writer) voucherByKey(key string) (*hotVoucher, error) {
	if h, ok := w.vouchers[key]; ok {
		return h, nil
	}
	found, err := w.findVoucher.text(key).row()
	if err != nil || !found {
		return nil, err
	}
	no, v := w.findVoucher.nextVoucher()
	campaignNo := w.findVoucher.nextInt()
	if err := w.findVoucher.done(); err != nil {
		return nil, err
	}
	c, err := w.campaignByNo(campaignNo)
	if err != nil {
		return nil, err
	}
	v.CampaignID = c.c.ID
	h := &hotVoucher{no: no, v: *v, campaign: c}
	w.vouchers[key] = h
	return h, nil
}

func (w *writer) campaignByNo(no int64) (*hotCampaign, error) {
	if h, ok := w.campaigns[no]; ok {
		return h, nil
	}
	found, err := w.getCampaign.int(no).row()
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("campaign number %d is missing", no)
	}
	_, c := w.getCampaign.nextCampaign()
	if err := w.getCampaign.done(); err != nil {
		return nil, err
	}
	h := &hotCampaign{no: no, c: *c}
	w.campaigns[no] = h
	return h, nil
}

// account returns an account that is neither a wallet nor a campaign's, made where it is missing.
func (w *writer) account(a ledger.Account) (*hotAccount, error) {
	if h, ok := w.accounts[a]; ok {
		return h, nil
	}
	q := &w.findAccount
	found, err := q.int(int64(a.Kind)).text(string(a.Currency)).row()
	if err != nil {
		return nil, err
	}
	h := &hotAccount{}
	if found {
		h.no, h.balance = q.nextInt(), q.nextSum()
		err = q.done()
	} else {
		err = w.addAccount.int(int64(a.Kind)).text(string(a.Currency)).exec()
		h.no = w.conn.LastInsertRowID()
	}
	if err != nil {
		return nil, err
	}
	w.accounts[a] = h
	return h, nil
}

// customerNo returns the number of a customer, or 0 for one never seen.
func (w *writer) customerNo(ref string) (int64, error) {
	if no, ok := w.appeared[ref]; ok {
		return no, nil
	}
	if no := w.newcomers.find(ref); no != 0 {
		return no, nil
	}
	found, err := w.findCustomer.text(ref).row()
	if err != nil || !found {
		return 0, err
	}
	no := w.findCustomer.nextInt()
	return no, w.findCustomer.done()
}

// purse is a customer's wallet as the running transaction sees it.
type purse struct {
	customer string
	no       int64 // 0: a customer never seen
	currency money.Currency
	balance  int64
	seq      int64 // of the newest entry; 0 for a wallet never used
}

func (w *writer) purse(customer string, no int64, c money.Currency) (purse, error) {
	p := purse{customer: customer, no: no, currency: c}
	if no == 0 {
		return p, nil
	}
	found, err := w.findWallet.int(no).text(string(c)).row()
	if err != nil || !found {
		return p, err
	}
	p.balance, p.seq = w.findWallet.nextInt(), w.findWallet.nextInt()
	return p, w.findWallet.done()
}

// write adds t to the wallet: the customer where they are new, and the ledger entry, which is the wallet's newest
// from then on. t's Seq and Balance follow from the purse, which has been asked (ledger.Transfer.Apply).
// campaign is where the money of a funding account is counted, nil if neither side is one.
func (w *writer) write(p *purse, t *ledger.Transfer, campaign *hotCampaign) error {
	if !t.Sound() {
		return fmt.Errorf("transfer %s is not sound", t.ID.Format(id.Transaction))
	}
	if p.no == 0 {
		p.no = w.appear(p.customer)
	}
	debit, err := w.side(t, t.Debit, -t.Amount, campaign)
	if err != nil {
		return err
	}
	credit, err := w.side(t, t.Credit, t.Amount, campaign)
	if err != nil {
		return err
	}
	p.balance, p.seq = t.Balance, t.Seq
	w.unsealed = append(w.unsealed, *t)
	return w.addTransfer.int(p.no).text(string(p.currency)).int(t.Seq).id(t.ID).int(int64(t.Kind)).
		int(debit).int(credit).int(t.Amount).int(t.Balance).int(t.At.UnixMicro()).exec()
}

// side moves one side of a transfer and returns its account's number: 0 for the customer's own wallet,
// whose row the caller writes, and -no for a campaign's funding.
func (w *writer) side(t *ledger.Transfer, a ledger.Account, minor int64, campaign *hotCampaign) (int64, error) {
	switch a.Kind {
	case ledger.Wallet:
		if a.Owner != t.Customer {
			return 0, fmt.Errorf("transfer %s reaches into another customer's wallet", t.ID.Format(id.Transaction))
		}
		return 0, nil
	case ledger.Funding:
		campaign.c.GivenMinor -= minor
		campaign.dirty = true
		return -campaign.no, nil
	default:
		h, err := w.account(a)
		if err != nil {
			return 0, err
		}
		h.balance = h.balance.Add(minor)
		h.dirty = true
		return h.no, nil
	}
}
