package sqlitestore

import (
	"context"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// reader is one read-only connection, opened when it is first needed.
type reader struct {
	path      string
	newcomers *newcomers
	conn      *sqlite.Conn
	stmts     map[string]*stmt
	err       error // of a Prepare within the running read
}

// read lends a reader to do. The statements of one read see one snapshot only within snapshot.
func (s *Store) read(ctx context.Context, do func(r *reader) error) error {
	var r *reader
	select {
	case r = <-s.readers:
	case <-ctx.Done():
		return fmt.Errorf("waiting for a reader: %w", ctx.Err())
	}
	if r == nil {
		return fmt.Errorf("%w", fault.ErrShuttingDown)
	}
	defer func() { s.readers <- r }()
	if err := r.open(); err != nil {
		return err
	}
	r.err = nil
	err := do(r)
	if r.err != nil {
		return r.err
	}
	return err
}

// readLong is read for what may take long: it ends with ctx.
func (s *Store) readLong(ctx context.Context, do func(r *reader) error) error {
	return s.read(ctx, func(r *reader) error {
		r.conn.SetInterrupt(ctx.Done())
		defer r.conn.SetInterrupt(nil)
		return do(r)
	})
}

func (r *reader) open() error {
	if r.conn != nil {
		return nil
	}
	conn, err := connect(r.path, sqlite.OpenReadOnly, readerPragmas())
	if err != nil {
		return fmt.Errorf("open a reader: %w", err)
	}
	r.conn, r.stmts = conn, make(map[string]*stmt)
	return nil
}

func (r *reader) close() error {
	if r.conn == nil {
		return nil
	}
	return r.conn.Close()
}

// stmt returns the prepared statement of a query.
func (r *reader) stmt(query string) *stmt {
	if q, ok := r.stmts[query]; ok {
		return q
	}
	s, err := r.conn.Prepare(query)
	if err != nil { // not kept: it may have been interrupted
		r.err = fmt.Errorf("prepare %q: %w", query, err)
		return &stmt{s: &sqlite.Stmt{}, err: r.err}
	}
	q := &stmt{s: s}
	r.stmts[query] = q
	return q
}

// snapshot runs do within one read transaction: all its statements see one state of the file.
func (r *reader) snapshot(do func() error) error {
	if err := r.stmt("BEGIN").exec(); err != nil {
		return err
	}
	err := do()
	if end := r.stmt("COMMIT").exec(); err == nil {
		err = end
	}
	return err
}

// snapshotBetween is snapshot, begun by what first reads while hold keeps transactions off: SQLite takes a snapshot
// at its first read.
func (r *reader) snapshotBetween(hold func(do func() error) error, first func(r *reader) error, do func() error) error {
	err := hold(func() error {
		if err := r.stmt("BEGIN").exec(); err != nil {
			return err
		}
		return first(r)
	})
	defer r.stmt("ROLLBACK").exec() //nolint:errcheck // it only read
	if err != nil {
		return err
	}
	return do()
}

// Redemption returns one as it is now.
func (s *Store) Redemption(ctx context.Context, redemption id.ID) (r *voucher.Redemption, err error) {
	err = s.read(ctx, func(rd *reader) error {
		q := rd.stmt("SELECT" + redemptionColumns + redemptionFrom + "WHERE r.id = ?").id(redemption)
		found, err := q.row()
		if err != nil {
			return err
		}
		if !found {
			return fault.ErrRedemptionNotFound
		}
		r = q.nextRedemption()
		return q.done()
	})
	return r, err
}

// customerNo returns the number of a customer, or 0 for one who is not known. Within a snapshot it must come before
// all that reads from the file: newcomers who have just joined the table are not in an older snapshot of it.
func (r *reader) customerNo(name string) (int64, error) {
	if no := r.newcomers.find(name); no != 0 {
		return no, nil
	}
	return one(r.stmt("SELECT no FROM customer WHERE ref = ?").text(name))
}

// Balances returns the balance of each wallet asked for, in order.
func (s *Store) Balances(ctx context.Context, wallets []store.WalletRef) ([]int64, error) {
	out := make([]int64, len(wallets))
	err := s.read(ctx, func(r *reader) error {
		numbers := make([]int64, len(wallets)) // of newcomers
		for i, w := range wallets {
			numbers[i] = r.newcomers.find(w.Customer)
		}
		byNumber := r.stmt("SELECT balance" + newestEntry)
		byName := r.stmt(`SELECT t.balance FROM customer c CROSS JOIN transfer t ON t.customer_no = c.no
			WHERE c.ref = ? AND t.currency = ? ORDER BY t.seq DESC LIMIT 1`)
		return r.snapshot(func() (err error) {
			for i, w := range wallets {
				q := byName
				if numbers[i] != 0 {
					q = byNumber.int(numbers[i])
				} else {
					q.text(w.Customer)
				}
				if out[i], err = one(q.text(string(w.Currency))); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return out, err
}

// walletsQuery finds the newest entry of each of a customer's wallets, by a look at each, however long its ledger is.
const walletsQuery = `WITH RECURSIVE held (currency) AS (
		SELECT min(currency) FROM transfer WHERE customer_no = ?1
		UNION ALL
		SELECT (SELECT min(currency) FROM transfer WHERE customer_no = ?1 AND currency > held.currency) FROM held WHERE held.currency IS NOT NULL)
	SELECT t.currency, t.balance, t.seq FROM held CROSS JOIN transfer t
	ON t.customer_no = ?1 AND t.currency = held.currency AND t.seq = (SELECT max(seq) FROM transfer WHERE customer_no = ?1 AND currency = held.currency)
	ORDER BY t.currency`

// Wallet returns all balances of a customer, by currency.
func (s *Store) Wallet(ctx context.Context, customer string) (bs []ledger.Balance, err error) {
	err = s.read(ctx, func(r *reader) error {
		no, err := r.customerNo(customer)
		if err != nil || no == 0 {
			return err
		}
		q := r.stmt(walletsQuery).int(no)
		return q.each(func() {
			bs = append(bs, ledger.Balance{Currency: money.Currency(q.nextText()), Minor: q.nextInt(), Seq: q.nextInt()})
		})
	})
	return bs, err
}

// each calls do with every row.
func (q *stmt) each(do func()) error {
	for {
		found, err := q.row()
		if err != nil || !found {
			return err
		}
		do()
	}
}

const listingQuery = "SELECT" + voucherColumns + "," + campaignColumns + "FROM voucher v JOIN campaign c ON c.no = v.campaign_no "

func (q *stmt) nextListing() store.Listing {
	_, v := q.nextVoucher()
	_, c := q.nextCampaign()
	v.CampaignID = c.ID
	return store.Listing{Campaign: c, Voucher: v}
}

// one reads a single listing, or none.
func (q *stmt) listing() (store.Listing, error) {
	found, err := q.row()
	if err != nil || !found {
		return store.Listing{}, err
	}
	l := q.nextListing()
	return l, q.done()
}

// Lookup finds vouchers by the keys of their codes, all at one moment.
func (s *Store) Lookup(ctx context.Context, keys []string) (ls []store.Listing, now time.Time, err error) {
	ls = make([]store.Listing, len(keys))
	err = s.read(ctx, func(r *reader) error {
		return r.snapshot(func() (err error) {
			for i, key := range keys {
				if ls[i], err = r.stmt(listingQuery + "WHERE v.code_key = ?").text(key).listing(); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return ls, s.now(), err
}

// Voucher returns one with its campaign.
func (s *Store) Voucher(ctx context.Context, v id.ID) (l store.Listing, now time.Time, err error) {
	err = s.read(ctx, func(r *reader) (err error) {
		l, err = r.stmt(listingQuery + "WHERE v.id = ?").id(v).listing()
		if err == nil && l.Voucher == nil {
			return fault.ErrVoucherNotFound
		}
		return err
	})
	return l, s.now(), err
}

// Claims returns what a customer holds of a voucher and of its campaign.
func (s *Store) Claims(ctx context.Context, customer string, v *voucher.Voucher) (mine voucher.Claims, first *voucher.Redemption, err error) {
	err = s.read(ctx, func(r *reader) error {
		return r.snapshot(func() error {
			customerNo, err := r.customerNo(customer)
			if err != nil || customerNo == 0 {
				return err
			}
			voucherNo, err := one(r.stmt("SELECT no FROM voucher WHERE id = ?").id(v.ID))
			if err != nil {
				return err
			}
			campaignNo, err := one(r.stmt("SELECT campaign_no FROM voucher WHERE id = ?").id(v.ID))
			if err != nil {
				return err
			}
			if mine.OnVoucher, err = count(r.stmt(countClaimsQuery).int(customerNo).int(voucherNo)); err != nil {
				return err
			}
			if mine.OnCampaign, err = count(r.stmt(countOnCampaignQuery).int(customerNo).int(campaignNo)); err != nil {
				return err
			}
			first, err = firstClaim(r.stmt("SELECT"+redemptionColumns+redemptionFrom+firstClaimWhere), customerNo, voucherNo)
			return err
		})
	})
	return mine, first, err
}

// one runs a query of one number that may find none, which is 0.
func one(q *stmt) (int64, error) {
	found, err := q.row()
	if err != nil || !found {
		return 0, err
	}
	n := q.nextInt()
	return n, q.done()
}

// Winners calls yield with the customer of each redemption of the voucher. Its snapshot is begun while no
// transaction runs, so that a batch that began before it is in it.
func (s *Store) Winners(ctx context.Context, v id.ID, yield func(customer string) bool) (f voucher.Fact, err error) {
	var found store.Listing
	var now time.Time
	listing := func(r *reader) (err error) {
		now = s.now()
		found, err = r.stmt(listingQuery + "WHERE v.id = ?").id(v).listing()
		return err
	}
	err = s.readLong(ctx, func(r *reader) error {
		return r.snapshotBetween(s.hold, listing, func() error {
			if found.Voucher == nil {
				return fault.ErrVoucherNotFound
			}
			f = voucher.FactOf(found.Campaign, found.Voucher, now)
			q := r.stmt("SELECT r.customer FROM voucher v JOIN redemption r ON r.voucher_no = v.no WHERE v.id = ?").id(v)
			for {
				more, err := q.row()
				if err != nil || !more {
					return err
				}
				if !yield(q.nextText()) {
					return q.done()
				}
			}
		})
	})
	return f, err
}
