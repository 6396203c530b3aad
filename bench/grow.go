package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"scrip/internal/code"
	"scrip/internal/customer"
	"scrip/internal/id"
	"scrip/internal/money"
	"scrip/internal/store"
	"scrip/internal/store/sqlitestore"
	"scrip/internal/voucher"
)

// The full file is filled through the store itself, in large batches, and kept for the next time. Each
// run works on a copy, so that it always meets exactly so many redemptions.

const (
	growBatch = 4096
	// growPass customers at a time come in their own order, so that a batch touches few pages; ten such
	// passes leave the trees as full as a random order does.
	growPass = 1_000_000
	sealMax  = 10_000 // in a seal, as in a server's
)

// fullFile returns a data folder with that many redemptions and wallets in it.
func (b *bench) fullFile(ctx context.Context) (string, error) {
	schema, err := schemaName()
	if err != nil {
		return "", err
	}
	kept := filepath.Join(b.keep, fmt.Sprintf("full-%d-%s", b.growth, schema))
	if _, err := os.Stat(kept); errors.Is(err, os.ErrNotExist) {
		part := kept + ".part"
		if err := os.RemoveAll(part); err != nil {
			return "", err
		}
		if err := b.fill(ctx, filepath.Join(part, sqlitestore.FileName)); err != nil {
			return "", errors.Join(fmt.Errorf("fill a file: %w", err), os.RemoveAll(part))
		}
		if err := os.Rename(part, kept); err != nil {
			return "", err
		}
	}
	b.say("copy the file of %d redemptions", b.growth)
	data := filepath.Join(b.dir, "full")
	if err := os.Mkdir(data, 0o700); err != nil {
		return "", err
	}
	return data, copyFile(filepath.Join(kept, sqlitestore.FileName), filepath.Join(data, sqlitestore.FileName))
}

// schemaName tells the full files of two schemas apart, by what makes them.
func schemaName() (string, error) {
	steps, err := filepath.Glob("internal/store/sqlitestore/migrations/*.sql")
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, step := range steps { // in order
		text, err := os.ReadFile(step) //nolint:gosec // the project's own
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:4]), nil
}

// fill makes a file with b.growth redemptions, by customers 0 to b.growth, of one unlimited code.
func (b *bench) fill(ctx context.Context, path string) (err error) {
	s, err := sqlitestore.Open(ctx, sqlitestore.Config{Path: path, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	key, err := growCode(ctx, s)
	if err != nil {
		return err
	}
	began := time.Now()
	passes := (b.growth + growPass - 1) / growPass
	for pass := range passes {
		crowd, err := everyNth(pass, b.growth, passes)
		if err != nil {
			return err
		}
		for batch := range slices.Chunk(crowd, growBatch) {
			if err := redeemAll(ctx, s, key, batch); err != nil {
				return err
			}
		}
		if err := sealAll(ctx, s); err != nil {
			return err
		}
		b.say("filled %d of %d in %s", pass+1, passes, time.Since(began).Round(time.Second))
	}
	return nil
}

// sealAll leaves nothing to seal: a server in use has sealed all but the last second's transfers, and one that starts on a
// file of ten million unsealed ones would do that under the measurement.
func sealAll(ctx context.Context, s *sqlitestore.Store) error {
	for {
		if _, more, err := s.Seal(ctx, store.Sealing{Max: sealMax}); err != nil || !more {
			return err
		}
	}
}

// everyNth returns every nth customer from first to end, in their own order.
func everyNth(first, end, n int64) ([]string, error) {
	crowd := make([]string, 0, (end-first)/n+1)
	for number := first; number < end; number += n {
		who, err := customer.Normalise(mobile(number))
		if err != nil {
			return nil, err
		}
		crowd = append(crowd, who)
	}
	slices.Sort(crowd)
	return crowd, nil
}

// redeemAll redeems the code for each customer, in one batch.
func redeemAll(ctx context.Context, s store.Applier, key string, crowd []string) error {
	commands := make([]store.Command, len(crowd))
	for i, who := range crowd {
		commands[i] = &store.Redeem{ID: id.New(time.Now()), Code: key, Customer: who}
	}
	outcomes, err := s.Apply(ctx, commands)
	if err != nil {
		return err
	}
	for i := range outcomes {
		if outcomes[i].Refusal != nil {
			return outcomes[i].Refusal
		}
	}
	return nil
}

// growCode makes the unlimited code and returns its key.
func growCode(ctx context.Context, s store.Campaigns) (string, error) {
	now := time.Now()
	campaign := &voucher.Campaign{
		ID: id.New(now), Name: "Growth", Currency: money.Currency("IRR"),
		Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: benchCredit},
	}
	key, err := code.Normalise("GROWN")
	if err != nil {
		return "", err
	}
	_, _, err = s.Create(ctx, store.Creation{Campaign: campaign, Vouchers: []voucher.Voucher{{
		ID: id.New(now), CampaignID: campaign.ID, Code: "GROWN", Key: key, PerCustomer: 1,
	}}})
	return key, err
}

// copyFile copies a file and syncs the copy, so that its writing does not go on under a measurement.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from) //nolint:gosec // our own folder
	if err != nil {
		return err
	}
	defer in.Close()                                                      //nolint:errcheck // only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // our own folder
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Sync()
}
