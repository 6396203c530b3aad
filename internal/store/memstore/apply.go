package memstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// Apply applies the commands one by one, in order: the law itself.
func (s *Store) Apply(ctx context.Context, commands []store.Command) ([]store.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrNotApplied, err)
	}
	if s.closed {
		return nil, fmt.Errorf("%w: %w", store.ErrNotApplied, errClosed)
	}
	now := s.now()
	outcomes := make([]store.Outcome, 0, len(commands))
	for _, command := range commands {
		outcomes = append(outcomes, s.apply(command, now))
	}
	return outcomes, nil
}

func (s *Store) apply(command store.Command, now time.Time) store.Outcome {
	switch c := command.(type) {
	case *store.Redeem:
		return s.redeem(c, now)
	case *store.Rollback:
		return s.rollback(c, now)
	case *store.Post:
		return s.post(c, now)
	default:
		panic(fmt.Sprintf("memstore: no such command: %T", command))
	}
}

func (s *Store) redeem(cmd *store.Redeem, now time.Time) store.Outcome {
	if r, known := s.redemptions[cmd.ID]; known && cmd.Again {
		return store.Outcome{Replayed: true, Redemption: copied(r)}
	}
	if first, known := s.keyed(cmd.Customer, cmd.Key); known {
		if first.kind != redeemKind || first.fingerprint != cmd.Fingerprint {
			return store.Outcome{Refusal: fault.ErrKeyReused}
		}
		return store.Outcome{Replayed: true, Redemption: copied(s.redemptions[first.id])}
	}
	v, known := s.codes[cmd.Code]
	if !known {
		return store.Outcome{Refusal: fault.ErrVoucherNotFound, Fact: voucher.UnknownFact(cmd.Code)}
	}
	c := s.campaigns[v.CampaignID]
	claims, receipt := s.claims(cmd.Customer, v.ID, c.ID)
	grant, refusal := voucher.Judge(c, v, claims, cmd.Customer, cmd.Order, now)
	if refusal != nil {
		o := store.Outcome{Refusal: refusal, Fact: voucher.FactOf(c, v, now)}
		if refusal.Is(fault.ErrAlreadyRedeemed) {
			o.Redemption = copied(receipt)
		}
		return o
	}
	t := ledger.Transfer{
		ID: cmd.ID, Customer: cmd.Customer, Currency: c.Currency, Kind: ledger.Redemption,
		Debit: ledger.FundingOf(c.ID, c.Currency), Credit: given(c, cmd.Customer), Amount: grant.AmountMinor, At: now,
	}
	if refusal := s.enter(&t); refusal != nil {
		return store.Outcome{Refusal: refusal, Fact: voucher.FactOf(c, v, now)}
	}
	r := &voucher.Redemption{
		ID: cmd.ID, VoucherID: v.ID, CampaignID: c.ID, Code: v.Code, Customer: cmd.Customer,
		Rank: grant.Rank, Limit: v.Limit, Effect: c.Effect.Kind, AmountMinor: grant.AmountMinor, Currency: c.Currency,
		BalanceMinor: t.Balance, Seq: t.Seq, Key: cmd.Key, At: now,
	}
	if c.Effect.Kind == voucher.Discount {
		r.Order = *cmd.Order
	}
	v.Redeemed++
	v.Ranked = grant.Rank
	c.Redeemed++
	c.GivenMinor += grant.AmountMinor
	s.redemptions[r.ID] = r
	s.won[v.ID] = append(s.won[v.ID], r)
	for _, of := range []id.ID{v.ID, c.ID} {
		h := holder{of: of, customer: r.Customer}
		s.held[h] = append(s.held[h], r)
	}
	s.remember(cmd.Customer, cmd.Key, effect{kind: redeemKind, id: cmd.ID, fingerprint: cmd.Fingerprint})
	return store.Outcome{Redemption: copied(r), Fact: voucher.FactOf(c, v, now)}
}

