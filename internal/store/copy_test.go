package store

import (
	"math"
	"slices"
	"testing"

	"scrip/internal/id"
)

// places are in order, each twice as far as it takes to go wrong.
func places() []Place {
	first, second := id.ID{15: 1}, id.ID{14: 1}
	return []Place{
		{},
		{Kind: CampaignKind},
		{Kind: CampaignKind, ID: first},
		{Kind: CampaignKind, ID: second},
		{Kind: VoucherKind, ID: first},
		{Kind: WalletKind},
		{Kind: WalletKind, Customer: "a", Text: "EUR"},
		{Kind: WalletKind, Customer: "a", Text: "IRR"},
		{Kind: WalletKind, Customer: "a\x00", Text: "EUR"},
		{Kind: WalletKind, Customer: "Ω\xff", Text: "EUR"},
		{Kind: TransferKind, Customer: "a", Text: "EUR", Seq: 1},
		{Kind: TransferKind, Customer: "a", Text: "EUR", Seq: math.MaxInt64},
		{Kind: AccountKind, Text: "EUR", Seq: 6},
		{Kind: AccountKind, Text: "IRR", Seq: 3},
		{Kind: RedemptionKind, ID: first, Customer: "a"},
		{Kind: RedemptionKind, ID: first, Customer: "b"},
		{Kind: RedemptionKind, ID: second},
		{Kind: RollbackKind, ID: first},
		{Kind: PostKind, ID: first},
		{Kind: KeyKind, Text: "k"},
		{Kind: KeyKind, Customer: "a", Text: "k"},
		{Kind: AccessKeyKind, ID: first},
		{Kind: EventKind, ID: first},
		{Kind: EventKind, ID: second},
	}
}

func TestPlacesAreOrdered(t *testing.T) {
	t.Parallel()
	all := places()
	for i, p := range all {
		for j, q := range all {
			if got, want := p.Compare(q) < 0, i < j; got != want {
				t.Errorf("%+v is before %+v: %t", p, q, got)
			}
		}
		if read, err := ParsePlace(p.Append(nil)); err != nil || read != p {
			t.Errorf("%+v is read as %+v, %v", p, read, err)
		}
		if p.Kind != 0 && p.Before().Compare(p) >= 0 && p != (Place{Kind: p.Kind}) {
			t.Errorf("%+v is not before %+v", p.Before(), p)
		}
	}
	if read, err := ParsePlace(nil); err != nil || read != (Place{}) {
		t.Errorf("nothing is read as %+v, %v", read, err)
	}
}

// told is an export of records in memory.
func told(there []Record) func(Place, func(Record) error) error {
	return func(after Place, yield func(Record) error) error {
		for _, r := range there {
			if r.Place().Compare(after) > 0 {
				if err := yield(r); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

func TestCheckThere(t *testing.T) {
	t.Parallel()
	wallet := func(customer string, minor int64) Record {
		return &WalletRecord{WalletRef: WalletRef{Customer: customer, Currency: "IRR"}, BalanceMinor: minor, Seq: 1}
	}
	there := []Record{wallet("a", 1), wallet("b", 2), wallet("c", 3), wallet("d", 4)}
	for name, c := range map[string]struct {
		asked []Record
		ok    bool
	}{
		"none":          {nil, true},
		"all":           {slices.Clone(there), true},
		"some":          {[]Record{wallet("b", 2), wallet("d", 4)}, true},
		"other content": {[]Record{wallet("b", 2), wallet("d", 5)}, false},
		"one in between": {
			[]Record{wallet("b", 2), wallet("bb", 2), wallet("c", 3)}, false,
		},
		"one behind": {[]Record{wallet("d", 4), wallet("e", 4)}, false},
	} {
		if err := CheckThere(c.asked, told(there)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
