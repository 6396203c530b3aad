// Package campaign is the use case of administrators: making campaigns and vouchers, changing them, and
// reporting on them. Whatever it changes, it tells the gate of this process at once. Reports that come in
// crowds are coalesced: many waiting codes, one question to the store. It must not know HTTP, SQL or Redis.
package campaign

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"scrip/internal/access"
	"scrip/internal/code"
	"scrip/internal/customer"
	"scrip/internal/fault"
	"scrip/internal/gate"
	"scrip/internal/groupcommit"
	"scrip/internal/id"
	"scrip/internal/money"
	"scrip/internal/store"
	"scrip/internal/voucher"
)

// The contract's words, so that the edges need not see the store.
type (
	// Page asks for a part of a list.
	Page = store.Page
	// Listing is a voucher with its campaign.
	Listing = store.Listing
)

// Store is what the use case needs of a store.
type Store interface {
	store.Campaigns
	store.Vouchers
}

// Config bounds the service.
type Config struct {
	MaxBatch int              // codes in one read
	MaxQueue int              // requests waiting for one
	Clock    func() time.Time // nil: time.Now
}

// Service makes and changes campaigns. It is safe for concurrent use.
type Service struct {
	store   Store
	gate    gate.Gate
	clock   func() time.Time
	lookups *groupcommit.Batcher[string, Found] // by the key of a code; no voucher where there is none
}

// New starts the service; Close ends it.
func New(cfg Config, s Store, g gate.Gate) (*Service, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	svc := &Service{store: s, gate: g, clock: cfg.Clock}
	lookups, err := groupcommit.New(groupcommit.Config[string, Found]{
		MaxBatch: cfg.MaxBatch, MaxQueue: cfg.MaxQueue, Flush: svc.lookUp,
	})
	if err != nil {
		return nil, fmt.Errorf("campaign: %w", err)
	}
	svc.lookups = lookups
	return svc, nil
}

// Close answers what waits and ends the service.
func (s *Service) Close(ctx context.Context) error { return s.lookups.Close(ctx) }

// NewVoucher asks for a voucher.
type NewVoucher struct {
	Code        string // empty: one is generated, with a check digit
	Limit       int64  // uses in all, 0 for no limit
	PerCustomer int64  // uses of one customer, 0 for one
	Customer    string // whom it is published to, empty for everybody
}

// NewCampaign asks for a campaign, with a first voucher if there is one.
type NewCampaign struct {
	Name     string
	Currency money.Currency
	Effect   voucher.Effect
	Window   voucher.Window
	Budget   voucher.Budget
	Disabled bool
	Voucher  *NewVoucher
}

// Made is what was made.
type Made struct {
	Campaign *voucher.Campaign
	Voucher  *voucher.Voucher // nil where none was asked for
	Replayed bool             // it was made by an earlier request under the same key
}

// Create makes a campaign. The error is a *fault.Error where the request is at fault.
func (s *Service) Create(ctx context.Context, n NewCampaign, key string, by access.By) (Made, error) {
	now := s.clock()
	c := &voucher.Campaign{
		ID: id.New(now), Name: n.Name, Currency: n.Currency, Effect: n.Effect,
		Window: voucher.Window{Start: precise(n.Window.Start), End: precise(n.Window.End)},
		Budget: n.Budget, Disabled: n.Disabled,
	}
	if err := c.Validate(); err != nil {
		return Made{}, err
	}
	creation := store.Creation{Campaign: c, By: by}
	if n.Voucher != nil {
		v, err := newVoucher(*n.Voucher, c.ID, now)
		if err != nil {
			return Made{}, err
		}
		creation.Vouchers = []voucher.Voucher{v}
	}
	return s.create(ctx, creation, key, n)
}

// CreateVoucher adds a voucher to a campaign.
func (s *Service) CreateVoucher(ctx context.Context, campaign id.ID, n NewVoucher, key string, by access.By) (Made, error) {
	v, err := newVoucher(n, campaign, s.clock())
	if err != nil {
		return Made{}, err
	}
	return s.create(ctx, store.Creation{Vouchers: []voucher.Voucher{v}, By: by}, key, struct {
		Campaign id.ID
		NewVoucher
	}{campaign, n})
}

