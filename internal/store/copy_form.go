package store

import (
	"encoding/binary"
	"time"

	"scrip/internal/ledger"
)

// The form of records in which two stores are compared. It is never stored: a digest is, so that another form
// makes an unfinished copy another source's, and no worse.

// Append implements Record.
func (r *CampaignRecord) Append(b []byte) []byte {
	b = append(append(b, byte(CampaignKind)), r.ID[:]...)
	b = appendText(appendText(b, r.Name), string(r.Currency))
	b = append(b, byte(r.Effect.Kind))
	b = appendInts(b, r.Effect.AmountMinor, r.Effect.PercentBP, r.Effect.MaxMinor)
	b = appendTimes(b, r.Window.Start, r.Window.End)
	b = appendInts(b, r.Budget.AmountMinor, r.Budget.Count, r.Budget.PerCustomer)
	b = appendInts(appendBool(b, r.Disabled), r.GivenMinor, r.Redeemed, r.Version)
	return appendTimes(b, r.CreatedAt, r.UpdatedAt)
}

// Append implements Record.
func (r *VoucherRecord) Append(b []byte) []byte {
	b = append(append(append(b, byte(VoucherKind)), r.ID[:]...), r.CampaignID[:]...)
	b = appendText(appendText(b, r.Code), r.Key)
	b = appendText(appendInts(b, r.Limit, r.PerCustomer), r.Customer)
	b = appendInts(appendBool(b, r.Disabled), r.Redeemed, r.Ranked, r.Version)
	return appendTimes(b, r.CreatedAt, r.UpdatedAt)
}

// Append implements Record.
func (r *WalletRecord) Append(b []byte) []byte {
	b = appendText(appendText(append(b, byte(WalletKind)), r.Customer), string(r.Currency))
	return appendInts(b, r.BalanceMinor, r.Seq)
}

// Append implements Record.
func (r *TransferRecord) Append(b []byte) []byte {
	b = appendText(appendText(append(b, byte(TransferKind)), r.Customer), string(r.Currency))
	b = append(append(appendInts(b, r.Seq), r.ID[:]...), byte(r.Kind))
	b = appendAccount(appendAccount(b, r.Debit), r.Credit)
	return appendTimes(appendInts(b, r.Amount, r.Balance), r.At)
}

// Append implements Record.
func (r *AccountRecord) Append(b []byte) []byte {
	b = appendText(append(b, byte(AccountKind), byte(r.Kind)), string(r.Currency))
	return appendInts(b, r.Balance.Hi, int64(r.Balance.Lo)) //nolint:gosec // two's complement
}

// Append implements Record.
func (r *RedemptionRecord) Append(b []byte) []byte {
	b = append(append(append(append(b, byte(RedemptionKind)), r.ID[:]...), r.VoucherID[:]...), r.CampaignID[:]...)
	b = appendText(appendText(b, r.Code), r.Customer)
	b = append(appendInts(b, r.Rank, r.Limit), byte(r.Effect))
	b = appendText(appendInts(b, r.AmountMinor), string(r.Currency))
	b = appendText(appendInts(appendText(b, r.Order.ID), r.Order.AmountMinor), string(r.Order.Currency))
	b = appendText(appendInts(b, r.BalanceMinor, r.Seq), r.Key)
	return append(appendTimes(b, r.At, r.RolledBackAt), r.RollbackID[:]...)
}

// Append implements Record.
func (r *RollbackRecord) Append(b []byte) []byte {
	b = append(append(append(append(b, byte(RollbackKind)), r.ID[:]...), r.RedemptionID[:]...), r.VoucherID[:]...)
	b = appendText(appendInts(appendText(b, r.Customer), r.AmountMinor), string(r.Currency))
	b = appendText(appendText(appendInts(b, r.BalanceMinor, r.Seq), r.Reason), r.Key)
	return appendTimes(b, r.At)
}

// Append implements Record.
func (r *PostRecord) Append(b []byte) []byte {
	b = append(append(append(b, byte(PostKind)), r.ID[:]...), byte(r.Kind))
	b = appendText(appendText(b, r.Customer), string(r.Currency))
	return appendInts(appendText(appendInts(b, r.Seq), r.To), r.ToSeq)
}

// Append implements Record.
func (r *KeyRecord) Append(b []byte) []byte {
	b = appendText(appendText(append(b, byte(KeyKind)), r.Customer), r.Key)
	b = append(append(append(b, byte(r.Kind)), r.ID[:]...), r.Fingerprint[:]...)
	return appendText(b, r.Snapshot)
}

// Append implements Record.
func (r *AccessKeyRecord) Append(b []byte) []byte {
	b = appendText(append(append(b, byte(AccessKeyKind)), r.ID[:]...), r.Name)
	b = append(appendInts(append(b, byte(r.Kind)), int64(r.Scopes)), r.Hash[:]...)
	b = append(appendInts(appendText(b, r.Tail), r.RatePerSecond, r.Burst), r.Replaces[:]...)
	return appendTimes(b, r.CreatedAt, r.ExpiresAt, r.RevokedAt, r.LastUsedAt)
}

// Append implements Record.
func (r *EventRecord) Append(b []byte) []byte {
	b = appendTimes(append(append(b, byte(EventKind)), r.ID[:]...), r.At)
	b = appendText(appendText(append(b, r.By.Key[:]...), r.By.Name), r.By.RequestID)
	return appendText(appendText(appendText(appendText(b, r.Action), r.Object), r.Before), r.After)
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendInts(b []byte, ns ...int64) []byte {
	for _, n := range ns {
		b = binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // two's complement
	}
	return b
}

// appendTimes appends whole microseconds, which is what a store keeps, and whether there is a time at all.
func appendTimes(b []byte, ts ...time.Time) []byte {
	for _, t := range ts {
		b = appendBool(b, !t.IsZero())
		if !t.IsZero() {
			b = appendInts(b, t.UnixMicro())
		}
	}
	return b
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendAccount(b []byte, a ledger.Account) []byte {
	return appendText(appendText(append(b, byte(a.Kind)), a.Owner), string(a.Currency))
}
