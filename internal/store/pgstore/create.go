package pgstore

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// administrators own the Idempotency-Keys of what is not a customer's: the customer that nobody can be.
const administrators = ""

// vouchersMax bounds the vouchers of one statement: about 1 MiB of arguments.
const vouchersMax = 10_000

// Create makes a campaign, vouchers, or both, as one unit. It takes one round trip to read what it needs, one
// to write all of it (in statements of vouchersMax vouchers), and those of the transaction.
func (s *Store) Create(ctx context.Context, c store.Creation) (made store.Creation, replayed bool, err error) {
	if err := storableCreation(c); err != nil {
		return store.Creation{}, false, err
	}
	create := func(int) error {
		return s.tx(ctx, func(tx pgx.Tx) (err error) {
			made, replayed, err = s.create(ctx, tx, c)
			return err
		})
	}
	// Another request under the same key may commit first. It is then found, and replayed or refused.
	if err = retried(ctx, violates("idempotency_pkey"), create); err != nil {
		return store.Creation{}, false, fmt.Errorf("create: %w", err)
	}
	return made, replayed, nil
}

// storableCreation refuses texts that the database can't keep.
func storableCreation(c store.Creation) error {
	ok := storable(c.Key) && (c.Campaign == nil || storable(c.Campaign.Name) && storable(string(c.Campaign.Currency)))
	for i := range c.Vouchers {
		v := &c.Vouchers[i]
		ok = ok && storable(v.Code) && storable(v.Key) && storable(v.Customer)
	}
	if !ok {
		return fault.ErrInvalidRequest.Says(notText)
	}
	return nil
}

// violates makes a test for the violation of one unique constraint, or of a shard's: Citus calls that by the
// constraint's name, an underscore and the shard's number.
func violates(constraint string) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*pgconn.PgError](err)
		if !ok || e.Code != codeUniqueViolation {
			return false
		}
		shard, ours := strings.CutPrefix(e.ConstraintName, constraint)
		number, sharded := strings.CutPrefix(shard, "_")
		return ours && (shard == "" || sharded && number != "" && strings.Trim(number, "0123456789") == "")
	}
}

func (s *Store) create(ctx context.Context, tx pgx.Tx, c store.Creation) (made store.Creation, replayed bool, err error) {
	b, err := s.readBefore(ctx, tx, c)
	if err != nil {
		return made, false, err
	}
	if b.used != nil {
		if made, err = b.used.replay(c.Fingerprint); err == nil && b.standbys {
			_, err = tx.Exec(ctx, markQuery)
		}
		return made, err == nil, err
	}
	made = store.Creation{Campaign: b.joined, Vouchers: slices.Clone(c.Vouchers), Key: c.Key, Fingerprint: c.Fingerprint}
	if c.Campaign != nil {
		campaign := *c.Campaign
		campaign.GivenMinor, campaign.Redeemed, campaign.Version, campaign.CreatedAt, campaign.UpdatedAt = 0, 0, 1, b.now, b.now
		made.Campaign = &campaign
	}
	for i := range made.Vouchers {
		v := &made.Vouchers[i]
		v.Redeemed, v.Ranked, v.Version, v.CreatedAt, v.UpdatedAt = 0, 0, 1, b.now, b.now
	}
	return made, false, writeCreation(ctx, tx, made, c.Campaign != nil, c.By, b.now)
}

// before is what stands before a creation.
type before struct {
	used   *usedCreation     // under the same key, nil if there is none
	joined *voucher.Campaign // that the vouchers join, nil if they bring their own
	now    time.Time

	standbys bool // commits wait for some
}

// usedCreation is what stands beside an administrator's Idempotency-Key.
type usedCreation struct {
	kind        int16
	fingerprint []byte
	snapshot    string
}

// replay returns what was made under the key, as it was then, if the key was used for the same request.
func (u *usedCreation) replay(f store.Fingerprint) (made store.Creation, err error) {
	if u.kind != kindCreate || !bytes.Equal(u.fingerprint, f[:]) {
		return made, fault.ErrKeyReused
	}
	if err := json.Unmarshal([]byte(u.snapshot), &made); err != nil {
		return made, fmt.Errorf("read what was made under the key: %w", err)
	}
	return made, nil
}

