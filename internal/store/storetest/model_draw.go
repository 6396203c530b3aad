package storetest

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"pgregory.net/rapid"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// The small world that histories are drawn from.

func customers() []string          { return []string{"ali", "bita", "cyrus"} }
func codes() []string              { return []string{"A", "B", "C", "D", "E", "NONE"} }
func currencies() []money.Currency { return []money.Currency{rial, euro} }

// draw is one of a few.
func draw[T any](b *twins, name string, of ...T) T {
	return rapid.SampledFrom(of).Draw(b.rt, name)
}

// maybe is one of a few, or nil.
func maybe[T any](b *twins, name string, of ...T) *T {
	if !rapid.Bool().Draw(b.rt, name+"?") {
		return nil
	}
	return new(draw(b, name, of...))
}

// newID is an id that is new, and the same when the history is played again. Ids of one time do not come
// in order, as those of several replicas do not.
func (b *twins) newID() id.ID {
	b.ids++
	milli := uint64(b.clock.Now().UnixMilli())
	var of id.ID
	binary.BigEndian.PutUint64(of[:8], milli<<16|0x7000)
	// Fibonacci hashing scatters the counter over the 62 bits that a UUIDv7 has left.
	binary.BigEndian.PutUint64(of[8:], b.ids*0x9e3779b97f4a7c15>>2|1<<63)
	return of
}

// seed creates what every history begins with: two campaigns of two vouchers, the first of them plain,
// so that it can surely be won.
func (b *twins) seed() {
	for i, pair := range [][]string{{"A", "B"}, {"C", "D"}} {
		c := b.drawCampaign()
		vs := []voucher.Voucher{b.drawVoucher(c.ID, pair[0]), b.drawVoucher(c.ID, pair[1])}
		if i == 0 {
			c.Effect, c.Window, vs[0].Customer = voucher.Effect{Kind: voucher.Credit, AmountMinor: credit}, voucher.Window{}, ""
		}
		b.createBoth(store.Creation{Campaign: c, Vouchers: vs})
	}
}

// seedCrowds creates what crowds are drawn to: codes that give credit, with room for some of them or for all.
func (b *twins) seedCrowds() {
	for _, code := range []string{"A", "B"} {
		c := b.drawCampaign()
		c.Effect = voucher.Effect{Kind: voucher.Credit, AmountMinor: credit}
		c.Budget = draw(b, "budget", voucher.Budget{}, voucher.Budget{}, voucher.Budget{Count: 9}, voucher.Budget{AmountMinor: 12 * credit})
		c.Window = draw(b, "window", voucher.Window{}, voucher.Window{}, b.drawWindow())
		v := b.drawVoucher(c.ID, code)
		v.Limit, v.Customer = draw[int64](b, "limit", 0, 0, 0, 7), ""
		b.createBoth(store.Creation{Campaign: c, Vouchers: []voucher.Voucher{v}})
	}
}

func (b *twins) drawCampaign() *voucher.Campaign {
	return &voucher.Campaign{
		ID: b.newID(), Name: "Nowruz", Currency: draw(b, "currency", currencies()...),
		Effect: draw(b, "effect",
			voucher.Effect{Kind: voucher.Credit, AmountMinor: credit},
			voucher.Effect{Kind: voucher.Credit, AmountMinor: math.MaxInt64 / 2},
			voucher.Effect{Kind: voucher.Discount, AmountMinor: 5},
			voucher.Effect{Kind: voucher.Discount, PercentBP: 3333, MaxMinor: 50},
		),
		Window: b.drawWindow(),
		Budget: b.drawBudget(),
	}
}

func (b *twins) drawVoucher(campaign id.ID, code string) voucher.Voucher {
	return voucher.Voucher{
		ID: b.newID(), CampaignID: campaign, Code: code, Key: code,
		Limit: draw[int64](b, "limit", 0, 1, 2, 3), PerCustomer: draw[int64](b, "per customer", 1, 1, 2),
		Customer: draw(b, "assigned to", "", "", "", "ali"),
	}
}

func (b *twins) drawBudget() voucher.Budget {
	return draw(b, "budget",
		voucher.Budget{}, voucher.Budget{}, voucher.Budget{Count: 2}, voucher.Budget{PerCustomer: 1},
		voucher.Budget{AmountMinor: 2500}, voucher.Budget{AmountMinor: 7, Count: 4, PerCustomer: 2},
	)
}

// drawWindow is a window that a use case would let pass.
func (b *twins) drawWindow() voucher.Window {
	w := voucher.Window{Start: b.drawTime("start"), End: b.drawTime("end")}
	if !w.Start.IsZero() && !w.End.IsZero() && !w.Start.Before(w.End) {
		w.Start = time.Time{}
	}
	return w
}

