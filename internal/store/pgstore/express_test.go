package pgstore_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"scrip/internal/access"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/store"
	"scrip/internal/store/pgstore"
	"scrip/internal/testenv"
	"scrip/internal/voucher"
)

// takes fails the test unless exactly the batches that do applies went by the express lane, and the others the ordinary way.
func (o opened) takes(tb testing.TB, express, ordinary int64, do func()) {
	tb.Helper()
	e, w := o.Lanes()
	do()
	now, ways := o.Lanes()
	if now-e != express || ways-w != ordinary {
		tb.Fatalf("%d batches went by the express lane and %d the ordinary way, want %d and %d", now-e, ways-w, express, ordinary)
	}
}

// failsOn is a log on which nothing may be told: an express batch that fails unforeseen is.
func failsOn(tb testing.TB) *slog.Logger {
	tb.Helper()
	return slog.New(slog.NewTextHandler(refusing{tb}, nil))
}

type refusing struct{ tb testing.TB }

func (r refusing) Write(line []byte) (int, error) {
	r.tb.Errorf("told: %s", line)
	return len(line), nil
}

// verdicts applies a batch and returns one word for each command: the rank of who won, or why not.
func verdicts(tb testing.TB, s store.Store, batch ...store.Command) string {
	tb.Helper()
	outcomes, err := s.Apply(tb.Context(), batch)
	if err != nil {
		tb.Fatal(err)
	}
	words := make([]string, len(outcomes))
	for i, o := range outcomes {
		if o.Refusal != nil {
			words[i] = string(o.Refusal.Code)
		} else {
			words[i] = word(o)
		}
	}
	return strings.Join(words, ", ")
}

func same(tb testing.TB, what, got, want string) {
	tb.Helper()
	if got != want {
		tb.Errorf("%s: %s; want %s", what, got, want)
	}
}

func crowd(code string, names ...string) []store.Command {
	batch := make([]store.Command, len(names))
	for i, who := range names {
		batch[i] = redeem(code, who)
	}
	return batch
}

// A crowd's batches go by the express lane once its code is known, and only those.
func TestWhatGoesExpress(t *testing.T) {
	t.Parallel()
	s := openWith(t, pgstore.Config{URL: testenv.Database(t), Log: failsOn(t)})
	create(t, s, "SA1AM", 0)
	create(t, s, "OTHER", 0)
	keyed := func(code, who, key string) *store.Redeem {
		r := redeem(code, who)
		r.Key = key
		return r
	}
	for _, c := range []struct {
		name    string
		express bool
		batch   []store.Command
		want    string
	}{
		{"a code that nobody has asked for yet", false, crowd("SA1AM", "ali"), "1"},
		{"one redemption", true, crowd("SA1AM", "bita"), "2"},
		{"several", true, crowd("SA1AM", "farid", "cyrus", "elham"), "3, 4, 5"},
		{"winners among them", true, crowd("SA1AM", "ali", "giv", "bita", "hira", "cyrus"), "already_redeemed, 6, already_redeemed, 7, already_redeemed"},
		{"nobody but winners", true, crowd("SA1AM", "hira", "ali"), "already_redeemed, already_redeemed"},
		{"one customer twice", false, crowd("SA1AM", "iraj", "jale", "iraj"), "8, 9, already_redeemed"},
		{"under keys", true, []store.Command{keyed("SA1AM", "kave", "k"), redeem("SA1AM", "laleh"), keyed("SA1AM", "mina", "k")}, "10, 11, 12"},
		{"winners under new keys", true, []store.Command{keyed("SA1AM", "kave", "l"), keyed("SA1AM", "nima", "l")}, "already_redeemed, 13"},
		{"a key that was used already", true, []store.Command{redeem("SA1AM", "omid"), keyed("SA1AM", "kave", "k")}, "14, again 10"},
		{"a key of another request", true, []store.Command{keyed("SA1AM", "mina", "k"), &store.Redeem{
			ID: id.New(time.Now()), Code: "SA1AM", Customer: "kave", Key: "k", Fingerprint: store.Fingerprint{1},
		}}, "again 12, idempotency_key_reused"},
		{"two codes", false, append(crowd("SA1AM", "pari"), crowd("OTHER", "pari")...), "15, 1"},
		{"a customer with a wallet", true, crowd("OTHER", "ali", "quti"), "2, 3"},
		{"a post among them", false, []store.Command{redeem("SA1AM", "ramin"), pay("ramin", 5)}, "16, paid"},
		{"asked again", false, again(crowd("SA1AM", "sara")), "17"},
		{"a long name", false, crowd("SA1AM", strings.Repeat("ش", 64)), "18"},
		{"a text that can't be kept", false, crowd("SA1AM", "a\x00b", "taha"), "invalid_request, 19"},
	} {
		express, ordinary := int64(0), int64(1)
		if c.express {
			express, ordinary = 1, 0
		}
		s.takes(t, express, ordinary, func() {
			if c.name == "a post among them" {
				apply(t, s, c.batch...)
				return
			}
			same(t, c.name, verdicts(t, s, c.batch...), c.want)
		})
		if t.Failed() {
			t.Fatalf("at %q", c.name)
		}
	}
	if got := balance(t, s, "ali"); got != 2000 {
		t.Errorf("a wallet that was there holds %d, want 2000", got)
	}
	audited(t, s)
}

