package app

import (
	"context"
	"fmt"

	"go.uber.org/fx"

	"scrip/internal/campaign"
	"scrip/internal/config"
	"scrip/internal/money"
	"scrip/internal/voucher"
)

// The demo code, as the seed's examples have it.
const (
	DemoCode   = "salam"
	demoCredit = 1_000_000 // whole units
	demoUses   = 2_000
)

func demoModule(wanted bool) fx.Option {
	if !wanted {
		return fx.Options()
	}
	return fx.Module("demo", fx.Invoke(
		func(lc fx.Lifecycle, down fx.Shutdowner, l *life, cfg config.Config, c *campaign.Service) {
			hooks(lc, down, l, part{open: func(ctx context.Context) error { return ensureDemo(ctx, c, cfg.Currency) }})
		},
	))
}

// ensureDemo makes the demo code unless it is there.
func ensureDemo(ctx context.Context, c *campaign.Service, currency money.Currency) error {
	minor, err := money.FromWhole(demoCredit, currency)
	if err != nil {
		return fmt.Errorf("the demo code: %w", err)
	}
	err = c.Ensure(ctx, campaign.NewCampaign{
		Name:     "Demo",
		Currency: currency,
		Effect:   voucher.Effect{Kind: voucher.Credit, AmountMinor: minor},
		Voucher:  &campaign.NewVoucher{Code: DemoCode, Limit: demoUses, PerCustomer: 1},
	})
	if err != nil {
		return fmt.Errorf("the demo code: %w", err)
	}
	return nil
}