// drawTime is a bound of a window around now.
func (b *twins) drawTime(name string) time.Time {
	switch after := draw(b, name, 0, 0, 0, -time.Hour, -time.Second, time.Second, time.Hour); after {
	case 0:
		return time.Time{}
	default:
		return b.clock.Now().Add(after)
	}
}

// command draws a command.
func (b *twins) command() store.Command {
	key, body := draw(b, "key", "", "", "", "k", "l"), fingerprint(draw[byte](b, "fingerprint", 1, 1, 1, 2))
	again := draw(b, "again", false, false, false, true) // of a batch that never arrived
	switch draw(b, "kind", 'r', 'r', 'r', 'b', 'p', 'p') {
	case 'r':
		cmd := &store.Redeem{
			ID: b.newID(), Code: draw(b, "code", append(codes(), "A", "A", "B", "C")...), Customer: draw(b, "customer", customers()...),
			Key: key, Fingerprint: body, Again: again,
		}
		cmd.Order = maybe(b, "order",
			voucher.Order{ID: "o", AmountMinor: 100, Currency: rial}, voucher.Order{AmountMinor: 100, Currency: euro},
			voucher.Order{AmountMinor: 2, Currency: rial}, voucher.Order{AmountMinor: math.MaxInt64, Currency: euro},
		)
		b.recent = append(b.recent, cmd.ID)
		return cmd
	case 'b':
		of := slices.Concat([]id.ID{b.newID()}, b.recent, b.won, b.won)
		return &store.Rollback{
			ID: b.newID(), Redemption: draw(b, "redemption", of...), Reason: draw(b, "reason", "", "اشتباه"),
			Key: key, Fingerprint: body, Again: again,
		}
	default:
		cmd := &store.Post{
			ID: b.newID(), Customer: draw(b, "customer", customers()...), Currency: draw(b, "currency", currencies()...),
			Kind:        draw(b, "kind", ledger.Credit, ledger.Credit, ledger.Debit, ledger.Debit, ledger.TransferOut, ledger.TransferOut, ledger.TransferOut, ledger.TransferIn),
			AmountMinor: draw[int64](b, "amount", 1, 5, 5, credit, credit, credit, math.MaxInt64/2, math.MaxInt64-credit, math.MaxInt64, 0),
			Key:         key, Fingerprint: body, Again: again,
		}
		if cmd.Kind == ledger.TransferOut || draw(b, "stray", false, false, false, false, false, false, false, true) {
			cmd.To = draw(b, "to", customers()...)
		}
		return cmd
	}
}

func (b *twins) moveClock() {
	b.clock.Advance(draw(b, "by", time.Microsecond, time.Second, time.Minute, time.Hour, -time.Second, -time.Hour))
	b.hear()
}

func (b *twins) amendVoucher() {
	of := draw(b, "voucher", append([]id.ID{b.newID()}, b.vouchers...)...)
	p := voucher.Patch{
		Limit:       maybe[int64](b, "limit", 0, 1, 2, 3, 4, -1),
		PerCustomer: maybe[int64](b, "per customer", 1, 2, 3, 0),
		Customer:    maybe(b, "assigned to", "", "ali", "bita"),
		Disabled:    maybe(b, "disabled", true, false, false),
	}
	got, errGot := b.s.AmendVoucher(b.t.Context(), of, p, access.By{})
	want, errWant := b.model.AmendVoucher(b.t.Context(), of, p, access.By{})
	b.sameError(errGot, errWant)
	b.equal("the voucher amended", got, want)
}

func (b *twins) amendCampaign() {
	of := draw(b, "campaign", append([]id.ID{b.newID()}, b.campaigns...)...)
	p := voucher.CampaignPatch{Name: maybe(b, "name", "Yalda", "Mehregan", ""), Disabled: maybe(b, "disabled", true, false, false)}
	if rapid.Bool().Draw(b.rt, "window?") {
		p.Start, p.End = new(b.drawTime("start")), new(b.drawTime("end"))
	}
	p.Budget = voucher.BudgetPatch{
		AmountMinor: maybe[int64](b, "budget's amount", 0, 7, 2500, -1),
		Count:       maybe[int64](b, "budget's count", 0, 2, 4),
		PerCustomer: maybe[int64](b, "budget's uses of a customer", 0, 1, 2),
	}
	got, errGot := b.s.AmendCampaign(b.t.Context(), of, p, access.By{})
	want, errWant := b.model.AmendCampaign(b.t.Context(), of, p, access.By{})
	b.sameError(errGot, errWant)
	b.equal("the campaign amended", got, want)
}

