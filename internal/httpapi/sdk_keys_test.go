package httpapi_test

import (
	"encoding/json"
	"testing"
	"time"

	"scrip/client"
	"scrip/internal/access"
)

func TestSDKAdministersKeys(t *testing.T) {
	t.Parallel()
	b := setupKeyed(t, false)
	as := func(secret string) *client.Client {
		c, err := client.New(b.url, client.WithRetries(0), client.WithKey(secret))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c, ctx := as(b.key(access.Admin).Secret), t.Context()
	rate, overlap, until := int64(9), int64(60), dawn.Add(1000*time.Hour)

	made := must[*client.MadeKey](t)(c.CreateKey(ctx, client.NewKey{Name: "shop", Scopes: []string{client.ScopeCampaigns, client.ScopeRedeem}, RatePerSecond: &rate}))
	if made.Secret == "" || made.Kind != client.KeySecret || len(made.Scopes) != 2 || *made.RatePerSecond != rate || made.ExpiresAt != nil || made.Replaced != nil {
		t.Errorf("%+v", made)
	}
	app := must[*client.MadeKey](t)(c.CreateKey(ctx, client.NewKey{Name: "app", Kind: client.KeyPublishable}))
	if _, err := as(app.Secret).Campaigns(ctx, client.Page{}); client.CodeOf(err) != client.CodeInsufficientScope {
		t.Error(err)
	}
	if _, err := sdk(t, b).Campaigns(ctx, client.Page{}); client.CodeOf(err) != client.CodeUnauthorized {
		t.Error(err)
	}
	campaign := must[*client.Campaign](t)(as(made.Secret).CreateCampaign(ctx, client.NewCampaign{
		Name: "Demo", Effect: client.Effect{Kind: client.EffectCredit, Amount: 5}, Voucher: &client.NewCampaignVoucher{Code: "salam"},
	}))

	if k := must[*client.Key](t)(c.Key(ctx, made.ID)); k.ID != made.ID || k.Status != client.KeyActive || k.Tail != made.Tail {
		t.Errorf("%+v", k)
	}
	changed := must[*client.Key](t)(c.UpdateKey(ctx, made.ID, client.KeyChange{Name: client.Set("store"), ExpiresAt: client.Set(until), RatePerSecond: client.Remove[int64]()}))
	if changed.Name != "store" || !changed.ExpiresAt.Equal(until) || changed.RatePerSecond != nil {
		t.Errorf("%+v", changed)
	}
	next := must[*client.MadeKey](t)(c.RotateKey(ctx, made.ID, client.Rotation{OverlapSeconds: &overlap, ExpiresAt: client.Remove[time.Time]()}))
	if *next.Replaces != made.ID || next.Replaced.ID != made.ID || next.ExpiresAt != nil || !next.Replaced.ExpiresAt.Before(until) {
		t.Errorf("%+v", next)
	}
	for range 2 { // again changes nothing
		if k := must[*client.Key](t)(c.RevokeKey(ctx, next.ID, client.Revocation{})); k.Status != client.KeyRevoked || k.RevokedAt == nil {
			t.Errorf("%+v", k)
		}
	}
	admin := must[*client.List[client.Key]](t)(c.Keys(ctx, client.Page{})).Data[3]
	soon := client.KeyChange{ExpiresAt: client.Set(dawn.Add(time.Hour))}
	if _, err := c.UpdateKey(ctx, admin.ID, soon); client.CodeOf(err) != client.CodeLastAdminKey {
		t.Errorf("the last admin key ends soon: %v", err)
	}
	if _, err := c.RotateKey(ctx, admin.ID, client.Rotation{ExpiresAt: soon.ExpiresAt}); client.CodeOf(err) != client.CodeLastAdminKey {
		t.Errorf("the last admin key's successor ends soon: %v", err)
	}
	soon.Force = true
	if k := must[*client.Key](t)(c.UpdateKey(ctx, admin.ID, soon)); k.ExpiresAt == nil {
		t.Errorf("%+v", k)
	}
	must[*client.Key](t)(c.UpdateKey(ctx, admin.ID, client.KeyChange{ExpiresAt: client.Remove[time.Time]()}))
	var names []string
	for k, err := range c.AllKeys(ctx, client.Page{Limit: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, k.Name)
	}
	if len(names) != 4 || names[0] != "store" || names[3] != "key of admin" {
		t.Errorf("%q", names)
	}

	events := 0
	for e, err := range c.AllAuditEvents(ctx, client.AuditQuery{Page: client.Page{Limit: 2}}) {
		if err != nil {
			t.Fatal(err)
		}
		events++
		if e.Action != "campaign.create" {
			continue
		}
		var after client.Campaign
		if err := json.Unmarshal(e.After, &after); err != nil || after.ID != campaign.ID || e.Target != campaign.ID || *e.Actor.Key != made.ID ||
			e.Actor.Name != "shop" || e.RequestID == nil || string(e.Before) != "null" {
			t.Errorf("%+v, %v", e, err)
		}
	}
	if events < 8 {
		t.Errorf("%d events", events)
	}
	byShop := must[*client.List[client.AuditEvent]](t)(c.AuditEvents(ctx, client.AuditQuery{Key: made.ID}))
	ofShop := must[*client.List[client.AuditEvent]](t)(c.AuditEvents(ctx, client.AuditQuery{Target: made.ID}))
	if len(byShop.Data) != 2 || len(ofShop.Data) != 3 {
		t.Errorf("%d changes by the shop, %d of its key", len(byShop.Data), len(ofShop.Data))
	}
}
