package pgstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"scrip/internal/id"
	"scrip/internal/ledger"
)

// errRolledBack is a commit that the server answered with a rollback.
var errRolledBack = errors.New("the server rolled the transaction back")

// write records what the batch did, each table in one statement, and commits, all in one round trip. The
// order of the tables is the order of locks.
func (s *Store) write(ctx context.Context, conn *pgxpool.Conn, w *working) error {
	w.row = id.New(w.now)
	b := &pgx.Batch{}
	w.writeWallets(b)
	w.writeTransfers(b, s.wide.addTransfers)
	w.writeUndone(b)
	w.writeRedemptions(b, s.wide.addRedemptions)
	w.writeRollbacks(b)
	w.writePosts(b)
	w.writeKeys(b)
	w.writeVouchers(b)
	w.writeCampaigns(b)
	w.writeAccounts(b)
	b.Queue("COMMIT")
	err := s.commit(ctx, conn, b)
	if err == nil {
		s.recent.add(w.row, w.made.committed())
	}
	return err
}

// commit sends a pipeline that ends with COMMIT. Once the server has answered that with COMMIT, nothing that
// happens to the connection matters any more.
func (s *Store) commit(ctx context.Context, conn *pgxpool.Conn, b *pgx.Batch) error {
	ctx, cancel := context.WithTimeout(ctx, s.tripMax())
	defer cancel()
	// gofail: var postgresBeforeCommit struct{}
	answers := conn.SendBatch(ctx, b)
	var tag pgconn.CommandTag
	var err error
	for range b.Len() {
		if tag, err = answers.Exec(); err != nil {
			break
		}
	}
	closed := answers.Close()
	// gofail: var postgresAfterCommit struct{}
	switch {
	case err != nil:
		return fmt.Errorf("write: %w", commitFate(err))
	case tag.String() != "COMMIT":
		return errors.Join(errRolledBack, closed)
	default:
		return nil
	}
}

// The statements that insert and change rows: one parameter for each column, one element for each row.
const (
	addWalletsQuery = `INSERT INTO wallet (customer, currency, balance, seq)
		SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])`
	setWalletsQuery = `UPDATE wallet w SET balance = u.balance, seq = u.seq
		FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) u(customer, currency, balance, seq)
		WHERE w.customer = u.customer AND w.currency = u.currency`
	undoRedemptionsQuery = `UPDATE redemption r SET slot = -r.rank, rolled_back_at = u.at, rollback_id = u.rollback_id
		FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::uuid[]) u(customer, voucher_id, id, at, rollback_id)
		WHERE r.customer = u.customer AND r.voucher_id = u.voucher_id AND r.id = u.id AND r.rolled_back_at IS NULL`
	addRollbacksQuery = `INSERT INTO rollback (customer, redemption_id, id, seq, balance, reason, idempotency, at)
		SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::timestamptz[])`
	addPostsQuery = `INSERT INTO post (customer, id, kind, currency, seq, to_customer, to_seq)
		SELECT * FROM unnest($1::text[], $2::uuid[], $3::smallint[], $4::text[], $5::bigint[], $6::text[], $7::bigint[])`
	addKeysQuery = `INSERT INTO idempotency (customer, key, kind, id, fingerprint, snapshot)
		SELECT u.*, '' FROM unnest($1::text[], $2::text[], $3::smallint[], $4::uuid[], $5::bytea[]) u`
	setVouchersQuery = `UPDATE voucher v SET redeemed = u.redeemed, ranked = u.ranked, version = u.version
		FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) u(id, redeemed, ranked, version) WHERE v.id = u.id`
	setCampaignsQuery = `UPDATE campaign c SET redeemed = u.redeemed, given = u.given, version = u.version
		FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) u(id, redeemed, given, version) WHERE c.id = u.id`
	addToAccountsQuery = `INSERT INTO account AS a (kind, currency, balance)
		SELECT u.kind, u.currency, u.balance::numeric FROM unnest($1::smallint[], $2::text[], $3::text[]) u(kind, currency, balance)
		ON CONFLICT (kind, currency) DO UPDATE SET balance = a.balance + excluded.balance`
)

// wide are the statements of the two tables that every redemption adds to and that have many columns, and of the
// express lane, which adds to all of them.
type wide struct{ addTransfers, addRedemptions, express, expressKeyed string }

