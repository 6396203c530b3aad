package pgstore_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/store"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

// Each condition of the express lane's statement is needed: without it a story in which each is needed once goes astray,
// or else a constraint stands behind it, and the batch is saved by the ordinary way.
func TestExpressMutants(t *testing.T) {
	t.Parallel()
	want, express := expressStory(t, "", "")
	if express != 4 {
		t.Fatalf("%d batches of the story go express", express)
	}
	const astray, saved = true, false
	for name, m := range map[string]struct {
		from, to string
		ends     bool
	}{
		"any version of the voucher":  {"v.version = $4", "v.version = v.version + 0 * $4", astray},
		"any version of the campaign": {"c.version = $2", "c.version = c.version + 0 * $2", astray},
		"no end of the window":        {"at < coalesce($13, 'infinity'::timestamptz)", "coalesce($13, 'infinity'::timestamptz) > '-infinity'", astray},
		"no limit":                    {"redeemed <= $14 - winners", "$14 > 0 - winners", saved},
		"no budget":                   {"given <= $16 - winners * $9", "$16 > 0 - winners * $9", saved},
		"winners win again":           {"WHERE s.has AND NOT s.taken AND", "WHERE false AND", astray},
		"ranks with gaps":             {"- width_bucket(s.n, hot.others)", "", astray},
		"balances from nothing":       {"coalesce(s.balance, 0) + $9", "$9", astray},
		"numbers from nothing":        {"coalesce(s.seq, 0) + 1", "1::bigint", saved},
		"keys are not kept":           {"FROM won WHERE key <> ''", "FROM won WHERE false", astray},
		"keys are not looked at":      {"CASE WHEN w.seq IS NULL OR u.key = '' THEN false", "CASE WHEN true THEN false", astray},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, _ := expressStory(t, m.from, m.to); (got != want) != m.ends {
				t.Errorf("it went astray: %t, want %t:\n%s\nfor\n%s", got != want, m.ends, got, want)
			}
		})
	}
}

// expressStory tells a story on a store whose express statement has from replaced by to, and returns what came of it and how
// many of its batches went express.
func expressStory(t *testing.T, from, to string) (told string, express int64) {
	t.Helper()
	at := testenv.Database(t)
	now := time.Date(2026, time.March, 20, 14, 46, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	s, other := open(t, at, clock), open(t, at, clock)
	if n := s.MutateExpress(from, to); from != "" && n == 0 {
		t.Fatalf("%q is not in the statement; the mutation must follow the code", from)
	}
	c := &voucher.Campaign{
		ID: id.New(now), Name: "STORY", Currency: "IRR", Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 1000},
		Window: voucher.Window{End: now.Add(time.Hour)}, Budget: voucher.Budget{AmountMinor: 100_000},
	}
	v := voucher.Voucher{ID: id.New(now), CampaignID: c.ID, Code: "STORY", Key: "STORY", Limit: 20, PerCustomer: 1}
	if _, _, err := s.Create(t.Context(), store.Creation{Campaign: c, Vouchers: []voucher.Voucher{v}}); err != nil {
		t.Fatal(err)
	}
	var lines []string
	tell := func(on opened, batch ...store.Command) {
		outcomes, err := on.Apply(t.Context(), batch)
		line := ""
		for _, o := range outcomes {
			switch {
			case o.Refusal != nil:
				line += " " + string(o.Refusal.Code)
			case o.Redemption != nil:
				line += " " + word(o)
			}
		}
		if err != nil {
			line = " not applied"
		}
		lines = append(lines, line)
	}
	keyed := func(who, key string) *store.Redeem {
		r := redeem("STORY", who)
		r.Key = key
		return r
	}
	amend := func(p voucher.Patch) {
		if _, err := other.AmendVoucher(t.Context(), v.ID, p, access.By{}); err != nil {
			t.Fatal(err)
		}
	}
	amendCampaign := func(p voucher.CampaignPatch) {
		if _, err := other.AmendCampaign(t.Context(), c.ID, p, access.By{}); err != nil {
			t.Fatal(err)
		}
	}
	learn := func(who string) { tell(s, keyed(who, ""), pay(who, 1)) } // the ordinary way, twice: after a miss two may have to
	learn("ali")
	tell(s, crowd("STORY", "bita", "ali", "cyrus")...)
	tell(s, keyed("dara", "k"), keyed("elham", "k"))
	tell(s, keyed("dara", "k"), keyed("farid", "k"))
	apply(t, other, pay("giv", 7))
	tell(s, crowd("STORY", "giv")...)
	amend(voucher.Patch{Disabled: new(true)})
	tell(s, crowd("STORY", "hira")...)
	amend(voucher.Patch{Disabled: new(false)})
	learn("hira")
	amendCampaign(voucher.CampaignPatch{Disabled: new(true)})
	tell(s, crowd("STORY", "iraj")...)
	amendCampaign(voucher.CampaignPatch{Disabled: new(false)})
	learn("iraj")
	tell(other, crowd("STORY", "o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8", "o9", "o10")...) // 19 of 20
	tell(s, crowd("STORY", "jale", "kave")...)
	amend(voucher.Patch{Limit: new(int64(0))})
	amendCampaign(voucher.CampaignPatch{Budget: voucher.BudgetPatch{AmountMinor: new(int64(23_000))}})
	learn("laleh")
	tell(other, crowd("STORY", "p1")...)
	tell(s, crowd("STORY", "mina", "nima")...)
	amendCampaign(voucher.CampaignPatch{Budget: voucher.BudgetPatch{AmountMinor: new(int64(0))}})
	learn("omid")
	now = now.Add(time.Hour)
	tell(s, crowd("STORY", "pari")...)
	lines = append(lines, findings(t, other)...)
	for _, who := range []string{"ali", "giv", "dara"} {
		lines = append(lines, who+" "+ledgerOf(t, other, who))
	}
	express, _ = s.Lanes()
	return strings.Join(lines, "\n"), express
}

// word is a winner's rank, with a mark where it was won before.
func word(o store.Outcome) string {
	mark := ""
	if o.Replayed {
		mark = "again "
	}
	return mark + strconv.FormatInt(o.Redemption.Rank, 10)
}

func findings(t *testing.T, s store.Auditor) (all []string) {
	t.Helper()
	if _, err := s.Audit(t.Context(), func(f store.Finding) { all = append(all, "found "+f.Check) }); err != nil {
		t.Fatal(err)
	}
	return all
}

// ledgerOf is the history of a wallet: the balance after each entry.
func ledgerOf(t *testing.T, s store.Wallets, who string) string {
	t.Helper()
	ts, _, err := s.Transactions(t.Context(), store.WalletRef{Customer: who, Currency: "IRR"}, store.Page{Limit: store.PageLimitMax})
	if err != nil {
		t.Fatal(err)
	}
	var balances []string
	for _, e := range ts {
		if e.Kind == ledger.Redemption || e.Kind == ledger.Credit {
			balances = append(balances, strconv.FormatInt(e.Balance, 10))
		}
	}
	return strings.Join(balances, " ")
}
