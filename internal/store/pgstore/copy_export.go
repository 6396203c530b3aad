package pgstore

import (
	"context"
	"fmt"
	"math/big"

	"github.com/jackc/pgx/v5"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// Export tells all that the database holds, from one snapshot. The rows are read as they arrive; what must be
// sorted is sorted by the server, on its disk if need be.
func (s *Store) Export(ctx context.Context, after store.Place, yield func(store.Record) error) error {
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, s.readers, snapshot, func(tx pgx.Tx) error {
		// It takes as long as yield does, and ends with ctx.
		for _, limit := range []string{"statement_timeout", "idle_in_transaction_session_timeout"} {
			if _, err := tx.Exec(ctx, "SET LOCAL "+limit+" = 0"); err != nil {
				return err
			}
		}
		return export(ctx, tx, after, yield)
	})
}

// telling is how the records of one kind are told.
type telling struct {
	kind  store.RecordKind
	query string // the records behind a place, in order
	args  func(after store.Place) []any
	scan  func(row pgx.CollectableRow) (store.Record, error)
}

// export tells what a transaction sees behind a place.
func export(ctx context.Context, tx pgx.Tx, after store.Place, yield func(store.Record) error) error {
	for _, t := range tellings() {
		from, ahead := after.From(t.kind)
		if !ahead {
			continue
		}
		rows, err := tx.Query(ctx, t.query, t.args(from)...)
		if err == nil {
			err = t.tell(rows, yield)
		}
		if err != nil {
			return fmt.Errorf("tell the %s: %w", t.kind, err)
		}
	}
	if from, ahead := after.From(store.UnsealedKind); ahead {
		return exportUnsealed(ctx, tx, from, yield)
	}
	return nil
}

