package redisgate_test

import (
	"strconv"
	"testing"
	"time"

	"scrip/internal/gate"
	"scrip/internal/gate/memgate"
	"scrip/internal/gate/redisgate"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

const renewEvery = 1 << 16 // admissions: some milliseconds

// The codes of a benchmark, and what is said of them.
func benchFacts() []voucher.Fact {
	return []voucher.Fact{
		factOf("SOLD0UT", 1, voucher.SoldOut, 1), factOf("0PEN", 2, voucher.Open, 1), voucher.UnknownFact("N0SUCH"),
	}
}

// gates are the local gate alone and, over it, the one that shares.
func gates(b *testing.B) map[string]func() gate.Gate {
	b.Helper()
	server := testenv.SharedRedis(b)
	return map[string]func() gate.Gate{
		"local": func() gate.Gate {
			g, err := memgate.New(memgate.Config{})
			must(b, err)
			return g
		},
		"shared": func() gate.Gate {
			return openReplica(b, redisgate.Config{URL: server.URL(), Prefix: newPrefix()}).shared().Gate
		},
	}
}

func BenchmarkAdmit(b *testing.B) {
	for name, open := range gates(b) {
		for _, code := range []string{"SOLD0UT", "0PEN", "N0SUCH", "NEVERHEARD"} {
			b.Run(code+"/"+name, func(b *testing.B) {
				g := open()
				defer func() { must(b, g.Close()) }()
				facts := benchFacts()
				learn := func() {
					now := time.Now()
					for i := range facts {
						facts[i].At = now
					}
					g.Settle(now, facts...)
				}
				learn()
				g.SettleWinners(facts[0], winners(b))
				b.ReportAllocs()
				for n := 0; b.Loop(); n++ {
					if n%renewEvery == 0 {
						learn()
					}
					g.Admit(code, loser)
				}
			})
		}
	}
}

func BenchmarkSettle(b *testing.B) {
	for name, open := range gates(b) {
		b.Run("one code, remaining falling/"+name, func(b *testing.B) {
			g := open()
			defer func() { must(b, g.Close()) }()
			f := factOf("0PEN", 2, voucher.Open, 1)
			f.Remaining = 1 << 40
			b.ReportAllocs()
			for b.Loop() {
				f.At = time.Now()
				f.Remaining--
				g.Settle(f.At, f)
			}
		})
		b.Run("a batch of 1024 codes/"+name, func(b *testing.B) {
			g := open()
			defer func() { must(b, g.Close()) }()
			facts := make([]voucher.Fact, 1024)
			for i := range facts {
				facts[i] = factOf("CODE"+strconv.Itoa(i), i, voucher.Open, 1)
				facts[i].Remaining = 1 << 40
			}
			b.ReportAllocs()
			for b.Loop() {
				now := time.Now()
				for i := range facts {
					facts[i].At = now
					facts[i].Remaining--
				}
				g.Settle(now, facts...)
			}
		})
	}
}

func TestAdmitAllocatesNothing(t *testing.T) {
	p := newPair(t)
	p.know()
	p.a.asks(p.judged(factOf("SALAM", 1, voucher.SoldOut, 1)), voucher.UnknownFact("N0SUCH"))
	p.a.judges("SALAM", nil)
	for _, c := range []string{"SALAM", "SAMPLE", "N0SUCH", "NEVERHEARD"} {
		eventually(t, "all that is in the background is done", func() bool {
			_, due := p.a.Watched()
			return due == 0 && p.a.Waiting() == 0
		})
		if n := testing.AllocsPerRun(10_000, func() { p.a.Admit(c, loser) }); n >= 1 { // of whatever runs beside it, a part
			t.Errorf("Admit(%s) allocates %v times", c, n)
		}
	}
}
