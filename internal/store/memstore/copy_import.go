package memstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"scrip/internal/access"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// OpenImport begins or takes up a copy. What it brought is lost with the process, as all that this store holds.
func (s *Store) OpenImport(context.Context) (store.Import, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.importing {
		return nil, store.ErrInUse
	}
	records, err := s.records()
	if err != nil {
		return nil, err
	}
	if len(records) > 0 && !s.imported.Begun() {
		return nil, store.ErrNotEmpty
	}
	if len(records) == 0 {
		s.imported = store.ImportState{}
	}
	s.importing = true
	return &importer{s: s, state: s.imported}, nil
}

type importer struct {
	s     *Store
	state store.ImportState
	ended bool
}

// State returns how far the copy was.
func (i *importer) State() store.ImportState { return i.state }

// Check takes whatever there is.
func (i *importer) Check(store.Record) error { return nil }

// Begin notes the source.
func (i *importer) Begin(_ context.Context, source store.Digest) error {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	if at := i.s.imported.At; at != (store.Place{}) && i.s.imported.Source != source {
		return store.ErrOtherSource
	}
	i.s.imported.Source, i.s.imported.Finished = source, false
	return nil
}

// Add adds records, all or none: it builds the store anew, with them, and takes that one's place if all of them
// are then told as they came.
func (i *importer) Add(_ context.Context, records []store.Record) error {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	there, err := i.s.records()
	if err != nil {
		return err
	}
	fresh := New(Options{Clock: i.s.clock})
	known := make(map[store.Place]bool, len(there))
	for _, r := range slices.Concat(there, records) {
		if known[r.Place()] {
			continue
		}
		known[r.Place()] = true
		if err := fresh.add(r); err != nil {
			return fmt.Errorf("%s: %w", r, err)
		}
	}
	if err := fresh.tells(records); err != nil {
		return err
	}
	if len(records) > 0 {
		i.s.imported.At = records[len(records)-1].Place()
	}
	i.s.campaigns, i.s.vouchers, i.s.codes, i.s.redemptions, i.s.rollbacks = fresh.campaigns, fresh.vouchers, fresh.codes, fresh.redemptions, fresh.rollbacks
	i.s.held, i.s.won, i.s.wallets, i.s.entries, i.s.keys, i.s.creations = fresh.held, fresh.won, fresh.wallets, fresh.entries, fresh.keys, fresh.creations
	i.s.ring.keys, i.s.trail = fresh.ring.keys, fresh.trail
	i.s.ring.version++
	i.s.seals, i.s.unsealed = fresh.seals, fresh.unsealed
	return nil
}

// tells checks that the store tells records as they are.
func (s *Store) tells(records []store.Record) error {
	there, err := s.records()
	if err != nil {
		return err
	}
	return store.CheckThere(records, func(_ store.Place, yield func(store.Record) error) error {
		for _, r := range there {
			if err := yield(r); err != nil {
				return err
			}
		}
		return nil
	})
}

// Filled has nothing to prepare.
func (i *importer) Filled(context.Context) error { return nil }

// Finish makes the copy one of its own.
func (i *importer) Finish(context.Context) error {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	i.s.imported.Finished = true
	return nil
}

// Close lets others in.
func (i *importer) Close() error {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	if !i.ended {
		i.ended, i.s.importing = true, false
	}
	return nil
}

// add adds a record whose place is free.
func (s *Store) add(r store.Record) error {
	switch r := r.(type) {
	case *store.CampaignRecord:
		s.campaigns[r.ID] = copied((*voucher.Campaign)(r))
	case *store.VoucherRecord:
		return s.addVoucher(copied((*voucher.Voucher)(r)))
	case *store.WalletRecord:
		s.wallets[r.WalletRef] = &wallet{balance: ledger.Balance{Currency: r.Currency, Minor: r.BalanceMinor, Seq: r.Seq}}
	case *store.TransferRecord:
		return s.addTransfer(ledger.Transfer(*r))
	case *store.RedemptionRecord:
		s.addRedemption(copied((*voucher.Redemption)(r)))
	case *store.RollbackRecord:
		s.rollbacks[r.ID] = copied((*voucher.Rollback)(r))
	case *store.AccountRecord, *store.PostRecord:
		return nil // told by the ledger entries
	case *store.KeyRecord:
		return s.addKey(r)
	case *store.AccessKeyRecord:
		if err := s.unlike((*access.Key)(r)); err != nil {
			return err
		}
		s.ring.keys[r.ID] = copied((*access.Key)(r))
	case *store.EventRecord:
		s.trail[r.ID] = copied((*store.Event)(r))
	case *store.SealRecord:
		s.seals = append(s.seals, store.Seal(*r))
	case *store.UnsealedRecord:
		s.unsealed = append(s.unsealed, unsealed{ref: store.TransferRef(*r)})
	default:
		return fmt.Errorf("no such record: %T", r)
	}
	return nil
}

func (s *Store) addVoucher(v *voucher.Voucher) error {
	if s.codes[v.Key] != nil {
		return errors.New("something else has its code")
	}
	s.vouchers[v.ID], s.codes[v.Key] = v, v
	return nil
}

func (s *Store) addTransfer(t ledger.Transfer) error {
	w, known := s.wallets[walletOf(&t)]
	if _, taken := s.entries[owned{customer: t.Customer, id: t.ID}]; !known || taken {
		return errors.New("it has no wallet, or its customer has its id already")
	}
	w.entries = append(w.entries, t)
	s.entries[owned{customer: t.Customer, id: t.ID}] = t
	return nil
}

// addRedemption files a redemption by its rank: records come in another order than redemptions do.
func (s *Store) addRedemption(r *voucher.Redemption) {
	file := func(list []*voucher.Redemption) []*voucher.Redemption {
		at, _ := slices.BinarySearchFunc(list, r, func(a, b *voucher.Redemption) int { return cmp.Compare(a.Rank, b.Rank) })
		return slices.Insert(list, at, r)
	}
	s.redemptions[r.ID] = r
	s.won[r.VoucherID] = file(s.won[r.VoucherID])
	for _, of := range []id.ID{r.VoucherID, r.CampaignID} {
		h := holder{of: of, customer: r.Customer}
		s.held[h] = file(s.held[h])
	}
}

func (s *Store) addKey(r *store.KeyRecord) error {
	if r.Kind == store.CreateCommand {
		var made store.Creation
		if err := json.Unmarshal([]byte(r.Snapshot), &made); err != nil {
			return err
		}
		s.creations[r.Key] = made
		return nil
	}
	for ours, theirs := range commands() {
		if theirs == r.Kind {
			s.keys[ownedKey{customer: r.Customer, key: r.Key}] = effect{kind: ours, id: r.ID, fingerprint: r.Fingerprint}
			return nil
		}
	}
	return fmt.Errorf("no such kind of command: %d", r.Kind)
}