func newWide() wide {
	return wide{
		express: expressQuery(false), expressKeyed: expressQuery(true),
		addTransfers: insertRows("transfer", "customer text", "currency text", "seq bigint", "id uuid", "kind smallint",
			"debit_kind smallint", "credit_kind smallint", "campaign_id uuid", "amount bigint", "balance bigint", "at timestamptz",
			"queued boolean"),
		addRedemptions: insertRows("redemption", "customer text", "voucher_id uuid", "slot bigint", "id uuid", "campaign_id uuid",
			"rank bigint", "max_uses bigint", "effect_kind smallint", "amount bigint", "currency text", "order_id text",
			"order_amount bigint", "balance bigint", "seq bigint", "idempotency text", "at timestamptz",
			"rolled_back_at timestamptz", "rollback_id uuid"),
	}
}

// writeWallets makes the new wallets and moves the others, each in the order of customers, so that two
// batches over the same wallets wait for each other and do not cross. Whether a wallet is still as it was
// read shows at its transfer, whose number is then taken.
func (w *working) writeWallets(b *pgx.Batch) {
	moved := make([]*purse, 0, len(w.purses))
	for _, p := range w.purses {
		if p.dirty {
			moved = append(moved, p)
		}
	}
	slices.SortFunc(moved, func(a, b *purse) int {
		return cmp.Or(strings.Compare(a.Customer, b.Customer), strings.Compare(string(a.Currency), string(b.Currency)))
	})
	for _, kind := range []struct {
		stored bool
		query  string
	}{{false, addWalletsQuery}, {true, setWalletsQuery}} {
		var customers, currencies texts
		var balances, seqs bigints
		for _, p := range moved {
			if p.stored == kind.stored {
				customers, currencies = append(customers, p.Customer), append(currencies, string(p.Currency))
				balances, seqs = append(balances, p.balance), append(seqs, p.seq)
			}
		}
		if len(customers) > 0 {
			b.Queue(kind.query, customers, currencies, balances, seqs)
		}
	}
}

func (w *working) writeTransfers(b *pgx.Batch, query string) {
	slices.SortFunc(w.made.transfers, func(a, b entry) int { return strings.Compare(a.Customer, b.Customer) })
	n := len(w.made.transfers)
	customers, currencies := make(texts, n), make(texts, n)
	seqs, amounts, balances := make(bigints, n), make(bigints, n), make(bigints, n)
	kinds, debits, credits := make(smallints, n), make(smallints, n), make(smallints, n)
	ids, campaigns := make(uids, n), make(uids, n)
	ats := make(instants, n)
	for i, t := range w.made.transfers {
		customers[i], currencies[i] = t.Customer, string(t.Currency)
		seqs[i], amounts[i], balances[i] = t.Seq, t.Amount, t.Balance
		kinds[i], debits[i], credits[i] = int16(t.Kind), int16(t.Debit.Kind), int16(t.Credit.Kind)
		ids[i], campaigns[i] = t.ID, t.campaign
		ats[i] = t.At
	}
	queueRows(b, query, customers, currencies, seqs, ids, kinds, debits, credits, campaigns, amounts, balances, ats, always(true))
	b.Queue(addUnsealedQuery, [16]byte(w.row), n, w.made.refs())
}

// writeUndone frees the slots of what was rolled back, before new redemptions take them.
func (w *working) writeUndone(b *pgx.Batch) {
	n := len(w.made.undone)
	if n == 0 {
		return
	}
	customers := make(texts, n)
	vouchers, ids, backs := make(uids, n), make(uids, n), make(uids, n)
	ats := make(instants, n)
	for i, r := range w.made.undone {
		customers[i], vouchers[i], ids[i], ats[i], backs[i] = r.Customer, r.VoucherID, r.ID, r.RolledBackAt, r.RollbackID
	}
	b.Queue(undoRedemptionsQuery, customers, vouchers, ids, ats, backs)
}

func (w *working) writeRedemptions(b *pgx.Batch, query string) {
	n := len(w.made.redemptions)
	if n == 0 {
		return
	}
	slices.SortFunc(w.made.redemptions, func(a, b *redemption) int { return strings.Compare(a.Customer, b.Customer) })
	customers, currencies, orders, keys := make(texts, n), make(texts, n), make(texts, n), make(texts, n)
	slots, ranks, limits, amounts := make(bigints, n), make(bigints, n), make(bigints, n), make(bigints, n)
	totals, balances, seqs := make(bigints, n), make(bigints, n), make(bigints, n)
	vouchers, ids, campaigns, backs := make(uids, n), make(uids, n), make(uids, n), make(uids, n)
	ats, backAts := make(instants, n), make(instants, n)
	effects := make(smallints, n)
	for i, r := range w.made.redemptions {
		customers[i], currencies[i], orders[i], keys[i] = r.Customer, string(r.Currency), r.Order.ID, r.Key
		slots[i], ranks[i], limits[i], amounts[i] = r.slot, r.Rank, r.Limit, r.AmountMinor
		totals[i], balances[i], seqs[i] = r.Order.AmountMinor, r.BalanceMinor, r.Seq
		vouchers[i], ids[i], campaigns[i], backs[i] = r.VoucherID, r.ID, r.CampaignID, r.RollbackID
		ats[i], backAts[i], effects[i] = r.At, r.RolledBackAt, int16(r.Effect)
		if !r.RolledBackAt.IsZero() { // within this batch
			slots[i] = -r.Rank
		}
	}
	queueRows(b, query, customers, vouchers, slots, ids, campaigns, ranks, limits, effects, amounts,
		currencies, orders, totals, balances, seqs, keys, ats, backAts, backs)
}

