package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// An amendment locks its one row, and only then reads it and the clock, by statements of their own: each sees
// what was committed before it, also by a batch that the lock waited for.

// AmendCampaign changes one by voucher.Campaign.Amend.
func (s *Store) AmendCampaign(ctx context.Context, campaign id.ID, p voucher.CampaignPatch, by access.By) (*voucher.Campaign, error) {
	if p.Name != nil && !storable(*p.Name) {
		return nil, fault.ErrInvalidRequest.Says(notText).On("name")
	}
	var changed voucher.Campaign
	err := s.tx(ctx, func(tx pgx.Tx) error {
		c, now, err := readLocked(ctx, s, tx, "campaign", campaignByID, scanCampaign, campaign)
		if err != nil {
			return err
		}
		if c == nil {
			return fault.ErrCampaignNotFound
		}
		if changed, err = c.Amend(p, now); err != nil {
			return err
		}
		events, err := store.CampaignEvents(c, &changed, by)
		if err != nil {
			return err
		}
		b, budget := &pgx.Batch{}, changed.Budget
		b.Queue(`UPDATE campaign SET name = $2, starts_at = $3, ends_at = $4, budget_amount = $5, budget_count = $6,
				budget_per_customer = $7, disabled = $8, version = $9, updated_at = $10 WHERE id = $1`,
			[16]byte(campaign), changed.Name, bound(changed.Window.Start), bound(changed.Window.End),
			budget.AmountMinor, budget.Count, budget.PerCustomer, changed.Disabled, changed.Version, changed.UpdatedAt)
		queueEvents(b, events)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return nil, fmt.Errorf("amend campaign %s: %w", campaign.Format(id.Campaign), err)
	}
	return &changed, nil
}

// AmendVoucher changes one by voucher.Voucher.Amend.
func (s *Store) AmendVoucher(ctx context.Context, v id.ID, p voucher.Patch, by access.By) (store.Listing, error) {
	if p.Customer != nil && !storable(*p.Customer) {
		return store.Listing{}, fault.ErrInvalidRequest.Says(notText).On("customer")
	}
	var changed store.Listing
	err := s.tx(ctx, func(tx pgx.Tx) error {
		l, now, err := readLocked(ctx, s, tx, "voucher", listingByID, scanListing, v)
		if err != nil {
			return err
		}
		if l == nil {
			return fault.ErrVoucherNotFound
		}
		after, err := l.Voucher.Amend(p, now)
		if err != nil {
			return err
		}
		changed = store.Listing{Campaign: l.Campaign, Voucher: &after}
		events, err := store.VoucherEvents(l.Voucher, &after, by)
		if err != nil {
			return err
		}
		b := &pgx.Batch{}
		b.Queue(`UPDATE voucher SET max_uses = $2, per_customer = $3, customer = $4, disabled = $5, version = $6,
				updated_at = $7 WHERE id = $1`,
			[16]byte(v), after.Limit, after.PerCustomer, after.Customer, after.Disabled, after.Version, after.UpdatedAt)
		queueEvents(b, events)
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return store.Listing{}, fmt.Errorf("amend voucher %s: %w", v.Format(id.Voucher), err)
	}
	return changed, nil
}

// readLocked locks a row of a table by its id, and reads the object and the clock, in one round trip. It
// returns nil where there is none.
func readLocked[T any](ctx context.Context, s *Store, tx pgx.Tx, table, byID string, scan pgx.RowToFunc[T], object id.ID) (*T, time.Time, error) {
	var found []T
	var clock time.Time
	b := &pgx.Batch{}
	b.Queue("SELECT 1 FROM "+table+" WHERE id = $1 FOR NO KEY UPDATE", [16]byte(object))
	b.Queue(byID, [16]byte(object)).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, scan)
		return err
	})
	b.Queue(clockQuery).QueryRow(func(row pgx.Row) error { return row.Scan((*instant)(&clock)) })
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return nil, time.Time{}, err
	}
	if len(found) == 0 {
		return nil, time.Time{}, nil
	}
	return &found[0], s.now(clock), nil
}