// readBefore reads all that a creation depends on, in one round trip.
func (s *Store) readBefore(ctx context.Context, tx pgx.Tx, c store.Creation) (before, error) {
	var found before
	var clock time.Time
	var there []voucher.Campaign
	joined := campaignsJoined(c)
	b := &pgx.Batch{}
	if c.Key != "" {
		b.Queue("SELECT kind, fingerprint, snapshot FROM idempotency WHERE customer = $1 AND key = $2", administrators, c.Key).
			QueryRow(func(row pgx.Row) error {
				var u usedCreation
				err := row.Scan(&u.kind, &u.fingerprint, &u.snapshot)
				if errors.Is(err, pgx.ErrNoRows) {
					return nil
				}
				found.used = &u
				return err
			})
	}
	b.Queue("SELECT"+campaignColumns+"FROM campaign c WHERE c.id = ANY($1)", uids(joined)).Query(func(rows pgx.Rows) (err error) {
		there, err = pgx.CollectRows(rows, scanCampaign)
		return err
	})
	b.Queue(momentQuery).QueryRow(func(row pgx.Row) error { return row.Scan((*instant)(&clock), &found.standbys) })
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return found, fmt.Errorf("read what is there: %w", err)
	}
	if found.used == nil && len(there) != len(joined) {
		return found, fault.ErrCampaignNotFound
	}
	if len(there) > 0 {
		found.joined = &there[slices.IndexFunc(there, func(c voucher.Campaign) bool { return c.ID == joined[0] })]
	}
	found.now = s.now(clock)
	return found, nil
}

// campaignsJoined are the campaigns that a creation's vouchers name and that it does not bring itself, the
// first voucher's first. The contract has at most one.
func campaignsJoined(c store.Creation) []id.ID {
	var joined []id.ID
	for i := range c.Vouchers {
		of := c.Vouchers[i].CampaignID
		if (c.Campaign == nil || of != c.Campaign.ID) && !slices.Contains(joined, of) {
			joined = append(joined, of)
		}
	}
	return joined
}

// writeCreation writes a creation in one round trip: the key first, so that of two requests under one key the
// second waits there, and not for a code that the first has taken.
func writeCreation(ctx context.Context, tx pgx.Tx, made store.Creation, newCampaign bool, by access.By, now time.Time) error {
	events, err := store.CreationEvents(made, newCampaign, by, now)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	if made.Key != "" {
		snapshot, err := json.Marshal(made)
		if err != nil {
			return fmt.Errorf("keep what was made: %w", err)
		}
		b.Queue("INSERT INTO idempotency (customer, key, kind, id, fingerprint, snapshot) VALUES ($1, $2, $3, $4, $5, $6)",
			administrators, made.Key, kindCreate, [16]byte(id.New(now)), made.Fingerprint[:], string(snapshot))
	}
	if newCampaign {
		queueCampaign(b, made.Campaign)
	}
	queueVouchers(b, made.Vouchers, now)
	queueEvents(b, events)
	err = tx.SendBatch(ctx, b).Close()
	if violates("voucher_code_key_key")(err) {
		return fault.ErrCodeTaken
	}
	return err
}

func queueCampaign(b *pgx.Batch, c *voucher.Campaign) {
	b.Queue(`INSERT INTO campaign (id, name, currency, effect_kind, effect_amount, effect_percent_bp, effect_max, starts_at, ends_at,
			budget_amount, budget_count, budget_per_customer, disabled, given, redeemed, version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0, 1, $14, $14)`,
		[16]byte(c.ID), c.Name, string(c.Currency),
		int16(c.Effect.Kind), c.Effect.AmountMinor, c.Effect.PercentBP, c.Effect.MaxMinor,
		bound(c.Window.Start), bound(c.Window.End),
		c.Budget.AmountMinor, c.Budget.Count, c.Budget.PerCustomer, c.Disabled, c.CreatedAt)
}

// queueVouchers adds vouchers in the order of their codes' keys, so that of two creations that share codes
// one waits for the other, and neither for both.
func queueVouchers(b *pgx.Batch, made []voucher.Voucher, now time.Time) {
	sorted := make([]*voucher.Voucher, len(made))
	for i := range made {
		sorted[i] = &made[i]
	}
	slices.SortStableFunc(sorted, func(a, b *voucher.Voucher) int { return cmp.Compare(a.Key, b.Key) })
	for chunk := range slices.Chunk(sorted, vouchersMax) {
		n := len(chunk)
		ids, campaigns := make(uids, n), make(uids, n)
		codes, keys, customers := make(texts, n), make(texts, n), make(texts, n)
		limits, perCustomer, disabled := make(bigints, n), make(bigints, n), make([]bool, n)
		for i, v := range chunk {
			ids[i], campaigns[i], codes[i], keys[i] = v.ID, v.CampaignID, v.Code, v.Key
			limits[i], perCustomer[i], customers[i], disabled[i] = v.Limit, v.PerCustomer, v.Customer, v.Disabled
		}
		b.Queue(`INSERT INTO voucher (id, campaign_id, code, code_key, max_uses, per_customer, customer, disabled, redeemed, ranked,
				version, created_at, updated_at)
			SELECT q.id, q.campaign_id, q.code, q.code_key, q.max_uses, q.per_customer, q.customer, q.disabled, 0, 0, 1, $9, $9
			FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::boolean[])
				AS q (id, campaign_id, code, code_key, max_uses, per_customer, customer, disabled)`,
			ids, campaigns, codes, keys, limits, perCustomer, customers, disabled, now)
	}
}
