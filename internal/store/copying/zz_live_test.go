package copying_test

import (
	"fmt"
	"testing"
	"time"

	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

func live2(t *testing.T, s store.Store, winners int) {
	now := time.Now()
	c := &voucher.Campaign{ID: id.New(now), Name: "Nowruz", Currency: "IRR", Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 1000}}
	v := voucher.Voucher{ID: id.New(now), CampaignID: c.ID, Code: "salam", Key: "SA1AM", PerCustomer: 1}
	if _, _, err := s.Create(t.Context(), store.Creation{Campaign: c, Vouchers: []voucher.Voucher{v}, Key: "made"}); err != nil {
		t.Fatal(err)
	}
	var commands []store.Command
	for i := range winners {
		commands = append(commands, &store.Redeem{ID: id.New(time.Now()), Code: "SA1AM", Customer: fmt.Sprintf("+98912%07d", i*7919%winners), Key: "a-key-of-a-request"})
		if len(commands) == 4000 || i == winners-1 {
			if _, err := s.Apply(t.Context(), commands); err != nil {
				t.Fatal(err)
			}
			commands = nil
		}
	}
}
