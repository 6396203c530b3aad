package pgstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// findings are what the statement found and wrote.
type findings struct {
	given, used, redeemed, ranked int64 // the counters as they were before
	at                            time.Time
	had                           []had // by place in the batch
}

// had is what a customer had before; nothing where all is zero.
type had struct {
	balance, seq int64
	taken        bool                // their key, …
	ours         bool                // … by the same request
	receipt      *voucher.Redemption // of an earlier use, or of what the key made
}

// readAll reads the answers of the pipeline that ask sends.
func (c *crowd) readAll(answers pgx.BatchResults) (*findings, error) {
	for range 2 { // to what precedes the statement
		if _, err := answers.Exec(); err != nil {
			return nil, err
		}
	}
	rows, err := answers.Query()
	if err != nil {
		return nil, err
	}
	a, err := c.read(rows)
	rows.Close()
	if err := errors.Join(rows.Err(), err); err != nil {
		return nil, err
	}
	tag, err := answers.Exec()
	if err == nil && tag.String() != "COMMIT" {
		err = errRolledBack
	}
	return a, err
}

// read reads an answer, nil for one without rows. The counters stand in each row, and what follows them is null where
// nobody has anything, or where this one has no receipt.
func (c *crowd) read(rows pgx.Rows) (a *findings, err error) {
	skip := func(columns int) []any { return make([]any, columns) }
	for rows.Next() {
		if a == nil {
			a = &findings{had: make([]had, len(c.redeems))}
			to := []any{&a.given, &a.used, &a.redeemed, &a.ranked, (*instant)(&a.at)}
			if err := rows.Scan(append(to, skip(expressColumns-len(to))...)...); err != nil {
				return nil, err
			}
		}
		var n, balance, seq *int64
		var taken, ours *bool
		var receipt *pgtype.UUID
		to := append(skip(5), &n, &balance, &seq, &taken, &ours, &receipt)
		if err := rows.Scan(append(to, skip(expressColumns-len(to))...)...); err != nil {
			return nil, err
		}
		if n == nil {
			continue
		}
		h := &a.had[*n-1]
		h.balance, h.seq, h.taken, h.ours = *balance, *seq, *taken, ours != nil && *ours
		if receipt != nil && receipt.Valid {
			h.receipt = &voucher.Redemption{}
			if err := rows.Scan(append(skip(10), redemptionTargets(h.receipt)...)...); err != nil {
				return nil, err
			}
			completeOrder(h.receipt)
		}
	}
	return a, nil
}

// expressColumns is how many columns an answer has.
const expressColumns = 10 + 18

// answer makes the outcomes, each as the ordinary way would: judged with the counters as the commands before it left
// them. The terms' counters are afterwards what they are now. That Judge says otherwise than was foreseen is a defect.
func (c *crowd) answer(a *findings, outcomes []store.Outcome) error {
	h := &hotVoucher{v: c.voucher, campaign: &hotCampaign{c: c.campaign}}
	v, of := &h.v, &h.campaign.c
	v.Redeemed, v.Ranked, of.Redeemed, of.GivenMinor = a.redeemed, a.ranked, a.used, a.given
	receipts := make([]voucher.Redemption, len(c.redeems))
	for i, r := range c.redeems {
		was, out := &a.had[i], &outcomes[i]
		*out = store.Outcome{}
		if was.taken { // the voucher is not looked at
			switch {
			case !was.ours:
				out.Refusal = fault.ErrKeyReused
			case was.receipt == nil:
				return fmt.Errorf("the redemption of a key of command %s is missing", r.ID.Format(id.Redemption))
			default:
				out.Redemption, out.Replayed = was.receipt, true
			}
			continue
		}
		var mine voucher.Claims
		if was.receipt != nil {
			mine.OnVoucher = 1
		}
		grant, refusal := voucher.Judge(of, v, mine, r.Customer, r.Order, a.at)
		if (refusal != nil) != (was.receipt != nil) {
			return fmt.Errorf("voucher %s: the express lane foresaw otherwise than was judged", v.ID.Format(id.Voucher))
		}
		if refusal != nil {
			out.Refusal, out.Redemption = refusal, was.receipt
		} else {
			t := ledger.Transfer{Amount: grant.AmountMinor, Currency: of.Currency, Balance: was.balance + grant.AmountMinor, Seq: was.seq + 1, At: a.at}
			receipts[i] = receiptOf(r, h, grant, &t)
			out.Redemption = &receipts[i]
			v.Redeemed++
			v.Ranked = grant.Rank
			of.Redeemed++
			of.GivenMinor += grant.AmountMinor
		}
		out.Fact = voucher.FactOf(of, v, a.at)
	}
	c.voucher, c.campaign = *v, *of
	return nil
}

// committed are the transfers that were made, in the order in which the statement names them.
func (c *crowd) committed(outcomes []store.Outcome) []ledger.Transfer {
	ts := make([]ledger.Transfer, 0, len(c.seats))
	funding := ledger.FundingOf(c.campaign.ID, c.campaign.Currency)
	for _, r := range c.seats {
		o := &outcomes[r.n-1]
		if o.Refusal != nil || o.Replayed {
			continue
		}
		won := o.Redemption
		ts = append(ts, ledger.Transfer{
			ID: won.ID, Customer: won.Customer, Currency: won.Currency, Seq: won.Seq, Kind: ledger.Redemption,
			Debit: funding, Credit: ledger.WalletOf(won.Customer, won.Currency), Amount: won.AmountMinor, Balance: won.BalanceMinor, At: won.At,
		})
	}
	return ts
}
