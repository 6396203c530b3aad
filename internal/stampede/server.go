package stampede

import (
	"context"
	"errors"
	"fmt"
	"math"

	"scrip/client"
)

// standing is how the code stands at one moment, as the server tells it.
type standing struct {
	voucher  *client.Voucher
	campaign *client.Campaign
}

// servers are the replicas, for what is asked once.
type servers []*client.Client

// look asks the first replica that answers; the error is that of the last.
func (s servers) look(ctx context.Context, code string) (now standing, err error) {
	for _, api := range s {
		if now, err = look(ctx, api, code); err == nil {
			break
		}
	}
	return now, err
}

func look(ctx context.Context, api *client.Client, code string) (standing, error) {
	v, err := api.LookupVoucher(ctx, code)
	if err != nil {
		return standing{}, fmt.Errorf("look up the code: %w", err)
	}
	c, err := api.Campaign(ctx, v.Campaign)
	if err != nil {
		return standing{}, fmt.Errorf("look up the code's campaign: %w", err)
	}
	return standing{voucher: v, campaign: c}, nil
}

// fit refuses a code whose outcome could not be told beforehand.
func (s standing) fit(cfg *Config) error {
	if s.voucher.Effect.Kind != client.EffectCredit {
		return errors.New("this code gives a discount; a stampede needs one that credits a wallet")
	}
	if cfg.Repeat > 0 && s.voucher.PerCustomer > 1 {
		return errors.New("a customer may use this code more than once, so repeats prove nothing; leave --repeat out")
	}
	return nil
}

// room is how many new customers can win.
func (s standing) room() int64 {
	v, c := s.voucher, s.campaign
	if v.Status != client.VoucherOpen || v.Customer != nil {
		return 0
	}
	room := int64(math.MaxInt64)
	if v.Remaining != nil {
		room = *v.Remaining
	}
	if c.Budget.Count != nil {
		room = min(room, *c.Budget.Count-c.Redeemed)
	}
	if c.Budget.Amount != nil && v.Effect.Amount > 0 {
		room = min(room, (*c.Budget.Amount-c.Given)/v.Effect.Amount)
	}
	return max(room, 0)
}
