package stampede_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"testing"

	"scrip/client"
	"scrip/internal/campaign"
	"scrip/internal/gate/memgate"
	"scrip/internal/httpapi"
	"scrip/internal/metrics"
	"scrip/internal/redemption"
	"scrip/internal/stampede"
	"scrip/internal/store/memstore"
	"scrip/internal/wallet"
)

// face is the real server but for its store, which is the reference model.
func face(t *testing.T) string {
	t.Helper()
	s := memstore.New(memstore.Options{})
	g, err := memgate.New(memgate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	r, err := redemption.New(redemption.Config{MaxBatch: 256, MaxQueue: 1024, Log: quiet}, s, g, metrics.New("test"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := wallet.New(wallet.Config{MaxBatch: 256, MaxQueue: 1024}, s)
	if err != nil {
		t.Fatal(err)
	}
	c, err := campaign.New(campaign.Config{MaxBatch: 256, MaxQueue: 1024}, s, g)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(httpapi.New(httpapi.Config{Currency: "IRR", Log: quiet},
		httpapi.Services{Redemptions: r, Wallets: w, Campaigns: c}))
	t.Cleanup(func() {
		h.Close()
		ctx := context.Background()
		if err := errors.Join(r.Close(ctx), w.Close(ctx), c.Close(ctx), g.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return h.URL
}

func TestTheRealFaceIsExact(t *testing.T) {
	t.Parallel()
	url := face(t)
	c, err := client.New(url)
	if err != nil {
		t.Fatal(err)
	}
	limit, budget := int64(1000), int64(700)
	for _, n := range []client.NewCampaign{
		{Name: "limited", Voucher: &client.NewCampaignVoucher{Code: "limited", Limit: &limit}},
		{Name: "endless", Voucher: &client.NewCampaignVoucher{Code: "endless"}},
		{Name: "budget", Voucher: &client.NewCampaignVoucher{Code: "budget"}, Budget: &client.Budget{Count: &budget}},
		{Name: "one", Voucher: &client.NewCampaignVoucher{Code: "one", Customer: "anna"}},
		{Name: "closed", Voucher: &client.NewCampaignVoucher{Code: "closed"}, Disabled: true},
	} {
		n.Effect = client.Effect{Kind: client.EffectCredit, Amount: 100}
		if _, err := c.CreateCampaign(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	for code, winners := range map[string]int64{"limited": 1000, "endless": 3000, "budget": 700, "one": 0, "closed": 0} {
		cfg := config(url)
		cfg.Code, cfg.Customers, cfg.Concurrency, cfg.Repeat = code, 3000, 48, 2
		s, err := stampede.Run(t.Context(), cfg)
		if err != nil || !s.Exact || s.Winners != winners || s.Repeats.Asked != 6000 {
			t.Errorf("%s: %v %+v", code, err, s)
		}
	}
}

func TestADiscountCantBeRehearsed(t *testing.T) {
	t.Parallel()
	url := face(t)
	c, err := client.New(url)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.CreateCampaign(t.Context(), client.NewCampaign{
		Name: "half", Effect: client.Effect{Kind: client.EffectDiscount, PercentBP: 5000}, Voucher: &client.NewCampaignVoucher{Code: "salam"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stampede.Run(t.Context(), config(url)); !errors.Is(err, stampede.ErrUnfit) {
		t.Error(err)
	}
}
