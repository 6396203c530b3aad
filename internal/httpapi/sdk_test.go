package httpapi_test

import (
	"bytes"
	"testing"
	"time"

	"scrip/api"
	"scrip/client"
)

// The SDK against the server itself: every method once, and what comes back is what was asked for.

func sdk(t *testing.T, b *bundle) *client.Client {
	t.Helper()
	c, err := client.New(b.url, client.WithRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// must is the value of a call that must not fail.
func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestSDKRedeems(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, ctx := sdk(t, b), t.Context()
	limit := int64(3)
	made := must[*client.Campaign](t)(c.CreateCampaign(ctx, client.NewCampaign{
		Name: "Demo", Effect: client.Effect{Kind: client.EffectCredit, Amount: 1250},
		Voucher: &client.NewCampaignVoucher{Code: "salam", Limit: &limit},
	}, client.IdempotencyKey("c-1")))
	req := client.RedeemRequest{Code: "SALAM", Customer: "09123456789"}
	if v := must[*client.Validation](t)(c.Validate(ctx, req)); !v.Valid || v.Effect.Amount != 1250 || *v.Remaining != 3 {
		t.Errorf("%+v", v)
	}
	won := must[*client.Redemption](t)(c.Redeem(ctx, req, client.IdempotencyKey("r-1")))
	again := must[*client.Redemption](t)(c.Redeem(ctx, req, client.IdempotencyKey("r-1")))
	if won.Rank != 1 || *won.Limit != 3 || won.Replayed || !again.Replayed || again.ID != won.ID || !again.CreatedAt.Equal(won.CreatedAt) {
		t.Errorf("%+v\n%+v", won, again)
	}
	_, err := c.Redeem(ctx, req)
	if p, ok := err.(*client.Error); !ok || p.Code != client.CodeAlreadyRedeemed || p.Redemption.ID != won.ID { //nolint:errorlint // unwrapped
		t.Error(err)
	}
	if v := must[*client.Validation](t)(c.Validate(ctx, req)); v.Valid || v.Problem.Redemption.ID != won.ID {
		t.Errorf("%+v", v)
	}
	if got := must[string](t)(c.Use(ctx, "salam", "ali", client.IdempotencyKey("u-1"))); got != client.Sentence {
		t.Error(got)
	}
	verdicts := must[[]client.BatchVerdict](t)(c.RedeemBatch(ctx, []client.BatchItem{
		{RedeemRequest: client.RedeemRequest{Code: "salam", Customer: "reza"}, IdempotencyKey: "b-1"},
		{RedeemRequest: client.RedeemRequest{Code: "salam", Customer: "late"}},
	}))
	if verdicts[0].Redemption.Rank != 3 || verdicts[1].Problem.Code != client.CodeQuantityExceeded {
		t.Errorf("%+v", verdicts)
	}
	back := must[*client.Rollback](t)(c.Rollback(ctx, won.ID, "a mistake", client.IdempotencyKey("b-2")))
	if back.Redemption != won.ID || back.Amount != 1250 || back.Balance.Amount != 0 || back.Reason != "a mistake" {
		t.Errorf("%+v", back)
	}
	if r := must[*client.Redemption](t)(c.Redemption(ctx, won.ID)); r.Status != client.StatusRolledBack || r.Rollback != back.ID || r.RolledBackAt == nil {
		t.Errorf("%+v", r)
	}
	n := 0
	for r, err := range c.AllRedemptions(ctx, client.RedemptionQuery{Campaign: made.ID, Page: client.Page{Limit: 1}}) {
		if err != nil || r.Campaign != made.ID {
			t.Fatal(r, err)
		}
		n++
	}
	if n != 3 {
		t.Errorf("%d redemptions", n)
	}
}

func TestSDKAdministers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, ctx := sdk(t, b), t.Context()
	ends := dawn.Add(time.Hour)
	made := must[*client.Campaign](t)(c.CreateCampaign(ctx, client.NewCampaign{
		Name: "Tenth", Currency: "EUR", Effect: client.Effect{Kind: client.EffectDiscount, PercentBP: 1000, MaxAmount: 99}, EndsAt: &ends,
	}))
	if made.Status != client.CampaignActive || made.Voucher != nil || !made.EndsAt.Equal(ends) || made.Effect.Currency != "EUR" {
		t.Errorf("%+v", made)
	}
	changed := must[*client.Campaign](t)(c.UpdateCampaign(ctx, made.ID, client.CampaignChange{
		Name: client.Set("Renamed"), EndsAt: client.Remove[time.Time](), Budget: client.Set(client.BudgetChange{Count: client.Set(int64(9))}),
	}))
	if changed.Name != "Renamed" || changed.EndsAt != nil || *changed.Budget.Count != 9 || changed.Budget.Amount != nil {
		t.Errorf("%+v", changed)
	}
	if s := must[*client.Campaign](t)(c.DisableCampaign(ctx, made.ID)).Status; s != client.CampaignDisabled {
		t.Error(s)
	}
	if s := must[*client.Campaign](t)(c.EnableCampaign(ctx, made.ID)).Status; s != client.CampaignActive {
		t.Error(s)
	}
	if got := must[*client.Campaign](t)(c.Campaign(ctx, made.ID)); got.Name != "Renamed" {
		t.Errorf("%+v", got)
	}
	if s := must[*client.Summary](t)(c.CampaignSummary(ctx, made.ID)); *s.Left.Count != 9 || s.Left.Amount != nil || *s.Budget.Count != 9 {
		t.Errorf("%+v", s)
	}
	for got, err := range c.AllCampaigns(ctx, client.Page{}) {
		if err != nil || got.ID != made.ID {
			t.Error(got, err)
		}
	}

	one := must[*client.Voucher](t)(c.CreateVoucher(ctx, client.NewVoucher{
		Campaign: made.ID, NewCampaignVoucher: client.NewCampaignVoucher{Code: "one", Customer: "09123456789"},
	}))
	two := must[*client.Voucher](t)(c.CreateCampaignVoucher(ctx, made.ID, client.NewCampaignVoucher{PerCustomer: 2}, client.IdempotencyKey("v-2")))
	if *one.Customer != "+989123456789" || one.Limit != nil || two.PerCustomer != 2 || len(two.Code) != 12 {
		t.Errorf("%+v\n%+v", one, two)
	}
	if v := must[*client.Voucher](t)(c.CreateCampaignVoucher(ctx, made.ID, client.NewCampaignVoucher{PerCustomer: 2}, client.IdempotencyKey("v-2"))); v.ID != two.ID || !v.Replayed {
		t.Errorf("%+v", v)
	}
	if v := must[*client.Voucher](t)(c.UpdateVoucher(ctx, one.ID, client.VoucherChange{Limit: client.Set(int64(7)), Customer: client.Remove[string]()})); *v.Limit != 7 || v.Customer != nil {
		t.Errorf("%+v", v)
	}
	if s := must[*client.Voucher](t)(c.DisableVoucher(ctx, one.ID)).Status; s != client.VoucherDisabled {
		t.Error(s)
	}
	if s := must[*client.Voucher](t)(c.EnableVoucher(ctx, one.ID)).Status; s != client.VoucherOpen {
		t.Error(s)
	}
	if v := must[*client.Voucher](t)(c.Voucher(ctx, one.ID)); v.Code != "one" {
		t.Errorf("%+v", v)
	}
	if v := must[*client.Voucher](t)(c.LookupVoucher(ctx, "O-N-E")); v.ID != one.ID {
		t.Errorf("%+v", v)
	}
	if l := must[*client.List[client.Voucher]](t)(c.CampaignVouchers(ctx, made.ID, client.Page{Limit: 1})); !l.HasMore || l.Data[0].ID != two.ID {
		t.Errorf("%+v", l)
	}
	n := 0
	for v, err := range c.AllVouchers(ctx, client.VoucherQuery{Campaign: made.ID, Page: client.Page{Limit: 1}}) {
		if err != nil || v.Campaign != made.ID {
			t.Fatal(v, err)
		}
		n++
	}
	if n != 2 {
		t.Errorf("%d vouchers", n)
	}
}

func TestSDKLooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, ctx := sdk(t, b), t.Context()
	b.shared("salam", `,"limit":2`, "")
	won := must[*client.Redemption](t)(c.Redeem(ctx, client.RedeemRequest{Code: "salam", Customer: "a/b"}))
	w := must[*client.Wallet](t)(c.Wallet(ctx, "a/b"))
	if w.Customer != "a/b" || w.Balance("IRR") != 100000 || w.Balance("EUR") != 0 {
		t.Errorf("%+v", w)
	}
	for tx, err := range c.AllTransactions(ctx, "a/b", client.TransactionQuery{Currency: "IRR"}) {
		if err != nil || tx.Redemption != won.ID || tx.ID != won.Transaction || tx.Amount != 100000 || tx.Sequence != 1 {
			t.Errorf("%+v %v", tx, err)
		}
	}
	if m := must[*client.MobileBalance](t)(c.Balance(ctx, "a/b")); m.Mobile != "a/b" || m.Balance != "1000" {
		t.Errorf("%+v", m)
	}
	if r := must[*client.CodeReport](t)(c.Report(ctx, "SALAM")); r.Code != "salam" || r.Credit != "1000" || r.ConsumerCount != 1 {
		t.Errorf("%+v", r)
	}
	if s := must[*client.Status](t)(c.Healthy(ctx)); s.Status != "alive" || s.Version != "1.2.3" {
		t.Errorf("%+v", s)
	}
	if s := must[*client.Status](t)(c.Ready(ctx)); s.Status != "ready" {
		t.Errorf("%+v", s)
	}
	if doc := must[[]byte](t)(c.Contract(ctx)); !bytes.Equal(doc, api.OpenAPI) {
		t.Error("another contract")
	}
	if _, err := c.Metrics(ctx); client.CodeOf(err) != client.CodeRouteNotFound {
		t.Error(err)
	}
}
