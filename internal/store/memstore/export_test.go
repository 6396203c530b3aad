package memstore

import (
	"slices"
	"testing"
	"time"

	"scrip/internal/ledger"
	"scrip/internal/store"
)

// Tamper changes a store behind its back.
type Tamper struct {
	testing.TB
	*Store
}

// entries are a wallet's.
func (b Tamper) at(r store.TransferRef) (entries *[]ledger.Transfer, i int) {
	b.Helper()
	w := b.wallets[store.WalletRef{Customer: r.Customer, Currency: r.Currency}]
	i = slices.IndexFunc(w.entries, func(t ledger.Transfer) bool { return t.Seq == r.Seq })
	if i < 0 {
		b.Fatalf("%s is not there", r)
	}
	return &w.entries, i
}

// AlterAmount implements storetest.Tamper.
func (b Tamper) AlterAmount(r store.TransferRef) {
	entries, i := b.at(r)
	(*entries)[i].Amount++
}

// Delete implements storetest.Tamper.
func (b Tamper) Delete(r store.TransferRef) {
	entries, i := b.at(r)
	*entries = slices.Delete(*entries, i, i+1)
}

// Insert implements storetest.Tamper.
func (b Tamper) Insert(like, as store.TransferRef) {
	entries, i := b.at(like)
	t := (*entries)[i]
	t.Seq = as.Seq
	*entries = append(*entries, t)
}

// Swap implements storetest.Tamper.
func (b Tamper) Swap(x, y store.TransferRef) {
	entries, i := b.at(x)
	_, j := b.at(y)
	e := *entries
	e[i], e[j] = e[j], e[i]
	e[i].Seq, e[j].Seq = e[j].Seq, e[i].Seq
}

// AlterSeal implements storetest.Tamper.
func (b Tamper) AlterSeal(number int64) {
	b.seals[number-1].At = b.seals[number-1].At.Add(time.Microsecond)
}

// DeleteSeal implements storetest.Tamper.
func (b Tamper) DeleteSeal(number int64) {
	b.seals = slices.Delete(b.seals, int(number)-1, int(number))
}
