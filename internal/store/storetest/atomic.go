package storetest

import (
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// TrailIsAtomic checks on an empty store that nothing is changed whose event can't be written. breakTrail makes the
// store's database refuse every new event, by means of the driver's own.
func TrailIsAtomic(t *testing.T, s store.Store, breakTrail func()) {
	t.Helper()
	w := &world{t: t, s: s, clock: newClock()}
	w.create(w.campaign())
	l := w.shared("salam", 5)
	k, err := s.CreateKey(t.Context(), w.newKey("desk"), true, w.by())
	w.ok(err)
	before := w.everything()
	breakTrail()
	for name, change := range w.changes(l, k) {
		if err := change(); err == nil {
			t.Errorf("%s happens without its event", name)
		}
		w.equal("after "+name, w.everything(), before)
	}
	w.ok(s.TouchKeys(t.Context(), map[id.ID]time.Time{k.ID: time.Now()})) // which has no event
	w.win("salam", "ali")                                                 // nor has this
}

// changes are all the ways in which an administrator changes something.
func (w *world) changes(l store.Listing, k access.Key) map[string]func() error {
	ctx := w.t.Context()
	return map[string]func() error{
		"a campaign's creation": func() error {
			c := w.campaign()
			_, _, err := w.s.Create(ctx, store.Creation{Campaign: c, Vouchers: []voucher.Voucher{w.voucher(c, "new", 1)}, Key: "k"})
			return err
		},
		"a voucher's creation": func() error {
			_, _, err := w.s.Create(ctx, store.Creation{Vouchers: []voucher.Voucher{w.voucher(l.Campaign, "new", 1)}})
			return err
		},
		"a campaign's amendment": func() error {
			_, err := w.s.AmendCampaign(ctx, l.Campaign.ID, voucher.CampaignPatch{Name: new("Yalda")}, w.by())
			return err
		},
		"a voucher's amendment": func() error {
			_, err := w.s.AmendVoucher(ctx, l.Voucher.ID, voucher.Patch{Limit: new(int64(77))}, w.by())
			return err
		},
		"a key's creation": func() error {
			_, err := w.s.CreateKey(ctx, w.newKey("new"), false, w.by())
			return err
		},
		"a key's rotation": func() error {
			_, _, err := w.s.RotateKey(ctx, k.ID, w.newKey("new"), store.Rotation{Overlap: time.Hour}, w.by())
			return err
		},
		"a key's amendment": func() error {
			_, err := w.s.AmendKey(ctx, k.ID, access.KeyPatch{Name: new("till")}, w.by())
			return err
		},
		"a key's revocation": func() error {
			_, err := w.s.AmendKey(ctx, k.ID, access.KeyPatch{Revoke: true}, w.by())
			return err
		},
	}
}

// administered is all that administrators change.
type administered struct {
	Campaigns []voucher.Campaign
	Vouchers  []store.Listing
	Keys      []access.Key
	Version   int64 // of the ring
	Events    []store.Event
}

func (w *world) everything() (all administered) {
	w.t.Helper()
	ctx, page := w.t.Context(), store.Page{Limit: store.PageLimitMax}
	var err error
	all.Campaigns, _, _, err = w.s.ListCampaigns(ctx, page)
	w.ok(err)
	all.Vouchers, _, _, err = w.s.ListVouchers(ctx, store.VoucherFilter{}, page)
	w.ok(err)
	all.Keys, _, err = w.s.ListKeys(ctx, page)
	w.ok(err)
	_, all.Version, _, _, err = w.s.Ring(ctx, 0)
	w.ok(err)
	all.Events = w.events(store.EventFilter{})
	return all
}
