package memstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
)

var (
	_ store.Exporter = (*Store)(nil)
	_ store.Importer = (*Store)(nil)
)

// Export calls yield with a copy of each record behind after. The records are collected under the mutex and told
// without it.
func (s *Store) Export(ctx context.Context, after store.Place, yield func(store.Record) error) error {
	s.mu.Lock()
	records, err := s.records()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.Place().Compare(after) <= 0 {
			continue
		}
		if err := errors.Join(ctx.Err(), yield(r)); err != nil {
			return err
		}
	}
	return nil
}

// records are all that the store holds, in order.
func (s *Store) records() ([]store.Record, error) {
	var all []store.Record
	for _, c := range s.campaigns {
		all = append(all, (*store.CampaignRecord)(copied(c)))
	}
	for _, v := range s.vouchers {
		all = append(all, (*store.VoucherRecord)(copied(v)))
	}
	for ref, w := range s.wallets {
		all = append(all, &store.WalletRecord{WalletRef: ref, BalanceMinor: w.balance.Minor, Seq: w.balance.Seq})
	}
	for _, t := range s.entries {
		all = append(all, (*store.TransferRecord)(&t))
	}
	for a, sum := range s.accounts() {
		all = append(all, &store.AccountRecord{Kind: a.Kind, Currency: a.Currency, Balance: sum})
	}
	for _, r := range s.redemptions {
		all = append(all, (*store.RedemptionRecord)(copied(r)))
	}
	for _, b := range s.rollbacks {
		all = append(all, (*store.RollbackRecord)(copied(b)))
	}
	all = append(all, s.posts()...)
	keys, err := s.keyRecords()
	all = append(all, keys...)
	for _, k := range s.ring.keys {
		all = append(all, (*store.AccessKeyRecord)(copied(k)))
	}
	for _, e := range s.trail {
		all = append(all, (*store.EventRecord)(copied(e)))
	}
	for i := range s.seals {
		all = append(all, (*store.SealRecord)(copied(&s.seals[i])))
	}
	for _, u := range s.unsealed {
		all = append(all, (*store.UnsealedRecord)(copied(&u.ref)))
	}
	slices.SortFunc(all, func(a, b store.Record) int { return a.Place().Compare(b.Place()) })
	return all, err
}

// accounts are the balances of all accounts that are neither a wallet nor a campaign's: of those that a transfer
// names.
func (s *Store) accounts() map[ledger.Account]ledger.Sum {
	sums := map[ledger.Account]ledger.Sum{}
	move := func(a ledger.Account, minor int64) {
		if a.Kind != ledger.Wallet && a.Kind != ledger.Funding {
			sums[a] = sums[a].Add(minor)
		}
	}
	for _, t := range s.entries {
		move(t.Debit, -t.Amount)
		move(t.Credit, t.Amount)
	}
	return sums
}

// posts are what Posts made, found by the ledger entries that only a Post makes.
func (s *Store) posts() []store.Record {
	received := map[id.ID]ledger.Transfer{}
	for _, t := range s.entries {
		if t.Kind == ledger.TransferIn {
			received[t.ID] = t
		}
	}
	var posts []store.Record
	for _, t := range s.entries {
		if t.Kind != ledger.Credit && t.Kind != ledger.Debit && t.Kind != ledger.TransferOut {
			continue
		}
		p := &store.PostRecord{ID: t.ID, Kind: t.Kind, Customer: t.Customer, Currency: t.Currency, Seq: t.Seq}
		if t.Kind == ledger.TransferOut {
			p.To, p.ToSeq = received[t.ID].Customer, received[t.ID].Seq
		}
		posts = append(posts, p)
	}
	return posts
}

func (s *Store) keyRecords() ([]store.Record, error) {
	var keys []store.Record
	for k, e := range s.keys {
		keys = append(keys, &store.KeyRecord{Customer: k.customer, Key: k.key, Kind: commands()[e.kind], ID: e.id, Fingerprint: e.fingerprint})
	}
	for key, made := range s.creations {
		snapshot, err := json.Marshal(made)
		if err != nil {
			return nil, fmt.Errorf("the creation under key %q: %w", key, err)
		}
		keys = append(keys, &store.KeyRecord{Key: key, Kind: store.CreateCommand, Fingerprint: made.Fingerprint, Snapshot: string(snapshot)})
	}
	return keys, nil
}

// commands are the contract's names for our kinds.
func commands() map[commandKind]store.CommandKind {
	return map[commandKind]store.CommandKind{
		redeemKind: store.RedeemCommand, rollbackKind: store.RollbackCommand, postKind: store.PostCommand,
	}
}
