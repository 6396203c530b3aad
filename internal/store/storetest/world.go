package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"scrip/internal/access"
	"scrip/internal/code"
	"scrip/internal/fault"
	"scrip/internal/id"
	"scrip/internal/ledger"
	"scrip/internal/money"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// world is what a scenario plays in: a store of its own and the clock it runs on. Its methods fail the
// test where the store does not do what they say.
type world struct {
	t     testing.TB
	d     Driver
	s     store.Store
	clock *clock
}

const (
	rial   = money.Currency("IRR")
	euro   = money.Currency("EUR")
	credit = int64(1000) // what a campaign gives unless a scenario says otherwise
)

const shownMax = 12 // differences, so that a report can be read

func open(t testing.TB, d Driver) *world {
	t.Helper()
	c := newClock()
	return &world{t: t, d: d, s: d.Open(t, c.Now), clock: c}
}

// audit asks the store's own audit, which must find nothing.
func (w *world) audit() store.Audited {
	w.t.Helper()
	read, err := w.s.Audit(w.t.Context(), func(f store.Finding) { w.t.Errorf("audit: %s: %s: %s", f.Check, f.ID, f.Detail) })
	w.ok(err)
	if read.Findings != 0 {
		w.t.Fatalf("audit: %d findings", read.Findings)
	}
	return read
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("unexpected error: %v", err)
	}
}

// fails checks that err is a fault, and which.
func (w *world) fails(err error, want *fault.Error) {
	w.t.Helper()
	if got, ok := errors.AsType[*fault.Error](err); !ok || !got.Is(want) {
		w.t.Fatalf("got the error %v, want the fault %s", err, want.Code)
	}
}

// equal checks that got is want, as differences has it.
func (w *world) equal(what string, got, want any) {
	w.t.Helper()
	found := differences(got, want)
	if more := len(found) - shownMax; more > 0 {
		found = append(found[:shownMax], fmt.Sprintf("and %d more", more))
	}
	if len(found) > 0 {
		w.t.Fatalf("%s:\n\t%s", what, strings.Join(found, "\n\t"))
	}
}

// id is a fresh id.
func (w *world) id() id.ID { return id.New(w.clock.Now()) }

// normal is the key of a code.
func normal(text string) string {
	key, err := code.Normalise(text)
	if err != nil {
		panic(fmt.Sprintf("storetest: %q is no code: %v", text, err))
	}
	return key
}

// campaign is a campaign that gives a credit, not yet created.
func (w *world) campaign() *voucher.Campaign {
	return &voucher.Campaign{
		ID: w.id(), Name: "Nowruz", Currency: rial,
		Effect: voucher.Effect{Kind: voucher.Credit, AmountMinor: credit},
	}
}

// voucher is a voucher of a campaign, once per customer, not yet created; limit 0 is none.
func (w *world) voucher(c *voucher.Campaign, text string, limit int64) voucher.Voucher {
	return voucher.Voucher{ID: w.id(), CampaignID: c.ID, Code: text, Key: normal(text), Limit: limit, PerCustomer: 1}
}

// create creates a campaign, unless it is nil, with vouchers.
func (w *world) create(c *voucher.Campaign, vs ...voucher.Voucher) store.Creation {
	w.t.Helper()
	made, replayed, err := w.s.Create(w.t.Context(), store.Creation{Campaign: c, Vouchers: vs})
	w.ok(err)
	if replayed {
		w.t.Fatal("a creation without a key is replayed")
	}
	return made
}

// shared creates a voucher with a campaign of its own, which change may change before.
func (w *world) shared(text string, limit int64, change ...func(*voucher.Campaign, *voucher.Voucher)) store.Listing {
	w.t.Helper()
	c := w.campaign()
	v := w.voucher(c, text, limit)
	for _, f := range change {
		f(c, &v)
	}
	w.create(c, v)
	return w.look(text)
}

// look looks a code up.
func (w *world) look(text string) store.Listing {
	w.t.Helper()
	ls, _, err := w.s.Lookup(w.t.Context(), []string{normal(text)})
	w.ok(err)
	if len(ls) != 1 || ls[0].Voucher == nil || ls[0].Campaign == nil {
		w.t.Fatalf("the voucher %s is not there: %+v", text, ls)
	}
	return ls[0]
}

// redeem is a command.
func (w *world) redeem(text, customer string) *store.Redeem {
	return &store.Redeem{ID: w.id(), Code: normal(text), Customer: customer}
}

// rollback is a command.
func (w *world) rollback(r *voucher.Redemption) *store.Rollback {
	return &store.Rollback{ID: w.id(), Redemption: r.ID, Reason: "asked for"}
}

