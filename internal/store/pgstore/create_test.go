package pgstore_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// vouchersOf are n fresh vouchers of a campaign.
func vouchersOf(c id.ID, n int) []voucher.Voucher {
	vs := make([]voucher.Voucher, n)
	for i := range vs {
		code := fmt.Sprintf("UNIQUE%06d", i)
		vs[i] = voucher.Voucher{ID: id.New(time.Now()), CampaignID: c, Code: code, Key: code, Limit: 1, PerCustomer: 1}
	}
	return vs
}

func (b *books) look(t *testing.T, key string) store.Listing {
	t.Helper()
	ls, _, err := b.s.Lookup(t.Context(), []string{key})
	if err != nil || ls[0].Voucher == nil {
		t.Fatalf("there is no %s: %v", key, err)
	}
	return ls[0]
}

// More vouchers than one statement takes are one creation, kept whole and in order, and replayed whole.
func TestCreateManyVouchers(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	c := store.Creation{Vouchers: vouchersOf(b.look(t, "SALAM").Campaign.ID, 25_000), Key: "import", Fingerprint: store.Fingerprint{1}}
	slices.Reverse(c.Vouchers) // the order of the request, not of the codes
	made, _, err := b.s.Create(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	again, replayed, err := b.s.Create(t.Context(), c)
	if err != nil || !replayed || !slices.Equal(again.Vouchers, made.Vouchers) || len(made.Vouchers) != len(c.Vouchers) {
		t.Fatalf("%d were made, %d replayed (%t): %v", len(made.Vouchers), len(again.Vouchers), replayed, err)
	}
	for _, i := range []int{0, 9_999, 10_000, 24_999} {
		if kept := b.look(t, c.Vouchers[i].Key).Voucher; *kept != made.Vouchers[i] || kept.ID != c.Vouchers[i].ID {
			t.Errorf("voucher %d is %+v, want %+v", i, *kept, made.Vouchers[i])
		}
	}
	if found, read := b.audit(t); len(found) != 0 || read.Vouchers != 25_002 {
		t.Errorf("%d vouchers, findings: %+v", read.Vouchers, found)
	}
}

// Processes that create the same under the same key at the same time make it once, and all are told what
// was made.
func TestCreateUnderOneKeyAtOnce(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	campaign := b.look(t, "SALAM").Campaign.ID
	var mu sync.Mutex
	var fresh int
	var first []id.ID
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			c := store.Creation{Vouchers: vouchersOf(campaign, 50), Key: "import", Fingerprint: store.Fingerprint{1}}
			made, replayed, err := b.s.Create(t.Context(), c)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			if !replayed {
				fresh++
			}
			first = append(first, made.Vouchers[0].ID)
		})
	}
	wg.Wait()
	if fresh != 1 || len(first) != 6 || len(slices.Compact(first)) != 1 {
		t.Errorf("%d were made: %v", fresh, first)
	}
}

// Creations that share codes in opposite orders end with one that has them, and no deadlock.
func TestCreateCrossing(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	campaign := b.look(t, "SALAM").Campaign.ID
	errs := make(chan error, 6)
	for i := range cap(errs) {
		go func() {
			vs := vouchersOf(campaign, 300)
			if i%2 == 0 {
				slices.Reverse(vs)
			}
			_, _, err := b.s.Create(t.Context(), store.Creation{Vouchers: vs})
			errs <- err
		}()
	}
	made := 0
	for range cap(errs) {
		switch err := <-errs; {
		case err == nil:
			made++
		case !errors.Is(err, fault.ErrCodeTaken):
			t.Error(err)
		}
	}
	if _, read := b.audit(t); made != 1 || read.Vouchers != 302 {
		t.Errorf("%d creations made %d vouchers", made, read.Vouchers-2)
	}
}

// Texts that PostgreSQL can't hold are refused as the caller's mistake.
func TestCreateAndAmendRefuseWhatCannotBeKept(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	l := b.look(t, "SALAM")
	const bad = "a\x00b"
	named := voucher.Campaign{ID: id.New(time.Now()), Name: bad, Currency: "IRR", Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 1}}
	published := vouchersOf(l.Campaign.ID, 1)
	published[0].Customer = bad
	for name, c := range map[string]store.Creation{
		"a name": {Campaign: &named}, "a customer": {Vouchers: published}, "a key": {Key: bad, Vouchers: vouchersOf(l.Campaign.ID, 1)},
	} {
		if _, _, err := b.s.Create(t.Context(), c); !errors.Is(err, fault.ErrInvalidRequest) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := b.s.AmendCampaign(t.Context(), l.Campaign.ID, voucher.CampaignPatch{Name: new(bad)}, access.By{}); !errors.Is(err, fault.ErrInvalidRequest) {
		t.Errorf("amend a campaign: got %v", err)
	}
	if _, err := b.s.AmendVoucher(t.Context(), l.Voucher.ID, voucher.Patch{Customer: new(bad)}, access.By{}); !errors.Is(err, fault.ErrInvalidRequest) {
		t.Errorf("amend a voucher: got %v", err)
	}
	if kept := b.look(t, "SALAM"); *kept.Voucher != *l.Voucher || *kept.Campaign != *l.Campaign {
		t.Errorf("got %+v, want %+v", kept, l)
	}
}