func (b *twins) createMore() {
	c := store.Creation{Key: draw(b, "key", "", "", "k", "l"), Fingerprint: fingerprint(draw[byte](b, "fingerprint", 1, 1, 2))}
	campaign := draw(b, "joins", append([]id.ID{b.newID()}, b.campaigns...)...)
	if rapid.Bool().Draw(b.rt, "campaign?") {
		c.Campaign = b.drawCampaign()
		campaign = c.Campaign.ID
	}
	c.Vouchers = []voucher.Voucher{b.drawVoucher(campaign, draw(b, "code", codes()[:5]...))}
	b.createBoth(c)
}

func (b *twins) createBoth(c store.Creation) {
	got, gotReplayed, errGot := b.s.Create(b.t.Context(), c)
	want, wantReplayed, errWant := b.model.Create(b.t.Context(), c)
	b.sameError(errGot, errWant)
	b.equal("replayed", gotReplayed, wantReplayed)
	b.equal("the campaign made", got.Campaign, want.Campaign)
	b.equal("the vouchers made", got.Vouchers, want.Vouchers)
	if errWant != nil || wantReplayed {
		return
	}
	if c.Campaign != nil {
		b.campaigns = append(b.campaigns, c.Campaign.ID)
	}
	for _, v := range c.Vouchers {
		b.vouchers = append(b.vouchers, v.ID)
	}
}

// changeKeys makes, rotates, amends or touches a key, or prunes the trail.
func (b *twins) changeKeys() {
	ctx, by := b.t.Context(), access.By{Name: draw(b, "by", "open", "cli"), RequestID: "r"}
	of := draw(b, "api key", append([]id.ID{b.newID()}, b.keys...)...)
	next := b.drawKey()
	switch draw(b, "change", 'c', 'r', 'a', 'a', 't', 'p') {
	case 'c':
		only := draw(b, "first", false, true)
		got, errGot := b.s.CreateKey(ctx, next, only, by)
		want, errWant := b.model.CreateKey(ctx, next, only, by)
		if errors.Is(errWant, store.ErrNotFirst) {
			b.is(errGot, store.ErrNotFirst)
			return
		}
		b.sameError(errGot, errWant)
		b.equal("the key made", got, want)
		b.keys = append(b.keys, next.ID)
	case 'r':
		r := store.Rotation{Overlap: draw(b, "overlap", 0, time.Second, time.Hour, -1), Force: rapid.Bool().Draw(b.rt, "force")}
		got, gotOld, errGot := b.s.RotateKey(ctx, of, next, r, by)
		want, wantOld, errWant := b.model.RotateKey(ctx, of, next, r, by)
		b.sameError(errGot, errWant)
		b.equal("the keys rotated", []access.Key{got, gotOld}, []access.Key{want, wantOld})
		if errWant == nil {
			b.keys = append(b.keys, next.ID)
		}
	case 'a':
		p := access.KeyPatch{
			Name: maybe(b, "name", "a", "b", ""), Burst: maybe[int64](b, "burst", 0, 1, -1), RatePerSecond: maybe[int64](b, "rate", 0, 1),
			Revoke: draw(b, "revoke", false, false, false, true), Force: rapid.Bool().Draw(b.rt, "force"),
		}
		if rapid.Bool().Draw(b.rt, "expiry?") {
			p.ExpiresAt = new(b.drawTime("expiry"))
		}
		got, errGot := b.s.AmendKey(ctx, of, p, by)
		want, errWant := b.model.AmendKey(ctx, of, p, by)
		b.sameError(errGot, errWant)
		b.equal("the key amended", got, want)
	case 't':
		used := map[id.ID]time.Time{of: b.clock.Now().Add(draw(b, "used", 0, -time.Second, time.Second))}
		b.ok(b.s.TouchKeys(ctx, used))
		b.ok(b.model.TouchKeys(ctx, used))
	default:
		before := b.clock.Now().Add(draw(b, "older than", 0, time.Second, time.Hour))
		got, errGot := b.s.PruneEvents(ctx, before, store.PruneMax) // fewer would depend on the ids within a millisecond
		want, errWant := b.model.PruneEvents(ctx, before, store.PruneMax)
		b.sameError(errGot, errWant)
		b.equal("events pruned", got, want)
	}
}

func (b *twins) drawKey() access.Key {
	k := access.Key{
		ID: b.newID(), Name: "desk", Kind: access.Secret, Scopes: draw(b, "scopes", access.Admin, access.Redeem|access.Read),
		Tail: "7zqd", ExpiresAt: b.drawTime("expires"), Burst: draw[int64](b, "burst", 0, 5),
	}
	k.Hash = sha256.Sum256(k.ID[:])
	return k
}

// sameError checks that both answer with the same fault, or with none.
func (b *twins) sameError(got, want error) {
	b.t.Helper()
	if want == nil {
		b.ok(got)
		return
	}
	b.fails(got, fault.From(want))
}