// pay is a command that credits a wallet.
func (w *world) pay(customer string, minor int64) *store.Post {
	return &store.Post{ID: w.id(), Kind: ledger.Credit, Customer: customer, Currency: rial, AmountMinor: minor}
}

// spend is a command that debits a wallet.
func (w *world) spend(customer string, minor int64) *store.Post {
	return &store.Post{ID: w.id(), Kind: ledger.Debit, Customer: customer, Currency: rial, AmountMinor: minor}
}

// send is a command that moves money between wallets.
func (w *world) send(from, to string, minor int64) *store.Post {
	return &store.Post{ID: w.id(), Kind: ledger.TransferOut, Customer: from, To: to, Currency: rial, AmountMinor: minor}
}

// apply applies a batch.
func (w *world) apply(commands ...store.Command) []store.Outcome {
	w.t.Helper()
	outcomes, err := w.s.Apply(w.t.Context(), commands)
	w.ok(err)
	if len(outcomes) != len(commands) {
		w.t.Fatalf("%d outcomes of %d commands", len(outcomes), len(commands))
	}
	return outcomes
}

// do applies one command.
func (w *world) do(command store.Command) store.Outcome {
	w.t.Helper()
	return w.apply(command)[0]
}

// done checks that a command took effect now.
func (w *world) done(o store.Outcome) store.Outcome {
	w.t.Helper()
	if o.Refusal != nil || o.Replayed || o.Redemption == nil && o.Transfer == nil {
		w.t.Fatalf("no effect: refusal %v, replayed %t, redemption %v, transfer %v", o.Refusal, o.Replayed, o.Redemption, o.Transfer)
	}
	return o
}

// win redeems and returns the receipt.
func (w *world) win(text, customer string) *voucher.Redemption {
	w.t.Helper()
	return w.done(w.do(w.redeem(text, customer))).Redemption
}

// refused checks that a command was refused, and why.
func (w *world) refused(o store.Outcome, why *fault.Error) store.Outcome {
	w.t.Helper()
	if codeOf(o.Refusal) != why.Code {
		w.t.Fatalf("refused as %q, want %q", codeOf(o.Refusal), why.Code)
	}
	if o.Replayed || o.Rollback != nil || o.Transfer != nil || (o.Redemption != nil) != why.Is(fault.ErrAlreadyRedeemed) {
		w.t.Fatalf("the refusal %s carries what it should not, or not what it should: %+v", why.Code, o)
	}
	return o
}

// lose tries to redeem and is refused.
func (w *world) lose(text, customer string, why *fault.Error) store.Outcome {
	w.t.Helper()
	return w.refused(w.do(w.redeem(text, customer)), why)
}

// replayed checks that o replays first.
func (w *world) replayed(o, first store.Outcome) {
	w.t.Helper()
	first.Replayed, first.Fact = true, voucher.Fact{}
	w.equal("the replay", o, first)
}

// knows checks that o's fact is what the store now knows of the code.
func (w *world) knows(o store.Outcome, text string) {
	w.t.Helper()
	ls, now, err := w.s.Lookup(w.t.Context(), []string{normal(text)})
	w.ok(err)
	w.equal("the fact about "+text, o.Fact, voucher.FactOf(ls[0].Campaign, ls[0].Voucher, now))
}

// holds checks a customer's balance.
func (w *world) holds(customer string, minor int64) {
	w.t.Helper()
	got, err := w.s.Balances(w.t.Context(), []store.WalletRef{{Customer: customer, Currency: rial}})
	w.ok(err)
	w.equal("the balance of "+customer, got, []int64{minor})
}

// history are a customer's ledger entries, oldest first.
func (w *world) history(customer string, c money.Currency) []ledger.Transfer {
	w.t.Helper()
	ts, _, err := w.s.Transactions(w.t.Context(), store.WalletRef{Customer: customer, Currency: c}, store.Page{Limit: store.PageLimitMax})
	w.ok(err)
	slices.Reverse(ts)
	return ts
}

// amend amends a voucher.
func (w *world) amend(v *voucher.Voucher, p voucher.Patch) store.Listing {
	w.t.Helper()
	l, err := w.s.AmendVoucher(w.t.Context(), v.ID, p, access.By{})
	w.ok(err)
	return l
}

// amendCampaign amends a campaign.
func (w *world) amendCampaign(c *voucher.Campaign, p voucher.CampaignPatch) *voucher.Campaign {
	w.t.Helper()
	amended, err := w.s.AmendCampaign(w.t.Context(), c.ID, p, access.By{})
	w.ok(err)
	return amended
}

// fingerprint is a fingerprint unlike that of another n.
func fingerprint(n byte) store.Fingerprint { return store.Fingerprint{n, 0xfe, n} }

// customer is the nth customer.
func customer(n int) string { return fmt.Sprintf("customer-%04d", n) }
