package storetest

import (
	"fmt"
	"testing"

	"scrip/internal/store"
)

// Benchmark measures a driver: batches of redemptions by ever new customers, as one Apply, and the two
// reads that come in crowds. Its figures are per batch, and per command as ns/command.
func Benchmark(b *testing.B, d Driver) {
	b.Helper()
	for _, size := range []int{1, 64, 1024} {
		b.Run(fmt.Sprintf("Apply/%d", size), func(b *testing.B) { benchmarkApply(b, d, size) })
	}
	for _, size := range []int{1, 64} {
		b.Run(fmt.Sprintf("Lookup/%d", size), func(b *testing.B) { benchmarkLookup(b, d, size) })
		b.Run(fmt.Sprintf("Balances/%d", size), func(b *testing.B) { benchmarkBalances(b, d, size) })
	}
}

func benchmarkApply(b *testing.B, d Driver, size int) {
	b.Helper()
	w := open(b, d)
	w.shared("salam", 0)
	n := 0
	batch := make([]store.Command, size)
	b.ReportAllocs()
	for b.Loop() {
		for i := range batch {
			n++
			batch[i] = w.redeem("salam", fmt.Sprintf("0912%07d", n))
		}
		for _, o := range w.apply(batch...) {
			if o.Refusal != nil {
				b.Fatal(o.Refusal)
			}
		}
	}
	perCommand(b, size)
}

func benchmarkLookup(b *testing.B, d Driver, size int) {
	b.Helper()
	w := open(b, d)
	c := w.campaign()
	w.create(c)
	keys := make([]string, size)
	for i := range keys {
		v := w.voucher(c, fmt.Sprintf("code-%d", i), 1)
		keys[i] = v.Key
		w.create(nil, v)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := w.s.Lookup(b.Context(), keys); err != nil {
			b.Fatal(err)
		}
	}
	perCommand(b, size)
}

func benchmarkBalances(b *testing.B, d Driver, size int) {
	b.Helper()
	w := open(b, d)
	wallets := make([]store.WalletRef, size)
	for i := range wallets {
		wallets[i] = store.WalletRef{Customer: customer(i), Currency: rial}
		w.done(w.do(w.pay(customer(i), 1)))
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.s.Balances(b.Context(), wallets); err != nil {
			b.Fatal(err)
		}
	}
	perCommand(b, size)
}

// perCommand adds what one command of a batch costs.
func perCommand(b *testing.B, size int) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/command")
}
