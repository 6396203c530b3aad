package voucher_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"scrip/internal/fault"
	"scrip/internal/voucher"
)

func TestVoucherAmend(t *testing.T) {
	t.Parallel()
	now := noon.Add(time.Minute)
	for _, c := range []struct {
		name  string
		put   func(*voucher.Voucher)
		patch voucher.Patch
		want  func(*voucher.Voucher)
		err   *fault.Error
	}{
		{name: "nothing"},
		{name: "limit raised", patch: voucher.Patch{Limit: new(int64(9))}, want: func(v *voucher.Voucher) { v.Limit = 9 }},
		{name: "limit removed", patch: voucher.Patch{Limit: new(int64(0))}, want: func(v *voucher.Voucher) { v.Limit = 0 }},
		{name: "limit lowered to its use", patch: voucher.Patch{Limit: new(int64(2))}, want: func(v *voucher.Voucher) { v.Limit = 2 }},
		{name: "limit lowered below its use", patch: voucher.Patch{Limit: new(int64(1))}, err: fault.ErrLimitBelowUse},
		{name: "limit below zero", patch: voucher.Patch{Limit: new(int64(-1))}, err: fault.ErrInvalidLimit},
		{name: "more for each", patch: voucher.Patch{PerCustomer: new(int64(3))}, want: func(v *voucher.Voucher) { v.PerCustomer = 3 }},
		{name: "none for each", patch: voucher.Patch{PerCustomer: new(int64(0))}, err: fault.ErrInvalidLimit},
		{
			name: "less for each, in use", put: func(v *voucher.Voucher) { v.PerCustomer = 3 },
			patch: voucher.Patch{PerCustomer: new(int64(2))}, err: fault.ErrLimitBelowUse,
		},
		{
			name: "less for each, not in use", put: func(v *voucher.Voucher) { v.PerCustomer, v.Redeemed = 3, 0 },
			patch: voucher.Patch{PerCustomer: new(int64(2))}, want: func(v *voucher.Voucher) { v.PerCustomer = 2 },
		},
		{
			name: "as much for each, in use", put: func(v *voucher.Voucher) { v.PerCustomer = 3 },
			patch: voucher.Patch{PerCustomer: new(int64(3))},
		},
		{name: "assigned", patch: voucher.Patch{Customer: new("bita")}, want: func(v *voucher.Voucher) { v.Customer = "bita" }},
		{
			name: "freed", put: func(v *voucher.Voucher) { v.Customer = "bita" },
			patch: voucher.Patch{Customer: new("")}, want: func(v *voucher.Voucher) { v.Customer = "" },
		},
		{name: "disabled", patch: voucher.Patch{Disabled: new(true)}, want: func(v *voucher.Voucher) { v.Disabled = true }},
		{
			name: "enabled", put: func(v *voucher.Voucher) { v.Disabled = true },
			patch: voucher.Patch{Disabled: new(false)}, want: func(v *voucher.Voucher) { v.Disabled = false },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before := ask().v
			if c.put != nil {
				c.put(&before)
			}
			given := before
			got, err := before.Amend(c.patch, now)
			if before != given {
				t.Errorf("Amend changed its receiver to %+v", before)
			}
			if c.err != nil {
				refusal(t, err, c.err)
				return
			}
			want := before
			want.Version, want.UpdatedAt = want.Version+1, now
			if c.want != nil {
				c.want(&want)
			}
			if err != nil || got != want {
				t.Errorf("got %+v and %v, want %+v", got, err, want)
			}
		})
	}
}

