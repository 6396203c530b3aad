package sqlitestore

import (
	"context"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// Export tells all that the file holds, from one snapshot, on a connection of its own.
func (s *Store) Export(ctx context.Context, after store.Place, yield func(store.Record) error) error {
	return export(ctx, s.path, s.settled, after, yield)
}

// export opens the file for reading and tells all of it. What it must sort or keep meanwhile is on the disk, so
// that it takes little memory however large the file is. Its snapshot is begun within settled, which sees to it that
// the table customer holds everybody.
func export(ctx context.Context, path string, settled func(do func() error) error, after store.Place, yield func(store.Record) error) (err error) {
	conn, err := connect(path, sqlite.OpenReadOnly, []string{"PRAGMA cache_size = -65536", "PRAGMA temp_store = FILE"})
	if err != nil {
		return explain(path, err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	conn.SetInterrupt(ctx.Done())
	e := &exporter{reader: reader{path: path, conn: conn, stmts: make(map[string]*stmt)}, yield: yield}
	first := func(r *reader) error {
		waiting, err := count(r.stmt("SELECT count(*) FROM newcomer"))
		if err == nil && waiting != 0 {
			err = errors.New("some of its customers are not where a copy looks for them")
		}
		return err
	}
	return e.snapshotBetween(settled, first, func() error { return e.all(after) })
}

// exporter tells records on a connection. Each of its queries walks its table in the order of an index.
type exporter struct {
	reader
	yield func(store.Record) error

	importing bool // into the file that is read: its wallets are as they will be

	told int64 // records of the kind that is being told
}

// all tells what is behind a place.
func (e *exporter) all(after store.Place) error {
	for _, k := range []struct {
		kind  store.RecordKind
		count string // how many there are, where that must be as many as are told; those told first
		tell  func(after store.Place) error
	}{
		{store.CampaignKind, "SELECT count(*) FROM campaign", e.campaigns},
		{store.VoucherKind, "SELECT count(*) FROM voucher", e.vouchers},
		{store.WalletKind, "SELECT count(*) FROM (SELECT 1 FROM transfer GROUP BY customer_no, currency)", e.wallets},
		{store.TransferKind, "SELECT count(*) FROM transfer", e.transfers},
		{store.AccountKind, "SELECT count(*) FROM account", e.accounts},
		{store.RedemptionKind, "SELECT count(*) FROM redemption", e.redemptions},
		{store.RollbackKind, "SELECT count(*) FROM rollback", e.rollbacks},
		{store.PostKind, "SELECT count(*) FROM post", e.posts},
		{store.KeyKind, "SELECT count(*) FROM idempotency", e.keys},
		{store.AccessKeyKind, "SELECT count(*) FROM api_key", e.accessKeys},
		{store.EventKind, "SELECT count(*) FROM audit_event", e.events},
		{store.SealKind, "SELECT count(*) FROM seal", e.seals},
		{store.UnsealedKind, "", e.unsealed},
	} {
		from, ahead := after.From(k.kind)
		if !ahead {
			continue
		}
		e.told = 0
		if err := k.tell(from); err != nil {
			return err
		}
		if from != (store.Place{Kind: k.kind}) || k.count == "" {
			continue // what was told before is not counted
		}
		there, err := count(e.stmt(k.count))
		if err != nil {
			return err
		}
		if there != e.told {
			return fmt.Errorf("%d of %d %s belong to nothing that is there; `scrip verify` tells more", there-e.told, there, k.kind)
		}
	}
	return nil
}

// each tells a record for every row of a query.
func (e *exporter) each(q *stmt, record func() store.Record) error {
	for {
		found, err := q.row()
		if err != nil || !found {
			return err
		}
		if err := e.yield(record()); err != nil {
			return errors.Join(err, q.done())
		}
		e.told++
	}
}

func (e *exporter) campaigns(after store.Place) error {
	q := e.stmt("SELECT" + campaignColumns + "FROM campaign c WHERE c.id > ? ORDER BY c.id").id(after.ID)
	return e.each(q, func() store.Record {
		_, c := q.nextCampaign()
		return (*store.CampaignRecord)(c)
	})
}

func (e *exporter) vouchers(after store.Place) error {
	q := e.stmt("SELECT" + voucherColumns + ", c.id FROM voucher v CROSS JOIN campaign c ON c.no = v.campaign_no WHERE v.id > ? ORDER BY v.id").
		id(after.ID)
	return e.each(q, func() store.Record {
		_, v := q.nextVoucher()
		v.CampaignID = q.nextID()
		return (*store.VoucherRecord)(v)
	})
}

func (e *exporter) wallets(after store.Place) error {
	table := "transfer"
	if e.importing {
		table = "copied_wallet"
	}
	// Of a group with one max, SQLite takes the other columns from the row that has it.
	q := e.stmt(`SELECT u.ref, t.currency, t.balance, max(t.seq) FROM customer u CROSS JOIN ` + table + ` t ON t.customer_no = u.no
		WHERE u.ref >= ? AND (u.ref > ? OR t.currency > ?) GROUP BY u.ref, t.currency ORDER BY u.ref, t.currency`).
		text(after.Customer).text(after.Customer).text(after.Text)
	return e.each(q, func() store.Record {
		return &store.WalletRecord{
			WalletRef:    store.WalletRef{Customer: q.nextText(), Currency: money.Currency(q.nextText())},
			BalanceMinor: q.nextInt(), Seq: q.nextInt(),
		}
	})
}

func (e *exporter) transfers(after store.Place) error {
	q := e.stmt("SELECT u.ref, t.currency," + transferColumns + `FROM customer u CROSS JOIN transfer t ON t.customer_no = u.no
		LEFT JOIN account d ON d.no = t.debit LEFT JOIN campaign dc ON dc.no = -t.debit
		LEFT JOIN account k ON k.no = t.credit LEFT JOIN campaign kc ON kc.no = -t.credit
		WHERE u.ref >= ? AND (u.ref > ? OR t.currency > ? OR t.currency = ? AND t.seq > ?) ORDER BY u.ref, t.currency, t.seq`).
		text(after.Customer).text(after.Customer).text(after.Text).text(after.Text).int(after.Seq)
	return e.each(q, func() store.Record {
		t := q.nextTransfer(q.nextText(), money.Currency(q.nextText()))
		return (*store.TransferRecord)(&t)
	})
}

func (e *exporter) accounts(after store.Place) error {
	q := e.stmt(`SELECT kind, currency, balance_hi, balance_lo FROM account
		WHERE (currency, kind) > (?, ?) ORDER BY currency, kind`).text(after.Text).int(after.Seq)
	return e.each(q, func() store.Record {
		kind := ledger.AccountKind(q.nextInt()) //nolint:gosec // written from an AccountKind
		return &store.AccountRecord{Kind: kind, Currency: money.Currency(q.nextText()), Balance: q.nextSum()}
	})
}

func (e *exporter) redemptions(after store.Place) error {
	q := e.stmt("SELECT" + redemptionColumns + redemptionFrom + "WHERE r.id > ? ORDER BY r.id").id(after.ID)
	return e.each(q, func() store.Record { return (*store.RedemptionRecord)(q.nextRedemption()) })
}

func (e *exporter) rollbacks(after store.Place) error {
	q := e.stmt(`SELECT b.id, b.redemption_id, v.id, r.customer, r.amount, r.currency, b.balance, b.seq, b.reason, b.idempotency, b.at
		FROM rollback b CROSS JOIN redemption r ON r.id = b.redemption_id CROSS JOIN voucher v ON v.no = r.voucher_no
		WHERE b.id > ? ORDER BY b.id`).id(after.ID)
	return e.each(q, func() store.Record {
		return (*store.RollbackRecord)(&voucher.Rollback{
			ID: q.nextID(), RedemptionID: q.nextID(), VoucherID: q.nextID(), Customer: q.nextText(),
			AmountMinor: q.nextInt(), Currency: money.Currency(q.nextText()),
			BalanceMinor: q.nextInt(), Seq: q.nextInt(), Reason: q.nextText(), Key: q.nextText(), At: q.nextTime(),
		})
	})
}

// posts needs the way from a customer's number to the name, which the file has no index for: it makes one of its
// own beside the file, in order and on the disk.
func (e *exporter) posts(after store.Place) error {
	if there, err := count(e.stmt("SELECT EXISTS (SELECT 1 FROM post WHERE id > ?)").id(after.ID)); err != nil || there == 0 {
		return err
	}
	for _, query := range []string{
		"CREATE TEMP TABLE IF NOT EXISTS named (no INTEGER PRIMARY KEY, ref TEXT NOT NULL) STRICT",
		"INSERT OR IGNORE INTO temp.named SELECT no, ref FROM customer ORDER BY no",
	} {
		if err := e.stmt(query).exec(); err != nil {
			return err
		}
	}
	q := e.stmt(`SELECT p.id, p.kind, u.ref, p.currency, p.seq, coalesce(o.ref, ''), p.to_seq
		FROM post p CROSS JOIN temp.named u ON u.no = p.customer_no LEFT JOIN temp.named o ON o.no = p.to_no
		WHERE p.id > ? ORDER BY p.id`).id(after.ID)
	return e.each(q, func() store.Record {
		return &store.PostRecord{
			ID: q.nextID(), Kind: ledger.Kind(q.nextInt()), //nolint:gosec // written from a Kind
			Customer: q.nextText(), Currency: money.Currency(q.nextText()), Seq: q.nextInt(), To: q.nextText(), ToSeq: q.nextInt(),
		}
	})
}

const keyColumns = " i.key, i.kind, i.id, i.fingerprint, i.snapshot "

// keys tells those of administrators first, who have no name.
func (e *exporter) keys(after store.Place) error {
	if after.Customer == "" {
		q := e.stmt("SELECT" + keyColumns + "FROM idempotency i WHERE i.customer_no = ? AND i.key > ? ORDER BY i.key").
			int(administrators).text(after.Text)
		if err := e.each(q, func() store.Record { return q.nextKey("") }); err != nil {
			return err
		}
		after.Text = ""
	}
	q := e.stmt("SELECT u.ref," + keyColumns + `FROM customer u CROSS JOIN idempotency i ON i.customer_no = u.no
		WHERE u.ref >= ? AND (u.ref > ? OR i.key > ?) ORDER BY u.ref, i.key`).
		text(after.Customer).text(after.Customer).text(after.Text)
	return e.each(q, func() store.Record { return q.nextKey(q.nextText()) })
}

func (q *stmt) nextKey(customer string) *store.KeyRecord {
	k := &store.KeyRecord{Customer: customer, Key: q.nextText()}
	k.Kind = store.CommandKind(q.nextInt()) //nolint:gosec // written from one of few
	k.ID, k.Fingerprint, k.Snapshot = q.nextID(), q.nextFingerprint(), q.nextText()
	if k.Kind == store.CreateCommand {
		k.ID = [16]byte{} // a number of this file's own
	}
	return k
}

func (e *exporter) accessKeys(after store.Place) error {
	q := e.stmt("SELECT" + accessKeyColumns + "FROM api_key k WHERE k.id > ? ORDER BY k.id").id(after.ID)
	return e.each(q, func() store.Record {
		k := q.nextAccessKey()
		return (*store.AccessKeyRecord)(&k)
	})
}

func (e *exporter) events(after store.Place) error {
	q := e.stmt("SELECT" + eventColumns + "FROM audit_event e WHERE e.id > ? ORDER BY e.id").id(after.ID)
	return e.each(q, func() store.Record {
		event := q.nextEvent()
		return (*store.EventRecord)(&event)
	})
}