func (s *Store) rollback(cmd *store.Rollback, now time.Time) store.Outcome {
	if b, known := s.rollbacks[cmd.ID]; known && cmd.Again {
		return s.replayRollback(b)
	}
	r, known := s.redemptions[cmd.Redemption]
	if !known {
		return store.Outcome{Refusal: fault.ErrRedemptionNotFound}
	}
	if first, known := s.keyed(r.Customer, cmd.Key); known {
		if first.kind != rollbackKind || first.fingerprint != cmd.Fingerprint {
			return store.Outcome{Refusal: fault.ErrKeyReused}
		}
		return s.replayRollback(s.rollbacks[first.id])
	}
	v, c := s.vouchers[r.VoucherID], s.campaigns[r.CampaignID]
	if !r.RolledBackAt.IsZero() {
		return store.Outcome{Refusal: fault.ErrAlreadyRolledBack, Fact: voucher.FactOf(c, v, now)}
	}
	redeemed := s.entries[owned{customer: r.Customer, id: r.ID}]
	t := ledger.Transfer{
		ID: cmd.ID, Customer: r.Customer, Currency: r.Currency, Kind: ledger.Rollback,
		Debit: redeemed.Credit, Credit: redeemed.Debit, Amount: r.AmountMinor, At: now,
	}
	if refusal := s.enter(&t); refusal != nil {
		return store.Outcome{Refusal: refusal, Fact: voucher.FactOf(c, v, now)}
	}
	b := &voucher.Rollback{
		ID: cmd.ID, RedemptionID: r.ID, VoucherID: v.ID, Customer: r.Customer, AmountMinor: r.AmountMinor,
		Currency: r.Currency, BalanceMinor: t.Balance, Seq: t.Seq, Reason: cmd.Reason, Key: cmd.Key, At: now,
	}
	r.RolledBackAt, r.RollbackID = now, b.ID
	v.Redeemed--
	v.Version++ // a use is open again
	c.Redeemed--
	c.GivenMinor -= r.AmountMinor
	if c.Budget.AmountMinor != 0 || c.Budget.Count != 0 {
		c.Version++ // the budget has room again, for all the campaign's vouchers
	}
	s.rollbacks[b.ID] = b
	s.remember(r.Customer, cmd.Key, effect{kind: rollbackKind, id: cmd.ID, fingerprint: cmd.Fingerprint})
	return store.Outcome{Redemption: copied(r), Rollback: copied(b), Fact: voucher.FactOf(c, v, now)}
}

func (s *Store) replayRollback(b *voucher.Rollback) store.Outcome {
	return store.Outcome{Replayed: true, Redemption: copied(s.redemptions[b.RedemptionID]), Rollback: copied(b)}
}

func (s *Store) post(cmd *store.Post, now time.Time) store.Outcome {
	if t, known := s.entries[owned{customer: cmd.Customer, id: cmd.ID}]; known && cmd.Again {
		return store.Outcome{Replayed: true, Transfer: &t}
	}
	if first, known := s.keyed(cmd.Customer, cmd.Key); known {
		if first.kind != postKind || first.fingerprint != cmd.Fingerprint {
			return store.Outcome{Refusal: fault.ErrKeyReused}
		}
		t := s.entries[owned{customer: cmd.Customer, id: first.id}]
		return store.Outcome{Replayed: true, Transfer: &t}
	}
	transfers, refusal := transfersOf(cmd, now)
	if refusal == nil {
		refusal = s.enter(transfers...)
	}
	if refusal != nil {
		return store.Outcome{Refusal: refusal}
	}
	s.remember(cmd.Customer, cmd.Key, effect{kind: postKind, id: cmd.ID, fingerprint: cmd.Fingerprint})
	return store.Outcome{Transfer: copied(transfers[0])}
}

