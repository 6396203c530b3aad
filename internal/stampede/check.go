package stampede

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// findingsMax is how many things that are wrong are told one by one; the rest are counted.
const findingsMax = 50

// findings is what is wrong.
type findings struct {
	told  []string
	total int
}

// say notes one thing that is wrong.
func (f *flood) say(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wrong.total++
	if len(f.wrong.told) < findingsMax {
		f.wrong.told = append(f.wrong.told, fmt.Sprintf(format, args...))
	}
}

func (f *flood) customer(n int) string { return customerName(f.name, n) }

// expected is how many must have won.
func (f *flood) expected() int64 { return min(int64(f.cfg.Customers), f.before.room()) }

// check holds the outcome to what the server now says.
func (f *flood) check(ctx context.Context, s servers) {
	f.checkVerdicts()
	f.checkRanks()
	f.each(ctx, checkingWallets, func(ctx context.Context, w *worker, customer int) { w.checkWallet(ctx, customer) })
	if ctx.Err() != nil {
		return
	}
	after, err := s.look(ctx, f.cfg.Code)
	if err != nil {
		f.say("the code could not be looked up afterwards: %v", err)
		return
	}
	f.checkCode(after)
	f.complete = ctx.Err() == nil
}

// checkVerdicts wants a final verdict for everybody, and as many winners as there was room for.
func (f *flood) checkVerdicts() {
	for i := range f.asked {
		if f.asked[i].verdict <= unknown {
			f.say("customer %s has no final verdict", f.customer(i))
		}
	}
	if n := f.winners.Load(); n != f.expected() {
		f.say("%d won, but it must be %d: %d customers, room for %d", n, f.expected(), f.cfg.Customers, f.before.room())
	}
}

// checkRanks wants the ranks of the winners without a gap, each once, above those given before.
func (f *flood) checkRanks() {
	type ranked struct {
		rank     int64
		customer int
	}
	winners := make([]ranked, 0, f.winners.Load())
	for i := range f.asked {
		if f.asked[i].verdict == won {
			winners = append(winners, ranked{f.asked[i].rank, i})
		}
	}
	slices.SortFunc(winners, func(a, b ranked) int { return int(a.rank - b.rank) })
	for i := range winners {
		if i == 0 {
			continue
		}
		a, b := winners[i-1], winners[i]
		switch {
		case a.rank == b.rank:
			f.say("rank %d was given twice: to %s and to %s", a.rank, f.customer(a.customer), f.customer(b.customer))
		case a.rank+1 != b.rank:
			f.say("nobody has the ranks from %d to %d", a.rank+1, b.rank-1)
		}
	}
	used := f.before.voucher.Redeemed
	if len(winners) > 0 && winners[0].rank <= used {
		f.say("the first rank is %d, but %d were redeemed before", winners[0].rank, used)
	}
}

// checkCode wants the code's counters to have moved by as many as won.
func (f *flood) checkCode(after standing) {
	n := f.winners.Load()
	was, is := f.before.voucher, after.voucher
	if is.Redeemed != was.Redeemed+n {
		f.say("the code reports %d redeemed, but it must be %d: %d before, and %d won", is.Redeemed, was.Redeemed+n, was.Redeemed, n)
	}
	if was.Remaining != nil && is.Remaining != nil && *is.Remaining != *was.Remaining-n {
		f.say("the code reports %d uses left, but it must be %d: %d before, and %d won", *is.Remaining, *was.Remaining-n, *was.Remaining, n)
	}
}

// checkWallet wants a winner's wallet credited once, and no one else's.
func (w *worker) checkWallet(ctx context.Context, customer int) {
	f := w.f
	a := &f.asked[customer]
	if a.verdict <= unknown {
		return // said already; the wallet may be either way
	}
	r, ok := w.ask(ctx, customer+1, func(l *line) []byte { return l.wallet.of(customer) }) // not of whom it asked first
	if !ok || r.status != http.StatusOK {
		if ctx.Err() == nil {
			f.say("the wallet of %s could not be read: status %d", f.customer(customer), r.status)
		}
		return
	}
	have, sound := balance(r.body, f.before.voucher.Effect.Currency)
	want := int64(0)
	if a.verdict == won {
		want = f.before.voucher.Effect.Amount
	}
	switch {
	case !sound:
		f.say("the wallet of %s is not what it should be: %.200q", f.customer(customer), r.body)
	case have != want && a.verdict == won:
		f.say("winner %s, number %d, has %d in the wallet, but it must be %d", f.customer(customer), a.rank, have, want)
	case have != want:
		f.say("%s did not win, but has %d in the wallet", f.customer(customer), have)
	}
}

// balance is the one balance of a wallet that may be there, in the campaign's currency.
func balance(body []byte, currency string) (minor int64, sound bool) {
	for name, value := range members(body) {
		if string(name) != "balances" {
			continue
		}
		sound = true
		for entry := range elements(value) {
			amount, in, ok := int64(0), "", false
			for name, value := range members(entry) {
				switch string(name) {
				case "amount":
					amount, ok = integer(value)
				case "currency":
					in = string(plain(value))
				}
			}
			if !ok || in != currency && amount != 0 {
				return 0, false
			}
			minor += amount
		}
	}
	return minor, sound
}