func (w *working) writeRollbacks(b *pgx.Batch) {
	n := len(w.made.rollbacks)
	if n == 0 {
		return
	}
	customers, reasons, keys := make(texts, n), make(texts, n), make(texts, n)
	redemptions, ids := make(uids, n), make(uids, n)
	seqs, balances := make(bigints, n), make(bigints, n)
	ats := make(instants, n)
	for i, r := range w.made.rollbacks {
		customers[i], reasons[i], keys[i] = r.Customer, r.Reason, r.Key
		redemptions[i], ids[i], seqs[i], balances[i], ats[i] = r.RedemptionID, r.ID, r.Seq, r.BalanceMinor, r.At
	}
	b.Queue(addRollbacksQuery, customers, redemptions, ids, seqs, balances, reasons, keys, ats)
}

func (w *working) writePosts(b *pgx.Batch) {
	n := len(w.made.posts)
	if n == 0 {
		return
	}
	customers, currencies, receivers := make(texts, n), make(texts, n), make(texts, n)
	ids, kinds := make(uids, n), make(smallints, n)
	seqs, receiverSeqs := make(bigints, n), make(bigints, n)
	for i := range w.made.posts {
		p := &w.made.posts[i]
		customers[i], currencies[i], receivers[i] = p.out.Customer, string(p.out.Currency), p.in.Customer
		ids[i], kinds[i], seqs[i], receiverSeqs[i] = p.out.ID, int16(p.out.Kind), p.out.Seq, p.in.Seq
	}
	b.Queue(addPostsQuery, customers, ids, kinds, currencies, seqs, receivers, receiverSeqs)
}

func (w *working) writeKeys(b *pgx.Batch) {
	n := len(w.made.keys)
	if n == 0 {
		return
	}
	customers, keys := make(texts, n), make(texts, n)
	kinds, effects, prints := make(smallints, n), make(uids, n), make(fingerprints, n)
	for i, k := range w.made.keys {
		customers[i], keys[i], kinds[i], effects[i], prints[i] = k.customer, k.key, k.kind, k.effect, k.fingerprint
	}
	b.Queue(addKeysQuery, customers, keys, kinds, effects, prints)
}

// writeVouchers writes each counter that moved once, however many redemptions there were. The rows are
// locked; the tables' own constraints stand behind the arithmetic.
func (w *working) writeVouchers(b *pgx.Batch) {
	var ids uids
	var redeemed, ranked, versions bigints
	for _, h := range w.vouchers {
		if h.dirty {
			ids, versions = append(ids, h.v.ID), append(versions, h.v.Version)
			redeemed, ranked = append(redeemed, h.v.Redeemed), append(ranked, h.v.Ranked)
		}
	}
	if len(ids) > 0 {
		b.Queue(setVouchersQuery, ids, redeemed, ranked, versions)
	}
}

func (w *working) writeCampaigns(b *pgx.Batch) {
	var ids uids
	var redeemed, given, versions bigints
	for _, h := range w.campaigns {
		if h.dirty {
			ids, versions = append(ids, h.c.ID), append(versions, h.c.Version)
			redeemed, given = append(redeemed, h.c.Redeemed), append(given, h.c.GivenMinor)
		}
	}
	if len(ids) > 0 {
		b.Queue(setCampaignsQuery, ids, redeemed, given, versions)
	}
}

// writeAccounts adds to the accounts of all, last of all, so that they are locked for the commit alone.
func (w *working) writeAccounts(b *pgx.Batch) {
	if len(w.accounts) == 0 {
		return
	}
	sorted := slices.SortedFunc(maps.Keys(w.accounts), func(a, b ledger.Account) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(string(a.Currency), string(b.Currency)))
	})
	var kinds smallints
	var currencies, sums texts
	for _, a := range sorted {
		kinds, currencies, sums = append(kinds, int16(a.Kind)), append(currencies, string(a.Currency)), append(sums, w.accounts[a].String())
	}
	b.Queue(addToAccountsQuery, kinds, currencies, sums)
}