// What changed since the terms were read is seen under the locks: nothing is done by terms that no longer hold.
func TestExpressTermsThatChanged(t *testing.T) {
	t.Parallel()
	at := testenv.Database(t)
	s, other := open(t, at, nil), open(t, at, nil)
	create(t, s, "SA1AM", 10)
	find := func() store.Listing {
		ls, _, err := other.Lookup(t.Context(), []string{"SA1AM"})
		if err != nil {
			t.Fatal(err)
		}
		return ls[0]
	}
	amend := func(p voucher.Patch) {
		if _, err := other.AmendVoucher(t.Context(), find().Voucher.ID, p, access.By{}); err != nil {
			t.Fatal(err)
		}
	}
	amendCampaign := func(p voucher.CampaignPatch) {
		if _, err := other.AmendCampaign(t.Context(), find().Campaign.ID, p, access.By{}); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "the first", verdicts(t, s, crowd("SA1AM", "ali")...), "1")
	s.takes(t, 1, 0, func() { same(t, "known", verdicts(t, s, crowd("SA1AM", "bita")...), "2") })

	amend(voucher.Patch{Disabled: new(true)})
	s.takes(t, 0, 1, func() { same(t, "disabled", verdicts(t, s, crowd("SA1AM", "cyrus")...), "voucher_disabled") })
	s.takes(t, 0, 1, func() { same(t, "still", verdicts(t, s, crowd("SA1AM", "cyrus")...), "voucher_disabled") })
	amend(voucher.Patch{Disabled: new(false)})
	s.takes(t, 0, 1, func() { same(t, "enabled", verdicts(t, s, crowd("SA1AM", "cyrus")...), "3") })
	s.takes(t, 1, 0, func() { same(t, "learned", verdicts(t, s, crowd("SA1AM", "dara")...), "4") })

	amendCampaign(voucher.CampaignPatch{Budget: voucher.BudgetPatch{PerCustomer: new(int64(1))}})
	s.takes(t, 0, 1, func() { same(t, "a budget", verdicts(t, s, crowd("SA1AM", "elham")...), "5") })
	s.takes(t, 0, 1, func() { same(t, "not foreseen", verdicts(t, s, crowd("SA1AM", "farid")...), "6") })
	amendCampaign(voucher.CampaignPatch{Budget: voucher.BudgetPatch{PerCustomer: new(int64(0))}})
	s.takes(t, 0, 1, func() { same(t, "foreseen again", verdicts(t, s, crowd("SA1AM", "giv")...), "7") })

	// The other one takes all but one of what is left, with no change of version.
	same(t, "elsewhere", verdicts(t, other, crowd("SA1AM", "hira", "iraj")...), "8, 9")
	s.takes(t, 0, 1, func() {
		same(t, "one left", verdicts(t, s, crowd("SA1AM", "jale", "kave", "ali")...), "10, quantity_exceeded, already_redeemed")
	})

	// A use that was given back raises the version, and the limit too.
	ls, _, err := other.ListRedemptions(t.Context(), store.RedemptionFilter{Customer: "ali"}, store.Page{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	back := &store.Rollback{ID: id.New(time.Now()), Redemption: ls[0].ID}
	apply(t, other, back)
	s.takes(t, 0, 1, func() { same(t, "given back", verdicts(t, s, crowd("SA1AM", "ali")...), "11") })
	amend(voucher.Patch{Limit: new(int64(12))})
	s.takes(t, 0, 1, func() { same(t, "raised", verdicts(t, s, crowd("SA1AM", "kave")...), "12") })
	s.takes(t, 1, 0, func() { same(t, "the last", verdicts(t, s, crowd("SA1AM", "laleh")...), "13") })
	s.takes(t, 0, 1, func() { same(t, "none left", verdicts(t, s, crowd("SA1AM", "mina")...), "quantity_exceeded") })
	audited(t, s)
}

// Slots and receipts of a voucher that each customer may use twice: who holds nothing goes express, the others do not.
func TestExpressWithSeveralUsesEach(t *testing.T) {
	t.Parallel()
	s := open(t, testenv.Database(t), nil)
	create(t, s, "TWICE", 0)
	ls, _, err := s.Lookup(t.Context(), []string{"TWICE"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AmendVoucher(t.Context(), ls[0].Voucher.ID, voucher.Patch{PerCustomer: new(int64(2))}, access.By{}); err != nil {
		t.Fatal(err)
	}
	same(t, "the first", verdicts(t, s, crowd("TWICE", "ali")...), "1")
	s.takes(t, 1, 0, func() { same(t, "new ones", verdicts(t, s, crowd("TWICE", "bita", "cyrus")...), "2, 3") })
	s.takes(t, 0, 1, func() { same(t, "a second use", verdicts(t, s, crowd("TWICE", "dara", "ali")...), "4, 5") })
	s.takes(t, 1, 0, func() { same(t, "new ones again", verdicts(t, s, crowd("TWICE", "elham")...), "6") })
	s.takes(t, 0, 1, func() {
		same(t, "a third use", verdicts(t, s, crowd("TWICE", "ali", "bita")...), "already_redeemed, 7")
	})
	audited(t, s)
}

// Nobody wins at or after the end of the window, by the database's clock, however long the terms are known.
func TestExpressAtTheEndOfTheWindow(t *testing.T) {
	t.Parallel()
	s := open(t, testenv.Database(t), nil)
	_, now, err := s.Lookup(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	end := now.Add(700 * time.Millisecond)
	c := &voucher.Campaign{
		ID: id.New(time.Now()), Name: "SHORT", Currency: "IRR", Window: voucher.Window{End: end},
		Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: 1000},
	}
	v := voucher.Voucher{ID: id.New(time.Now()), CampaignID: c.ID, Code: "SHORT", Key: "SHORT", PerCustomer: 1}
	if _, _, err := s.Create(t.Context(), store.Creation{Campaign: c, Vouchers: []voucher.Voucher{v}}); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		outcomes, err := s.Apply(t.Context(), crowd("SHORT", name(2*n), name(2*n+1)))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range outcomes {
			if o.Refusal == nil && !o.Redemption.At.Before(end) {
				t.Fatalf("won at %v, the end was %v", o.Redemption.At, end)
			}
			if o.Refusal != nil && (!o.Refusal.Is(fault.ErrExpired) || o.Fact.At.Before(end)) {
				t.Fatalf("refused as %v at %v, the end is %v", o.Refusal, o.Fact.At, end)
			}
		}
		if outcomes[0].Refusal != nil {
			if express, _ := s.Lanes(); n > 1 && express == 0 {
				t.Error("nothing went express")
			}
			break
		}
	}
	audited(t, s)
}

// Two processes sell the last uses of one code express, and to the same customers: every use is won, and none twice.
func TestExpressOverTwoProcesses(t *testing.T) {
	const limit, size, span = 2000, 20, 2400
	at := testenv.Database(t)
	stores := []opened{open(t, at, nil), open(t, at, nil)}
	create(t, stores[0], "CROWD", limit)
	y := newTally()
	for i, s := range stores { // each learns the terms by its first batch, and sells by its second as they say
		for n := range 2 {
			batch := []store.Command{redeem("CROWD", name(span+1+2*i+n))}
			outcomes, err := s.Apply(t.Context(), batch)
			if err != nil {
				t.Fatal(err)
			}
			y.count(batch[0], outcomes[0])
		}
	}
	var running sync.WaitGroup
	for i, s := range stores {
		running.Go(func() {
			for from := 0; from < span; from += size {
				var batch []store.Command
				for j := range size { // in opposite directions, and with a third of them in common at the same time
					n := from + j
					if i == 1 && j%3 > 0 {
						n = span - n
					}
					batch = append(batch, redeem("CROWD", name(n)))
				}
				outcomes, err := s.Apply(t.Context(), batch)
				if err != nil {
					t.Error(err)
					return
				}
				for k, o := range outcomes {
					y.count(batch[k], o)
					if o.Refusal != nil && !o.Refusal.Is(fault.ErrSoldOut) && (!o.Refusal.Is(fault.ErrAlreadyRedeemed) || o.Redemption == nil) {
						t.Errorf("refused: %+v", o)
					}
				}
			}
		})
	}
	running.Wait()
	y.check(t, map[string]int64{"CROWD": limit})
	if y.wins["CROWD"] != limit {
		t.Errorf("%d uses were won of %d", y.wins["CROWD"], limit)
	}
	for i, s := range stores {
		express, ordinary := s.Lanes()
		if express == 0 {
			t.Errorf("process %d sold nothing express, and %d batches the ordinary way", i, ordinary)
		}
	}
	audited(t, stores[1])
}