// transfersOf is a post as ledger entries, the customer's own first, or why it can't be.
func transfersOf(cmd *store.Post, now time.Time) ([]*ledger.Transfer, *fault.Error) {
	own := ledger.WalletOf(cmd.Customer, cmd.Currency)
	entry := func(customer string, k ledger.Kind, debit, credit ledger.Account) *ledger.Transfer {
		return &ledger.Transfer{
			ID: cmd.ID, Customer: customer, Currency: cmd.Currency, Kind: k,
			Debit: debit, Credit: credit, Amount: cmd.AmountMinor, At: now,
		}
	}
	between := cmd.Kind == ledger.TransferOut
	if cmd.AmountMinor <= 0 || between != (cmd.To != "") || cmd.To == cmd.Customer {
		return nil, fault.ErrInvalidRequest
	}
	switch cmd.Kind {
	case ledger.Credit:
		outside := ledger.Account{Kind: ledger.External, Currency: cmd.Currency}
		return []*ledger.Transfer{entry(cmd.Customer, ledger.Credit, outside, own)}, nil
	case ledger.Debit:
		merchant := ledger.Account{Kind: ledger.Merchant, Currency: cmd.Currency}
		return []*ledger.Transfer{entry(cmd.Customer, ledger.Debit, own, merchant)}, nil
	case ledger.TransferOut:
		clearing := ledger.Account{Kind: ledger.Clearing, Currency: cmd.Currency}
		return []*ledger.Transfer{
			entry(cmd.Customer, ledger.TransferOut, own, clearing),
			entry(cmd.To, ledger.TransferIn, clearing, ledger.WalletOf(cmd.To, cmd.Currency)),
		}, nil
	case ledger.Redemption, ledger.Rollback, ledger.TransferIn, ledger.Expiry:
		return nil, fault.ErrInvalidRequest // made by other commands, or not by callers
	default:
		return nil, fault.ErrInvalidRequest
	}
}

// given is the account that a campaign's effect credits.
func given(c *voucher.Campaign, customer string) ledger.Account {
	if c.Effect.Kind == voucher.Discount {
		return ledger.Account{Kind: ledger.Merchant, Currency: c.Currency}
	}
	return ledger.WalletOf(customer, c.Currency)
}

// enter writes transfers of different wallets into the ledger, all or none, and completes each with its
// Seq and its Balance.
func (s *Store) enter(transfers ...*ledger.Transfer) *fault.Error {
	for _, t := range transfers {
		if _, taken := s.entries[owned{customer: t.Customer, id: t.ID}]; taken || !t.Sound() {
			return fault.ErrInternal.With(errors.New("memstore: a ledger entry with a taken id, or an unsound one"))
		}
		var before ledger.Balance
		if w, known := s.wallets[walletOf(t)]; known {
			before = w.balance
		}
		after, refusal := t.Apply(before.Minor)
		if refusal != nil {
			return refusal
		}
		t.Balance, t.Seq = after, before.Seq+1
	}
	for _, t := range transfers {
		w, known := s.wallets[walletOf(t)]
		if !known {
			w = &wallet{}
			s.wallets[walletOf(t)] = w
		}
		w.balance = ledger.Balance{Currency: t.Currency, Minor: t.Balance, Seq: t.Seq}
		w.entries = append(w.entries, *t)
		s.entries[owned{customer: t.Customer, id: t.ID}] = *t
		s.unsealed = append(s.unsealed, unsealed{store.RefOf(t), t.At})
	}
	return nil
}

func walletOf(t *ledger.Transfer) store.WalletRef {
	return store.WalletRef{Customer: t.Customer, Currency: t.Currency}
}

// keyed is what a customer's Idempotency-Key has caused already; the empty key causes nothing.
func (s *Store) keyed(customer, key string) (effect, bool) {
	e, known := s.keys[ownedKey{customer: customer, key: key}]
	return e, known
}

func (s *Store) remember(customer, key string, e effect) {
	if key != "" {
		s.keys[ownedKey{customer: customer, key: key}] = e
	}
}

// copied is a copy of *p, which holds no pointers itself.
func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}
