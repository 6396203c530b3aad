// Package wallet is the use case of looking into wallets. Reads that come in crowds are coalesced: many
// waiting balances, one question to the store. It must not know HTTP, SQL or Redis.
package wallet

import (
	"context"
	"errors"
	"fmt"

	"scrip/internal/customer"
	"scrip/internal/fault"
	"scrip/internal/groupcommit"
	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/store"
)

// Page asks for a part of a list.
type Page = store.Page

// Config bounds the service.
type Config struct {
	MaxBatch int // balances in one read
	MaxQueue int // requests waiting for one
}

// Service looks into wallets. It is safe for concurrent use.
type Service struct {
	store    store.Wallets
	balances *groupcommit.Batcher[store.WalletRef, int64]
}

// New starts the service; Close ends it.
func New(cfg Config, s store.Wallets) (*Service, error) {
	balances, err := groupcommit.New(groupcommit.Config[store.WalletRef, int64]{
		MaxBatch: cfg.MaxBatch, MaxQueue: cfg.MaxQueue, Flush: s.Balances,
	})
	if err != nil {
		return nil, fmt.Errorf("wallet: %w", err)
	}
	return &Service{store: s, balances: balances}, nil
}

// Close answers what waits and ends the service.
func (s *Service) Close(ctx context.Context) error { return s.balances.Close(ctx) }

// Balance returns a customer's balance in minor units; one never seen has zero.
func (s *Service) Balance(ctx context.Context, who string, c money.Currency) (int64, error) {
	who, err := customer.Normalise(who)
	if err != nil {
		return 0, err
	}
	minor, err := s.balances.Submit(ctx, store.WalletRef{Customer: who, Currency: c})
	switch {
	case errors.Is(err, groupcommit.ErrQueueFull):
		return 0, fault.ErrOverloaded
	case errors.Is(err, groupcommit.ErrClosed):
		return 0, fault.ErrShuttingDown
	case err != nil && ctx.Err() != nil:
		return 0, fault.ErrTimeout.With(err)
	case err != nil:
		return 0, fault.ErrStoreUnavailable.With(err)
	}
	return minor, nil
}

// Wallet returns a customer, normalised, and their balances by currency: none for one never seen.
func (s *Service) Wallet(ctx context.Context, who string) (string, []ledger.Balance, error) {
	who, err := customer.Normalise(who)
	if err != nil {
		return "", nil, err
	}
	balances, err := s.store.Wallet(ctx, who)
	return who, balances, err
}

// Transactions returns a page of the ledger entries of one wallet, newest first, and whether there is
// more.
func (s *Service) Transactions(ctx context.Context, who string, c money.Currency, p Page) ([]ledger.Transfer, bool, error) {
	who, err := customer.Normalise(who)
	if err != nil {
		return nil, false, err
	}
	return s.store.Transactions(ctx, store.WalletRef{Customer: who, Currency: c}, p)
}