// create stores a creation; request is what tells two requests under one key apart.
func (s *Service) create(ctx context.Context, creation store.Creation, key string, request any) (Made, error) {
	if key != "" {
		text, err := json.Marshal(request)
		if err != nil {
			return Made{}, err
		}
		sum := sha256.Sum256(text)
		creation.Key, creation.Fingerprint = key, store.Fingerprint(sum[:16])
	}
	asked := s.clock()
	made, replayed, err := s.store.Create(ctx, creation)
	if err != nil {
		return Made{}, err
	}
	out := Made{Campaign: made.Campaign, Replayed: replayed}
	if len(made.Vouchers) > 0 {
		out.Voucher = &made.Vouchers[0]
	}
	if out.Voucher != nil && !replayed {
		s.gate.Settle(asked, voucher.FactOf(out.Campaign, out.Voucher, out.Voucher.UpdatedAt))
	}
	return out, nil
}

const (
	generatedLength = 12 // 11 characters of 32 are 55 bits, and a check digit
	codeLengthMax   = 256
)

func newVoucher(n NewVoucher, campaign id.ID, now time.Time) (voucher.Voucher, error) {
	v := voucher.Voucher{
		ID: id.New(now), CampaignID: campaign, Code: code.Text(n.Code),
		Limit: n.Limit, PerCustomer: max(n.PerCustomer, 1),
	}
	if n.PerCustomer < 0 {
		return v, fault.ErrInvalidLimit.On("per_customer")
	}
	var err error
	if n.Code == "" {
		if v.Code, err = code.Generate(rand.Reader, generatedLength, true); err != nil {
			return v, err
		}
	}
	if len(v.Code) > codeLengthMax {
		return v, fault.ErrInvalidCode
	}
	if v.Key, err = code.Normalise(v.Code); err != nil {
		return v, err
	}
	if n.Customer != "" {
		if v.Customer, err = customer.Normalise(n.Customer); err != nil {
			return v, err
		}
	}
	err = v.Validate()
	return v, err
}

// precise is a time as every store keeps it: in UTC, to the microsecond.
func precise(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// Get returns a campaign, with the moment of the store's clock by which it is to be judged, or fault.ErrCampaignNotFound.
func (s *Service) Get(ctx context.Context, campaign id.ID) (*voucher.Campaign, time.Time, error) {
	return s.store.Campaign(ctx, campaign)
}

// List returns a page of campaigns, newest first, whether there is more, and the moment by which they are to be judged.
func (s *Service) List(ctx context.Context, p Page) (cs []voucher.Campaign, more bool, now time.Time, err error) {
	return s.store.ListCampaigns(ctx, p)
}

// Amend changes a campaign. The next request on this replica obeys.
func (s *Service) Amend(ctx context.Context, campaign id.ID, p voucher.CampaignPatch, by access.By) (*voucher.Campaign, error) {
	for _, bound := range []**time.Time{&p.Start, &p.End} {
		if *bound != nil {
			t := precise(**bound)
			*bound = &t
		}
	}
	c, err := s.store.AmendCampaign(ctx, campaign, p, by)
	if err != nil {
		return nil, err
	}
	s.gate.SettleCampaign(c.ID, c.Version)
	return c, nil
}

// Voucher returns a voucher with its campaign, or fault.ErrVoucherNotFound.
func (s *Service) Voucher(ctx context.Context, v id.ID) (Found, error) {
	l, now, err := s.store.Voucher(ctx, v)
	return Found{Listing: l, Now: now}, err
}

// ListVouchers returns a page of vouchers, newest first, with the moment by which they are to be judged: of one campaign, or
// of all where it is zero.
func (s *Service) ListVouchers(ctx context.Context, campaign id.ID, p Page) (ls []Listing, more bool, now time.Time, err error) {
	return s.store.ListVouchers(ctx, store.VoucherFilter{Campaign: campaign}, p)
}

// AmendVoucher changes a voucher. The next request on this replica obeys.
func (s *Service) AmendVoucher(ctx context.Context, v id.ID, p voucher.Patch, by access.By) (Listing, error) {
	if p.Customer != nil && *p.Customer != "" {
		who, err := customer.Normalise(*p.Customer)
		if err != nil {
			return Listing{}, err
		}
		p.Customer = &who
	}
	asked := s.clock()
	l, err := s.store.AmendVoucher(ctx, v, p, by)
	if err != nil {
		return Listing{}, err
	}
	s.gate.Settle(asked, voucher.FactOf(l.Campaign, l.Voucher, l.Voucher.UpdatedAt))
	return l, nil
}

// Ensure makes a campaign with a shared code unless the code exists already.
func (s *Service) Ensure(ctx context.Context, n NewCampaign) error {
	_, err := s.Create(ctx, n, "", access.By{Name: access.NameServer})
	if errors.Is(err, fault.ErrCodeTaken) {
		return nil
	}
	return err
}