func TestCampaignAmend(t *testing.T) {
	t.Parallel()
	now := noon.Add(time.Minute)
	for _, c := range []struct {
		name  string
		patch voucher.CampaignPatch
		want  func(*voucher.Campaign)
		err   *fault.Error
	}{
		{name: "nothing"},
		{name: "name", patch: voucher.CampaignPatch{Name: new("Yalda")}, want: func(c *voucher.Campaign) { c.Name = "Yalda" }},
		{name: "no name", patch: voucher.CampaignPatch{Name: new("")}, err: fault.ErrInvalidRequest},
		{name: "start", patch: voucher.CampaignPatch{Start: new(noon)}, want: func(c *voucher.Campaign) { c.Window.Start = noon }},
		{name: "no start", patch: voucher.CampaignPatch{Start: &time.Time{}}, want: func(c *voucher.Campaign) { c.Window.Start = time.Time{} }},
		{name: "end", patch: voucher.CampaignPatch{End: new(noon)}, want: func(c *voucher.Campaign) { c.Window.End = noon }},
		{name: "no end", patch: voucher.CampaignPatch{End: &time.Time{}}, want: func(c *voucher.Campaign) { c.Window.End = time.Time{} }},
		{name: "an end before the start", patch: voucher.CampaignPatch{End: new(noon.Add(-2 * time.Hour))}, err: fault.ErrInvalidWindow},
		{
			name: "both, at once", patch: voucher.CampaignPatch{Start: new(noon.Add(2 * time.Hour)), End: new(noon.Add(3 * time.Hour))},
			want: func(c *voucher.Campaign) {
				c.Window = voucher.Window{Start: noon.Add(2 * time.Hour), End: noon.Add(3 * time.Hour)}
			},
		},
		{
			name: "budget", patch: voucher.CampaignPatch{Budget: voucher.Budget{AmountMinor: 3000, Count: 3, PerCustomer: 1}.Patch()},
			want: func(c *voucher.Campaign) { c.Budget = voucher.Budget{AmountMinor: 3000, Count: 3, PerCustomer: 1} },
		},
		{
			name: "no budget", patch: voucher.CampaignPatch{Budget: voucher.Budget{}.Patch()},
			want: func(c *voucher.Campaign) { c.Budget = voucher.Budget{} },
		},
		{
			name: "one cap", patch: voucher.CampaignPatch{Budget: voucher.BudgetPatch{AmountMinor: new(int64(4000))}},
			want: func(c *voucher.Campaign) { c.Budget.AmountMinor = 4000 },
		},
		{
			name: "another cap", patch: voucher.CampaignPatch{Budget: voucher.BudgetPatch{PerCustomer: new(int64(2))}},
			want: func(c *voucher.Campaign) { c.Budget.PerCustomer = 2 },
		},
		{name: "too few", patch: voucher.CampaignPatch{Budget: voucher.BudgetPatch{Count: new(int64(2))}}, err: fault.ErrLimitBelowUse},
		{name: "too little", patch: voucher.CampaignPatch{Budget: voucher.BudgetPatch{AmountMinor: new(int64(2999))}}, err: fault.ErrLimitBelowUse},
		{name: "less than nothing", patch: voucher.CampaignPatch{Budget: voucher.BudgetPatch{PerCustomer: new(int64(-1))}}, err: fault.ErrInvalidLimit},
		{name: "disabled", patch: voucher.CampaignPatch{Disabled: new(true)}, want: func(c *voucher.Campaign) { c.Disabled = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before := ask().c
			given := before
			got, err := before.Amend(c.patch, now)
			if before != given {
				t.Errorf("Amend changed its receiver to %+v", before)
			}
			if c.err != nil {
				refusal(t, err, c.err)
				return
			}
			want := before
			want.Version, want.UpdatedAt = want.Version+1, now
			if c.want != nil {
				c.want(&want)
			}
			if err != nil || got != want {
				t.Errorf("got %+v and %v, want %+v", got, err, want)
			}
		})
	}
}