func (t *telling) tell(rows pgx.Rows, yield func(store.Record) error) error {
	defer rows.Close()
	for rows.Next() {
		r, err := t.scan(rows)
		if err != nil { // a row that belongs to nothing has no code, no customer, no amount
			return fmt.Errorf("a row can't be read; `scrip verify` tells what is wrong: %w", err)
		}
		if err := yield(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// The places, as arguments.

func byID(after store.Place) []any          { return []any{[16]byte(after.ID)} }
func byOwnedID(after store.Place) []any     { return []any{[16]byte(after.ID), after.Customer} }
func byOwnedText(after store.Place) []any   { return []any{after.Customer, after.Text} }
func byWalletSeq(after store.Place) []any   { return []any{after.Customer, after.Text, after.Seq} }
func byAccountKind(after store.Place) []any { return []any{after.Text, after.Seq} }

// tellings are all kinds, in order. What belongs to nothing is told as well, so that reading it fails.
func tellings() []telling {
	return []telling{
		{store.CampaignKind, "SELECT" + campaignColumns + "FROM campaign c WHERE c.id > $1 ORDER BY c.id", byID, tellCampaign},
		{store.VoucherKind, "SELECT" + voucherColumns + "FROM voucher v WHERE v.id > $1 ORDER BY v.id", byID, tellVoucher},
		{store.WalletKind, `SELECT w.customer, w.currency, w.balance, w.seq FROM wallet w
			WHERE (w.customer, w.currency) > ($1, $2) ORDER BY w.customer, w.currency`, byOwnedText, tellWallet},
		{store.TransferKind, "SELECT" + transferColumns + transferFrom + `
			WHERE (t.customer, t.currency, t.seq) > ($1, $2, $3) ORDER BY t.customer, t.currency, t.seq`, byWalletSeq, tellTransfer},
		{store.AccountKind, `SELECT a.kind, a.currency, a.balance::text FROM account a
			WHERE (a.currency, a.kind) > ($1, $2) ORDER BY a.currency, a.kind`, byAccountKind, tellAccount},
		{store.RedemptionKind, "SELECT" + redemptionColumns + `FROM redemption r LEFT JOIN voucher v ON v.id = r.voucher_id
			WHERE (r.id, r.customer) > ($1, $2) ORDER BY r.id, r.customer`, byOwnedID, tellRedemption},
		{store.RollbackKind, `SELECT b.id, b.redemption_id, r.voucher_id, b.customer, r.amount, r.currency, b.balance, b.seq, b.reason, b.idempotency, b.at
			FROM rollback b LEFT JOIN redemption r ON r.id = b.redemption_id AND r.customer = b.customer
			WHERE (b.id, b.customer) > ($1, $2) ORDER BY b.id, b.customer`, byOwnedID, tellRollback},
		{store.PostKind, `SELECT p.id, p.kind, p.customer, p.currency, p.seq, p.to_customer, p.to_seq FROM post p
			WHERE (p.id, p.customer) > ($1, $2) ORDER BY p.id, p.customer`, byOwnedID, tellPost},
		{store.KeyKind, `SELECT i.customer, i.key, i.kind, i.id, i.fingerprint, i.snapshot FROM idempotency i
			WHERE (i.customer, i.key) > ($1, $2) ORDER BY i.customer, i.key`, byOwnedText, tellKey},
		{store.AccessKeyKind, "SELECT" + accessKeyColumns + "FROM api_key k WHERE k.id > $1 ORDER BY k.id", byID, tellAccessKey},
		{store.EventKind, "SELECT" + eventColumns + "FROM audit_event e WHERE e.id > $1 ORDER BY e.id", byID, tellEvent},
		{store.SealKind, "SELECT" + sealColumns + ", s.members FROM seal s WHERE s.number > $1 ORDER BY s.number", bySealNumber, tellSeal},
	}
}

func tellCampaign(row pgx.CollectableRow) (store.Record, error) {
	c, err := scanCampaign(row)
	return (*store.CampaignRecord)(&c), err
}

func tellVoucher(row pgx.CollectableRow) (store.Record, error) {
	v, err := scanVoucher(row)
	return (*store.VoucherRecord)(&v), err
}

func tellWallet(row pgx.CollectableRow) (store.Record, error) {
	w := &store.WalletRecord{}
	return w, row.Scan(&w.Customer, (*string)(&w.Currency), &w.BalanceMinor, &w.Seq)
}

func tellTransfer(row pgx.CollectableRow) (store.Record, error) {
	t, err := scanTransfer(row)
	return (*store.TransferRecord)(&t), err
}

func tellAccount(row pgx.CollectableRow) (store.Record, error) {
	a := &store.AccountRecord{}
	var balance string
	err := row.Scan((*uint8)(&a.Kind), (*string)(&a.Currency), &balance)
	if err == nil {
		a.Balance, err = sumOf(balance)
	}
	return a, err
}

// sumOf reads the decimal form of a sum.
func sumOf(decimal string) (ledger.Sum, error) {
	n, whole := new(big.Int).SetString(decimal, 10)
	if !whole {
		return ledger.Sum{}, fmt.Errorf("a balance of %s is not whole", decimal)
	}
	hi := new(big.Int).Rsh(n, 64) // rounds down, as two's complement does
	if !hi.IsInt64() {
		return ledger.Sum{}, fmt.Errorf("a balance of %s exceeds 128 bits", decimal)
	}
	return ledger.Sum{Hi: hi.Int64(), Lo: n.Sub(n, new(big.Int).Lsh(hi, 64)).Uint64()}, nil
}

func tellRedemption(row pgx.CollectableRow) (store.Record, error) {
	r, err := scanRedemption(row)
	return (*store.RedemptionRecord)(&r), err
}

func tellRollback(row pgx.CollectableRow) (store.Record, error) {
	b := &voucher.Rollback{}
	err := row.Scan((*uid)(&b.ID), (*uid)(&b.RedemptionID), (*uid)(&b.VoucherID), &b.Customer, &b.AmountMinor, (*string)(&b.Currency),
		&b.BalanceMinor, &b.Seq, &b.Reason, &b.Key, (*instant)(&b.At))
	return (*store.RollbackRecord)(b), err
}

func tellPost(row pgx.CollectableRow) (store.Record, error) {
	p := &store.PostRecord{}
	return p, row.Scan((*uid)(&p.ID), (*uint8)(&p.Kind), &p.Customer, (*string)(&p.Currency), &p.Seq, &p.To, &p.ToSeq)
}

func tellKey(row pgx.CollectableRow) (store.Record, error) {
	k := &store.KeyRecord{}
	var fingerprint []byte
	err := row.Scan(&k.Customer, &k.Key, (*uint8)(&k.Kind), (*uid)(&k.ID), &fingerprint, &k.Snapshot)
	if err == nil && copy(k.Fingerprint[:], fingerprint) != len(k.Fingerprint) {
		err = fmt.Errorf("the fingerprint of key %q has %d bytes", k.Key, len(fingerprint))
	}
	if k.Kind == store.CreateCommand {
		k.ID = id.ID{} // a number of this database's own
	}
	return k, err
}

func tellAccessKey(row pgx.CollectableRow) (store.Record, error) {
	k, err := scanAccessKey(row)
	return (*store.AccessKeyRecord)(&k), err
}

func tellEvent(row pgx.CollectableRow) (store.Record, error) {
	e, err := scanEvent(row)
	return (*store.EventRecord)(&e), err
}

// funderOf is the campaign whose funding account one side of a ledger entry is, or the zero id.
func funderOf(t *store.TransferRecord) (id.ID, error) {
	for _, a := range []ledger.Account{t.Debit, t.Credit} {
		if a.Kind == ledger.Funding {
			campaign, err := id.Parse(id.Campaign, a.Owner)
			if err != nil {
				return campaign, fmt.Errorf("%s: its funding account %q: %w", t, a.Owner, err)
			}
			return campaign, nil
		}
	}
	return id.ID{}, nil
}
