package memgate_test

import (
	"strconv"
	"testing"
	"time"

	"scrip/internal/gate"
	"scrip/internal/gate/memgate"
	"scrip/internal/voucher"
)

// stadium is a gate on the real clock, full of codes that nobody asks for any more, and four codes that
// everybody asks for. Their facts must be settled again before a second is over.
type stadium struct {
	gate  *memgate.Gate
	facts []voucher.Fact
	loser string
}

const (
	soldCode    = "SALAM1404"
	unknownCode = "SALAM1405"
	openCode    = "SALAM1406"
	noCode      = "SALAM1407"

	renewEvery = 1 << 16 // admissions: some milliseconds
)

func newStadium(b *testing.B) *stadium {
	b.Helper()
	g, err := memgate.New(memgate.Config{FactsMax: 10_000})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = g.Close() })
	for i := range 20_000 {
		g.Settle(time.Now(), factOf("CODE"+strconv.Itoa(i), i, 1, voucher.SoldOut))
	}
	s := &stadium{gate: g, facts: []voucher.Fact{
		factOf(soldCode, 20_001, 1, voucher.SoldOut), voucher.UnknownFact(unknownCode), factOf(openCode, 20_002, 1, voucher.Open),
	}}
	for range 100 { // they are asked for more often than the others, and so they stay
		s.renew()
		for _, f := range s.facts {
			g.Admit(f.Key, "anybody")
		}
	}
	w, loser := winnersOf(b, 1000)
	s.loser = loser
	g.SettleWinners(s.facts[0], w)
	return s
}

func (s *stadium) renew() { s.gate.Settle(time.Now(), s.facts...) }

// winnersOf is a filter of n winners and somebody whom it surely does not hold.
func winnersOf(tb testing.TB, n int) (w *gate.Winners, loser string) {
	tb.Helper()
	hashes := make([]uint64, n)
	for i := range hashes {
		hashes[i] = gate.HashCustomer("0912" + strconv.Itoa(1_000_000+i))
	}
	w, err := gate.NewWinners(hashes)
	if err != nil {
		tb.Fatal(err)
	}
	for i := 0; ; i++ {
		if loser = "0935" + strconv.Itoa(1_000_000+i); !w.MayHold(loser) {
			return w, loser
		}
	}
}

func BenchmarkAdmit(b *testing.B) {
	cases := []struct {
		name, key string
		refused   bool
	}{
		{"sold out, loser", soldCode, true},
		{"unknown", unknownCode, true},
		{"open", openCode, false},
		{"no fact", noCode, false},
	}
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			s := newStadium(b)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if n%renewEvery == 0 {
					s.renew()
				}
				if d := s.gate.Admit(c.key, s.loser); (d.Refusal != nil) != c.refused {
					b.Fatalf("refusal %v", d.Refusal)
				}
			}
		})
	}
	for _, c := range cases {
		b.Run("parallel/"+c.name, func(b *testing.B) {
			s := newStadium(b)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for n := 0; pb.Next(); n++ {
					if n%renewEvery == 0 {
						s.renew()
					}
					if d := s.gate.Admit(c.key, s.loser); (d.Refusal != nil) != c.refused {
						b.Errorf("refusal %v", d.Refusal)
						return
					}
				}
			})
		})
	}
}

func BenchmarkSettle(b *testing.B) {
	b.Run("the same code, remaining falling", func(b *testing.B) {
		s := newStadium(b)
		f := s.facts[2]
		f.Remaining = 1 << 40
		b.ReportAllocs()
		for b.Loop() {
			f.Remaining--
			s.gate.Settle(time.Now(), f)
		}
	})
	b.Run("another unknown code each", func(b *testing.B) {
		s := newStadium(b)
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			s.gate.Settle(time.Now(), voucher.UnknownFact("GUESS"+strconv.Itoa(n)))
		}
	})
}
