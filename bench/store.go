package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"scrip/internal/customer"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/store/pgstore"
)

// The store alone: pgstore.Apply, which judges each command and answers it, against a function in the
// database that makes the same rows, each in a database of its own on one server.

//go:embed floor.sql
var floorFunction string

const (
	storeBatch    = 1024
	filledWallets = 500_000 // customers with a wallet, for reads
)

// storeResult is redemptions a second, one of each run.
type storeResult struct {
	Batch    int       `json:"batch"`
	Function []float64 `json:"function_per_second"`
	Apply    []float64 `json:"apply_per_second"`
}

func (r *storeResult) ratio() float64 { return median(r.Apply) / median(r.Function) }

func (b *bench) storeAlone(ctx context.Context, k *backing) (*storeResult, error) {
	ours, _, err := b.openPostgres(ctx, k)
	if err != nil {
		return nil, err
	}
	defer ours.Close() //nolint:errcheck // the database goes with its server
	key, err := growCode(ctx, ours)
	if err != nil {
		return nil, err
	}
	floor, voucher, err := b.openFloor(ctx, k)
	if err != nil {
		return nil, err
	}
	defer floor.Close(context.WithoutCancel(ctx)) //nolint:errcheck // likewise

	apply := func(crowd []string) error { return redeemAll(ctx, ours, key, crowd) }
	function := func(crowd []string) error {
		ids := make([][16]byte, len(crowd))
		for i := range ids {
			ids[i] = id.New(time.Now())
		}
		var n int64
		err := floor.QueryRow(ctx, "SELECT bench_redeem($1, $2, $3)", [16]byte(voucher), ids, crowd).Scan(&n)
		if err == nil && n != int64(len(crowd)) {
			err = fmt.Errorf("the function made %d redemptions of %d", n, len(crowd))
		}
		return err
	}
	r := &storeResult{Batch: storeBatch}
	for round := range b.runs + 1 { // the first only warms up
		b.say("the store alone, round %d of %d", round, b.runs)
		f, err := b.batches(ctx, function)
		if err != nil {
			return nil, err
		}
		a, err := b.batches(ctx, apply)
		if err != nil {
			return nil, err
		}
		if round > 0 {
			r.Function, r.Apply = append(r.Function, f), append(r.Apply, a)
		}
	}
	return r, audit(ctx, ours)
}

// batches gives batches of new customers to do, one after the other, for the length of a run, and returns
// customers a second. What it takes to make the customers is not counted.
func (b *bench) batches(ctx context.Context, do func(crowd []string) error) (float64, error) {
	var took time.Duration
	done := 0
	for took < b.duration && ctx.Err() == nil {
		first, err := b.customers(storeBatch)
		if err != nil {
			return 0, err
		}
		crowd := make([]string, storeBatch)
		for i := range crowd {
			if crowd[i], err = customer.Normalise(mobile(first + int64(i))); err != nil {
				return 0, err
			}
		}
		began := time.Now()
		if err := do(crowd); err != nil {
			return 0, err
		}
		took += time.Since(began)
		done += storeBatch
	}
	return float64(done) / took.Seconds(), ctx.Err()
}

// openPostgres opens a store on a new database.
func (b *bench) openPostgres(ctx context.Context, k *backing) (*pgstore.Store, string, error) {
	url, err := k.database(ctx)
	if err != nil {
		return nil, "", err
	}
	s, err := pgstore.Open(ctx, pgstore.Config{URL: url, Log: slog.New(slog.DiscardHandler)})
	return s, url, err
}

// openFloor makes a database with a code and the function in it.
func (b *bench) openFloor(ctx context.Context, k *backing) (*pgx.Conn, id.ID, error) {
	s, url, err := b.openPostgres(ctx, k)
	if err != nil {
		return nil, id.ID{}, err
	}
	key, err := growCode(ctx, s)
	if err != nil {
		return nil, id.ID{}, errors.Join(err, s.Close())
	}
	found, _, err := s.Lookup(ctx, []string{key})
	if err := errors.Join(err, s.Close()); err != nil {
		return nil, id.ID{}, err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, id.ID{}, err
	}
	_, err = conn.Exec(ctx, floorFunction)
	return conn, found[0].Voucher.ID, err
}

// audit wants a store's books to be exact.
func audit(ctx context.Context, s store.Auditor) error {
	var first store.Finding
	read, err := s.Audit(ctx, func(f store.Finding) { first = f })
	if err == nil && read.Findings > 0 {
		err = fmt.Errorf("the audit finds %d things wrong, such as %+v", read.Findings, first)
	}
	return err
}

// fillPostgres gives filledWallets new customers a wallet each, through a store of its own beside the
// server, and returns the number of the first.
func (b *bench) fillPostgres(ctx context.Context, url string) (first int64, err error) {
	b.say("fill %d wallets", filledWallets)
	s, err := pgstore.Open(ctx, pgstore.Config{URL: url, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	key, err := growCode(ctx, s)
	if err != nil {
		return 0, err
	}
	if first, err = b.customers(filledWallets); err != nil {
		return 0, err
	}
	for n := first; n < first+filledWallets; n += growBatch {
		crowd := make([]string, 0, growBatch)
		for number := n; number < min(n+growBatch, first+filledWallets); number++ {
			who, err := customer.Normalise(mobile(number))
			if err != nil {
				return 0, err
			}
			crowd = append(crowd, who)
		}
		if err := redeemAll(ctx, s, key, crowd); err != nil {
			return 0, err
		}
	}
	return first, nil
}
