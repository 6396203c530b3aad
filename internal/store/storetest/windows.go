package storetest

import (
	"time"

	"scrip/internal/fault"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

func windows() topic {
	return topic{"windows", []scenario{
		{"from the start to before the end", window},
		{"a clock that goes backwards opens nothing again", clockBackwards},
		{"a reading moves the clock too", readingMovesClock},
		{"what is read tells the moment to judge it by", readingTold},
		{"an extended end opens the voucher again", endExtended},
		{"a bound is removed", boundRemoved},
		{"a fact ends with the wait", factEndsWithWait},
		{"effects are dated by the store's clock", dated},
	}}
}

// within gives a campaign a window, from now.
func (w *world) within(start, end time.Duration) func(*voucher.Campaign, *voucher.Voucher) {
	return func(c *voucher.Campaign, _ *voucher.Voucher) {
		c.Window = voucher.Window{Start: w.clock.Now().Add(start), End: w.clock.Now().Add(end)}
	}
}

func window(w *world) {
	w.shared("salam", 0, w.within(time.Minute, time.Hour))
	w.knows(w.lose("salam", "ali", fault.ErrNotActive), "salam")
	w.clock.Advance(time.Minute - time.Microsecond)
	w.lose("salam", "ali", fault.ErrNotActive)
	w.clock.Advance(time.Microsecond)
	w.win("salam", "ali")
	w.clock.Advance(59*time.Minute - time.Microsecond)
	w.win("salam", "bita")
	w.clock.Advance(time.Microsecond)
	w.knows(w.lose("salam", "cyrus", fault.ErrExpired), "salam")
	w.lose("salam", "ali", fault.ErrAlreadyRedeemed)
}

func clockBackwards(w *world) {
	w.shared("salam", 0, w.within(0, time.Minute))
	w.win("salam", "ali")
	w.clock.Advance(time.Minute)
	ended := w.clock.Now()
	w.lose("salam", "bita", fault.ErrExpired)
	w.clock.Advance(-time.Hour)
	w.lose("salam", "bita", fault.ErrExpired)
	w.done(w.do(w.pay("bita", 5)))
	w.equal("dated", w.history("bita", rial)[0].At, ended)
	w.clock.Advance(time.Hour + time.Second)
	w.done(w.do(w.pay("bita", 5)))
	w.equal("dated, later", w.history("bita", rial)[1].At, ended.Add(time.Second))
}

func readingMovesClock(w *world) {
	w.shared("salam", 0, w.within(0, time.Minute))
	w.clock.Advance(time.Minute)
	_, told, err := w.s.Lookup(w.t.Context(), []string{normal("salam")})
	w.ok(err)
	w.equal("told", told, w.clock.Now())
	w.clock.Advance(-time.Second)
	_, again, err := w.s.Lookup(w.t.Context(), nil)
	w.ok(err)
	w.equal("told again", again, told)
	w.lose("salam", "ali", fault.ErrExpired) // what a reader was told holds for those who come after
}

func readingTold(w *world) {
	ctx, page := w.t.Context(), store.Page{Limit: 1}
	l := w.shared("salam", 0, w.within(0, time.Minute))
	for what, read := range map[string]func() (time.Time, error){
		"a campaign": func() (time.Time, error) {
			c, now, err := w.s.Campaign(ctx, l.Campaign.ID)
			w.equal("the campaign", c, l.Campaign)
			return now, err
		},
		"a voucher": func() (time.Time, error) {
			got, now, err := w.s.Voucher(ctx, l.Voucher.ID)
			w.equal("the voucher", got, l)
			return now, err
		},
		"campaigns": func() (time.Time, error) {
			_, _, now, err := w.s.ListCampaigns(ctx, page)
			return now, err
		},
		"vouchers": func() (time.Time, error) {
			_, _, now, err := w.s.ListVouchers(ctx, store.VoucherFilter{Campaign: l.Campaign.ID}, page)
			return now, err
		},
	} {
		w.clock.Advance(time.Second)
		told, err := read()
		w.ok(err)
		w.equal(what, told, w.clock.Now())
		w.clock.Advance(-time.Minute)
		again, err := read()
		w.ok(err)
		w.equal(what+" again", again, told)
		_, bound, err := w.s.Lookup(ctx, nil)
		w.ok(err)
		w.equal("a look-up after "+what, bound, told)
		w.clock.Advance(time.Minute)
	}
}

func endExtended(w *world) {
	l := w.shared("salam", 0, w.within(0, time.Minute))
	w.clock.Advance(time.Minute)
	ended := w.lose("salam", "ali", fault.ErrExpired).Fact
	w.amendCampaign(l.Campaign, voucher.CampaignPatch{End: new(w.clock.Now().Add(time.Minute))})
	won := w.done(w.do(w.redeem("salam", "ali"))).Fact
	if won.Version.Sum() <= ended.Version.Sum() {
		w.t.Fatalf("the version %v after the extension is no newer than %v", won.Version, ended.Version)
	}
}

func boundRemoved(w *world) {
	l := w.shared("salam", 0, w.within(time.Hour, 2*time.Hour))
	c := w.amendCampaign(l.Campaign, voucher.CampaignPatch{Start: &time.Time{}})
	w.equal("no start", c.Window.Start.IsZero(), true)
	w.win("salam", "ali")
	w.clock.Advance(3 * time.Hour)
	w.lose("salam", "bita", fault.ErrExpired)
	w.amendCampaign(l.Campaign, voucher.CampaignPatch{End: &time.Time{}})
	w.equal("no window", w.look("salam").Campaign.Window, voucher.Window{})
	w.win("salam", "bita")
}

func factEndsWithWait(w *world) {
	w.shared("salam", 0, w.within(400*time.Millisecond, time.Hour))
	o := w.lose("salam", "ali", fault.ErrNotActive)
	w.equal("fresh for", o.Fact.FreshFor, 400*time.Millisecond)
}

func dated(w *world) {
	w.clock.Advance(-20 * 365 * 24 * time.Hour) // wherever the machine's own clock may stand
	l := w.shared("salam", 0)
	w.equal("created", []bool{l.Voucher.CreatedAt.Equal(w.clock.Now()), l.Campaign.CreatedAt.Equal(w.clock.Now())}, []bool{true, true})
	w.clock.Advance(time.Microsecond)
	redeem := w.redeem("salam", "ali")
	o := w.done(w.do(redeem))
	w.equal("redeemed", o.Redemption.At, w.clock.Now())
	w.clock.Advance(time.Microsecond)
	back := w.done(w.do(w.rollback(o.Redemption)))
	w.equal("rolled back", []bool{
		back.Rollback.At.Equal(w.clock.Now()), back.Redemption.RolledBackAt.Equal(w.clock.Now()),
		back.Redemption.At.Equal(w.clock.Now().Add(-time.Microsecond)),
	}, []bool{true, true, true})
	w.equal("the zone", []string{o.Redemption.At.Location().String(), back.Rollback.At.Location().String()}, []string{"UTC", "UTC"})
}
