package campaign_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/campaign"
	"scrip/internal/code"
	"scrip/internal/fault"
	"scrip/internal/gate/memgate"
	"scrip/internal/id"
	"scrip/internal/store/memstore"
	"scrip/internal/voucher"
)

func newService(t *testing.T) *campaign.Service {
	t.Helper()
	g, err := memgate.New(memgate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := campaign.New(campaign.Config{MaxBatch: 16, MaxQueue: 16}, memstore.New(memstore.Options{}), g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(context.Background()), g.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func asked(code string) campaign.NewCampaign {
	return campaign.NewCampaign{
		Name: "a campaign", Currency: "IRR", Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 100},
		Voucher: &campaign.NewVoucher{Code: code, Limit: 10},
	}
}

func TestCreate(t *testing.T) {
	s := newService(t)
	made, err := s.Create(t.Context(), asked("Salam"), "", access.By{})
	if err != nil {
		t.Fatal(err)
	}
	if made.Voucher.Code != "Salam" || made.Voucher.PerCustomer != 1 || made.Voucher.CampaignID != made.Campaign.ID {
		t.Errorf("got %+v", made.Voucher)
	}
	if _, err := s.Create(t.Context(), asked("SALAM"), "", access.By{}); !errors.Is(err, fault.ErrCodeTaken) {
		t.Errorf("the same code in other letters: %v", err)
	}
	found, err := s.ByCode(t.Context(), " sa1am ")
	if err != nil || found.Voucher.ID != made.Voucher.ID {
		t.Errorf("by its code: %+v, %v", found.Voucher, err)
	}
	copied, err := s.CreateVoucher(t.Context(), made.Campaign.ID, campaign.NewVoucher{Code: "\u202aمی\u200cخواهم\u202c"}, "", access.By{})
	if err != nil || copied.Voucher.Code != "می\u200cخواهم" {
		t.Errorf("a code that was copied is kept as %q, %v", copied.Voucher.Code, err)
	}
	if _, err := s.CreateVoucher(t.Context(), made.Campaign.ID, campaign.NewVoucher{Code: "\u200e\ufeff"}, "", access.By{}); !errors.Is(err, fault.ErrInvalidCode) {
		t.Errorf("a code of marks alone: %v", err)
	}
	if _, err := s.ByCode(t.Context(), "other"); !errors.Is(err, fault.ErrVoucherNotFound) {
		t.Errorf("an unknown code: %v", err)
	}
}

func TestAGeneratedCodeCarriesItsCheckDigit(t *testing.T) {
	s := newService(t)
	made, err := s.Create(t.Context(), asked(""), "", access.By{})
	if err != nil {
		t.Fatal(err)
	}
	if len(made.Voucher.Code) != 12 || !code.Valid(made.Voucher.Key) {
		t.Errorf("got %q", made.Voucher.Code)
	}
	other, err := s.CreateVoucher(t.Context(), made.Campaign.ID, campaign.NewVoucher{Customer: "0912 123 4567"}, "", access.By{})
	if err != nil || other.Voucher.Code == made.Voucher.Code || other.Campaign.ID != made.Campaign.ID {
		t.Fatalf("got %+v, %v", other, err)
	}
	if other.Voucher.Customer != "+989121234567" {
		t.Errorf("it is published to %q", other.Voucher.Customer)
	}
}

// Under the same key a generated code is the first one, also after a change.
func TestCreateUnderAKey(t *testing.T) {
	s := newService(t)
	first, err := s.Create(t.Context(), asked(""), "k", access.By{})
	if err != nil {
		t.Fatal(err)
	}
	limit := int64(99)
	if _, err := s.AmendVoucher(t.Context(), first.Voucher.ID, voucher.Patch{Limit: &limit}, access.By{}); err != nil {
		t.Fatal(err)
	}
	again, err := s.Create(t.Context(), asked(""), "k", access.By{})
	if err != nil || !again.Replayed || *again.Voucher != *first.Voucher {
		t.Errorf("got %+v, %v", again, err)
	}
	if _, err := s.Create(t.Context(), asked("another"), "k", access.By{}); !errors.Is(err, fault.ErrKeyReused) {
		t.Errorf("another request: %v", err)
	}
}

func TestWhatCannotBeMade(t *testing.T) {
	s := newService(t)
	start := time.Now()
	for name, tc := range map[string]struct {
		change func(*campaign.NewCampaign)
		want   *fault.Error
	}{
		"no name":               {func(n *campaign.NewCampaign) { n.Name = "" }, fault.ErrInvalidRequest},
		"no credit":             {func(n *campaign.NewCampaign) { n.Effect.AmountMinor = 0 }, fault.ErrInvalidAmount},
		"a negative credit":     {func(n *campaign.NewCampaign) { n.Effect.AmountMinor = -1 }, fault.ErrInvalidAmount},
		"no effect":             {func(n *campaign.NewCampaign) { n.Effect.Kind = 0 }, fault.ErrInvalidRequest},
		"an end before a start": {func(n *campaign.NewCampaign) { n.Window = voucher.Window{Start: start, End: start.Add(-1)} }, fault.ErrInvalidWindow},
		"a negative budget":     {func(n *campaign.NewCampaign) { n.Budget.Count = -1 }, fault.ErrInvalidLimit},
		"a negative limit":      {func(n *campaign.NewCampaign) { n.Voucher.Limit = -1 }, fault.ErrInvalidLimit},
		"a negative use":        {func(n *campaign.NewCampaign) { n.Voucher.PerCustomer = -1 }, fault.ErrInvalidLimit},
		"a code of signs":       {func(n *campaign.NewCampaign) { n.Voucher.Code = "!!" }, fault.ErrInvalidCode},
	} {
		n := asked("salam")
		tc.change(&n)
		if _, err := s.Create(t.Context(), n, "", access.By{}); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
	if _, err := s.CreateVoucher(t.Context(), id.New(start), campaign.NewVoucher{Code: "x"}, "", access.By{}); !errors.Is(err, fault.ErrCampaignNotFound) {
		t.Errorf("a voucher of no campaign: %v", err)
	}
	if err := s.Ensure(t.Context(), asked("salam")); err != nil {
		t.Errorf("nothing of all that was made: %v", err)
	}
	if err := s.Ensure(t.Context(), asked("salam")); err != nil {
		t.Errorf("ensured again: %v", err)
	}
}