func TestCampaignValidate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		put  func(*voucher.Campaign)
		err  *fault.Error
	}{
		{"a credit", func(*voucher.Campaign) {}, nil},
		{"the longest name", func(c *voucher.Campaign) { c.Name = strings.Repeat("ن", 200) }, nil},
		{"too long a name", func(c *voucher.Campaign) { c.Name = strings.Repeat("ن", 201) }, fault.ErrInvalidRequest},
		{"a name that is no text", func(c *voucher.Campaign) { c.Name = "\xff" }, fault.ErrInvalidRequest},
		{"a name that no database keeps", func(c *voucher.Campaign) { c.Name = "Yalda\x00" }, fault.ErrInvalidRequest},
		{"no effect", func(c *voucher.Campaign) { c.Effect = voucher.Effect{} }, fault.ErrInvalidRequest},
		{"a credit of nothing", func(c *voucher.Campaign) { c.Effect.AmountMinor = 0 }, fault.ErrInvalidAmount},
		{"a credit below nothing", func(c *voucher.Campaign) { c.Effect.AmountMinor = -1 }, fault.ErrInvalidAmount},
		{"a credit in percent", func(c *voucher.Campaign) { c.Effect.PercentBP = 1 }, fault.ErrInvalidRequest},
		{"a capped credit", func(c *voucher.Campaign) { c.Effect.MaxMinor = 1 }, fault.ErrInvalidRequest},
		{"a fixed discount", func(c *voucher.Campaign) { c.Effect = discount(1, 0, 0) }, nil},
		{"a percentage", func(c *voucher.Campaign) { c.Effect = discount(0, 1, 0) }, nil},
		{"all of it, capped", func(c *voucher.Campaign) { c.Effect = discount(0, 10_000, 1) }, nil},
		{"more than all of it", func(c *voucher.Campaign) { c.Effect = discount(0, 10_001, 0) }, fault.ErrInvalidRequest},
		{"less than none of it", func(c *voucher.Campaign) { c.Effect = discount(0, -1, 0) }, fault.ErrInvalidRequest},
		{"neither", func(c *voucher.Campaign) { c.Effect = discount(0, 0, 0) }, fault.ErrInvalidRequest},
		{"both", func(c *voucher.Campaign) { c.Effect = discount(1, 1, 0) }, fault.ErrInvalidRequest},
		{"a discount below nothing", func(c *voucher.Campaign) { c.Effect = discount(-1, 0, 0) }, fault.ErrInvalidAmount},
		{"a capped fixed discount", func(c *voucher.Campaign) { c.Effect = discount(1, 0, 1) }, fault.ErrInvalidRequest},
		{"a cap below nothing", func(c *voucher.Campaign) { c.Effect = discount(0, 1, -1) }, fault.ErrInvalidAmount},
		{"an empty window", func(c *voucher.Campaign) { c.Window.End = c.Window.Start }, fault.ErrInvalidWindow},
		{"a count below nothing", func(c *voucher.Campaign) { c.Budget.Count = -1 }, fault.ErrInvalidLimit},
		{"money below nothing", func(c *voucher.Campaign) { c.Budget.AmountMinor = -1 }, fault.ErrInvalidLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			campaign := ask().c
			c.put(&campaign)
			err := campaign.Validate()
			if c.err == nil {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			refusal(t, err, c.err)
		})
	}
}

func TestVoucherValidate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		put  func(*voucher.Voucher)
		err  *fault.Error
	}{
		{"no code", func(v *voucher.Voucher) { v.Code = "" }, fault.ErrInvalidCode},
		{"no key", func(v *voucher.Voucher) { v.Key = "" }, fault.ErrInvalidCode},
		{"a limit below nothing", func(v *voucher.Voucher) { v.Limit = -1 }, fault.ErrInvalidLimit},
		{"none for each", func(v *voucher.Voucher) { v.PerCustomer = 0 }, fault.ErrInvalidLimit},
	} {
		v := ask().v
		if err := v.Validate(); err != nil {
			t.Fatalf("refused: %v", err)
		}
		c.put(&v)
		refusal(t, v.Validate(), c.err)
	}
}

func refusal(t *testing.T, got error, want *fault.Error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got %v, want %s", got, want.Code)
	}
}
