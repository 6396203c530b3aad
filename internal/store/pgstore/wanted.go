package pgstore

import (
	"scrip/internal/id"
	"scrip/internal/store"
)

// wanted names what a batch needs to be judged.
type wanted struct {
	codes     texts // of vouchers to use, each once
	uses      pairs // customers and the codes that they use
	customers texts // whose wallets are needed
	keys      pairs // customers and their Idempotency-Keys

	targets  uids  // redemptions to roll back
	backs    uids  // targets whose customer's keys are needed …
	backKeys texts // … and those keys

	// The ids of commands that are asked again.
	redemptions, rollbacks, posts uids
	posters                       texts // of posts
}

// pairs are the two columns of a list of pairs, the first of which is a customer.
type pairs struct{ customers, of texts }

func (p *pairs) add(customer, of string) {
	p.customers, p.of = append(p.customers, customer), append(p.of, of)
}

// wantedBy collects what commands need; a nil one needs nothing.
func wantedBy(commands []store.Command) *wanted {
	want := &wanted{}
	codes := map[string]struct{}{}
	for _, c := range commands {
		switch c := c.(type) {
		case *store.Redeem:
			if _, known := codes[c.Code]; !known {
				codes[c.Code] = struct{}{}
				want.codes = append(want.codes, c.Code)
			}
			want.redeem(c)
		case *store.Rollback:
			want.rollback(c)
		case *store.Post:
			want.post(c)
		}
	}
	if len(want.backKeys) > 0 {
		want.keysOfNew(commands)
	}
	return want
}

// keysOfNew adds the keys under which redemptions of the same batch are rolled back: whose they are, the table
// does not know yet.
func (want *wanted) keysOfNew(commands []store.Command) {
	redeemers := map[id.ID]string{}
	for _, c := range commands {
		switch c := c.(type) {
		case *store.Redeem:
			redeemers[c.ID] = c.Customer
		case *store.Rollback:
			if customer, here := redeemers[c.Redemption]; here && c.Key != "" {
				want.keys.add(customer, c.Key)
			}
		}
	}
}

func (want *wanted) redeem(c *store.Redeem) {
	want.uses.add(c.Customer, c.Code)
	want.customers = append(want.customers, c.Customer)
	if c.Key != "" {
		want.keys.add(c.Customer, c.Key)
	}
	if c.Again {
		want.redemptions = append(want.redemptions, c.ID)
	}
}

func (want *wanted) rollback(c *store.Rollback) {
	want.targets = append(want.targets, c.Redemption)
	if c.Key != "" {
		want.backs, want.backKeys = append(want.backs, c.Redemption), append(want.backKeys, c.Key)
	}
	if c.Again {
		want.rollbacks = append(want.rollbacks, c.ID)
	}
}

func (want *wanted) post(c *store.Post) {
	want.customers = append(want.customers, c.Customer)
	if c.To != "" {
		want.customers = append(want.customers, c.To)
	}
	if c.Key != "" {
		want.keys.add(c.Customer, c.Key)
	}
	if c.Again {
		want.posts, want.posters = append(want.posts, c.ID), append(want.posters, c.Customer)
	}
}
